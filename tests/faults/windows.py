"""Kills of the whole window while it scores: no score is lost, its engines end, and the next start says what happened.

Run as a program this is the window itself, which tells on standard output what it scores and what it says.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psutil

from app.core.living import is_living
from app.core.paths import data_folder, store_file
from tests.faults.material import write_cohort
from tests.faults.tally import Tally, hidden_in

ROOT = Path(__file__).resolve().parents[2]
CASES = 12
PATIENCE = 90.0


class Window:
    """A window in a process of its own.

    Parameters
    ----------
    paths : str
        What to open, as if it had been dropped.
    """

    def __init__(self, *paths: str) -> None:
        self._told = data_folder() / "logs" / f"told {time.monotonic_ns()}.jsonl"
        self._told.parent.mkdir(exist_ok=True)
        with self._told.open("wb") as words:
            self.process = subprocess.Popen([sys.executable, "-m", "tests.faults.windows", *paths], cwd=ROOT,
                                            stdout=words, stderr=subprocess.STDOUT,
                                            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})

    @property
    def said(self) -> list[dict[str, Any]]:
        """What it has told so far."""
        lines = self._told.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith('{"said"') and line.endswith("}\n")]

    @property
    def has_noticed(self) -> bool:
        """Whether it has shown a message."""
        return any(each["said"] == "noticed" for each in self.said)

    def engines(self) -> list[psutil.Process]:
        """Its engine processes."""
        try:
            return [child for child in psutil.Process(self.process.pid).children() if _is_engine(child)]
        except psutil.NoSuchProcess:
            return []

    def end(self, how: int = signal.SIGKILL) -> None:
        """End it."""
        self.process.send_signal(how)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


def _is_engine(process: psutil.Process) -> bool:
    try:
        return "spawn_main" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def is_gone(process: psutil.Process) -> bool:
    """Dead, or a zombie that only waits for its exit status to be read."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def scores() -> list[tuple[str, str]]:
    """Entry and score of all that is kept, in order."""
    try:
        with closing(sqlite3.connect(f"file:{store_file()}?mode=ro", uri=True)) as connection:
            return [(str(entry), str(score)) for entry, score in
                    connection.execute("SELECT entry, score FROM scores ORDER BY id")]
    except sqlite3.OperationalError:  # the window has not made it yet
        return []


def wait_for(holds: Callable[[], object], patience: float = PATIENCE) -> bool:
    """Whether something happens in time."""
    deadline = time.monotonic() + patience
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _owes() -> bool:
    """Whether a window that was killed owed scores, which the next start has to speak of."""
    with closing(sqlite3.connect(store_file())) as connection:
        return bool(connection.execute("SELECT 1 FROM queue WHERE workflow LIKE '%:score_case'").fetchone())


def windows(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill the window at random instants of scoring a cohort, and start it again until all is scored."""
    tally, begun = Tally("windows"), time.monotonic()
    table = write_cohort(folder / "cohort", CASES)
    extent = 3.0
    while tally.kills < kills:
        for path in data_folder().glob("store.sqlite3*"):
            path.unlink()
        began = time.monotonic()
        window = Window(str(table))
        wait_for(lambda window=window: scores() or window.process.poll() is not None)
        extent = max(extent, time.monotonic() - began)
        window = _until_scored(window, rng, extent, tally, kills)
        kept = scores()
        if len({entry for entry, _ in kept}) != CASES or len(kept) != CASES:
            tally.losses.append(f"{len(kept)} scores of {len({entry for entry, _ in kept})} of {CASES} cases")
        if not wait_for(lambda: all(is_living(each.name) for each in (data_folder() / "views").glob("*")), 10):
            tally.losses.append("pictures of a dead window lie about")
        window.end(signal.SIGTERM)
        if tally.losses:
            break
    tally.leftovers = len(hidden_in(data_folder()))
    tally.seconds = time.monotonic() - begun
    return tally


def _until_scored(window: Window, rng: Random, extent: float, tally: Tally, kills: int) -> Window:
    """Kill and start again, at most so often; the window that has scored everything."""
    while True:
        if tally.kills < kills and len(scores()) < CASES:
            time.sleep(rng.uniform(0.0, extent))
            tally.kills += 1
            expected = _kill(window, tally)
            before = scores()
            window = Window()
            if expected and not wait_for(lambda window=window: window.has_noticed, 60):
                tally.losses.append("the next start does not say what was cut off")
            if scores()[: len(before)] != before:
                tally.losses.append("a finished score was lost or changed")
            continue
        if not wait_for(lambda: len(scores()) >= CASES):
            tally.losses.append(f"only {len(scores())} of {CASES} cases are scored in the end")
        return window


def _kill(window: Window, tally: Tally) -> bool:
    """Kill a window; whether the next has something to say."""
    victims = window.engines()
    window.end()
    tally.states[f"killed with {'no' if not scores() else 'some' if len(scores()) < CASES else 'all'} scores"] += 1
    if not wait_for(lambda: all(is_gone(each) for each in victims), 20):
        tally.losses.append("an engine outlives its window")
    with closing(sqlite3.connect(store_file())) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            tally.losses.append("the store is damaged")
    return _owes()


def main(paths: list[str]) -> int:
    """Open the window, and tell on standard output what it does."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app.core.store import Store

    application = QApplication(["LipoScope"])
    from app.ui.window import MainWindow

    def tell(**words: object) -> None:
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()

    window = MainWindow(Store())
    window.reading.noticed.connect(
        lambda failure: tell(said="noticed", message=failure.message, points=failure.extra.get("issues", [])))
    window.reading.scoring.scored.connect(lambda key, _score, _job: tell(said="scored", key=key))
    window.show()
    if paths:
        window.painted.connect(lambda: window.open(paths))
    signal.signal(signal.SIGTERM, lambda *_: QTimer.singleShot(0, window.close))  # it may come before the loop runs
    ticking = QTimer(interval=50)
    ticking.timeout.connect(lambda: None)  # Python hears a signal when it is called
    ticking.start()
    return int(application.exec())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

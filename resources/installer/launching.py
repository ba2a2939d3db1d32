"""The window of the frozen program: opened, looked at, deprived of an engine, and closed."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from resources.installer.guest import Guest, Skipped
from resources.installer.screen import Screen, virtual_screen

PATIENCE = 60.0
SCORE_PATIENCE = 180.0
LEAVE_PATIENCE = 20.0


@dataclass
class Opened:
    """A window on a screen.

    Parameters
    ----------
    screen : Screen
    process : Popen
        What was started; the program itself, once rights and network are given up.
    seconds : float
        From the start to the first paint.
    """

    screen: Screen
    process: subprocess.Popen[bytes]
    seconds: float

    def close(self) -> int:
        """Close the window as its user would, and return the program's exit status."""
        if self.screen.close_windows() == 0:
            raise TimeoutError("no window was there to be closed")
        return self.process.wait(LEAVE_PATIENCE)


@contextmanager
def window(guest: Guest, words: Sequence[str] = ()) -> Iterator[Opened]:
    """Open the program's window on a virtual screen."""
    with virtual_screen() as screen:
        if screen is None:
            raise Skipped("Xvfb is not installed")
        begun = time.perf_counter()
        process = guest.start_program(words, screen.display)
        try:
            yield Opened(screen, process, screen.wait_lit(PATIENCE, process) - begun)
        finally:
            if process.poll() is None:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
                process.wait()


def kill_an_engine(opened: Opened, guest: Guest) -> str:
    """Kill the engine that scores, and see the window live and the queue go on.

    Raises
    ------
    TimeoutError
        No engine began to score, or nothing was scored after its death.
    """
    engine = _wait(lambda: _scoring_engine(opened, guest), PATIENCE, "an engine that scores")
    engine.kill()
    killed, before = time.perf_counter(), set(_scored(guest))
    _wait(lambda: len(set(_scored(guest)) - before) > 0, SCORE_PATIENCE, "a score after the engine's death")
    if opened.process.poll() is not None:
        raise TimeoutError(f"the window ended with {opened.process.returncode} when its engine was killed")
    successor = _wait(lambda: _engines(opened), PATIENCE, "a new engine")
    return (f"engine {engine.pid} was killed, {successor[-1].pid} took over, the next score came after "
            f"{time.perf_counter() - killed:.1f} s")


def _engines(opened: Opened) -> list[psutil.Process]:
    children = psutil.Process(opened.process.pid).children(recursive=True)
    return [child for child in children if "--multiprocessing-fork" in child.cmdline()]


def _scoring_engine(opened: Opened, guest: Guest) -> psutil.Process | None:
    """Find the engine of the score lane once it has a case in hand: its log says both."""
    log = guest.home / ".local/share/LipoScope/logs/engine-score.log"
    if not log.exists():
        return None
    lines = [line.split() for line in log.read_text(encoding="utf-8").splitlines() if "score_case" in line]
    numbers = {int(line[2]) for line in lines if len(line) > 2 and line[2].isdigit()}
    return next((engine for engine in _engines(opened) if engine.pid in numbers), None)


def _scored(guest: Guest) -> list[str]:
    store = guest.home / ".local/share/LipoScope/store.sqlite3"
    if not store.exists():
        return []
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        return [str(row[0]) for row in database.execute("SELECT id FROM scores")]


def _wait(look: Callable[[], Any], patience: float, what: str) -> Any:
    deadline = time.monotonic() + patience
    while not (found := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {patience:g} s")
        time.sleep(0.02)
    return found


def image_and_outline(case: Path) -> tuple[Path, Path]:
    """Find the folder of the slices and the RTSTRUCT of a DICOM case."""
    folders: dict[Path, list[Path]] = {}
    for file in sorted(case.rglob("*")):
        if file.is_file():
            folders.setdefault(file.parent, []).append(file)
    image = max(folders, key=lambda folder: len(folders[folder]))
    outline = next(files[0] for folder, files in folders.items() if folder != image)
    return image, outline

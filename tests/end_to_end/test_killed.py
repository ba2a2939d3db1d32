"""The engine or the window is killed as the system kills: at once, without a word."""

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QLabel, QPushButton

from app.core.store import Store
from tests.benchmarks.room import Room, open_room, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def room(qapp):
    with open_room() as room:
        yield room


def engines_of(pid: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(pid).children() if "spawn_main" in " ".join(child.cmdline())]


def is_gone(process: psutil.Process) -> bool:
    """Dead, or a zombie that only waits for its exit status to be read."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def words_on(room: Room) -> str:
    return " ".join(label.text() for label in room.page.result.findChildren(QLabel) if label.isVisible())


def busy_engine(room: Room) -> psutil.Process:
    """The engine that has burnt most processor time in the last moment."""
    engines = engines_of(os.getpid())
    before = [sum(engine.cpu_times()[:2]) for engine in engines]
    time.sleep(0.15)
    spent = [sum(engine.cpu_times()[:2]) - then for engine, then in zip(engines, before, strict=True)]
    return engines[spent.index(max(spent))]


def test_a_killed_engine_costs_a_sentence_and_a_second_try(room, shared_data):
    case = shared_data / "sts" / "STS_006"
    room.window.state.choose("model", "lipoma-phantom-demo")
    steps = []
    room.window.jobs.progress.connect(lambda _job, _fraction, step, _left: steps.append(step))
    room.drop([case / "t1.nii.gz", case / "gtv.nii.gz"])
    wait_until(lambda: "Measuring the tumour" in steps, what="the measuring")
    wait_until(lambda: room.page.viewer.state.case is not None, what="the picture")
    victim = busy_engine(room)
    victim.kill()
    key = room.reading.current
    wait_until(lambda: "The system stopped the engine at the step" in words_on(room), 5, "the sentence")
    assert room.reading.worklist.entry(key).status == "failed"
    assert is_gone(victim)
    assert "Your files are untouched" in words_on(room)
    assert room.page.viewer.state.case is not None
    [again] = [button for button in room.page.result.findChildren(QPushButton)
               if button.text() == "Try again" and button.isVisible()]
    again.click()
    wait_until(lambda: room.page.result.shows_score, what="the second try's score")
    assert [score.entry for score in room.window.state.store.scores()] == [key]
    assert "stopped the engine" not in words_on(room)


def start_window(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "app", *words], cwd=ROOT, stderr=subprocess.DEVNULL)


def scored(store_file: Path) -> list[str]:
    """The entries with a score, read beside the living window; one line for each score."""
    try:
        with closing(sqlite3.connect(f"file:{store_file}?mode=ro", uri=True)) as connection:
            return [entry for (entry,) in connection.execute("SELECT entry FROM scores ORDER BY id")]
    except sqlite3.OperationalError:  # the window has not made it yet
        return []


def until(holds, patience: float) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_window_loses_no_score_and_takes_up_its_queue(own_data_folder, shared_data):
    store_file = own_data_folder / "store.sqlite3"
    window = start_window("--open", str(shared_data / "sts" / "cohort.csv"))
    try:
        until(lambda: len(scored(store_file)) >= 4, 30)
        engines = engines_of(window.pid)
    finally:
        window.kill()
        window.wait()
    kept = scored(store_file)
    assert engines
    until(lambda: all(is_gone(engine) for engine in engines), 5)
    assert 4 <= len(kept) < 32
    window = start_window()
    try:
        until(lambda: len(scored(store_file)) >= 32, 30)
    finally:
        window.terminate()
        window.wait()
    with closing(Store()) as store:
        assert len(store.claim_queue()) == 0
    assert scored(store_file)[:len(kept)] == kept
    assert len(scored(store_file)) == len(set(scored(store_file))) == 32
    with closing(sqlite3.connect(store_file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)

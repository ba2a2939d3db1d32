"""The frozen program's window beside the source's: from the start of a process to pixels on one screen."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from resources.installer.screen import Screen, virtual_screen
from tests.benchmarks.launch import forget_files
from tests.benchmarks.room import own_data_folder
from tests.benchmarks.timing import Row, alternate, row, skipped

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "dist" / "LipoScope" / "LipoScope"
RUNS, COLD_RUNS, PATIENCE = 7, 3, 60.0
WORDS = {"frozen": [str(PROGRAM)], "source": [sys.executable, "-m", "app"]}


def main() -> list[Row]:
    """Measure both in turn, with their files in memory, and dropped from it as far as the system obeys."""
    if not PROGRAM.exists():
        return [skipped("frozen program to pixels", "build it first: python run.py build")]
    with virtual_screen() as screen:
        if screen is None:
            return [skipped("frozen program to pixels", "Xvfb is not installed")]
        rows = _measure(screen, "files in memory", RUNS, cold=False)
        if hasattr(os, "posix_fadvise"):
            rows += _measure(screen, "files dropped from memory", COLD_RUNS, cold=True)
    return rows


def _measure(screen: Screen, where: str, runs: int, *, cold: bool) -> list[Row]:
    work: dict[str, list[float]] = {name: [] for name in WORDS}
    with own_data_folder():
        frozen, source = alternate([lambda name=name: _start(screen, WORDS[name], work[name], cold=cold)
                                    for name in WORDS], runs, warm=0 if cold else 1)
    said = {name: round(statistics.median(seconds[-runs:]), 2) for name, seconds in work.items()}
    return [row(f"frozen program to pixels, {where}", frozen, source, processor_s=said["frozen"]),
            row(f"source to pixels, {where}", source, processor_s=said["source"])]


def _start(screen: Screen, words: Sequence[str], work: list[float], *, cold: bool) -> float:
    if cold:
        forget_files()
        _forget(PROGRAM.parent)
    begun = time.perf_counter()
    process = subprocess.Popen(words, cwd=ROOT, env={**os.environ, "DISPLAY": screen.display, "QT_QPA_PLATFORM": "xcb"},
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        lit = screen.wait_lit(PATIENCE, process)
        spent = psutil.Process(process.pid).cpu_times()
        work.append(spent.user + spent.system)
        return lit - begun
    finally:
        for each in [*psutil.Process(process.pid).children(recursive=True), process]:
            each.kill()
        process.wait()
        while screen.is_lit():
            time.sleep(0.01)


def _forget(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)

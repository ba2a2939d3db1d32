"""From the start of a process to a window that can be used, beside the usual script with the same libraries."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.room import own_data_folder, virtual_screen
from tests.benchmarks.timing import Row, alternate, row, skipped

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "monai", "ants", "radiomics", "SimpleITK", "sklearn", "scipy", "pandas", "nibabel", "pydicom",
         "matplotlib")
RUNS, COLD_RUNS = 5, 3

# What `python -m app` does, with a note at the end of the drop target's first paint.
OURS = f"""
import json, os, sys, time
from app.ui.launch import launch
from app.ui.widgets.drop_zone import DropZone
from PySide6.QtCore import QTimer
paint = DropZone.paintEvent
def note():
    loaded = {{name.split('.')[0] for name in sys.modules}}
    print(json.dumps({{'at': time.perf_counter(), 'heavy': sorted(loaded & set({HEAVY!r}))}}), flush=True)
    os._exit(0)
def watched(self, event):
    paint(self, event)
    QTimer.singleShot(0, note)
DropZone.paintEvent = watched
launch()
"""

# A window written the usual way: everything it may need is imported at the top.
USUAL = """
import json, os, sys, time
import numpy as np
import pyqtgraph as pg
import SimpleITK as sitk
import torch
import sklearn.ensemble
from radiomics import featureextractor
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow
def note():
    print(json.dumps({'at': time.perf_counter(), 'heavy': []}), flush=True)
    os._exit(0)
class Drop(QLabel):
    def paintEvent(self, event):
        super().paintEvent(event)
        QTimer.singleShot(0, note)
application = QApplication(sys.argv)
window = QMainWindow()
window.setCentralWidget(Drop('Drop a case'))
window.resize(1360, 860)
window.show()
application.exec()
"""

# `python run.py`: the window opens on the demo case, which is made at the first start and kept.
DEMO = """
import json, os, sys
from PySide6.QtCore import QTimer
from app.ui import window
from app.ui.launch import launch
from tests.benchmarks.room import Painted
build = window.MainWindow.__init__
def built(self, *words, **named):
    build(self, *words, **named)
    page, state = self.score_page, self.score_page.viewer.state
    picture = Painted(page.viewer.panes['axial'].viewport(), lambda: state.case is not None)
    finding = Painted(page.result.panel, lambda: page.result.shows_score)
    def look():
        if picture.at and finding.at:
            print(json.dumps({'at': finding.at, 'picture': picture.at, 'heavy': []}), flush=True)
            self.close()
            os._exit(0)
    self.looking = QTimer(self, interval=5, timeout=look)
    self.looking.start()
window.MainWindow.__init__ = built
launch(demo=True)
"""


def main() -> list[Row]:
    """Measure with the files in memory, and with them dropped from it as far as the system obeys."""
    rows = _measure("offscreen", {"QT_QPA_PLATFORM": "offscreen"}, RUNS, cold=False)
    with virtual_screen() as display:
        if display is None:
            rows.append(skipped("under X", "Xvfb is not installed"))
        else:
            rows += _measure("under X", {"QT_QPA_PLATFORM": "xcb", "DISPLAY": display}, RUNS, cold=False)
    if hasattr(os, "posix_fadvise"):
        rows += _measure("offscreen, files dropped from memory", {"QT_QPA_PLATFORM": "offscreen"}, COLD_RUNS, cold=True)
    else:
        rows.append(skipped("offscreen, files dropped from memory", "this system cannot forget files"))
    return rows + _measure_demo()


def _measure_demo() -> list[Row]:
    rows = []
    for age in ("first", "a later"):
        pictures, scores = [], []
        for _ in range(COLD_RUNS):
            with own_data_folder():
                if age != "first":
                    _run(DEMO, {"QT_QPA_PLATFORM": "offscreen"})
                begun = time.perf_counter()
                said = _run(DEMO, {"QT_QPA_PLATFORM": "offscreen"})
                pictures.append(said["picture"] - begun)
                scores.append(said["at"] - begun)
        rows += [row(f"{age} start with --demo, to its slices", pictures),
                 row(f"{age} start with --demo, to its score", scores)]
    return rows


def _run(code: str, environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **environment},
                          capture_output=True, text=True, timeout=120, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _measure(where: str, environment: dict[str, str], runs: int, *, cold: bool) -> list[Row]:
    heavy: set[str] = set()

    def start(code: str) -> float:
        if cold:
            forget_files()
        begun = time.perf_counter()
        said = _run(code, environment)
        heavy.update(said["heavy"])
        return float(said["at"]) - begun

    with own_data_folder():
        ours, usual = alternate([lambda: start(OURS), lambda: start(USUAL)], runs, warm=0 if cold else 1)
    loaded = ", ".join(sorted(heavy)) or "none"
    return [row(f"LipoScope to first paint, {where}", ours, usual, heavy_before_paint=loaded),
            row(f"usual script to first paint, {where}", usual)]


def forget_files() -> None:
    """Ask the system to drop the program's and the libraries' files from memory; what others use, it keeps."""
    for folder in (ROOT / "app", *(Path(place) for place in site.getsitepackages())):
        for path in folder.rglob("*"):
            if path.is_file() and (path.suffix in (".py", ".pyc", ".so") or ".so." in path.name):
                handle = os.open(path, os.O_RDONLY)
                os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
                os.close(handle)

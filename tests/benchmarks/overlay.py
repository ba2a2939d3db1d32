"""Time of a scrolled slice with and without the map of where a network looked: `python -m tests.benchmarks.overlay`."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.timing import alternate

if TYPE_CHECKING:
    from PySide6.QtCore import QCoreApplication

    from app.ui.widgets.attention_map import AttentionMap
    from app.ui.widgets.viewer import Viewer

SLICES = range(180, 210)


def main(words: list[str]) -> int:
    """Scroll through a large volume, plain, with a map, and with a map of the whole picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", nargs=3, type=int, default=(1024, 1024, 400))
    parser.add_argument("--side", type=int, default=300, help="of the pictures that the network was given, voxels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--size", nargs=2, type=int, default=(1440, 900), metavar=("WIDTH", "HEIGHT"))
    ask = parser.parse_args(words)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    from app.ui.widgets.attention_map import AttentionMap
    from app.ui.widgets.view_case import ViewCase
    from app.ui.widgets.viewer import Viewer

    application = QApplication.instance() or QApplication(["LipoScope"])
    with tempfile.TemporaryDirectory(prefix="liposcope-overlay-") as kept:
        image = _write_image(Path(kept), tuple(ask.shape))
        viewer = Viewer()
        viewer.resize(*ask.size)
        viewer.show()
        viewer.show_case(ViewCase.from_json({"case": "large", "sequences": ["t1"], "images": {"t1": image}}))
        maps: dict[str, AttentionMap | None] = {"no map": None}
        for name, side in ((f"map {ask.side} wide", ask.side), ("map of every voxel", max(ask.shape))):
            told = _write_map(Path(kept), tuple(ask.shape), side)
            start = time.perf_counter()
            maps[name] = AttentionMap.from_json(told, image)
            sys.stdout.write(f"{name}: opened in {time.perf_counter() - start:.2f} s\n")
        for layout in ("quad", "axial"):
            viewer.set_layout(layout)
            application.processEvents()
            turns = [partial(_scroll, viewer, application, found) for found in maps.values()]
            for name, seconds in zip(maps, alternate(turns, ask.rounds, warm=1), strict=True):
                sys.stdout.write(f"{layout:6s} {name:20s} {1000 * statistics.median(seconds):6.1f} ms a slice, of "
                                 f"{ask.rounds} rounds {1000 * min(seconds):.1f} to {1000 * max(seconds):.1f}\n")
                sys.stdout.flush()
    return 0


def _scroll(viewer: Viewer, application: QCoreApplication, found: AttentionMap | None) -> float:
    """Seconds a slice, painting included."""
    viewer.state.set_attention(found)
    application.processEvents()
    start = time.perf_counter()
    for index in SLICES:
        viewer.state.show_slice(viewer.panes["axial"].plane, index)
        application.processEvents()
    return (time.perf_counter() - start) / len(SLICES)


def _write_image(folder: Path, shape: tuple[int, ...]) -> dict[str, object]:
    voxels = np.lib.format.open_memmap(folder / "t1.npy", "w+", np.float32, shape, fortran_order=True)
    noise = np.random.default_rng(0).uniform(0, 1000, shape[:2]).astype(np.float32)
    for k in range(shape[2]):
        voxels[..., k] = noise
    voxels.flush()
    return {"array": str(folder / "t1.npy"), "affine": np.diag([-0.4, -0.4, 1.0, 1.0]).tolist(), "window": [0, 1000]}


def _write_map(folder: Path, shape: tuple[int, ...], side: int) -> dict[str, object]:
    path = folder / f"map-{side}.npy"
    voxels = np.lib.format.open_memmap(path, "w+", np.float32, shape, fortran_order=True)
    starts = [max((length - side) // 2, 0) for length in shape]
    given = range(starts[2], min(starts[2] + side, shape[2]))
    part = np.random.default_rng(1).uniform(0, 1, shape[:2]).astype(np.float32)
    plane = np.full(shape[:2], np.nan, np.float32)
    inside = tuple(slice(start, start + side) for start in starts[:2])
    plane[inside] = part[inside]
    for k in range(shape[2]):
        voxels[..., k] = plane if k in given else np.nan
    voxels.flush()
    return {"method": "gradcam", "sequence": "t1", "class": "ALT/WDL", "map": str(path), "slices": list(given),
            "axis": 2, "share": 0.5, "expected": 0.1}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Frame rate of a scrolled image beside pyqtgraph's `ImageView` and a matplotlib picture of the same size and voxels.

A frame is a slice further, with everything drawn before the next is asked for. The program draws the tumour's outline,
the tags and the cross-hair too, and reads a file that lies mapped; the others have the voxels in memory and draw them
alone.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QApplication

from tests.benchmarks.timing import Row, alternate, row

RUNS, FRAMES = 5, 30
SHAPES = ((256, 256, 60), (512, 512, 120))
SIZE = (900, 900)
"""Of the picture on the screen, pixels."""


def main(shapes: tuple[tuple[int, int, int], ...] = SHAPES, runs: int = RUNS, frames: int = FRAMES) -> list[Row]:
    """Scroll images of several sizes."""
    QApplication.instance() or QApplication(["LipoScope"])
    rows: list[Row] = []
    for shape in shapes:
        with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch:
            rows += _measure(Path(scratch), shape, runs, frames)
    return rows


def _measure(folder: Path, shape: tuple[int, int, int], runs: int, frames: int) -> list[Row]:
    from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
    from matplotlib.figure import Figure
    from pyqtgraph import ImageView

    from app.ui.widgets.view_case import ViewCase
    from app.ui.widgets.viewer import Viewer

    voxels, told = _write(folder, shape)
    viewer = Viewer()
    viewer.show_case(ViewCase.from_json({"case": "case", "sequences": ["t1"], "images": {"t1": told}}))
    viewer.set_layout("axial")
    plane = viewer.panes["axial"].plane
    plain = ImageView()
    plain.setImage(voxels.transpose(2, 0, 1), levels=(0, 1000), autoRange=True)
    canvas = FigureCanvasQTAgg(Figure())
    picture = canvas.figure.add_axes((0, 0, 1, 1)).imshow(voxels[..., 0].T, cmap="gray", vmin=0, vmax=1000)
    for window in (viewer, plain, canvas):
        window.resize(*SIZE)
        window.show()
    QApplication.processEvents()

    def show_by_matplotlib(k: int) -> None:
        picture.set_data(voxels[..., k].T)
        canvas.draw()

    ways = [_scroll(lambda k: viewer.state.show_slice(plane, k), shape[2], frames),
            _scroll(plain.setCurrentIndex, shape[2], frames),
            _scroll(show_by_matplotlib, shape[2], max(frames // 3, 1))]
    ours, theirs, drawn = alternate(ways, runs, warm=1)
    for window in (viewer, plain, canvas):
        window.close()
    size = "x".join(map(str, shape))
    return [_as_row(f"a slice on, {size}", ours, theirs),
            _as_row(f"pyqtgraph ImageView, {size}", theirs),
            _as_row(f"a slice on, {size}, beside matplotlib", ours, drawn),
            _as_row(f"matplotlib imshow, {size}", drawn)]


def _scroll(show: Callable[[int], object], slices: int, frames: int) -> Callable[[], float]:
    """Seconds a frame."""
    def scroll() -> float:
        begun = time.perf_counter()
        for frame in range(frames):
            show((slices // 4 + frame) % slices)
            QApplication.processEvents()
        return (time.perf_counter() - begun) / frames

    return scroll


def _as_row(what: str, seconds: list[float], beside: list[float] | None = None) -> Row:
    found = row(what, seconds, beside)
    return found | {"frames_per_s": 1 / float(str(found["median_s"]))}


def _write(folder: Path, shape: tuple[int, int, int]) -> tuple[np.ndarray, dict[str, object]]:
    """Noise (float32) as the viewer gets it, with a ball for an outline."""
    voxels = np.asfortranarray(np.random.default_rng(0).uniform(0, 1000, shape).astype(np.float32))
    grid = np.ogrid[tuple(slice(-1, 1, complex(0, side)) for side in shape)]
    np.save(folder / "t1.npy", voxels)
    np.save(folder / "mask.npy", np.asfortranarray(sum(axis**2 for axis in grid) < 0.3))
    return voxels, {"array": str(folder / "t1.npy"), "affine": np.diag([-0.7, -0.7, 3.0, 1.0]).tolist(),
                    "window": [0, 1000], "mask": str(folder / "mask.npy")}

"""Load: ten thousand cases in the worklist, a thousand scored in a row, a volume of 1024 x 1024 x 400 on the screen.

Each part has a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QAbstractItemView, QApplication, QWidget

from app.core.requests import CaseFiles
from app.core.store import Store
from tests.benchmarks.room import Room, open_room, own_data_folder, wait_until
from tests.benchmarks.timing import Row, peak_memory, row

ROOT = Path(__file__).resolve().parents[2]
CASES, STEPS = 10_000, 200
SCORES, FIRST = 1_000, 100
SHAPE = (1024, 1024, 400)
Taken = tuple[float, float]
"""Seconds on the clock, and of the processor: on a busy machine the latter is what the program itself takes."""


def main(parts: Sequence[str] = ()) -> list[Row]:
    """Measure all parts, or the named ones."""
    rows: list[Row] = []
    for part in parts or PARTS:
        done = subprocess.run([sys.executable, "-m", "tests.benchmarks.load", part], cwd=ROOT, capture_output=True,
                              text=True, check=True, env={"QT_QPA_PLATFORM": "offscreen", **os.environ})
        rows += json.loads(done.stdout.splitlines()[-1])
    return rows


def _own_mb(pid: int | None = None) -> float:
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def _private_mb() -> float:
    """Memory without mapped files, which the system takes back when it likes (where it tells them apart)."""
    found = psutil.Process().memory_info()
    return float((found.rss - getattr(found, "shared", 0)) / 1e6)


def _spread(what: str, taken: Sequence[Taken], **more: object) -> Row:
    """Milliseconds: the median, what 95 of 100 stay below, and the worst; of the processor alone, too."""
    (low, cpu), (high, cpu_high) = np.percentile(taken, (50, 95), axis=0) * 1e3
    return {"what": what, "runs": len(taken), "median_ms": float(low), "p95_ms": float(high),
            "max_ms": max(taken)[0] * 1e3, "cpu_median_ms": float(cpu), "cpu_p95_ms": float(cpu_high), **more}


class Heartbeat(QObject):
    """How long the window was deaf at a time, s."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last = time.perf_counter()
        self._timer = QTimer(self, interval=1)
        self._timer.timeout.connect(self._beat)
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    @contextmanager
    def listening(self) -> Iterator[list[float]]:
        """Collect the gaps of a block."""
        self.gaps = []
        self._last = time.perf_counter()
        yield self.gaps
        QApplication.processEvents()
        self._beat()


def _drawn(widget: QWidget) -> float:
    """Seconds until everything that is due has been drawn."""
    begun = time.perf_counter()
    QApplication.processEvents()
    widget.repaint()
    return time.perf_counter() - begun


# The worklist


def _case(number: int) -> CaseFiles:
    name = f"CASE_{number:05d}"
    return CaseFiles(id=name, images={"t1": f"/data/{name}/t1.nii.gz"}, mask=f"/data/{name}/gtv.nii.gz")


def worklist() -> list[Row]:
    """Ten thousand scored cases: opened, filtered, scrolled, chosen, changed."""
    from app.core.jobs import run_workflow

    with own_data_folder() as folder:
        demo = run_workflow("app.core.workflows:demo_case", {}, lambda *_: None)["case"]
        score = run_workflow("app.core.workflows:score_case", {"case": demo, "model": "lipoma-phantom-demo"},
                             lambda *_: None)
        _fill_store(folder, score)
        before = _own_mb()
        room = _open()
        try:
            return _measure_list(room, before, len(json.dumps(score)) / 1024)
        finally:
            room.close()


def _fill_store(folder: Path, score: dict[str, Any]) -> None:
    store = Store(folder / "store.sqlite3")
    store.set_setting("model", "lipoma-phantom-demo")
    keys = store.add_cases([_case(number) for number in range(CASES)])
    with store._database.transaction() as connection:
        connection.executemany(
            "INSERT INTO scores (entry, score, model, digest, versions, request, time) VALUES (?, ?, ?, '', '{}', '', "
            "'2026-01-01T00:00:00+00:00')",
            [(key, json.dumps({**score, "case": f"CASE_{place:05d}", "probability": (place % 997) / 997}),
              score["model"]) for place, key in enumerate(keys)])
        connection.execute("UPDATE entries SET status = 'scored'")
    store.close()


def _open() -> Room:
    """The window before its worklist has come."""
    from app.ui.window import MainWindow

    room = Room.__new__(Room)
    room.application = QApplication.instance() or QApplication(["LipoScope"])
    room.window = MainWindow(Store())
    room.window.resize(1440, 900)
    room.reading, room.page = room.window.reading, room.window.score_page
    return room


def _measure_list(room: Room, before: float, kilobytes: float) -> list[Row]:
    pulse, reading, listed = Heartbeat(), room.reading, room.page.worklist
    rows: list[Row] = []
    with pulse.listening() as gaps:
        begun, spent = time.perf_counter(), time.process_time()
        room.window.show()
        wait_until(lambda: reading.worklist.rowCount() == CASES, what="the worklist")
        filled, spent = time.perf_counter() - begun, time.process_time() - spent
        wait_until(lambda: reading.scoring.models, what="the models")
        room.rest()
    rows.append(row("start to a full worklist of 10,000", [filled], cpu_s=spent, deaf_ms=max(gaps) * 1e3,
                    memory_mb=_own_mb() - before, note=f"a score has {kilobytes:.0f} kB"))
    with pulse.listening() as gaps:
        reading.choose(reading.worklist.entries()[5000].key)
        wait_until(lambda: listed.isVisible(), what="the list")
        room.rest()
    rows.append(row("the first case chosen", [max(gaps)]))
    view = listed.list
    rows.append(_spread("a row down", _each(STEPS, lambda _n: (listed.step(1), _drawn(view.viewport())))))
    bar = view.verticalScrollBar()
    rows.append(_spread("a page of the list scrolled", _each(
        STEPS, lambda n: (bar.setValue((n * 7919) % max(bar.maximum(), 1)), _drawn(view.viewport())))))
    rows.append(_spread("a letter in the filter", _each(
        40, lambda n: (listed.filter.setText("CASE_0123"[: n % 10]), _drawn(view.viewport())))))
    listed.filter.clear()
    painted = _paints(view)
    keys = [entry.key for entry in reading.worklist.entries()]
    rows.append(_spread("a row's standing changed", _each(
        STEPS, lambda n: (reading.worklist.change(keys[n * 37], status="scoring"), QApplication.processEvents())),
        rows_drawn=painted() / STEPS))
    score = reading.worklist.entry(keys[0]).score
    rows.append(_spread("a score taken in", _each(
        STEPS, lambda n: (reading._take_score(keys[n * 41], score, ""), QApplication.processEvents()))))
    with pulse.listening() as gaps:
        reading.worklist.choose_model("another")
        _drawn(view.viewport())
    rows.append(row("another model: every row says so", [max(gaps)]))
    with pulse.listening() as gaps:
        reading.remove(keys[: CASES // 2])
        _drawn(view.viewport())
    rows.append(row("half of them removed", [max(gaps)]))
    with pulse.listening() as gaps:
        reading.undo()
        _drawn(view.viewport())
    rows.append(row("and brought back", [max(gaps)]))
    with pulse.listening() as gaps:
        spent = time.process_time()
        reading.add([{**_case(CASES + number).model_dump(mode="json")} for number in range(CASES)])
        wait_until(lambda: reading.scoring.waiting >= CASES - 1, what="the queue")
        _drawn(view.viewport())
    rows.append(row("10,000 more dropped and queued", [sum(gaps)], cpu_s=time.process_time() - spent,
                    deaf_ms=max(gaps) * 1e3))
    with pulse.listening() as gaps:
        reading.scoring.cancel_all()
        _drawn(view.viewport())
    rows.append(row("and called off", [sum(gaps)], deaf_ms=max(gaps) * 1e3))
    return rows


def _each(times: int, work: Callable[[int], object]) -> list[Taken]:
    taken = []
    for number in range(times):
        begun, before = time.perf_counter(), time.process_time()
        work(number)
        taken.append((time.perf_counter() - begun, time.process_time() - before))
    return taken


def _paints(view: QAbstractItemView) -> Callable[[], int]:
    """Count the rows that are drawn from now on."""
    delegate, count = view.itemDelegate(), 0
    paint = delegate.paint

    def counted(*words: Any) -> None:
        nonlocal count
        count += 1
        paint(*words)

    delegate.paint = counted  # type: ignore[method-assign]
    return lambda: count


# A thousand scores in a row


def scores() -> list[Row]:
    """The same small case a thousand times through the window's score lane."""
    with TemporaryDirectory() as folder, open_room() as room:
        files = _small_case(Path(folder))
        room.window.state.choose("model", "lipoma-size")
        room.rest()
        samples: dict[int, tuple[float, float]] = {}
        begun = time.perf_counter()
        room.reading.add([{**files, "id": f"case {number}"} for number in range(SCORES)])
        store = room.window.state.store
        wait_until(lambda: room.reading.scoring.waiting == SCORES or room.reading.scoring.models, what="the queue")
        done = 0

        def count(*_words: object) -> None:
            nonlocal done
            done += 1
            if done in (FIRST, SCORES // 2, SCORES):
                engine = room.window.jobs._threads["score"].lane.engine.pid
                samples[done] = (_own_mb(engine), _own_mb())

        room.reading.scoring.scored.connect(count)
        wait_until(lambda: done == SCORES, 1200, "a thousand scores")
        seconds = time.perf_counter() - begun
        kept = len(store.scores(limit=SCORES + 1))
    return [{"what": f"memory after {number} scores", "engine_mb": engine, "window_mb": window}
            for number, (engine, window) in samples.items()] + [
        {"what": "1,000 scores in a row", "runs": SCORES, "median_s": seconds / SCORES, "note": f"{kept} in the store"}]


def _small_case(folder: Path) -> dict[str, Any]:
    import nibabel

    voxels = np.random.default_rng(1).normal(300, 40, (48, 48, 12)).astype(np.int16)
    inside = np.zeros(voxels.shape, np.uint8)
    inside[15:33, 15:33, 3:9] = 1
    for name, array in (("t1.nii.gz", voxels), ("gtv.nii.gz", inside)):
        nibabel.save(nibabel.Nifti1Image(array, np.diag([1.0, 1.0, 4.0, 1.0])), folder / name)
    return CaseFiles(id="case", images={"image": str(folder / "t1.nii.gz")},
                     mask=str(folder / "gtv.nii.gz")).model_dump(mode="json")


# A large volume


def volume() -> list[Row]:
    """A case of 1024 x 1024 x 400 voxels, opened and scrolled in each plane."""
    with TemporaryDirectory() as folder, open_room(size=(1920, 1080)) as room:
        image, outline = make_volume(Path(folder))
        pulse, rows, before = Heartbeat(), [], _private_mb()
        with peak_memory() as peak, pulse.listening() as gaps:
            room.reading.scoring.score = lambda *_words: ""  # type: ignore[method-assign] - it would read it again
            picture = room.picture()
            fell = room.drop([image, outline])
            wait_until(lambda: picture.at, 600, what="the picture")
            opened = picture.at - fell
            room.rest()
        rows.append(row("1024x1024x400 opened to its first slice", [opened], deaf_ms=max(gaps) * 1e3,
                        private_mb=_private_mb() - before, peak_mb=peak.mb,
                        note=f"{image.stat().st_size / 1e6:.0f} MB"))
        viewer = room.page.viewer
        for layout in ("quad", "axial", "coronal", "sagittal"):
            viewer.set_layout(layout)
            _drawn(viewer)
            what = "all planes shown" if layout == "quad" else "alone"
            rows += [_spread(f"a slice on, {name}, {what}", _scroll(room, name), private_mb=_private_mb() - before)
                     for name in (viewer.panes if layout == "quad" else (layout,))]
    return rows


def _scroll(room: Room, name: str) -> list[Taken]:
    """Scroll as a wheel does, from slice to slice, with everything drawn before the next."""
    viewer = room.page.viewer
    pane = viewer.panes[name]
    plane, count = pane.plane, viewer.state.layer.grid.shape[pane.plane.fixed]
    viewer.state.show_slice(plane, count // 4)
    QApplication.processEvents()

    def step(_number: int) -> None:
        viewer.state.step_slice(plane, -1)
        QApplication.processEvents()

    return _each(min(STEPS, count // 2), step)


def make_volume(folder: Path, shape: tuple[int, int, int] = SHAPE) -> tuple[Path, Path]:
    """Write a large image (int16) and an outline of a fist's size in it, slice by slice."""
    import nibabel

    generator = np.random.default_rng(7)
    texture = generator.normal(0, 30, shape[:2])
    i, j = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape[:2]), indexing="ij")
    affine = np.diag([0.4, 0.4, 1.0, 1.0])
    paths = folder / "large.nii", folder / "large_gtv.nii"
    for path, kind in zip(paths, (np.int16, np.uint8), strict=True):
        header = nibabel.Nifti1Header()
        header.set_data_shape(shape)
        header.set_data_dtype(kind)
        header.set_sform(affine, 1)
        header["vox_offset"] = 352
        with path.open("wb") as file:
            file.write(header.binaryblock + bytes(4))
            for k in range(shape[2]):
                height = 2 * k / shape[2] - 1
                if kind is np.uint8:
                    plane = ((i - 0.2) ** 2 + (j + 0.1) ** 2 + height**2 < 0.09).astype(kind)
                else:
                    body = i**2 + (1.3 * j) ** 2 < 0.9
                    plane = np.where(body, 400 + 200 * np.sin(5 * i + height) + np.roll(texture, k, 0), 10).astype(kind)
                file.write(np.asfortranarray(plane).tobytes(order="F"))
    return paths


PARTS: dict[str, Callable[[], list[Row]]] = {"worklist": worklist, "scores": scores, "volume": volume}


if __name__ == "__main__":
    found = [line for part in sys.argv[1:] or PARTS for line in PARTS[part]()]
    print(json.dumps(found))

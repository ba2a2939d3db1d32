"""From a slider of the bias-correction page to the painted picture, in the real window with the engine warm."""

from __future__ import annotations

import time
from pathlib import Path

from tests.benchmarks.room import SHARED, Room, open_room, wait_until
from tests.benchmarks.timing import Row, row, skipped

RUNS = 15
WARM = 3
STEP = 5  # of the slider: enough for another value each time


def main() -> list[Row]:
    """Measure the demo case, a brain and a sarcoma."""
    rows = []
    with open_room() as room:
        room.reading.open_demo()
        wait_until(lambda: room.page.result.shows_score, what="the demo's score")
        rows += _measure(room, "demo case")
        for name, files in {
            "brain1": [SHARED / "pyradiomics" / "brain1_image.nrrd", SHARED / "pyradiomics" / "brain1_label.nrrd"],
            "STS_003": [SHARED / "sts" / "STS_003" / "t1.nii.gz", SHARED / "sts" / "STS_003" / "gtv.nii.gz"],
        }.items():
            if not all(path.exists() for path in files):
                rows.append(skipped(f"slider to picture, {name}", "the shared data are not there"))
                continue
            _open(room, files)
            rows += _measure(room, name)
    return rows


def _open(room: Room, files: list[Path]) -> None:
    before = room.reading.current
    room.drop(files)
    wait_until(lambda: room.reading.current != before and room.reading.view is not None, what="the case")
    room.rest()


def _measure(room: Room, name: str) -> list[Row]:
    steering = room.page.steering
    steering.open()
    page = steering.page
    shown: list[float] = []
    page.preview.previewed.connect(lambda _settings, result: shown.append(result["seconds"]))
    wait_until(lambda: shown and not page.preview.busy, what="the first picture")
    slider = page.controls.form.fields["fwhm"].slider
    times, corrections = [], []
    for number in range(WARM + RUNS):
        before = len(shown)
        begun = time.perf_counter()
        slider.setValue(slider.maximum() // 2 + STEP * (number - RUNS // 2))
        wait_until(lambda before=before: len(shown) > before and not page.preview.busy, what="the picture")
        page.compare.repaint()
        for pane in page.compare.panes.values():
            pane.viewport().repaint()
        if number >= WARM:
            times.append(time.perf_counter() - begun)
            corrections.append(shown[-1])
    drag = _drag(page, shown)
    shape = "x".join(str(n) for n in page.compare.states["original"].image.before.voxels.shape)
    steering.close()
    room.rest()
    return [row(f"slider to picture, {name}", times, voxels=shape),
            row(f"the correction in it, {name}", corrections),
            {"what": f"pictures a second while dragging, {name}", "per_second": drag}]


def _drag(page: object, shown: list[float], seconds: float = 2.0) -> float:
    slider = page.controls.form.fields["fwhm"].slider  # type: ignore[attr-defined]
    before, begun, step = len(shown), time.perf_counter(), 0

    def move() -> bool:
        nonlocal step
        now = time.perf_counter() - begun
        if now > step / 30:
            step += 1
            slider.setValue(slider.maximum() // 4 + STEP * (step % 20))
        return now > seconds

    wait_until(move, what="the drag")
    made = len(shown) - before
    wait_until(lambda: not page.preview.busy, what="the last picture")  # type: ignore[attr-defined]
    return made / seconds

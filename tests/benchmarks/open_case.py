"""From a drop on the window to the first painted slice, engines warm, beside a plain read of the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.benchmarks.room import SHARED, Room, open_room, wait_until
from tests.benchmarks.timing import Row, alternate, peak_memory, row, skipped

RUNS = 7


def main() -> list[Row]:
    """Measure a real case and the demo case."""
    rows = []
    with open_room() as room, peak_memory() as peak:
        demo = _demo_files(room)
        case = SHARED / "sts" / "STS_003"
        cases = {"STS_003": [case / "t1.nii.gz", case / "gtv.nii.gz"], "demo case": demo}
        for name, files in cases.items():
            if not all(path.exists() for path in files):
                rows.append(skipped(f"drop to first slice, {name}", "the shared data are not there"))
                continue
            rows += _measure(room, name, files)
    rows[-1]["peak_mb"] = peak.mb
    return rows


def _demo_files(room: Room) -> list[Path]:
    room.reading.open_demo()
    wait_until(lambda: room.page.result.shows_score, what="the demo's score")
    files = room.reading.worklist.entry(room.reading.current).files
    return [Path(files["images"]["image"]), Path(files["mask"])]


def _measure(room: Room, name: str, files: list[Path]) -> list[Row]:
    def drop() -> float:
        room.clear()
        picture = room.picture()
        fell = room.drop(files)
        wait_until(lambda: picture.at, what="the first slice")
        return picture.at - fell

    readers: dict[str, Callable[[], None]] = {"SimpleITK": lambda: _read_sitk(files),
                                              "nibabel": lambda: _read_nibabel(files)}
    ours, *plain = alternate([drop, *readers.values()], RUNS, warm=2)
    shape = "x".join(str(size) for size in _shape(files[0]))
    rows = [row(f"drop to first slice, {name}", ours, plain[0], voxels=shape)]
    return rows + [row(f"{reader} reads {name}", seconds) for reader, seconds in zip(readers, plain, strict=True)]


def _read_sitk(files: list[Path]) -> None:
    import SimpleITK as sitk

    for path in files:
        sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def _read_nibabel(files: list[Path]) -> None:
    import nibabel

    for path in files:
        np.asarray(nibabel.load(path).dataobj)


def _shape(path: Path) -> tuple[int, ...]:
    import nibabel

    return tuple(nibabel.load(path).shape)

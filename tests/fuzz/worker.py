"""The process that inputs are tried in: a crash, a hang or hunger for memory ends this one alone."""

from __future__ import annotations

import os
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from functools import cache
from pathlib import Path
from typing import Any

MEMORY = 4 * 2**30
_DRIVERS = {"table": "drive_table", "recipe": "drive_recipe", "bundle": "drive_bundle"}


def try_input(seed: int, reader: str, number: int, root: Path) -> dict[str, Any]:
    """Make an input, drive it, judge it.

    Returns
    -------
    dict
        `way`, `sample`, `verdict`, `why`, `seconds` (of processor), `wall` (seconds), `megabytes` (growth at the peak).
    """
    from tests.fuzz import places
    from tests.fuzz.mutations import make_input
    from tests.fuzz.oracle import judge

    folder, scratch = _empty(root / "drop"), _empty(root / "scratch")
    if reader == "places":
        trick = places.make_trick(seed, number)
        usual = list(undamaged(trick.sample.reader, 0, root))
        _empty(folder)
        _empty(scratch)
        before = _start_measuring()
        course, drawn = places.drive(trick, folder, scratch), False
        way, sample, exempt = trick.name, f"{trick.sample.reader} {trick.sample.name}", False
    else:
        made = make_input(seed, reader, number)
        usual = list(undamaged_named(reader, made.sample.name, root))
        _empty(root / "drop")
        _empty(root / "scratch")
        made.sample.write(folder, made.damaged)
        before = _start_measuring()
        course = _drive(made.sample, folder, scratch)
        way, sample, exempt = made.way, made.sample.name, made.exempt
        _count_rows(course, made, folder)
        drawn = reader == "rtstruct"
    wall, seconds = time.perf_counter() - before[0], time.process_time() - before[1]
    megabytes = (_status("VmHWM") - before[2]) / 1024
    verdict = judge(course, usual, exempt=exempt and not drawn, drawn=drawn, seconds=seconds, peak=megabytes)
    return {"reader": reader, "number": number, "way": way, "sample": sample, "verdict": verdict.verdict,
            "why": verdict.why, "seconds": round(seconds, 3), "wall": round(wall, 3), "megabytes": round(megabytes)}


@cache
def undamaged(reader: str, index: int, root: Path) -> tuple[Any, ...]:
    """What the program says of a sample as it is."""
    from tests.fuzz.mutations import samples_of

    sample = samples_of(reader)[index]
    folder = _empty(root / "undamaged")
    sample.write(folder, {})
    course = _drive(sample, folder, _empty(root / "scratch"))
    if course.faults or not course.answers:
        raise RuntimeError(f"the undamaged {reader} '{sample.name}' is not scored: {course.faults} {course.refusals}")
    return tuple(course.answers)


def undamaged_named(reader: str, name: str, root: Path) -> tuple[Any, ...]:
    """What the program says of the sample of that name."""
    from tests.fuzz.mutations import samples_of

    return undamaged(reader, [sample.name for sample in samples_of(reader)].index(name), root)


def _drive(sample: Any, folder: Path, scratch: Path) -> Any:
    from tests.fuzz import drive

    return getattr(drive, _DRIVERS.get(sample.reader, "drive_case"))(folder, sample, scratch)


def _count_rows(course: Any, made: Any, folder: Path) -> None:
    """A line of a table is read, or something is said of it."""
    if made.reader != "table" or not str(made.sample.given["table"]).endswith(("csv", "tsv")) or course.refusals:
        return
    from app.core.io.cells import decode

    path = folder / str(made.sample.given["table"])
    text = decode(path) if path.is_file() else ""
    lines = [line for line in re.split(r"\r\n|\r|\n", text) if line.strip(" ,;\t\0\"")]
    if len(lines) < 200 and course.rows < len(lines) - 1 and course.answers:
        course.faults.append(f"read: {len(lines) - 1} lines became {course.rows} rows and nothing was said")


def _start_measuring() -> tuple[float, float, int]:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    return time.perf_counter(), time.process_time(), _status("VmRSS")


def _status(key: str) -> int:
    """Kilobytes, from the kernel's account of this process."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split(f"{key}:")[1].split()[0])


def _empty(folder: Path) -> Path:
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


def _warm_up(root: Path) -> None:
    """Import what scoring needs, so that the limit on memory counts from there."""
    from app.core.io import dicom  # noqa: F401

    undamaged("nifti", 0, root)
    taken = _status("VmSize") * 1024
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, resource.RLIM_INFINITY))


def main(words: list[str]) -> None:
    """Answer every line 'seed reader number' on standard input with a line of JSON on the given descriptor."""
    import json
    import warnings

    warnings.simplefilter("ignore")
    answers = os.fdopen(int(words[0]), "w", encoding="utf-8")
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="liposcope-fuzz-", dir=base) as name:
        root = Path(name)
        os.environ["LIPOSCOPE_DATA"] = str(root / "data")
        root.chmod(0o777)
        _warm_up(root)
        answers.write("ready\n")
        answers.flush()
        for line in sys.stdin:
            seed, reader, number = line.split()
            try:
                found = try_input(int(seed), reader, int(number), root)
            except Exception:  # noqa: BLE001  a fault of the campaign itself is told like a finding
                found = {"reader": reader, "number": int(number), "way": "?", "sample": "?", "verdict": "FINDING",
                         "why": f"the campaign failed: {traceback.format_exc()[-1500:]}", "seconds": 0, "wall": 0,
                         "megabytes": 0}
            answers.write(json.dumps(found) + "\n")
            answers.flush()


if __name__ == "__main__":
    main(sys.argv[1:])

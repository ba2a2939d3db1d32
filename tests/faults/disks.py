"""A disk that is full, that can only be read, or that is gone: run as a program inside a mount namespace of its own.

    unshare --mount python -m tests.faults.disks full|readonly|gone FOLDER

Prints one JSON object: what each piece of work said, and what lay about afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from app.core.errors import AppError
from app.core.jobs import Job, describe_failure, run_workflow
from tests.faults.material import RECIPE, quiet, write_cohort, write_training
from tests.faults.tally import hidden_in

Words = dict[str, Any]


def say(work: Callable[[], object]) -> Words:
    """Do work, and return what the user would read of its failure; 'done' where there is none."""
    try:
        work()
    except (AppError, OSError) as error:
        failure = describe_failure(error, "the step")
        return {**asdict(failure), "extra": {}, "points": failure.extra.get("issues", [])}
    return {"kind": "done", "message": ""}


def mount(place: Path, size: str) -> None:
    """Put a small disk at a folder."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)


def fill(disk: Path, left: int) -> Path:
    """Fill a disk but for so many bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(4096, shutil.disk_usage(disk).free - left))
    return filler


def works(folder: Path, disk: Path) -> dict[str, Callable[[], object]]:
    """What is tried: each writes to the disk."""
    table = write_cohort(folder / "cohort", 2)
    image = next((folder / "cohort").rglob("t1.nii.gz"))
    case = {"id": "case", "images": {"image": str(image)}, "mask": str(image.parent / "mask.nii.gz")}
    asked: dict[str, Words] = {
        "score_case": {"case": case, "model": "lipoma-size", "out": str(disk / "score")},
        "extract": {"source": str(table), "recipe": RECIPE, "out": str(disk / "features.csv"),
                    "cache": str(disk / "cache"), "jobs": 1},
        "train": write_training(folder, disk / "model", jobs=1),
        "convert": {"source": str(image), "target": str(disk / "converted.nii")},
        "view_case": {"case": case, "folder": str(disk / "view")},
        "export_model": {"model": "lipoma-phantom-demo", "out": str(disk / "demo.zip")},
    }
    return {name: lambda name=name, request=request: run_workflow(f"app.core.workflows:{name}", request, quiet)
            for name, request in asked.items()}


def full(folder: Path) -> Words:
    """Every piece of work meets a disk with a few kilobytes left; afterwards there is room again."""
    disk = folder / "disk"
    mount(disk, "4m")
    found: Words = {}
    for name, work in works(folder, disk).items():
        filler = fill(disk, 6 * 1024)
        found[name] = say(work)
        found[name]["hidden"] = [path.name for path in hidden_in(disk)]
        found[name]["left"] = sorted(path.name for path in disk.iterdir() if path != filler)
        filler.unlink()
        found[name]["afterwards"] = say(work)["kind"]
        for path in disk.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    found["store"] = _fill_store(disk)
    return found


def _fill_store(disk: Path) -> Words:
    """Keep scores until the disk is full: those that were kept stay, and it goes on when there is room."""
    os.environ["LIPOSCOPE_DATA"] = str(disk / "data")
    from app.core.store import Store

    with closing(Store()) as store:
        filler = fill(disk, 400 * 1024)
        kept, told = 0, ""
        while not told and kept < 10_000:
            try:
                store.add_score("", {"case": "case", "model": "m", "fill": "x" * 2000})
                kept += 1
            except AppError as error:
                told = str(error)
        in_time = len(store.scores(limit=100_000))
        filler.unlink()
        store.add_score("", {"case": "after", "model": "m"})
        job = Job.make("score", "m:f", {})
        store.queue_job(job)
    with closing(Store()) as again:
        return {"kept": kept, "told": told, "there": in_time, "after": len(again.scores(limit=100_000)),
                "notice": again.notice, "owed": [each.id for each in again.claim_queue()] == [job.id]}


def readonly(folder: Path) -> Words:
    """Every piece of work meets a disk that can only be read."""
    disk = folder / "disk"
    mount(disk, "4m")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    found = {name: say(work) for name, work in works(folder, disk).items()}
    os.environ["LIPOSCOPE_DATA"] = str(disk)
    from app.core.store import Store

    found["store"] = say(Store)
    return found


def gone(folder: Path) -> Words:
    """The disk with the images, or the one written to, goes while cases are measured and scored."""
    found: Words = {}
    for which in ("images", "results"):
        for name in ("extract", "score_cohort"):
            place = folder / f"{which} {name}"
            place.mkdir()
            disk = place / "disk"
            mount(disk, "8m")
            source = (disk if which == "images" else place) / "cohort"
            out = (disk if which == "results" else place) / "out"
            table = write_cohort(source, 4)
            asked = {"extract": {"source": str(table), "recipe": RECIPE, "out": str(out / "features.csv"),
                                 "cache": str(place / "cache"), "jobs": 1},
                     "score_cohort": {"table": str(table), "model": "lipoma-size", "out": str(out), "jobs": 1}}[name]
            found[f"{which} {name}"] = _lose(name, asked, disk)
    return found


def _lose(name: str, asked: Words, disk: Path) -> Words:
    result: Words = {}
    lost = False

    def report(_fraction: float, message: str) -> None:
        nonlocal lost
        if "2 of 4" in message and not lost:
            lost = True
            subprocess.run(["umount", "--lazy", str(disk)], check=True)  # and nobody may write where it was
            subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], check=True)

    words = say(lambda: result.update(run_workflow(f"app.core.workflows:{name}", asked, report)))
    rows = result.get("results", [])
    failed = [row["error"]["message"] for row in rows if "error" in row] if rows else \
        [row["message"] for row in result.get("failed", [])]
    return {**words, "lost": lost, "failed": failed,
            "scores": [row["probability"] for row in rows if "error" not in row], "cases": result.get("cases")}


if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    kind, place = sys.argv[1:]
    os.environ["LIPOSCOPE_DATA"] = str(Path(place) / "data")
    print(json.dumps({"full": full, "readonly": readonly, "gone": gone}[kind](Path(place))))

"""A tour through the program on made-up patients: window, engines, their death, and the command line, in one folder.

`python -m tests.laws.tour FOLDER` plays it; the tests of this folder then look at what was opened, sent and left
behind. Whoever plays it sets LIPOSCOPE_DATA. `FOLDER/seen.json` says what the tour saw.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import app  # noqa: F401 - before any library, as in the program

IDENTITY = {"PatientName": "Zwiebelfisch^Quendolina", "PatientID": "QZ7731XK", "PatientBirthDate": "19470613",
            "InstitutionName": "Klinikum Quittenbach", "AccessionNumber": "ACC90210Q", "OperatorsName": "Tintentrick",
            "ReferringPhysicianName": "Federkiel^Ottokar", "StudyDate": "20190402",
            "PatientAddress": "Lindwurmgasse 12", "OtherPatientIDs": "OLD5599Q"}
FOLDER = "Holunderbeck_Irmgard"  # what a reader may call a case
ME = "tests.laws.tour"
BREAKING = """
import sys
import app.cli
from tests.laws.tour import break_down
app.cli.run_workflow = lambda _name, request, report: break_down({**request, "folder": sys.argv[2]}, report)
sys.exit(app.cli.run_command_line(sys.argv[1:]))
"""
IMPORTING = """
import importlib, pkgutil
import app.core
for found in pkgutil.walk_packages(app.core.__path__, "app.core."):
    importlib.import_module(found.name)
import ants, monai, onnx, onnxruntime, skorch, torch, umap, xgboost
import time
time.sleep(5)  # whatever reports to its makers needs a moment
"""


def main(folder: Path) -> int:
    """Play the tour."""
    cases = folder / "in"
    for number in range(3):
        write_dicom(cases / f"{FOLDER}{number}", number)
    broken = write_dicom(cases.parent / "broken" / f"{FOLDER}9", 9)
    for slice_ in sorted((broken / "image").iterdir()):
        slice_.write_bytes(slice_.read_bytes()[:-400])
    seen = {"window": tour_window(folder, cases, broken), "commands": tour_commands(folder, cases, broken),
            "network": counters()}
    (folder / "seen.json").write_text(json.dumps(seen, indent=1), encoding="utf-8")
    return 0


def write_dicom(folder: Path, seed: int) -> Path:
    """Write a noisy image of a ball and its RTSTRUCT, both with everything in the header that tells a patient."""
    from tests.core.io.dicom_phantoms import image, save, set_pixels, structure_set

    rng, spacing, thick, count = np.random.default_rng(seed), 2.0, 4.0, 14
    axis = (np.arange(40) - 19.5) * spacing
    radius, contours = 16.0 + 2 * seed, []
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    for k in range(count):
        height = (k - (count - 1) / 2) * thick
        inside = axis[:, None] ** 2 + axis[None, :] ** 2 + height**2 <= radius**2
        found = image((axis[0], axis[0], height), 1, rows=40, columns=40)
        set_pixels(found, np.where(inside, 400 + 30 * seed, 120) + rng.normal(0, 12, (40, 40)))
        found.PixelSpacing, found.SliceThickness, found.SeriesDescription = [spacing, spacing], thick, "T1 TSE"
        found.SeriesInstanceUID, found.FrameOfReferenceUID = f"1.2.3.{seed}", f"1.2.4.{seed}"
        for name, value in IDENTITY.items():
            setattr(found, name, value)
        save(folder / "image" / f"{k:03d}.dcm", found)
        if abs(height) < radius:
            ring = np.sqrt(radius**2 - height**2)
            contours.append(np.stack([ring * np.cos(angles), ring * np.sin(angles), np.full(48, height)], axis=1))
    outline = structure_set([contours], frame=f"1.2.4.{seed}", series=f"1.2.3.{seed}")
    for name, value in IDENTITY.items():
        setattr(outline, name, value)
    save(folder / "outline.dcm", outline)
    return folder


def tour_window(folder: Path, cases: Path, broken: Path) -> dict[str, Any]:
    """Drop, look, score, export, measure, train; fail, break and die, each in the engine."""
    from tests.benchmarks.room import Room, wait_until

    room = Room()
    window, seen = room.window, {}
    one = cases / f"{FOLDER}0"
    room.drop([one])
    wait_until(lambda: room.page.result.shows_score, what="the score")
    entry = room.reading.worklist.entry(room.reading.current)
    seen["identity"] = room.reading.view["identity"]  # it is on the picture, so that it could have gone elsewhere
    seen["score"] = entry.score["probability"]
    for kind in ("html", "pdf", "json", "png"):
        window.exporting.write(kind, str(folder / f"report.{kind}"))
        room.rest()
    room.drop([broken])
    wait_until(lambda: len(room.reading.worklist.entries()) == 2, what="the second case")
    wait_until(lambda: room.reading.worklist.entries()[1].status == "failed", what="its failure")

    def run(lane: str, workflow: str, request: dict[str, Any]) -> Any:
        ended: list[Any] = []
        window.jobs.finished.connect(lambda job, result: ended.append(result) if job == running else None)
        window.jobs.failed.connect(lambda job, failure: ended.append(failure.message) if job == running else None)
        running = window.jobs.start(lane, workflow, request)
        wait_until(lambda: ended, what=workflow)
        return ended[0]

    listed = run("view", "app.core.workflows:list_cohort", {"source": str(cases)})
    seen["cohort"] = len(listed["cases"])
    recipe = json.loads(Path("resources/recipes/lgg-shape.json").read_text(encoding="utf-8"))
    table = folder / "window-features.csv"
    seen["measured"] = run("train", "app.core.workflows:extract", {
        "source": str(cases), "recipe": recipe, "out": str(table), "jobs": 2})["measured"]
    from tests.core.small_cohorts import training

    seen["model"] = run("train", "app.core.workflows:train", training(
        write_table(folder), folder / "data" / "models" / "own", jobs=2))["bundle"]
    files = entry.files
    seen["broke"] = run("score", f"{ME}:break_down", {"case": files, "folder": str(one)})
    seen["died"] = run("score", f"{ME}:die", {"case": files, "folder": str(one)})
    room.close()
    return {**seen, "network": counters()}


def break_down(request: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """Read a case and meet a fault whose message tells the patient."""
    report(0.5, "Reading the images")
    case = _read(request)
    raise RuntimeError(f"{case.identity} in {request['folder']}")


def die(request: dict[str, Any], report: Callable[[float, str], None]) -> dict[str, Any]:
    """Read a case and crash as a library in C does."""
    report(0.5, "Reading the images")
    told = f"{_read(request).identity} in {request['folder']}"
    ctypes.string_at(0)
    return {"told": told}


def _read(request: dict[str, Any]) -> Any:
    from app.core.io.case import load_case
    from app.core.requests import CaseFiles

    return load_case(CaseFiles.parse(request["case"]))


def write_table(folder: Path) -> Path:
    """Write a feature table whose patients have names."""
    from tests.core.small_cohorts import write_features

    return write_features(folder / "table.csv", 60, patient=[f"{FOLDER}{number:03d}" for number in range(60)])


def tour_commands(folder: Path, cases: Path, broken: Path) -> dict[str, Any]:
    """Score, measure, train and fail on the command line, with two processes."""
    one = cases / f"{FOLDER}1"
    table, out = write_table(folder), folder / "out"
    words: dict[str, tuple[str, ...]] = {
        "score": ("score", str(one / "image"), str(one / "outline.dcm"), "--json", "--out", str(out / "score")),
        "extract": ("extract", str(cases), "--recipe", "pyradiomics", "--jobs", "2", "--json", "--out",
                    str(out / "features.csv")),
        "convert": ("convert", str(cases), str(out / "nifti"), "--jobs", "2", "--json"),
        "train": ("train", str(table), "--label", "label", "--positive", "ALT", "--patient", "patient", "--site",
                  "site", "--recipe", "logistic", "--folds", "3", "--repeats", "1", "--jobs", "2", "--json", "--out",
                  str(out / "model")),
        "failing": ("score", str(broken / "image"), str(broken / "outline.dcm"), "--json"),
    }
    commands = {name: ("-m", "app", *said) for name, said in words.items()}
    commands["breaking"] = ("-c", BREAKING, "score", str(one / "image"), str(one / "outline.dcm"))
    commands["importing"] = ("-c", IMPORTING)
    seen = {}
    for name, said in commands.items():
        done = subprocess.run([sys.executable, *said], capture_output=True, text=True, timeout=300)
        (out / name).with_suffix(".said").write_text(done.stdout + done.stderr, encoding="utf-8")
        seen[name] = {"status": done.returncode, "told": done.stderr[-2000:], "network": counters()}
    return seen


def counters() -> dict[str, int]:
    """What this network namespace has sent or tried to, where the system counts it."""
    wanted = {"Tcp:ActiveOpens", "Tcp:PassiveOpens", "Udp:OutDatagrams", "Ip:OutRequests", "Ip:OutNoRoutes"}
    try:
        lines = Path("/proc/self/net/snmp").read_text(encoding="ascii").splitlines()
    except OSError:
        return {}
    found = {}
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        group = names.split()[0]
        found |= {f"{group}{name}": int(value)
                  for name, value in zip(names.split()[1:], values.split()[1:], strict=True)}
    return {name: found[name] for name in sorted(wanted)}


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.exit(main(Path(sys.argv[1])))

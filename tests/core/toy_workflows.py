"""Workflows that do what real ones do, in small: work, ask, fail, hang and die."""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from app.core.errors import Choice, ChoiceNeeded, CohortError, InputError
from app.core.files import staged_folder

HERE = "tests.core.toy_workflows"


def add(request, report):
    report(0.0, "adding")
    return {"sum": request["a"] + request["b"]}


def where_am_i(request, report):
    names = {name.split(".")[0] for name in sys.modules}
    return {"pid": os.getpid(), "modules": sorted(names), "name": multiprocessing.current_process().name,
            "daemon": multiprocessing.current_process().daemon}


def count(request, report):
    """Cooperative: reports at every step."""
    steps, pause = request["steps"], request["pause"]
    for step in range(steps):
        report(step / steps, f"step {step}")
        time.sleep(pause)
    return {"steps": steps, "tag": request.get("tag")}


def hang(request, report):
    """Stubborn: reports once, starts a child, never looks up again."""
    report(0.25, "level 2 of 4")
    if "pids" in request:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
        Path(request["pids"]).write_text(f"{os.getpid()} {child.pid}")
    time.sleep(120)
    return {}


def stage_and_hang(request, report):
    with staged_folder(request["target"]) as stage:
        (stage / "half.txt").write_text("half")
        report(0.5, "writing")
        time.sleep(120)
    return {}


def die(request, report):
    report(0.5, "correcting the bias field")
    how = request["how"]
    if how == "exit":
        os._exit(7)
    elif how == "segfault":
        ctypes.string_at(0)
    elif how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif how == "sys.exit":
        sys.exit(3)
    return {}


def fail(request, report):
    report(0.5, "reading the outline")
    errors = {
        "input": InputError("The thing is 3, 4 was expected.", "Choose another."),
        "choice": ChoiceNeeded("Two regions.", "Name one with --roi.", "roi",
                               [Choice("1", "tumour", {"slices": "12"}, [[0, 255]]), Choice("2", "bone")], "mask"),
        "cohort": CohortError("Two rows cannot be used.", ["Row 2 has no image.", "Row 5 has no mask."],
                              "Correct them."),
        "value": ValueError("/data/Mustermann^Erika/t1.nii is odd"),
        "memory": MemoryError("huge"),
        "native memory": RuntimeError("std::bad_alloc"),
        "disk": OSError(28, "No space left on device"),
    }
    if request["how"] == "answer":
        return {"array": object()}
    raise errors[request["how"]]

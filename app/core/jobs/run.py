"""What a job is, running one in this process, and the request it leaves behind so that it can be repeated."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import app
from app.core.errors import Failure, InputError
from app.core.files import sweep_stages, write_atomically
from app.core.living import is_living, own_mark

Report = Callable[[float, str], None]
"""`report(fraction, message)`: how far, 0 to 1, and the step's name; raises `Cancelled` when asked to stop."""

Workflow = Callable[[dict[str, Any], Report], dict[str, Any]]
KEPT_RUNS = 300
_RUNNING = "running"
"""A file of a run's folder while the run goes on: the mark of the process that waits for its end."""


@dataclass(frozen=True)
class Job:
    """A workflow to run.

    Parameters
    ----------
    id : str
        Sorts by time of making.
    lane : str
        'view', 'score' or 'train'.
    workflow : str
        'module:function'.
    request : dict
        JSON values.
    title : str
        What the user sees in the queue; never logged.
    """

    id: str
    lane: str
    workflow: str
    request: dict[str, Any]
    title: str = ""

    @classmethod
    def make(cls, lane: str, workflow: str, request: dict[str, Any], title: str = "") -> Job:
        """Make a job with a new id."""
        now = datetime.now(UTC)
        return cls(f"{now:%Y%m%d-%H%M%S-%f}-{uuid4().hex[:6]}", lane, workflow, request, title)


def find_workflow(name: str) -> Workflow:
    """Find the function called 'module:function'.

    Raises
    ------
    InputError
        When there is none.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), function)
    except ModuleNotFoundError as error:
        if not module or not (module == error.name or module.startswith(f"{error.name}.")):
            raise
        raise InputError(f"This version knows no job called '{name}'.", "Repeat it with the version that made it.") \
            from error
    except (AttributeError, ValueError) as error:
        raise InputError(f"This version knows no job called '{name}'.", "Repeat it with the version that made it.") \
            from error
    workflow: Workflow = found
    return workflow


def run_workflow(name: str, request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Run a workflow in this process.

    Parameters
    ----------
    name : str
        'module:function'.
    request : dict
        JSON values.
    report : callable
        Called with (fraction, message); may raise `Cancelled`.

    Returns
    -------
    dict
        JSON values.

    Raises
    ------
    AppError
        As the workflow does; `InputError` when there is no such workflow.
    Cancelled
        When `report` asked to stop.
    """
    return find_workflow(name)(request, report)


def without_identity(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request as it may be kept: who the patient is stays in memory."""
    return {name: value for name, value in request.items() if name != "identity"}


def keep_request(job: Job, runs: Path) -> Path:
    """Write `request.json` into the job's own run folder, without the patient's identity.

    Returns
    -------
    Path
        The run folder.
    """
    folder = runs / job.id
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    record = {"workflow": job.workflow, "request": without_identity(job.request), "version": app.__version__}
    write_atomically(folder / "request.json", json.dumps(record, indent=1).encode())
    (folder / _RUNNING).write_text(own_mark(), encoding="ascii")
    return folder


def keep_outcome(folder: Path, seconds: float, failure: Failure | None = None) -> None:
    """Write how a run ended into its folder; a disk that refuses costs the record, and never the run's result."""
    record = {"state": "failed" if failure else "done", "seconds": round(seconds, 3),
              "failure": asdict(failure) if failure else None}
    with suppress(OSError):
        write_atomically(folder / "outcome.json", json.dumps(record, indent=1).encode())
    with suppress(OSError):
        (folder / _RUNNING).unlink(missing_ok=True)


def take_cut_off(runs: Path) -> list[Job]:
    """Find the runs whose program was killed; each is found once, and its outcome is written.

    Parameters
    ----------
    runs : Path
        The folder of runs.

    Returns
    -------
    list of Job
        In order of their beginnings, as far as their requests can be read.
    """
    found = []
    for folder in sorted(folder for folder in runs.iterdir() if (folder / _RUNNING).is_file()):
        try:
            if is_living((folder / _RUNNING).read_text(encoding="ascii")):
                continue
            (folder / _RUNNING).unlink()  # of two windows that start at once, one tells
            if (folder / "outcome.json").exists():
                continue
            asked = json.loads((folder / "request.json").read_text(encoding="utf-8"))
            write_atomically(folder / "outcome.json", json.dumps({"state": "cut off"}).encode())
            found.append(Job(folder.name, "", str(asked["workflow"]), dict(asked["request"])))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def run_request_file(path: str | Path, report: Report, *, package: str = "app") -> dict[str, Any]:
    """Repeat a recorded job in this process.

    Parameters
    ----------
    path : path
        A `request.json`.
    report : callable
        As for `run_workflow`.
    package : str
        The only package workflows may come from: the file may be somebody else's.

    Raises
    ------
    InputError
        When the file is not a recorded request, and as `run_workflow` does.
    """
    path = Path(path)
    remedy = "Choose the request.json of a recorded run."
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as a recorded request.", remedy) from error
    if not isinstance(record, dict) or not isinstance(record.get("workflow"), str) \
            or not isinstance(record.get("request"), dict):
        raise InputError(f"{path.name} holds no 'workflow' and 'request'.", remedy)
    if not record["workflow"].startswith(f"{package}."):
        raise InputError(f"{path.name} asks for '{record['workflow']}', which is none of this program's jobs.", remedy)
    return run_workflow(record["workflow"], record["request"], report)


def tidy_runs(runs: Path, keep: int = KEPT_RUNS) -> None:
    """Sweep what killed runs left half-written, and forget all but the last `keep` runs, and those that go on."""
    folders = sorted((folder for folder in runs.iterdir() if folder.is_dir()), reverse=True)
    for folder in folders:
        sweep_stages(folder)
    for folder in folders[keep:]:
        if not _goes_on(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _goes_on(folder: Path) -> bool:
    try:
        return is_living((folder / _RUNNING).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return False

"""The sub-command that puts on paper what was computed before: a score, a training run, an external test."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.cli.requests import SCORE_KEYS, add_anonymise, path_word, read_pairs
from app.cli.text import show_written
from app.core.errors import InputError

Command = Callable[..., argparse.ArgumentParser]
_REMEDY = "Give what 'score --json' printed, a model, or the folder that 'evaluate' wrote."
_TEST_KEYS = ("model", "counts", "points", "auc")


def add_report_command(command: Command) -> None:
    """Add the sub-command; `command` makes one: (name, workflow, request, show, help=...) -> parser."""
    report = command("report", "export_report", report_request, show_written,
                     help="HTML or PDF of a score, a training run or an external test")  # fmt: skip
    report.add_argument(
        "run", type=path_word, metavar="RUN",
        help="the JSON that 'score --json' printed, a model's name or folder, or the folder that 'evaluate' wrote",
    )  # fmt: skip
    report.set_defaults(workflow=report_workflow)
    report.add_argument("--out", type=path_word, required=True, metavar="FILE", help=".html or .pdf")
    add_anonymise(report)
    report.add_argument(
        "--declare", action="append", default=[], metavar="NAME=TEXT",
        help="what no program knows of the study, for the checklists, as in ethics='Approved by ...'",
    )  # fmt: skip


def report_workflow(options: argparse.Namespace) -> str:
    """The workflow's name; a score and a run are two."""
    return "export_report" if _read(options.run) is not None else "export_results"


def report_request(options: argparse.Namespace) -> dict[str, Any]:
    """What `export_report` takes of a score, or a `ResultsRequest`."""
    score = _read(options.run)
    declared = read_pairs(options.declare, "--declare")
    if score is None:
        return {**_source(Path(options.run)), "out": options.out, "declared": declared, "anonymise": options.anonymise}
    if declared:
        raise InputError("--declare is for the checklists of a training run, and this is a score.", "Leave it out.")
    return {"score": score, "out": options.out, "anonymise": options.anonymise}


def _read(run: str) -> dict[str, Any] | None:
    """The score that a file holds; None of a run."""
    path = Path(run)
    if not path.is_file():
        if not path.exists() and (path.suffix or len(path.parts) > 1):
            raise InputError(f"There is no file at {run}.", _REMEDY)
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{run} is not the JSON of a score.", _REMEDY) from error
    if isinstance(found, dict) and ("bundle" in found or all(key in found for key in _TEST_KEYS)):
        return None
    lacking = [name for name in SCORE_KEYS if not isinstance(found, dict) or name not in found]
    if lacking:
        raise InputError(f"{run} is not the JSON of a score: it has no {lacking[0]}.", _REMEDY)
    return dict(found)


def _source(path: Path) -> dict[str, str]:
    """Which run is meant: that of a model, of what `train --json` printed, or an external test."""
    if path.is_file():
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"model": str(found["bundle"])} if "bundle" in found else {"external": str(path)}
    tested = path / "evaluation.json"
    if tested.is_file() and not (path / "bundle.json").is_file():
        return {"external": str(tested)}
    return {"model": str(path)}

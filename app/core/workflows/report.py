"""Exporting what was computed before: a score, a training run, an external test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.errors import InputError
from app.core.jobs import Report
from app.core.report.anonymous import anonymise_result, anonymise_score
from app.core.report.checklist import declarable
from app.core.report.run import check_ending, write_run_report
from app.core.report.score import write_report
from app.core.requests import CaseFiles, ResultsRequest
from app.core.workflows.models import open_bundle
from app.core.workflows.results import as_json, read_training, view_results


def export_report(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write a score as HTML, PDF or JSON, by the ending of `out`.

    Parameters
    ----------
    request : dict
        `score` (JSON of a score), `out` (path), `pictures` (PNG paths, optional), `identity` (fields of an `Identity`,
        optional: only when the user said so; it goes into HTML and PDF, never into JSON), `anonymise` (true: nobody
        shall be recognised by it), `case` (the JSON of its `CaseFiles`, whose names are then taken out, too).

    Returns
    -------
    dict
        `written`, the paths.
    """
    report(0.1, "Writing the report")
    out = Path(request["out"])
    score, identity = request["score"], request.get("identity")
    if request.get("anonymise"):
        files = CaseFiles.parse(request["case"]) if request.get("case") else None
        score, identity = anonymise_score(score, files), None
    write_report(score, out, [Path(picture) for picture in request.get("pictures", [])], identity)
    report(1.0, "Done")
    return {"written": [str(out)]}


def export_results(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Write a training run or an external test as HTML or PDF, by the ending of `out`.

    Parameters
    ----------
    request : dict
        A `ResultsRequest` with `out`. What it declares goes into the checklists of a training run.

    Returns
    -------
    dict
        `written`, the paths.

    Raises
    ------
    InputError
        There is no such run, the ending is another, or something is declared that no checklist asks for.
    BundleError
        The model cannot be trusted.
    """
    ask = ResultsRequest.parse(request)
    if not ask.out:
        raise InputError("A report needs a place to be written to.", "Name a file that ends in .html or .pdf.")
    check_ending(Path(ask.out))
    check_declared(ask.declared)
    report(0.1, "Reading the results")
    specification, declared = None, ask.declared
    recipes: dict[str, Any] = {}
    if ask.external is None:
        bundle = open_bundle(str(ask.model))
        view, evaluation = as_json(read_training(bundle)), bundle.evaluation()
        specification = bundle.specification.model_dump(mode="json")
        recipes = {view["saved"]: specification["recipe"], **(evaluation.get("recipes") or {})}
        declared = {**(evaluation.get("declared") or {}), **declared}
    else:
        view = view_results({"external": ask.external}, lambda _share, _words: None)
    if ask.anonymise:
        view = anonymise_result(view)
    report(0.4, "Drawing the figures and writing the report")
    write_run_report(Path(ask.out), view, specification, recipes, declared)
    report(1.0, "Done")
    return {"written": [ask.out]}


def check_declared(declared: dict[str, str]) -> None:
    """Refuse what no checklist asks for, so that a slip of the pen is not lost.

    Raises
    ------
    InputError
        Names the first, and what can be declared.
    """
    unknown = [name for name in declared if name not in declarable()]
    if unknown:
        raise InputError(
            f"Nothing is declared as '{unknown[0]}'.", f"What can be declared: {', '.join(declarable())}."
        )

"""Extraction: a cohort becomes a table of features, a row per case, with a note of what each column is."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.errors import CohortError
from app.core.io.tabulate import write_table
from app.core.jobs import Report
from app.core.report.anonymous import CASE, anonymise_table, number_each, veil
from app.core.requests import CaseFiles, CohortSource, ExtractRequest
from app.core.workflows.finished import default_cache
from app.core.workflows.gathering import Gathered, check_output, gather_cases
from app.core.workflows.measuring import column_names, measure_cases
from app.core.workflows.roles import ACQUISITION_PREFIX, describe_measurement, write_roles

if TYPE_CHECKING:
    import pandas as pd

_TAGS = ("manufacturer", "model", "field_strength", "repetition_time", "echo_time", "spacing_i", "spacing_j",
         "spacing_k", "thickness")


def list_cohort(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """List the cases of a folder or a table, as `extract` would take them.

    Parameters
    ----------
    request : dict
        A `CohortSource`.

    Returns
    -------
    dict
        `cases` (`CaseFiles`); `rows`, a dict for each case and for each row that cannot be used: `case`, `images`,
        `mask`, `mask_2`, `status` ('ready', 'no outline', 'problem'), `message`; `unpaired` (path, kind, title);
        `notes`; `columns`, what is known about the cases besides their files.
    """
    ask = CohortSource.parse(request)
    report(0.0, "Looking at the files")
    found = gather_cases(ask)
    rows = [_row(case) for case in found.cases]
    rows += [
        {"case": problem.patient, "images": {}, "mask": None, "mask_2": None, "status": "problem",
         "message": str(problem)}
        for problem in found.problems
    ]
    report(1.0, "Done")
    return {
        "cases": [case.model_dump(mode="json") for case in found.cases],
        "rows": rows,
        "unpaired": [{"path": loose.path, "kind": loose.kind, "title": loose.title} for loose in found.unpaired],
        "notes": [*found.notes, *(caution.message for caution in found.cautions)],
        "columns": [str(column) for column in found.frame.columns if column != "patient"],
    }


def _row(case: CaseFiles) -> dict[str, Any]:
    return {
        "case": case.id,
        "images": dict(case.images),
        "mask": case.mask,
        "mask_2": case.mask_2,
        "status": "ready" if case.mask else "no outline",
        "message": "" if case.mask else "No outline was found beside its images.",
    }


def extract(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure every case of a cohort; a case that fails is a row in the table of errors, never the end.

    Finished cases are kept by content, so that the same call after a crash or a cancel measures only what is left.

    Parameters
    ----------
    request : dict
        An `ExtractRequest`.

    Returns
    -------
    dict
        `written`, `errors` (the table of errors, or null) and `roles` (what each column is), all paths; `cases`,
        `measured` now, `reused`, `failed` (case, message), `cautions` (case, code, message), `features` (their
        number), `seconds` of the whole and `seconds_per_case` of measuring.

    Raises
    ------
    InputError
        The table cannot be written there, or nothing is found at the source.
    CohortError
        No case could be measured; the table of errors says why.
    """
    begun = time.perf_counter()
    ask = ExtractRequest.parse(request)
    _check_target(ask)
    report(0.0, "Looking for the cases")
    found = gather_cases(ask)
    answers = measure_cases(found.cases, ask.recipe, report, jobs=ask.jobs, cache=ask.cache or default_cache(),
                            cluster=ask.cluster, tls=ask.tls)
    report(1.0, "Writing the table")
    failed = _failures(found, answers)
    cautions = _cautions(found, answers)
    words: dict[str, str] = {}
    if ask.anonymise:
        names = [*(case.id for case in found.cases), *(problem.patient for problem in found.problems)]
        words = number_each(CASE, [*found.frame["patient"], *names])
        failed, cautions = veil(failed, words), veil(cautions, words)
    errors = _write_errors(Path(ask.out), failed)
    if all("error" in answer for answer in answers):
        told = [f"{each['patient']}: {each['message']}" for each in failed]
        more = [f"And {len(told) - 5} more, in {Path(ask.out).stem}.errors.csv."] if len(told) > 5 else []
        raise CohortError(f"None of the {len(answers)} cases could be measured.", [*told[:5], *more])
    table, features = assemble(found, answers)
    if ask.anonymise:
        table = anonymise_table(table, words)
    write_table(ask.out, table)
    roles = write_roles(ask.out, [str(name) for name in table.columns], features, describe_measurement(ask.recipe))
    measured = [answer for answer in answers if "error" not in answer and not answer["reused"]]
    report(1.0, "Done")
    return {
        "written": ask.out,
        "errors": str(errors) if errors else None,
        "roles": str(roles),
        "cases": len(answers) + len({(problem.patient, problem.row) for problem in found.problems}),
        "measured": len(measured),
        "reused": sum(answer.get("reused", False) for answer in answers),
        "failed": [{"case": each["case"], "message": each["message"]} for each in failed],
        "cautions": cautions,
        "features": len(features),
        "seconds": time.perf_counter() - begun,
        "seconds_per_case": sum(answer["seconds"] for answer in measured) / len(measured) if measured else 0.0,
    }


def assemble(found: Gathered, answers: Sequence[dict[str, Any]]) -> tuple[pd.DataFrame, list[str]]:
    """Put rows together: what is known about each measured case, how it was imaged, then its features.

    Parameters
    ----------
    found : Gathered
        The cohort.
    answers : sequence of dict
        One per case, as `measure_cases` gives them.

    Returns
    -------
    table : pandas.DataFrame
        A row per measured case. With several sequences in the cohort their columns begin with the sequence, also in
        the row of a case that has but one; what a case lacks is missing.
    features : list of str
        The names of the feature columns.
    """
    import pandas as pd

    several = len(found.sequences) > 1
    places = [place for place, answer in enumerate(answers) if "error" not in answer]
    known = found.frame.iloc[places].reset_index(drop=True)
    scans = pd.DataFrame([_scan_columns(answers[place]["acquisition"], several) for place in places])
    columns = {place: column_names(answers[place]["names"], found.cases[place], several) for place in places}
    names = list(dict.fromkeys(name for own in sorted(columns.values(), key=len, reverse=True) for name in own))
    order = {name: column for column, name in enumerate(names)}
    values = np.full((len(places), len(names)), np.nan)
    for row, place in enumerate(places):
        values[row, [order[name] for name in columns[place]]] = answers[place]["values"]
    taken = {*names, *scans.columns}
    known = known.rename(columns={name: f"given_{name}" for name in known.columns if name in taken})
    return pd.concat([known, scans, pd.DataFrame(values, columns=names)], axis=1), names


def _scan_columns(acquisition: dict[str, dict[str, Any]], several: bool) -> dict[str, Any]:
    return {
        f"{ACQUISITION_PREFIX}{f'{sequence}_' if several else ''}{name}": value
        for sequence in sorted(acquisition)
        for name, value in _ordered(acquisition[sequence]).items()
    }


def _ordered(tags: dict[str, Any]) -> dict[str, Any]:
    return {name: tags.get(name) for name in (*_TAGS, *(("kernel",) if tags.get("kernel") else ()))}


def _cautions(found: Gathered, answers: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    told = [{"case": "", "code": caution.code, "message": caution.message} for caution in found.cautions]
    for case, answer in zip(found.cases, answers, strict=True):
        if "error" in answer:
            continue
        cautions = list(answer["cautions"])
        missing = [sequence for sequence in found.sequences if sequence not in case.images]
        if missing:
            listed = ", ".join(missing)
            cautions.append(("missing_sequence", f"It has no {listed}; the features of it are missing values."))
        told += [{"case": case.id, "code": code, "message": message} for code, message in cautions]
    return told


def _failures(found: Gathered, answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """List what could not be measured: the case's name, its patient, its row in the source table, and why."""
    failed = [
        {"case": case.id, "patient": str(patient), "row": number, "message": answer["error"]}
        for case, patient, number, answer in zip(
            found.cases, found.frame["patient"], found.numbers, answers, strict=True
        )
        if "error" in answer
    ]
    failed += [
        {"case": problem.patient, "patient": problem.patient, "row": problem.row,
         "message": problem.message[:1].upper() + problem.message[1:]}
        for problem in found.problems
    ]
    return failed


def _write_errors(out: Path, failed: Sequence[dict[str, Any]]) -> Path | None:
    """Write the table of errors beside the features; without errors, one of an earlier run goes."""
    import pandas as pd

    path = out.with_name(f"{out.stem}.errors.csv")
    if not failed:
        path.unlink(missing_ok=True)
        return None
    frame = pd.DataFrame(failed, columns=["patient", "row", "message"])
    write_table(path, frame.assign(row=frame["row"].astype("Int64")))
    return path


def _check_target(ask: ExtractRequest) -> None:
    """Refuse a table that could not be written, or a cache that could keep nothing, before hours of work."""
    out = Path(ask.out)
    check_output(ask, out)
    for folder in (out.parent, *([Path(ask.cache)] if ask.cache else [])):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            """Only to learn that a file can be made there."""

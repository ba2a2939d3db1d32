"""Reproducibility: which features stay when the outline is drawn a little differently, or by a second reader."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CohortError, Failure, RecipeError
from app.core.evaluate.agreement import Agreement, intraclass_correlation
from app.core.files import write_atomically
from app.core.io.tabulate import write_table
from app.core.jobs import Report
from app.core.radiomics.catalogue import STABLE, describe
from app.core.radiomics.extract import check_recipe
from app.core.recipe import Recipe
from app.core.requests import CaseFiles, StabilityRequest
from app.core.workflows.gathering import check_output, gather_cases
from app.core.workflows.measuring import column_names, for_sequences
from app.core.workflows.outlines import CHANGES, OWN, SECOND, measure_outlines
from app.core.workflows.parallel import run_each

LEAST_CASES = 3


def measure_stability(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure how well each feature repeats.

    Every case is measured under its own outline and under each of `jitter_masks`' changes of it; their agreement is
    ICC(1,1), because the changes are perturbations and not readers. Where the table has a second reader's outlines
    (`mask_2`), the two readers' agreement is ICC(2,1), absolute. A feature is stable when the lower end of the 95 %
    interval reaches 0.75, 'good' in Koo and Li's words, for the changes and for the readers if there are any.

    Parameters
    ----------
    request : dict
        A `StabilityRequest`; of more than `cases_at_most` cases so many are drawn by `seed`. `out` is a table (CSV,
        XLSX, Parquet): name, icc, low, high, cases, the same for the readers, stable, title.
    report : callable
        Told after each case; raising `Cancelled` stops the rest and writes nothing.

    Returns
    -------
    dict
        `features`, `cases` (measured), `failed`, `stable` (number), `written` (the table, and beside it a recipe that
        keeps the stable features, if there are any), `recipe` (that recipe, or null).

    Raises
    ------
    CohortError
        Fewer than three cases could be measured.

    References
    ----------
    Zwanenburg et al. 2019, 10.1038/s41598-018-36938-4 (perturbed outlines, ICC(1,1)).
    Koo and Li 2016, 10.1016/j.jcm.2016.02.012.
    """
    ask = StabilityRequest.parse(request)
    check_output(ask, ask.out)
    if ask.recipe.features is None:
        raise RecipeError(f"The recipe '{ask.recipe.name}' measures nothing.", "Choose one with features.")
    report(0.0, "Looking for the cases")
    found = gather_cases(ask)
    check_recipe(ask.recipe.features, found.sequences)
    drawn = draw_cases([case for case in found.cases if case.mask is not None], ask.cases_at_most, ask.seed)
    # what the catalogue calls stable is no reason not to measure the rest
    recipe = ask.recipe.model_copy(update={"features": ask.recipe.features.model_copy(update={"stable_only": False})})
    answers = measure_changes(drawn, recipe, ask.jobs, report)
    failed = [{"case": problem.patient, "message": str(problem)} for problem in found.problems]
    failed += [{"case": case.id, "message": answer["error"]} for case, answer in zip(drawn, answers, strict=True)
               if "error" in answer]
    failed += [{"case": case.id, "message": f"Second reader: {answer['second']}"}
               for case, answer in zip(drawn, answers, strict=True) if answer.get("second")]
    rows = [answer["columns"] for answer in answers if "columns" in answer]
    if len(rows) < LEAST_CASES:
        raise CohortError(f"{len(rows)} cases could be measured, at least {LEAST_CASES} are needed.",
                          [f"{each['case']}: {each['message']}" for each in failed[:5]], "Add cases with an outline.")
    features = judge(rows)
    kept = [each["name"] for each in features if each["stable"]]
    report(1.0, "Writing the table")
    written = [ask.out]
    _write(Path(ask.out), features)
    selection = _select(ask.recipe, kept) if kept else None
    if selection is not None:
        path = Path(ask.out).with_suffix(".recipe.json")
        write_atomically(path, json.dumps(selection, indent=1).encode())
        written.append(str(path))
    told = ("name", "title", "icc_jitter", "low_jitter", "icc_reader", "low_reader", "stable")
    return {"features": [{name: each[name] for name in told} for each in features], "cases": len(rows),
            "failed": failed, "written": written, "stable": len(kept), "recipe": selection}


def draw_cases(cases: Sequence[CaseFiles], most: int, seed: int) -> list[CaseFiles]:
    """Draw so many cases, in their order; those with a second reader's outline come first."""
    if len(cases) <= most:
        return list(cases)
    rank = np.random.default_rng(seed).permutation(len(cases))
    chosen = sorted(range(len(cases)), key=lambda index: (cases[index].mask_2 is None, int(rank[index])))[:most]
    return [cases[index] for index in sorted(chosen)]


def measure_changes(cases: Sequence[CaseFiles], recipe: Recipe, jobs: int, report: Report) -> list[dict[str, Any]]:
    """Measure every case under its outlines.

    Returns
    -------
    list of dict
        For each case `columns` (by outline the features by the cohort's column name) and `second`, or `error`.
    """
    sequences = sorted({sequence for case in cases for sequence in case.images})
    tasks = [{"case": case.model_dump(mode="json"),
              "recipe": for_sequences(recipe, list(case.images), sequences).model_dump(mode="json")} for case in cases]
    answers = run_each(measure_outlines, tasks, jobs, report, "Measuring case", tell=_tell, lost=_lose)
    for case, answer in zip(cases, answers, strict=True):
        if "values" in answer:
            answer["columns"] = {
                outline: dict(zip(column_names(list(row), case, len(sequences) > 1), row.values(), strict=True))
                for outline, row in answer["values"].items()}
    return answers


def judge(rows: Sequence[dict[str, dict[str, float | None]]]) -> list[dict[str, Any]]:
    """Judge each feature's agreement.

    Parameters
    ----------
    rows : sequence of dict
        For each case, by outline, the features by name.

    Returns
    -------
    list of dict
        `name`, `title`, `icc_jitter`, `low_jitter`, `high_jitter`, `cases_jitter`, the same for `reader`, `stable`;
        None where a feature cannot be judged, which is not stable.
    """
    names = list(dict.fromkeys(name for row in rows for name in row[OWN]))
    jitter = intraclass_correlation(_table(rows, names, (OWN, *CHANGES)), "one-way")
    read = [row for row in rows if SECOND in row]
    enough = len(read) >= LEAST_CASES
    reader = intraclass_correlation(_table(read, names, (OWN, SECOND)), "absolute") if enough else None
    features = []
    for index, name in enumerate(names):
        each = {"name": name, "title": describe(name).title, **_figures(jitter, index, "jitter"),
                **_figures(reader, index, "reader")}
        lows = [each["low_jitter"], *([each["low_reader"]] if reader is not None else [])]
        features.append({**each, "stable": all(low is not None and low >= STABLE for low in lows)})
    return features


def _table(rows: Sequence[dict[str, dict[str, float | None]]], names: Sequence[str], outlines: Sequence[str],
           ) -> NDArray[np.float64]:
    """Cases x outlines x features, NaN where there is no value."""
    table = np.full((len(rows), len(outlines), len(names)), np.nan)
    for case, row in enumerate(rows):
        for place, outline in enumerate(outlines):
            measured = row.get(outline, {})
            table[case, place] = [np.nan if (value := measured.get(name)) is None else value for name in names]
    return table


def _figures(found: Agreement | None, index: int, of: str) -> dict[str, Any]:
    def number(values: NDArray[np.float64]) -> float | None:
        return float(values[index]) if np.isfinite(values[index]) else None

    if found is None:
        return {f"icc_{of}": None, f"low_{of}": None, f"high_{of}": None, f"cases_{of}": 0}
    return {f"icc_{of}": number(found.icc), f"low_{of}": number(found.lower), f"high_{of}": number(found.upper),
            f"cases_{of}": int(found.cases[index])}


def _write(path: Path, features: Sequence[dict[str, Any]]) -> None:
    """Write the table; its first three columns are those of the catalogue's own table of stability."""
    import pandas as pd

    columns = {"name": "name", "icc": "icc_jitter", "low": "low_jitter", "high": "high_jitter", "cases": "cases_jitter",
               "icc_reader": "icc_reader", "low_reader": "low_reader", "high_reader": "high_reader",
               "cases_reader": "cases_reader", "stable": "stable", "title": "title"}
    write_table(path, pd.DataFrame([{column: each[key] for column, key in columns.items()} for each in features]))


def _select(recipe: Recipe, names: Sequence[str]) -> dict[str, Any]:
    """Make the recipe that keeps the stable features, as JSON."""
    kept = recipe.model_dump(mode="json", exclude_unset=True)
    kept["name"] = f"{recipe.name}-stable"
    kept["description"] = f"{recipe.description} Only features that repeat on changed outlines.".strip()
    kept["features"] = {**kept.get("features", {}), "names": list(names), "stable_only": False}
    return Recipe.parse(kept).model_dump(mode="json", exclude_unset=True)


def _tell(task: dict[str, Any], answer: dict[str, Any]) -> str:
    outcome = f"failed: {answer['error']}" if "error" in answer else "measured"
    return f"{task['case']['id']} {outcome}"


def _lose(_task: dict[str, Any], failure: Failure) -> dict[str, Any]:
    return {"error": failure.message}

"""Several models tested on the same cases from elsewhere: side by side, and every two compared case by case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from app.core.errors import InputError
from app.core.evaluate.external import measure_difference
from app.core.jobs import Report
from app.core.workflows.results import as_json
from app.core.workflows.results_external import describe_external

Json = dict[str, Any]
Key = tuple[str, int]
_PARTS = ("roc", "metrics", "calibration", "decision", "points", "importance", "fits")
_REMEDY = "Evaluate both on the same table."


def compare_tests(request: dict[str, Any], report: Report) -> Json:
    """Put the external tests of several models on the same cases together.

    Parameters
    ----------
    request : dict
        `external`, paths of two or more `evaluation.json` that `evaluate` wrote.

    Returns
    -------
    dict
        As `view_results` returns it, with every model under its own name; `comparisons` by DeLong's test.

    Raises
    ------
    InputError
        A file is none of an external test, a model is named twice, or the tests were not made on the same cases.

    References
    ----------
    DeLong et al., Biometrics 44 (1988), 10.2307/2531595.
    """
    found = []
    for place, path in enumerate(request["external"]):
        report(place / len(request["external"]), "Reading the external tests")
        found.append(describe_external(Path(str(path))))
    joined: Json = as_json(join_tests(found))
    report(1.0, "Done")
    return joined


def join_tests(found: Sequence[Json]) -> Json:
    """Join what was found of each test; the first model's comparators stay beside."""
    names = [each["name"] for each in found]
    if len(set(names)) < len(names) or len(names) < 2:
        raise InputError("A comparison needs the tests of two or more models.", "Choose tests of different models.")
    first = found[0]
    orders = [_order_of(each, first) for each in found]
    own = {part: {name: each[part].get(name) for name, each in zip(names, found, strict=True)} for part in _PARTS}
    rivals = {part: {name: first[part][name] for name in first["comparators"] if name in first[part]}
              for part in ("roc", "metrics", "decision")}  # fmt: skip
    scores = {name: np.asarray(each["cases"]["probability"][name], dtype=float)[order]
              for name, each, order in zip(names, found, orders, strict=True)}  # fmt: skip
    verdicts = {name: [each["cases"]["verdict"][name][place] for place in order]
                for name, each, order in zip(names, found, orders, strict=True)}  # fmt: skip
    joined = {part: {**values, **rivals.get(part, {})} for part, values in own.items()}
    told = [caution for each in found for caution in each["cautions"]]
    cautions = [caution for place, caution in enumerate(told) if caution not in told[:place]]
    labels = np.asarray(first["cases"]["label"], dtype=np.int_)
    pairs = [row for row in first["comparisons"] if row["b"] not in names]
    methods = " ".join(dict.fromkeys(each["methods"] for each in found))
    return {**first, "title": f"{len(names)} models on {len(labels)} cases from elsewhere", "models": names,
            **joined, "cases": {**first["cases"], "probability": scores, "verdict": verdicts},
            "comparisons": [*_compare(labels, scores), *pairs], "cautions": cautions, "methods": methods,
            "internal": None}  # fmt: skip


def _order_of(test: Json, first: Json) -> list[int]:
    """Where each case of the first test lies in another; both must hold the same ones."""
    wanted, there = _keys(first), {key: place for place, key in enumerate(_keys(test))}
    shared = [key for key in wanted if key in there]
    if len(shared) < len(wanted) or len(there) > len(wanted):
        raise InputError(
            f"The tests were not made on the same cases: {first['name']} was tested on {len(wanted)}, {test['name']} on"
            f" {len(there)}, and {len(shared)} are in both.",
            _REMEDY,
        )
    order = [there[key] for key in wanted]
    labels = np.asarray(test["cases"]["label"])[order]
    if (labels != np.asarray(first["cases"]["label"])).any():
        raise InputError("The same cases have other labels in the two tests.", _REMEDY)
    return order


def _keys(test: Json) -> list[Key]:
    """Name each case: by its patient, and which of the patient's it is."""
    cases = test.get("cases")
    if not cases:
        raise InputError(f"The answers for single cases of {test['name']} are gone.", "Evaluate it again.")
    seen: Counter[str] = Counter()
    keys = []
    for patient in map(str, cases["case"]):
        keys.append((patient, seen[patient]))
        seen[patient] += 1
    return keys


def _compare(labels: Any, scores: Mapping[str, Any]) -> list[Json]:
    rows = []
    for one, other in combinations(scores, 2):
        found = measure_difference(labels, scores[one], scores[other])
        if found is not None:
            rows.append({"a": one, "b": other, "mean": found["mean"], "interval": found["interval"],
                         "p_value": found["p"], "how": "DeLong"})  # fmt: skip
    return rows

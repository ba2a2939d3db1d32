"""Out-of-fold answers as a file keeps them, and back: every curve and table is drawn again from what was saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import FoldFit, OutOfFold
from app.core.evaluate.folds import Folds
from app.core.evaluate.metrics import auc


def describe_folds(folds: Folds) -> dict[str, Any]:
    """Folds as results are written: what they were, and which rows each tested.

    Returns
    -------
    dict
        `digest`, `k`, `repeats`, `scheme`; `tests`, for each fold the places of its rows among the cases; `trains`,
        likewise, where a fold need not train on all the others.
    """
    told = {"digest": folds.digest, "k": folds.k, "repeats": folds.repeats, "scheme": folds.scheme}
    told["tests"] = [test.tolist() for _, test in folds.splits]
    if folds.scheme != "patients":
        told["trains"] = [train.tolist() for train, _ in folds.splits]
    return told


def restore_folds(told: Mapping[str, Any], rows: int) -> Folds:
    """Folds of so many rows from what `describe_folds` wrote."""
    tests = [np.array(places, dtype=np.int_) for places in told["tests"]]
    trains = [np.array(places, dtype=np.int_) for places in told.get("trains", ())]
    trains = trains or [np.setdiff1d(np.arange(rows), test) for test in tests]
    return Folds(tuple(zip(trains, tests, strict=True)), told["k"], told["repeats"], told.get("scheme", "patients"))


def restore_answers(evaluation: Mapping[str, Any], name: str) -> OutOfFold | None:
    """The out-of-fold answers of a model or a comparator of a saved evaluation.

    Parameters
    ----------
    evaluation : mapping
        `cases`, `folds`, and `models` or `comparators` with `out_of_fold` (a list of probabilities, one per repeat, for
        each case; null where a repeat does not test it) and, of models, `fits`.
    name : str

    Returns
    -------
    OutOfFold or None
        None where the file keeps no answers of it, or not which rows the folds held.
    """
    figures = evaluation["models"].get(name) or evaluation.get("comparators", {}).get(name, {})
    cases = evaluation.get("cases") or {}
    if not figures.get("out_of_fold") or "label" not in cases or "tests" not in evaluation["folds"]:
        return None
    probabilities = np.array(figures["out_of_fold"], dtype=np.float64).T
    labels = np.array(cases["label"], dtype=np.int_)
    folds = restore_folds(evaluation["folds"], len(labels))
    patients = np.array(cases.get("patient", np.arange(len(labels))))
    fits = _restore_fits(figures.get("fits", ()), folds)
    aucs = [_area(labels, probabilities[place // folds.k], fit.test) for place, fit in enumerate(fits)]
    counts = (int((labels == 0).sum()), int((labels == 1).sum()))
    return OutOfFold(np.array(aucs), probabilities, counts, labels, patients, folds, fits)


def _area(labels: NDArray[np.int_], answers: NDArray[np.float64], test: NDArray[np.int_]) -> float:
    return auc(labels[test], answers[test])


def _restore_fits(told: Sequence[Mapping[str, Any]], folds: Folds) -> tuple[FoldFit, ...]:
    known = told if len(told) == len(folds.splits) else [{}] * len(folds.splits)
    return tuple(
        FoldFit(
            train,
            test,
            each.get("settings", {}),
            each.get("thresholds", {}),
            {float(rate): (pair[0], pair[1]) for rate, pair in each.get("conformal", {}).items()},
        )
        for (train, test), each in zip(folds.splits, known, strict=True)
    )

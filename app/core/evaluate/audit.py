"""The audit of a result: what looking at every case would have shown, what chance alone shows, what was fitted on what.

The naive figure is made of functions that are handed in. Nothing here can be saved as a model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold, Runner, cross_validate
from app.core.evaluate.folds import Folds

Array = NDArray[np.float64]
Labels = NDArray[np.int_]


@dataclass(frozen=True, eq=False)
class Permuted:
    """The whole pipeline under labels that mean nothing.

    Parameters
    ----------
    aucs : array, shape (permutations,)
        Mean within-fold AUC of each.
    observed : float
        The same under the true labels, measured in the same way.
    """

    aucs: Array
    observed: float

    @property
    def p(self) -> float:
        """Share of labelings, the true one among them, under which the AUC is at least the observed one."""
        return float((1 + (self.aucs >= self.observed - 1e-12).sum()) / (1 + len(self.aucs)))

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        spread = float(self.aucs.std(ddof=1)) if len(self.aucs) > 1 else None
        figures = {"mean": float(self.aucs.mean()), "sd": spread, "each": self.aucs.tolist()}
        return {"auc": figures, "observed": self.observed, "p_value": self.p, "permutations": len(self.aucs)}


def naive_figure(
    rows: Any,
    labels: Labels,
    folds: Folds,
    make: Callable[[], Any],
    harmonise: Callable[[Any, Labels], Any],
    select: Callable[[Any, Labels], Any],
    patients: NDArray[Any] | None = None,
    on_fold: Callable[[int], None] = lambda _done: None,
    runner: Runner = map,
) -> OutOfFold:
    """Do what must not be done: harmonise and select on the whole table with its labels, then cross-validate.

    Parameters
    ----------
    rows : array, shape (rows, features), or pandas.DataFrame
    labels, folds, patients, on_fold, runner
        As for `cross_validate`.
    make : callable
        Returns an unfitted classifier of what `select` returns.
    harmonise, select : callable
        From rows and labels to rows, each seeing all of them.

    Returns
    -------
    OutOfFold
        Its AUC is no estimate of anything; beside the honest one it shows the optimism.
    """
    seen = select(harmonise(rows, labels), labels)
    return cross_validate(make, seen, labels, folds, on_fold, patients, runner)


def describe_naive(honest: OutOfFold, naive: OutOfFold, *, harmonised: bool = True) -> dict[str, Any]:
    """The naive figure beside the honest one, as results are written; whether there were sites to harmonise."""
    optimism = float(np.nanmean(naive.aucs) - np.nanmean(honest.aucs))
    return {
        "auc": {**naive.auc_summary(naive.folds), "interval": None},
        "optimism": optimism,
        "harmonised": harmonised,
        "sentence": word_optimism(
            float(np.nanmean(honest.aucs)), float(np.nanmean(naive.aucs)), harmonised=harmonised
        ),
    }


def word_optimism(honest: float, naive: float, *, harmonised: bool = True) -> str:
    """Say what looking at the held-out cases would have seemed to gain."""
    done = "Harmonised with the label as a covariate and selected" if harmonised else "With features selected"
    said = f"{done} on the whole table, the same cases would have shown an AUC of {naive:.3f} in place of {honest:.3f}"
    if naive <= honest:
        return f"{said}: looking at the held-out cases gained nothing here."
    return f"{said}: {naive - honest:+.3f} that no new patient would have confirmed."


def permute_labels(
    labels: Labels, patients: NDArray[Any], rng: np.random.Generator, within: NDArray[Any] | None = None
) -> Labels:
    """Deal the labels out again among patients.

    Parameters
    ----------
    labels, patients : array, shape (rows,)
        Rows of a patient keep a common label; of a patient with rows of both classes, the first row's counts.
    rng : numpy.random.Generator
    within : array, shape (rows,), optional
        Such as the site: labels are dealt among the patients of each, so that what the site says about the label stays.

    Returns
    -------
    array of int, shape (rows,)
    """
    _, first, own = np.unique(patients, return_index=True, return_inverse=True)
    dealt = labels[first].copy()
    groups = np.zeros(len(first), dtype=int) if within is None else np.unique(within[first], return_inverse=True)[1]
    for group in range(groups.max() + 1):
        places = np.flatnonzero(groups == group)
        dealt[places] = dealt[rng.permutation(places)]
    return np.asarray(dealt[own])


def permuted_figure(
    make: Callable[[], Any],
    rows: Any,
    labels: Labels,
    patients: NDArray[Any],
    draw: Callable[[Labels], Folds],
    count: int,
    rng: np.random.Generator,
    on_done: Callable[[int], None] = lambda _done: None,
    runner: Runner = map,
    within: NDArray[Any] | None = None,
    observed: float | None = None,
) -> Permuted:
    """Run the whole pipeline, folds included, under permuted labels.

    Parameters
    ----------
    make, rows, labels, patients, runner
        As for `cross_validate`.
    draw : callable
        From labels to folds: stratified folds depend on the labels and are drawn for each permutation.
    count : int
        Permutations.
    rng : numpy.random.Generator
    on_done : callable
        Told the number of finished permutations; may raise `Cancelled`.
    within : array, optional
        As for `permute_labels`.
    observed : float, optional
        Mean within-fold AUC under the true labels and folds drawn alike; measured here when not given.

    Returns
    -------
    Permuted

    References
    ----------
    Ojala and Garriga, JMLR 11 (2010), test 1.
    """

    def measure(truth: Labels) -> float:
        found = cross_validate(make, rows, truth, draw(truth), lambda _done: None, patients, runner)
        return float(np.nanmean(found.aucs))

    true = measure(labels) if observed is None else observed
    aucs = []
    for number in range(count):
        aucs.append(measure(permute_labels(labels, patients, rng, within)))
        on_done(number + 1)
    return Permuted(np.array(aucs), true)


def list_fits(found: OutOfFold, *, weights: bool = False) -> Sequence[dict[str, Any]]:
    """What was fitted, on how many rows of which fold, and how many of its patients were also tested there (none).

    With `weights` also `importance`: the features that it kept, and their shares of its weight.
    """
    return [
        {
            "repeat": index // found.folds.k + 1,
            "fold": index % found.folds.k + 1,
            "trained_rows": len(fit.train),
            "trained_patients": len(np.unique(found.patients[fit.train])),
            "tested_rows": len(fit.test),
            "patients_on_both_sides": len(np.intersect1d(found.patients[fit.train], found.patients[fit.test])),
            "settings": dict(fit.settings),
            "thresholds": dict(fit.thresholds),
            **({"importance": dict(fit.importance)} if weights and fit.importance else {}),
        }
        for index, fit in enumerate(found.fits)
    ]

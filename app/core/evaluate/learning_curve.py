"""Whether more cases would help: the AUC on the same held-out rows after training on part of each fold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold, Runner, cross_validate
from app.core.evaluate.folds import Folds
from app.core.evaluate.intervals import Estimate

SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
MOST_FOLDS = 20


@dataclass(frozen=True)
class LearningPoint:
    """AUC after training on a share of the patients of each fold; `patients` is their mean number."""

    share: float
    patients: float
    auc: Estimate

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        interval = [self.auc.low, self.auc.high]
        return {"share": self.share, "patients": self.patients, "auc": {"mean": self.auc.value, "interval": interval}}


def shrink_folds(folds: Folds, labels: NDArray[np.int_], patients: NDArray[Any], share: float, seed: int) -> Folds:
    """Keep a share of each fold's training patients, of both classes alike; what is held out stays as it is.

    Parameters
    ----------
    folds : Folds
    labels, patients : array, shape (rows,)
    share : float
        Above 0, up to 1. The patients of a smaller share are among those of a larger one.
    seed : int

    Returns
    -------
    Folds
    """
    splits = []
    for index, (train, test) in enumerate(folds.splits):
        order = np.random.default_rng([seed, index])
        positive = np.unique(patients[train[labels[train] == 1]])
        kept: list[Any] = []
        for group in (positive, np.setdiff1d(patients[train], positive)):
            kept += order.permutation(group)[: max(round(share * len(group)), 1)].tolist()
        splits.append((train[np.isin(patients[train], kept)], test))
    return replace(folds, splits=tuple(splits), scheme="fixed")


def first_repeats(folds: Folds, most: int) -> Folds:
    """Keep the first repeats, as many as have so many folds together, and one at least."""
    repeats = max(min(most // folds.k, folds.repeats), 1)
    return folds if repeats == folds.repeats else replace(folds, splits=folds.splits[: repeats * folds.k],
                                                          repeats=repeats)  # fmt: skip


def learning_curve(
    make: Callable[[], Any],
    rows: Any,
    labels: NDArray[np.int_],
    folds: Folds,
    on_fold: Callable[[int], None],
    patients: NDArray[Any] | None = None,
    runner: Runner = map,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    fewest: int = 5,
    whole: OutOfFold | None = None,
    most_folds: int = MOST_FOLDS,
) -> tuple[LearningPoint, ...]:
    """Cross-validate on growing shares of each fold's training patients.

    Parameters
    ----------
    make, rows, labels, folds, on_fold, patients, runner
        As for `cross_validate`; `on_fold` counts the folds of all shares.
    shares : sequence of float
    seed : int
    fewest : int
        Patients of either class in every training set, below which a share is left out.
    whole : OutOfFold, optional
        Of the same model on the same folds: stands for a share of 1 in place of fitting again.
    most_folds : int
        Folds that each share is measured on: whole repeats, the first ones, and one at least.

    Returns
    -------
    tuple of LearningPoint
        The points share their held-out rows: their differences are surer than their intervals look.
    """
    groups = np.arange(len(labels)) if patients is None else np.asarray(patients)
    folds = first_repeats(folds, most_folds)
    if whole is not None and len(whole.fits) > len(folds.splits):
        count, repeats = len(folds.splits), folds.repeats
        whole = replace(whole, aucs=whole.aucs[:count], probabilities=whole.probabilities[:repeats],
                        fits=whole.fits[:count], folds=folds)  # fmt: skip
    points, done = [], 0
    for share in shares:
        shrunk = shrink_folds(folds, labels, groups, share, seed) if share < 1 else folds
        if min(_rarest(labels, groups, train) for train, _ in shrunk.splits) < fewest:
            continue
        if share == 1 and whole is not None:
            found = whole
        else:
            told = partial(_count_on, on_fold, done)
            found = cross_validate(make, rows, labels, shrunk, told, groups, runner)
            done += len(shrunk.splits)
        trained = float(np.mean([len(np.unique(groups[train])) for train, _ in shrunk.splits]))
        points.append(LearningPoint(float(share), trained, found.auc))
    return tuple(points)


def _count_on(on_fold: Callable[[int], None], before: int, done: int) -> None:
    on_fold(before + done)


def _rarest(labels: NDArray[np.int_], patients: NDArray[Any], rows: NDArray[np.int_]) -> int:
    return min(len(np.unique(patients[rows[labels[rows] == side]])) for side in (0, 1))

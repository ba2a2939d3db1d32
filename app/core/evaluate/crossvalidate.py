"""Cross-validation: every fold fits a fresh model on its training rows alone and answers for the held-out ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.fold_areas import BY_CASES, BY_FOLDS, estimate_area, is_told_by_folds
from app.core.evaluate.folds import Folds, Split
from app.core.evaluate.intervals import Estimate
from app.core.evaluate.metrics import auc

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
Runner = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]
"""Applies a function to every fold, in order, as `map` does; possibly in several processes."""


@dataclass(frozen=True, eq=False)
class FoldFit:
    """What one fold fitted, and on what.

    Parameters
    ----------
    train, test : array of int
        Row numbers.
    settings : dict
        The model's `best_`: what its inner search chose; empty for one that chooses nothing.
    thresholds : dict of str to float
        The model's own operating thresholds, on the scale of its probabilities.
    conformal : dict of float to (float, float)
        For each error rate its own quantiles, of the negative and of the positive class.
    importance : dict of str to float or None
        Share of the model's weight that each feature has which it kept, where it tells (`weigh_features`).
    """

    train: NDArray[np.int_]
    test: NDArray[np.int_]
    settings: Mapping[str, Any]
    thresholds: Mapping[str, float]
    conformal: Mapping[float, tuple[float, float]]
    importance: Mapping[str, float | None] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Held-out answers.

    Parameters
    ----------
    aucs : array, shape (repeats * k,)
        AUC within each fold; NaN for one that holds out a single class.
    probabilities : array, shape (repeats, rows)
        Of class 1, each from a model that has not seen the row's patient; NaN where a repeat does not test the row.
    counts : tuple of int
        Rows of class 0 and of class 1.
    labels, patients : array, shape (rows,)
    folds : Folds
    fits : tuple of FoldFit
        In the order of the folds.
    """

    aucs: Array
    probabilities: Array
    counts: tuple[int, int]
    labels: Labels
    patients: NDArray[Any]
    folds: Folds
    fits: tuple[FoldFit, ...]

    @property
    def tested(self) -> NDArray[np.bool_]:
        """Which rows each repeat answers for, shape (repeats, rows)."""
        return np.isfinite(self.probabilities)

    @cached_property
    def decisions(self) -> dict[str, NDArray[np.bool_]]:
        """For each threshold that every fold has: whether a row is called positive, shape (repeats, rows)."""
        names = [name for name in self.fits[0].thresholds if all(name in fit.thresholds for fit in self.fits)]
        return {name: self.probabilities >= self._by_row([fit.thresholds[name] for fit in self.fits]) for name in names}

    @cached_property
    def sets(self) -> dict[float, NDArray[np.bool_]]:
        """For each error rate that every fold has: the classes (negative, positive) that stay possible.

        Shape (repeats, rows, 2); the rule is that of `conformal.conformal_set`.
        """
        rates = [rate for rate in self.fits[0].conformal if all(rate in fit.conformal for fit in self.fits)]
        found = {}
        for rate in rates:
            negative, positive = (self._by_row([fit.conformal[rate][side] for fit in self.fits]) for side in (0, 1))
            found[rate] = np.stack([self.probabilities <= negative, 1 - self.probabilities <= positive], axis=-1)
        return found

    @property
    def auc(self) -> Estimate:
        """Mean of the within-fold AUCs, with an interval that allows for the training sample."""
        return estimate_area(self)

    def auc_summary(self, folds: Folds) -> dict[str, Any]:
        """Mean, standard deviation and interval of the AUC, with every fold's; null for one of a single class.

        The standard deviation is null for a single fold.
        """
        known, found = self.aucs[np.isfinite(self.aucs)], estimate_area(replace(self, folds=folds))
        return {
            "mean": found.value if np.isfinite(found.value) else None,
            "sd": float(known.std(ddof=1)) if len(known) > 1 else None,
            "interval": found.json["interval"],
            "interval_by": BY_FOLDS if is_told_by_folds(self) else BY_CASES,
            "folds": [float(value) if np.isfinite(value) else None for value in self.aucs],
        }

    def _by_row(self, values: list[float]) -> Array:
        """Each fold's value at the rows that it tests, shape (repeats, rows)."""
        spread = np.full(self.probabilities.shape, np.nan)
        for index, (fit, value) in enumerate(zip(self.fits, values, strict=True)):
            spread[index // self.folds.k, fit.test] = value
        return spread


def cross_validate(
    make: Callable[[], Any],
    rows: Any,
    labels: Labels,
    folds: Folds,
    on_fold: Callable[[int], None],
    patients: NDArray[Any] | None = None,
    runner: Runner = map,
) -> OutOfFold:
    """Fit and predict fold by fold.

    Parameters
    ----------
    make : callable
        Returns an unfitted model with fit and predict_proba. Where its fit takes `patients`, it is told the training
        rows' own, so that its inner folds keep them together. What it learns about itself inside the fold is kept when
        it has `best_` (mapping of settings), `thresholds_` (mapping of name to threshold), `conformal_` (mapping of
        error rate to the quantiles of either class) or `weigh_features()`.
    rows : array, shape (rows, features), or pandas.DataFrame
        NaN where missing; any index.
    labels : array of int, shape (rows,)
        0 or 1.
    folds : Folds
    on_fold : callable
        Told the number of finished folds; may raise `Cancelled`.
    patients : array, shape (rows,), optional
        Every row a patient of its own by default.
    runner : callable
        `map`, or one like it that works in parallel; `make` must then be picklable.

    Returns
    -------
    OutOfFold
    """
    groups = np.arange(len(labels)) if patients is None else np.asarray(patients)
    probabilities = np.full((folds.repeats, len(labels)), np.nan)
    aucs, fits = np.empty(len(folds.splits)), []
    answers = runner(partial(fit_fold, make, rows, labels, groups), folds.splits)
    for index, (answer, fit) in enumerate(answers):
        probabilities[index // folds.k, fit.test] = answer
        aucs[index] = auc(labels[fit.test], answer)
        fits.append(fit)
        on_fold(index + 1)
    counts = (int((labels == 0).sum()), int((labels == 1).sum()))
    return OutOfFold(aucs, probabilities, counts, np.asarray(labels), groups, folds, tuple(fits))


def fit_fold(
    make: Callable[[], Any], rows: Any, labels: Labels, patients: NDArray[Any], split: Split
) -> tuple[Array, FoldFit]:
    """Fit a fresh model on a fold's training rows and answer for its held-out ones, whose labels it is never given.

    Returns
    -------
    probabilities : array, shape (test rows,)
        Of class 1.
    fit : FoldFit
    """
    train, test = split
    model = make()
    told = {"patients": patients[train]} if "patients" in inspect.signature(model.fit).parameters else {}
    model = model.fit(_take(rows, train), labels[train], **told)
    answers = np.asarray(model.predict_proba(_take(rows, test)), dtype=np.float64)[:, 1]
    fit = FoldFit(
        train,
        test,
        dict(getattr(model, "best_", {})),
        {str(name): float(value) for name, value in getattr(model, "thresholds_", {}).items()},
        {float(rate): (float(low), float(high)) for rate, (low, high) in getattr(model, "conformal_", {}).items()},
        model.weigh_features() if hasattr(model, "weigh_features") else {},
    )
    return answers, fit


def _take(rows: Any, chosen: NDArray[np.int_]) -> Any:
    return rows.iloc[chosen] if hasattr(rows, "iloc") else rows[chosen]

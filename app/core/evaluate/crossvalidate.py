"""Cross-validation: every fold fits a fresh pipeline on its training rows alone and answers for the held-out ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.folds import Folds
from app.core.evaluate.intervals import corrected_t_interval
from app.core.evaluate.metrics import auc


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Held-out answers.

    Parameters
    ----------
    aucs : array, shape (repeats * k,)
        AUC within each fold.
    probabilities : array, shape (repeats, rows)
        Of class 1, each from a model that has not seen the row's patient.
    counts : tuple of int
        Rows of class 0 and of class 1.
    """

    aucs: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    counts: tuple[int, int]

    def auc_summary(self, folds: Folds) -> dict[str, Any]:
        """Mean, standard deviation and interval of the AUC, with every fold's."""
        return {
            "mean": float(self.aucs.mean()),
            "sd": float(self.aucs.std(ddof=1)),
            "interval": list(corrected_t_interval(self.aucs, folds.k, folds.repeats, self.counts)),
            "folds": self.aucs.tolist(),
        }


def cross_validate(
    make: Callable[[], Any],
    rows: NDArray[np.float64],
    labels: NDArray[np.int_],
    folds: Folds,
    on_fold: Callable[[int], None],
) -> OutOfFold:
    """Fit and predict fold by fold.

    Parameters
    ----------
    make : callable
        Returns an unfitted pipeline with fit and predict_proba.
    rows : array, shape (rows, features)
        NaN where missing.
    labels : array of int, shape (rows,)
    folds : Folds
    on_fold : callable
        Told the number of finished folds; may raise `Cancelled`.

    Returns
    -------
    OutOfFold
    """
    probabilities = np.full((folds.repeats, len(labels)), np.nan)
    aucs = np.empty(len(folds.splits))
    for index, (train, test) in enumerate(folds.splits):
        model = make().fit(rows[train], labels[train])
        answers = model.predict_proba(rows[test])[:, 1]
        probabilities[index // folds.k, test] = answers
        aucs[index] = auc(labels[test], answers)
        on_fold(index + 1)
    return OutOfFold(aucs, probabilities, (int((labels == 0).sum()), int((labels == 1).sum())))

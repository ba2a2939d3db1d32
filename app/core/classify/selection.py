"""Selection by the label: a path over the features is found once, and any number of features is read off it."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.core.classify.filters import Array, KeptColumns

Labels = NDArray[np.int_]
Path = list[tuple[NDArray[np.int_], Array]]


class Univariate(KeptColumns):
    """The columns whose univariate AUC lies farthest from one half.

    Parameters
    ----------
    number : int
        How many are kept, at most.
    """

    def __init__(self, number: int = 20) -> None:
        self.number = number

    def path(self, rows: Array, labels: Labels) -> Path:
        """One entry: all columns and their distance from one half."""
        return [(np.arange(rows.shape[1]), np.abs(univariate_auc(rows, labels) - 0.5))]

    def choose(self, path: Path) -> Self:
        """Keep the best of a path."""
        columns, merits = path[0]
        self.kept_ = np.sort(columns[np.argsort(-merits, kind="stable")[: self.number]])
        return self

    def fit(self, rows: Array, labels: Labels) -> Self:
        """Find the path and keep the best."""
        return self.choose(self.path(rows, labels))


class Elimination(KeptColumns):
    """Recursive feature elimination by the weights of a linear SVM, as scikit-learn's `RFE` does it.

    The features left after each elimination do not depend on how many are wanted in the end, the last elimination
    excepted, which is cut short: so one path serves every number. With fewer rows than features the SVM is solved on
    the rows' inner products, which gives the same weights sooner.

    Parameters
    ----------
    number : int
        How many are kept, at most.
    strength : float
        C of the SVM.
    step : float
        Eliminated at a time: a share of all columns below 1, else a number.

    References
    ----------
    Guyon et al., Machine Learning 46 (2002), 10.1023/A:1012487302797
    """

    def __init__(self, number: int = 20, strength: float = 0.1, step: float = 0.1) -> None:
        self.number = number
        self.strength = strength
        self.step = step

    def path(self, rows: Array, labels: Labels) -> Path:
        """Find the columns left before each elimination, and their squared weights, down to one step."""
        from sklearn.svm import SVC

        columns = np.arange(rows.shape[1])
        step = int(max(1, self.step * len(columns))) if self.step < 1 else int(self.step)
        products = rows @ rows.T
        path: Path = []
        while True:
            machine = SVC(kernel="precomputed", C=self.strength).fit(products, labels)
            weights = (machine.dual_coef_ @ rows[machine.support_][:, columns])[0] ** 2
            path.append((columns, weights))
            if len(columns) <= step or len(columns) <= 1:
                return path
            order = np.argsort(weights, kind="stable")
            gone = columns[order[:step]]
            columns = np.sort(columns[order[step:]])
            products = products - rows[:, gone] @ rows[:, gone].T

    def choose(self, path: Path) -> Self:
        """Keep the number wanted: the best of the smallest set that still holds so many."""
        columns, weights = next((entry for entry in reversed(path) if len(entry[0]) >= self.number), path[0])
        order = np.argsort(weights, kind="stable")
        self.kept_ = np.sort(columns[order[max(0, len(columns) - self.number) :]])
        return self

    def fit(self, rows: Array, labels: Labels) -> Self:
        """Find the path and keep the number wanted."""
        return self.choose(self.path(rows, labels))


class SparseWeights(KeptColumns):
    """The columns to which an L1-penalised logistic regression gives weight; the best single one where it gives none.

    Parameters
    ----------
    strength : float
        C, the inverse of the penalty.
    """

    def __init__(self, strength: float = 0.1) -> None:
        self.strength = strength

    def fit(self, rows: Array, labels: Labels) -> Self:
        """Fit the regression and keep what it uses."""
        from sklearn.linear_model import LogisticRegression

        fit = LogisticRegression(solver="liblinear", l1_ratio=1.0, C=self.strength, random_state=0, max_iter=1000)
        kept = np.flatnonzero(fit.fit(rows, labels).coef_[0])
        self.kept_ = kept if len(kept) else Univariate(1).fit(rows, labels).kept_
        return self


def univariate_auc(rows: Array, labels: Labels) -> Array:
    """AUC of each column by itself, shape (columns,); ties count half."""
    from scipy.stats import rankdata

    positives = int((labels == 1).sum())
    ranks = rankdata(rows, axis=0)[labels == 1].sum(axis=0)
    return np.asarray((ranks - positives * (positives + 1) / 2) / (positives * (len(labels) - positives)))


def path_key(selector: Any) -> str | None:
    """What a selector's path depends on; None where it has no path to share."""
    if not hasattr(selector, "path"):
        return None
    settings = {name: value for name, value in selector.get_params().items() if name != "number"}
    return f"{type(selector).__name__} {sorted(settings.items())}"

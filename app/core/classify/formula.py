"""A logistic model written as its formula: what a published model gives, without the data behind it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.core.data import Contribution
from app.core.recipe import Settings


class Term(Settings):
    """One term of the linear predictor: `coefficient * transform(feature)`."""

    feature: str
    transform: Literal["identity", "log10"] = "identity"
    coefficient: float
    reference: float

    def transformed(self, value: float) -> float:
        """The value on the scale of the coefficient."""
        return float(np.log10(value)) if self.transform == "log10" else value


class LogitFormula(Settings):
    """Logistic regression given by its coefficients and their covariance.

    Parameters
    ----------
    intercept : float
        In log odds.
    terms : tuple of Term
        `reference` is the feature value that contributions are measured against.
    covariance : tuple of tuple of float
        Of (intercept, coefficients...), shape (terms + 1, terms + 1).
    """

    kind: Literal["formula"] = "formula"
    intercept: float
    terms: tuple[Term, ...]
    covariance: tuple[tuple[float, ...], ...]

    def _design(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        return np.array([1.0, *(term.transformed(features[term.feature]) for term in self.terms)])

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Linear predictor of one case."""
        weights = np.array([self.intercept, *(term.coefficient for term in self.terms)])
        return float(self._design(features) @ weights)

    def variance(self, features: Mapping[str, float]) -> float:
        """Variance of the linear predictor from the uncertainty of the coefficients (delta method)."""
        x = self._design(features)
        return float(x @ np.array(self.covariance) @ x)

    def contributions(self, features: Mapping[str, float]) -> tuple[Contribution, ...]:
        """Effect of each term in log odds, against its reference value."""
        return tuple(
            Contribution(
                term.feature,
                features[term.feature],
                term.coefficient * (term.transformed(features[term.feature]) - term.transformed(term.reference)),
            )
            for term in self.terms
        )


def fit_formula(feature: str, values: NDArray[np.float64], labels: NDArray[np.int_]) -> LogitFormula:
    """Fit a logistic regression on the logarithm of one positive feature.

    Parameters
    ----------
    feature : str
        Its name.
    values : array, shape (cases,)
        Positive.
    labels : array of int, shape (cases,)
        0 or 1.

    Returns
    -------
    LogitFormula
        Contributions are measured against the median. The covariance is the inverse of the information; a penalty far
        below the data's keeps separated classes finite.
    """
    from sklearn.linear_model import LogisticRegression

    design = np.column_stack([np.ones(len(values)), np.log10(values)])
    fit = LogisticRegression(C=100.0, max_iter=5000).fit(design[:, 1:], labels)
    intercept, slope = float(fit.intercept_[0]), float(fit.coef_[0, 0])
    weights = np.prod(fit.predict_proba(design[:, 1:]), axis=1)
    covariance = np.linalg.inv((design * weights[:, np.newaxis]).T @ design + 1e-9 * np.eye(2))
    return LogitFormula(
        intercept=intercept,
        terms=(Term(feature=feature, transform="log10", coefficient=slope, reference=float(np.median(values))),),
        covariance=tuple(map(tuple, covariance.tolist())),
    )

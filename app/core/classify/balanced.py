"""Against unequal classes, inside the fit: what is weighted, drawn twice or made up never meets a new row."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone

from app.core.classify.scores import raw_score

Array = NDArray[np.float64]


class BalancedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier fitted on rows weighted, or resampled, to equal classes.

    Parameters
    ----------
    classifier : estimator
        Unfitted.
    how : {'weights', 'over', 'under', 'smote'}
        Weight the rows, draw the rarer class again, leave out of the commoner one, or interpolate between
        neighbours of the rarer one.
    random_state : int

    References
    ----------
    Chawla et al., SMOTE, J. Artif. Intell. Res. 16 (2002), 10.1613/jair.953
    """

    def __init__(
        self, classifier: Any, how: Literal["weights", "over", "under", "smote"] = "weights", random_state: int = 0
    ) -> None:
        self.classifier = classifier
        self.how = how
        self.random_state = random_state

    def fit(self, rows: Array, labels: NDArray[np.int_], patients: NDArray[Any] | None = None) -> Self:
        """Weight or resample, then fit; a classifier that sets rows aside is told whose each is.

        A row that was made up lies between two others' and has no patient of its own: nothing is set aside then.
        """
        self.classes_ = np.array([0, 1])
        if self.how == "weights":
            counts = np.bincount(labels, minlength=2)
            weights = (len(labels) / (2 * counts))[labels]
            told = {} if patients is None or not self._sets_aside else {"patients": patients}
            self.fitted_ = clone(self.classifier).fit(rows, labels, sample_weight=weights, **told)
            return self
        sampler = self._sampler(int(np.bincount(labels).min()))
        drawn, drawn_labels = sampler.fit_resample(rows, labels)
        classifier, told = clone(self.classifier), {}
        if self._sets_aside and hasattr(sampler, "sample_indices_"):
            groups = np.arange(len(labels)) if patients is None else np.asarray(patients)
            told = {"patients": groups[sampler.sample_indices_]}
        elif self._sets_aside:
            classifier.set_params(watched=0.0)
        self.fitted_ = classifier.fit(drawn, drawn_labels, **told)
        return self

    @property
    def _sets_aside(self) -> bool:
        return "watched" in self.classifier.get_params()

    def _sampler(self, fewest: int) -> Any:
        from imblearn.over_sampling import SMOTE, RandomOverSampler
        from imblearn.under_sampling import RandomUnderSampler

        if self.how == "under":
            return RandomUnderSampler(random_state=self.random_state)
        if self.how == "over" or fewest < 2:
            return RandomOverSampler(random_state=self.random_state)
        return SMOTE(k_neighbors=min(5, fewest - 1), random_state=self.random_state)

    def decision_function(self, rows: Array) -> Array:
        """Raw score of class 1, shape (rows,)."""
        return raw_score(self.fitted_, rows)

    def predict(self, rows: Array) -> NDArray[np.int_]:
        """Class by the sign of the score."""
        return (self.decision_function(rows) > 0).astype(int)

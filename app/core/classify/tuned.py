"""A classifier that tunes, calibrates and sets its thresholds by itself, from its own training rows and no others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from app.core.classify.averaged import AveragedModels, pipeline_score
from app.core.classify.calibrator import PlattCurve, fit_platt
from app.core.classify.candidates import SETTINGS, Candidates, build_candidates
from app.core.classify.importance import weigh_features
from app.core.classify.search import Fold, fit_settings, score_candidates, take
from app.core.classify.selection import univariate_auc
from app.core.evaluate.conformal import class_quantiles
from app.core.evaluate.folds import Split, make_folds
from app.core.evaluate.metrics import operating_points
from app.core.recipe import ModelRecipe

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
ERROR_RATES = (0.05, 0.1, 0.2)
PRIOR = "prior"


@dataclass(frozen=True, eq=False)
class Searched:
    """What an inner search found for one classifier.

    Parameters
    ----------
    best : dict
        The chosen settings.
    aucs : array, shape (candidates,)
        Mean over the inner folds.
    scores : array, shape (rows,)
        Held-out raw scores of the chosen settings, averaged over the repeats of the inner folds.
    """

    candidates: Candidates
    best: SETTINGS
    aucs: Array
    scores: Array


class TunedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Everything that learns, in one estimator: an outer fold that fits it has let nothing out.

    Parameters
    ----------
    recipe : ModelRecipe
    features : sequence of str, optional
        Feature columns of the table; None learns from a plain array (rows, features).
    harmonise : transformer, optional
        Unfitted; from the table to its harmonised feature columns.
    random_state : int
        Seed of the inner folds and of the classifier.

    Attributes
    ----------
    best_ : dict
        Chosen settings, `step__parameter`; of an average, those of each member.
    aucs_ : list of array
        Mean inner AUC of every candidate, for each member.
    calibrator_ : dict
        `slope` and `intercept` from the raw score to log odds.
    inner_ : array, shape (rows,)
        Calibrated probability of each training row, from inner folds that held its patient out.
    thresholds_ : dict
        Name of an operating point and its probability, from `inner_`; 'prior' is the share of class 1, the same as
        dividing each class's probability by its share.
    conformal_ : dict
        Error rate and the quantiles of 1 - p of class 0 and class 1, from `inner_`.
    fitted_ : pipeline
        Refitted on all rows with the chosen settings.
    classes_ : array
        0 and 1.
    """

    def __init__(
        self,
        recipe: ModelRecipe,
        features: Sequence[str] | None = None,
        harmonise: Any = None,
        random_state: int = 0,
    ) -> None:
        self.recipe = recipe
        self.features = features
        self.harmonise = harmonise
        self.random_state = random_state

    def fit(self, table: Any, labels: Labels, patients: NDArray[Any] | None = None) -> Self:
        """Search, calibrate, set the thresholds, and refit on all rows.

        Parameters
        ----------
        table : DataFrame or array
            One row per case.
        labels : array of int, shape (rows,)
            0 or 1.
        patients : array, shape (rows,), optional
            Rows of a patient stay together; by default each row is a patient.

        Raises
        ------
        CohortError
            The rows cannot be split so that every inner fold holds both classes.
        RecipeError
            The recipe asks for what its classifier has not.
        """
        from sklearn import config_context
        from threadpoolctl import threadpool_limits

        labels = np.asarray(labels, dtype=np.int_)
        groups = np.arange(len(labels)) if patients is None else np.asarray(patients)
        ask = self.recipe.search
        splits = make_folds(labels, groups, ask.folds, ask.repeats, self.random_state).splits
        with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
            self._learn(table, labels, groups, splits)
        return self

    def _learn(self, table: Any, labels: Labels, groups: NDArray[Any], splits: Sequence[Split]) -> None:
        folds = [Fold(take(table, train), labels[train], take(table, test), groups[train]) for train, test in splits]
        members = self.recipe.members or (self.recipe,)
        found = [self._search(member, folds, labels, splits) for member in members]
        folds.clear()
        whole = Fold(table, labels, take(table, np.arange(1)), groups)
        fitted = [_pipeline(fit_settings(each.candidates, each.best, whole)) for each in found]
        if self.recipe.members:
            curves = [fit_platt(each.scores, labels) for each in found]
            scores = np.mean([curve.log_odds(each.scores) for curve, each in zip(curves, found, strict=True)], axis=0)
            slopes, intercepts = [curve.slope for curve in curves], [curve.intercept for curve in curves]
            self.fitted_ = AveragedModels(fitted, slopes, intercepts)
            self.best_ = {str(place): each.best for place, each in enumerate(found)}
        else:
            scores = found[0].scores
            self.fitted_ = fitted[0]
            self.best_ = dict(found[0].best)
        self.aucs_ = [each.aucs for each in found]
        curve = fit_platt(scores, labels) if self.recipe.calibrate == "platt" else PlattCurve(1.0, 0.0)
        self.calibrator_ = asdict(curve)
        self.inner_ = _probability(curve.log_odds(scores))
        points = {point.name: point.threshold for point in operating_points(labels, self.inner_)}
        self.thresholds_ = {**points, PRIOR: float((labels == 1).mean())}
        self.conformal_ = {rate: class_quantiles(labels, self.inner_, rate) for rate in ERROR_RATES}
        self.classes_ = np.array([0, 1])

    def _search(
        self, recipe: ModelRecipe, folds: Sequence[Fold], labels: Labels, splits: Sequence[Split]
    ) -> Searched:
        candidates = build_candidates(recipe, self.features, self.harmonise, self.random_state)
        sums, aucs = np.zeros((len(candidates.settings), len(labels))), np.zeros(len(candidates.settings))
        for fold, (_, test) in zip(folds, splits, strict=True):
            scores = np.array(score_candidates(candidates, fold))
            sums[:, test] += scores
            aucs += univariate_auc(scores.T, labels[test]) / len(splits)
        best = int(np.argmax(np.round(aucs, 12)))
        return Searched(candidates, candidates.settings[best], aucs, sums[best] / self.recipe.search.repeats)

    def decision_function(self, table: Any) -> Array:
        """Calibrated log odds of class 1, shape (rows,)."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            averaged = isinstance(self.fitted_, AveragedModels)
            scores = self.fitted_.decision_function(table) if averaged else pipeline_score(self.fitted_, table)
        return PlattCurve(**self.calibrator_).log_odds(scores)

    def predict_proba(self, table: Any) -> Array:
        """Calibrated probability of class 0 and class 1, shape (rows, 2)."""
        probability = _probability(self.decision_function(table))
        return np.column_stack([1 - probability, probability])

    def weigh_features(self) -> dict[str, float | None]:
        """Share of the model's weight that each feature has, the heaviest first."""
        return weigh_features(self)

    def predict(self, table: Any) -> Labels:
        """The more probable class, shape (rows,)."""
        return (self.decision_function(table) > 0).astype(np.int_)

    def __getstate__(self) -> dict[str, Any]:
        """State without classes of other packages: the recipe goes as its JSON."""
        return {**super().__getstate__(), "recipe": self.recipe.model_dump(mode="json")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({**state, "recipe": ModelRecipe.parse(state["recipe"])})


def _pipeline(steps: list[tuple[str, Any]]) -> Any:
    from sklearn.pipeline import Pipeline

    return Pipeline(steps)


def _probability(log_odds: Array) -> Array:
    from scipy.special import expit

    return np.asarray(expit(log_odds), dtype=np.float64)

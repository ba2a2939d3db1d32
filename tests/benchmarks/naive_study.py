"""What must not be done, done: harmonising with the diagnosis and selecting on all cases, tuning on the folds printed.

Made of the library's functions, not of its estimators, which refuse: it cannot become a model of anybody's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from app.core.classify.candidates import Candidates, build_candidates
from app.core.classify.scores import raw_score
from app.core.classify.search import Fold, fit_settings, score_candidates
from app.core.evaluate.folds import Folds
from app.core.evaluate.metrics import auc
from app.core.harmonise.estimation import estimate_combat
from app.core.recipe import ModelRecipe, SelectRecipe

Array = NDArray[np.float64]
Labels = NDArray[np.int_]


def figures_of(labels: Labels, scores: Array) -> dict[str, float]:
    """Accuracy, sensitivity and specificity at a score of 0, and the AUC."""
    right = (scores >= 0) == (labels == 1)
    return {"accuracy": float(right.mean()), "sensitivity": float(right[labels == 1].mean()),
            "specificity": float(right[labels == 0].mean()), "AUROC": auc(labels, scores)}


@dataclass(frozen=True, eq=False)
class Naive:
    """The study's way with one table and one classifier.

    Parameters
    ----------
    table : DataFrame
        Features and `site`.
    labels : array, shape (rows,)
    recipe : ModelRecipe
        Its selection, scaling and grid.
    names : tuple of str
        Feature columns.
    combat : bool
        Whether to harmonise first: the whole table, each site its own batch, the label as covariate.
    folds : Folds
        Those that the settings are chosen by and that are printed.
    """

    table: pd.DataFrame
    labels: Labels
    recipe: ModelRecipe
    names: tuple[str, ...]
    combat: bool
    folds: Folds

    @cached_property
    def rows(self) -> Array:
        """Features of all cases, shape (rows, features), harmonised if asked."""
        values = self.table[list(self.names)].to_numpy(dtype=float)
        values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
        if not self.combat:
            return values
        sites, design = self.table["site"].tolist(), self.labels[:, np.newaxis].astype(float)
        return np.asarray(estimate_combat(values, sites, design).apply(values, sites, design))

    @cached_property
    def selections(self) -> list[NDArray[np.int_]]:
        """Columns that the recipe's selection keeps when it sees all cases, for each number that it may keep."""
        candidates = build_candidates(self.recipe)
        filters = Fold(self.rows, self.labels, self.rows[:1])
        fitted, rows, _ = filters.prepare([step for step in candidates.steps if step[0] not in ("select", "classify")])
        places = np.arange(self.rows.shape[1])
        for _, step in fitted:
            places = places[step.kept_] if hasattr(step, "kept_") else places
        selector = dict(candidates.steps).get("select")
        if selector is None:
            return [places]
        path = selector.path(rows, self.labels)
        return [places[selector.set_params(number=number).choose(path).kept_] for number in self.recipe.select.numbers]

    @property
    def candidates(self) -> Candidates:
        """The classifier and its grid; nothing is selected any more."""
        return build_candidates(self.recipe.model_copy(update={"select": SelectRecipe()}))

    @cached_property
    def best(self) -> tuple[NDArray[np.int_], dict[str, Any], dict[str, float]]:
        """Columns, settings and figures of what looks best on these folds, by accuracy as scikit-learn searches."""
        with threadpool_limits(1):
            return max(self._try_all(), key=lambda each: (each[2]["accuracy"], each[2]["AUROC"]))

    def answer_for(self, other: pd.DataFrame) -> dict[str, float]:
        """Figures on cases whose diagnosis nobody could harmonise with: they stay as they are."""
        columns, settings, _ = self.best
        values = other[list(self.names)].to_numpy(dtype=float)
        values = np.where(np.isfinite(values), values, np.nanmedian(self.rows, axis=0))[:, columns]
        with threadpool_limits(1):
            whole = Fold(self.rows[:, columns], self.labels, self.rows[:1, columns])
            *steps, (_, model) = fit_settings(self.candidates, settings, whole)
            for _, step in steps:
                values = step.transform(values)
            return figures_of(other["label"].to_numpy(dtype=int), raw_score(model, values))

    def _try_all(self) -> Iterator[tuple[NDArray[np.int_], dict[str, Any], dict[str, float]]]:
        candidates = self.candidates
        for columns in self.selections:
            found: list[list[dict[str, float]]] = [[] for _ in candidates.settings]
            for train, test in self.folds.splits:
                fold = Fold(self.rows[train][:, columns], self.labels[train], self.rows[test][:, columns])
                for place, scores in enumerate(score_candidates(candidates, fold)):
                    found[place].append(figures_of(self.labels[test], scores))
            for settings, each in zip(candidates.settings, found, strict=True):
                mean = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
                yield columns, settings, {**mean, "SD": float(np.std([one["AUROC"] for one in each], ddof=1))}

"""A chosen model refitted on resamples of its patients: how far a score would move, had it learned from others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.averaged import AveragedModels
from app.core.classify.candidates import SETTINGS, Candidates, build_candidates
from app.core.classify.search import Fold, fit_settings
from app.core.recipe import ModelRecipe

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
MOST = {"logistic": 50, "svm": 30, "xgb": 20, "mlp": 8, "rf": 10, "extra": 10}
"""Refits at most: what is slow to fit or to read has fewer."""
MOST_TREES = 50
"""Trees of a refitted forest; the chance of so few makes the interval a little wider."""
FEWEST = 4


def refit_resamples(
    model: Any,
    rows: Array,
    labels: Labels,
    patients: NDArray[Any],
    rng: np.random.Generator,
    measure: Callable[[Any], int],
    most_bytes: int,
) -> list[Any]:
    """Refit on resamples of whole patients with the settings that the model chose; nothing is searched again.

    Parameters
    ----------
    model : fitted TunedClassifier
    rows : array, shape (rows, features)
        As its harmonisation gives them, which is not fitted again.
    labels, patients : array, shape (rows,)
    rng : numpy.random.Generator
    measure : callable
        Bytes that a refit will take.
    most_bytes : int
        For all of them together.

    Returns
    -------
    list of fitted pipeline or AveragedModels
        They take `rows`. At most as many as the recipe says, fewer for slow kinds and for large models; never fewer
        than four unless the recipe says so.
    """
    from sklearn import config_context
    from threadpoolctl import threadpool_limits

    recipe: ModelRecipe = model.recipe
    members = recipe.members or (recipe,)
    wanted = min(recipe.resamples, *(MOST[member.kind] for member in members))
    names = np.unique(patients)
    own = {name: np.flatnonzero(patients == name) for name in names}
    fits: list[Any] = []
    with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
        while len(fits) < wanted:
            drawn = np.concatenate([own[name] for name in rng.choice(names, len(names))])
            if len(np.unique(labels[drawn])) < 2:
                continue
            fits.append(_refit(model, Fold(rows[drawn], labels[drawn], rows[:1])))
            if len(fits) == 1:
                wanted = min(wanted, max(FEWEST, most_bytes // measure(fits[0])))
    return fits


def _refit(model: Any, fold: Fold) -> Any:
    from sklearn.pipeline import Pipeline

    recipe: ModelRecipe = model.recipe
    chosen = [model.best_[str(place)] for place in range(len(recipe.members))] if recipe.members else [model.best_]
    fitted = [
        Pipeline(fit_settings(_without_harmonisation(model, member), _fewer_trees(member, settings), fold))
        for member, settings in zip(recipe.members or (recipe,), chosen, strict=True)
    ]
    if not recipe.members:
        return fitted[0]
    return AveragedModels(fitted, model.fitted_.slopes, model.fitted_.intercepts)


def _without_harmonisation(model: Any, member: ModelRecipe) -> Candidates:
    candidates = build_candidates(member, model.features, None, model.random_state)
    return Candidates(tuple(step for step in candidates.steps if step[0] != "harmonise"), candidates.settings)


def _fewer_trees(recipe: ModelRecipe, settings: SETTINGS) -> SETTINGS:
    if recipe.kind not in ("rf", "extra"):
        return settings
    name = "classify__" + ("classifier__" if recipe.balance != "none" else "") + "n_estimators"
    return {**settings, name: min(int(settings.get(name) or MOST_TREES), MOST_TREES)}

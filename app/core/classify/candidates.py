"""From a recipe to unfitted steps and the settings to search, in scikit-learn's own terms.

`Pipeline(candidates.steps)` with `GridSearchCV` over `candidates.grid` is what the search computes, plainly written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.errors import RecipeError
from app.core.recipe import ModelRecipe

SETTINGS = dict[str, Any]
# what the settings of a recipe's grid touch; every step before these is the same for all candidates
SEARCHED = ("select", "classify")


@dataclass(frozen=True, eq=False)
class Candidates:
    """A pipeline and what may be tried in its place.

    Parameters
    ----------
    steps : tuple of (name, estimator)
        Unfitted, in order: harmonise, finite, impute, vary, correlate, scale, select, classify; some may be absent.
    settings : tuple of dict
        Each a candidate: `step__parameter` and its value. Simpler ones come first, and win a tie.
    """

    steps: tuple[tuple[str, Any], ...]
    settings: tuple[SETTINGS, ...]

    @property
    def grid(self) -> list[dict[str, list[Any]]]:
        """The settings as a parameter grid of scikit-learn's."""
        return [{name: [value] for name, value in each.items()} for each in self.settings]


def build_candidates(
    recipe: ModelRecipe, features: Sequence[str] | None = None, harmonise: Any = None, random_state: int = 0
) -> Candidates:
    """Lay out the steps of a recipe and the combinations it searches.

    Parameters
    ----------
    recipe : ModelRecipe
        Of one classifier; not an average.
    features : sequence of str, optional
        The table's feature columns; None for a plain array.
    harmonise : transformer, optional
        From the table to its harmonised feature columns.
    random_state : int
        Seed of the classifier and of the combinations drawn.

    Raises
    ------
    RecipeError
        The grid names a setting that the classifier has not, or the fixed list holds no feature of the table.
    """
    from sklearn.model_selection import ParameterGrid

    from app.core.classify.classifiers import make_classifier

    classifier = make_classifier(recipe, random_state)
    known = classifier.get_params()
    prefix = "classifier__" if recipe.balance != "none" else ""
    for name in {name for grid in recipe.search.grid for name in grid}:
        if prefix + name not in known:
            raise RecipeError(
                f"The search names '{name}', which the classifier '{recipe.kind}' has not.", "Correct the recipe."
            )
    grids = recipe.search.grid or ({},)
    classify = [
        {f"classify__{prefix}{name}": value for name, value in each.items()}
        for grid in grids
        for each in ParameterGrid({name: list(values) for name, values in grid.items()})
    ]
    selector, select = _selection(recipe)
    settings = [{**chosen, **each} for chosen in select for each in classify]
    wanted = recipe.search.candidates
    if wanted is not None and wanted < len(settings):
        drawn = np.random.default_rng(random_state).choice(len(settings), wanted, replace=False)
        settings = [settings[place] for place in sorted(drawn)]
    steps = [*_preparation(recipe, features, harmonise), *selector, ("classify", classifier)]
    return Candidates(tuple(steps), tuple(settings))


def _preparation(recipe: ModelRecipe, features: Sequence[str] | None, harmonise: Any) -> list[tuple[str, Any]]:
    from sklearn.impute import KNNImputer, SimpleImputer
    from sklearn.preprocessing import StandardScaler

    from app.core.classify.filters import FiniteValues, NormalScores, SpearmanFilter, VaryingFeatures
    from app.core.harmonise.features import FeatureColumns

    impute = (
        KNNImputer(keep_empty_features=True)
        if recipe.impute == "neighbours"
        else SimpleImputer(strategy=recipe.impute, keep_empty_features=True)
    )
    steps: list[tuple[str, Any]] = [
        ("finite", FiniteValues()),
        ("impute", impute),
        ("vary", VaryingFeatures(_positions(recipe, features))),
    ]
    if harmonise is not None or features is not None:
        steps.insert(0, ("harmonise", FeatureColumns(tuple(features or ())) if harmonise is None else harmonise))
    if recipe.select.correlation is not None:
        steps.append(("correlate", SpearmanFilter(recipe.select.correlation)))
    if recipe.scale != "none":
        steps.append(("scale", StandardScaler() if recipe.scale == "standard" else NormalScores()))
    return steps


def _positions(recipe: ModelRecipe, features: Sequence[str] | None) -> tuple[int, ...] | None:
    if recipe.select.only is None:
        return None
    names = list(features or ())
    found = tuple(names.index(name) for name in recipe.select.only if name in names)
    if not found:
        raise RecipeError(
            f"None of the {len(recipe.select.only)} features of the recipe's fixed list is a column of the table.",
            "Correct the list, or learn from a table that has them.",
        )
    return found


def _selection(recipe: ModelRecipe) -> tuple[list[tuple[str, Any]], list[SETTINGS]]:
    """Lay out the step that selects, and what it may be set to."""
    from sklearn.decomposition import PCA

    from app.core.classify.selection import Elimination, SparseWeights, Univariate

    ask = recipe.select
    if ask.method == "univariate":
        return [("select", Univariate())], [{"select__number": number} for number in ask.numbers]
    if ask.method == "rfe":
        return [("select", Elimination(step=ask.step))], [
            {"select__strength": strength, "select__number": number}
            for strength in ask.strengths
            for number in ask.numbers
        ]
    if ask.method == "l1":
        return [("select", SparseWeights())], [{"select__strength": strength} for strength in ask.strengths]
    if ask.method == "pca":
        return [("select", PCA(svd_solver="full"))], [{"select__n_components": share} for share in ask.shares]
    return [], [{}]

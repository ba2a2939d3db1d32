"""Which features a fitted model rests on, and how much: what folds are compared by."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.classify.averaged import AveragedModels

Array = NDArray[np.float64]
MOST_NAMED = 40


def weigh_features(model: Any) -> dict[str, float | None]:
    """Share of a model's weight that each feature has.

    Parameters
    ----------
    model : fitted TunedClassifier
        With named features.

    Returns
    -------
    dict of str to float or None
        The heaviest first, 40 at most, without those that have none: absolute coefficients of scaled features in linear
        models, impurity or gain in trees, as shares of their sum; of an average, the mean over its members by their
        voice. None for each feature that a kernel or a network was given, because their weights are not of features.
    """
    if model.features is None:
        return {}
    names, fitted = list(model.features), model.fitted_
    averaged = isinstance(fitted, AveragedModels)
    members = list(fitted.members) if averaged else [fitted]
    voices = np.abs(fitted.slopes) if averaged else np.ones(1)
    total, kept = np.zeros(len(names)), np.zeros(len(names), dtype=bool)
    for member, voice in zip(members, voices, strict=True):
        places, weights = _weigh(member, len(names))
        kept[places] = True
        if weights is None:
            total[:] = np.nan
        elif weights.sum() > 0:
            total[places] += voice * weights / weights.sum()
    if np.isnan(total).any():
        given = [name for name, own in zip(names, kept, strict=True) if own]
        return dict.fromkeys(given[:MOST_NAMED])
    shares = total / total.sum() if total.sum() > 0 else total
    order = [place for place in np.argsort(-shares, kind="stable") if shares[place] > 0]
    return {names[place]: float(shares[place]) for place in order[:MOST_NAMED]}


def _weigh(pipeline: Any, width: int) -> tuple[NDArray[np.int_], Array | None]:
    """Places of the features that reach a pipeline's classifier, and their weights, which are None if not known."""
    places, components = np.arange(width), None
    for name, step in pipeline.steps[:-1]:
        if hasattr(step, "kept_"):
            places = places[step.kept_]
        elif name == "select":
            components = step.components_
    classifier = pipeline.steps[-1][1]
    weights = _classifier_weights(getattr(classifier, "fitted_", classifier))
    if weights is None or components is None:
        return places, weights
    return places, np.abs(weights @ components)


def _classifier_weights(classifier: Any) -> Array | None:
    if getattr(classifier, "kernel", "linear") == "linear" and hasattr(classifier, "coef_"):
        return np.abs(np.asarray(classifier.coef_[0], dtype=np.float64))
    if hasattr(classifier, "estimators_") or type(classifier).__name__ == "XGBClassifier":
        return np.asarray(classifier.feature_importances_, dtype=np.float64)
    return None

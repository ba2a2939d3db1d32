"""Choosing the best of several models after seeing their results flatters it: by how much, and what is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.intervals import Estimate

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Selected:
    """A model chosen among several by their cross-validated AUC.

    Parameters
    ----------
    name : str
        The chosen one.
    primary : str
        The one declared before; empty where none was.
    apparent : Estimate
        AUC of the chosen one as if there had been no choice.
    optimism : float
        What the choice added to it by luck, in AUC.
    corrected : Estimate
        What to report: `apparent` for the declared one, otherwise with the optimism taken off on the logit scale.
    candidates : int
        Models among which it was chosen.
    """

    name: str
    primary: str
    apparent: Estimate
    optimism: float
    corrected: Estimate
    candidates: int

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        return {
            "chosen": self.name,
            "primary": self.primary or None,
            "apparent": self.apparent.json,
            "optimism": self.optimism,
            "corrected": self.corrected.json,
            "candidates": self.candidates,
            "sentence": self.sentence,
        }

    @property
    def sentence(self) -> str:
        """What was chosen and when, plainly."""
        if self.name == self.primary:
            return f"{self.name} was declared primary before the run: its AUC needs no correction for choice."
        return (
            f"{self.name} was chosen after seeing {self.candidates} results: its AUC of {self.apparent.value:.3f} is"
            f" {self.corrected.value:.3f} once the choice is allowed for."
        )


def correct_selection(
    models: Mapping[str, OutOfFold],
    rng: np.random.Generator,
    chosen: str | None = None,
    primary: str = "",
    resamples: int = 500,
) -> Selected:
    """Correct the AUC of a model for having been chosen among others.

    Parameters
    ----------
    models : mapping of str to OutOfFold
        All on the same folds.
    rng : numpy.random.Generator
    chosen : str, optional
        The model that is saved; by default the one with the highest mean AUC.
    primary : str
        Declared before the run: choosing it costs nothing.
    resamples : int
        Bootstrap resamples of patients.

    Returns
    -------
    Selected

    Raises
    ------
    ValueError
        The models were not measured on the same folds.

    Notes
    -----
    In each resample the best model is found on the patients drawn. By how much it leads the mean of all models there,
    less its lead among the patients not drawn, is what winning adds by luck: the optimism, averaged over resamples.
    Nothing is refitted. A resample holds two thirds of the patients, so that luck weighs more in it than in the whole
    cohort: the correction errs towards caution.

    References
    ----------
    Tsamardinos, Greasidou and Borboudakis, Machine Learning 107 (2018), 10.1007/s10994-018-5714-4: BBC-CV. Tibshirani
    and Tibshirani, Ann Appl Stat 3 (2009), 10.1214/08-AOAS224: a correction fold by fold, which over-corrects where a
    fold holds a handful of cases, and is not taken.
    """
    if len({found.folds.digest for found in models.values()}) > 1:
        raise ValueError("models are compared on the same folds")
    names = list(models)
    name = chosen or max(names, key=lambda each: models[each].auc.value)
    apparent = models[name].auc
    optimism = measure_optimism([models[each] for each in names], rng, resamples) if len(names) > 1 else 0.0
    corrected = apparent if name == primary or optimism <= 0 else _shift(apparent, optimism)
    return Selected(name, primary, apparent, optimism, corrected, len(names))


def measure_optimism(models: list[OutOfFold], rng: np.random.Generator, resamples: int) -> float:
    """Measure by how much the best of the models looks better on the patients it was found best on than on others."""
    first = models[0]
    _, own = np.unique(first.patients, return_inverse=True)
    count = own.max() + 1
    gains = []
    draws = rng.integers(0, count, (resamples, count))
    times = np.stack([np.bincount(draw, minlength=count) for draw in draws])[:, own].astype(float)
    absent = (times == 0).astype(float)
    inside, outside = (np.stack([_areas(model, rows) for model in models], axis=1) for rows in (times, absent))
    for within, without in zip(inside, outside, strict=True):
        if np.isfinite(within).all() and np.isfinite(without).all():
            best = int(np.argmax(within))
            gains.append((within[best] - within.mean()) - (without[best] - without.mean()))
    return float(max(np.mean(gains), 0.0)) if gains else 0.0


def _areas(model: OutOfFold, weights: Array) -> Array:
    """AUC under each set of row weights, shape (resamples,): pooled within a repeat, mean over repeats."""
    areas = []
    for seen, answers in zip(model.tested, model.probabilities, strict=True):
        positive, negative = (np.flatnonzero(seen & (model.labels == side)) for side in (1, 0))
        ahead = answers[positive][:, None] - answers[negative][None, :]
        order = (ahead > 0) + 0.5 * (ahead == 0)
        one, other = weights[:, positive], weights[:, negative]
        total = one.sum(axis=1) * other.sum(axis=1)
        right = np.einsum("bi,ij,bj->b", one, order, other, optimize=True)
        areas.append(np.where(total > 0, right / np.maximum(total, 1e-300), np.nan))
    return np.asarray(np.mean(areas, axis=0))


def _shift(apparent: Estimate, optimism: float) -> Estimate:
    """The estimate lowered, its interval keeping its width on the logit scale."""
    value = min(max(apparent.value, 1e-6), 1 - 1e-6)
    lowered = max(value - optimism, 1e-6)
    step = np.log(lowered / (1 - lowered)) - np.log(value / (1 - value))
    low, high = (
        float(1 / (1 + np.exp(-(np.log(end / (1 - end)) + step))))
        for end in (min(max(end or 0.0, 1e-6), 1 - 1e-6) for end in (apparent.low, apparent.high))
    )
    return Estimate(float(lowered), low, high)

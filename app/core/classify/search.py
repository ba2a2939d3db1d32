"""The inner search: what candidates have in common is computed once for each inner fold.

Harmonise, impute, filter and scale are fitted once per fold; a selection path serves every number of features; what
grows tree by tree is grown once. The answers are those of `GridSearchCV` on the same folds.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from app.core.classify.candidates import SEARCHED, SETTINGS, Candidates
from app.core.classify.scores import GROWING, prefix_scores, raw_score
from app.core.classify.selection import path_key

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
Steps = Sequence[tuple[str, Any]]


def take(table: Any, rows: NDArray[np.int_]) -> Any:
    """Rows of a table or of an array, by position."""
    return table.iloc[rows] if hasattr(table, "iloc") else table[rows]


@dataclass
class Fold:
    """Training rows and rows to answer for, with what was fitted on the former kept for whoever asks again.

    `patients` are the training rows' own; None where each row is a patient.
    """

    train: Any
    labels: Labels
    test: Any
    patients: NDArray[Any] | None = None
    _known: dict[str, tuple[list[tuple[str, Any]], Array, Array]] = field(default_factory=dict)

    def prepare(self, steps: Steps) -> tuple[list[tuple[str, Any]], Array, Array]:
        """Fit the steps one after the other: the fitted steps, the training rows and the other rows after them."""
        fitted: list[tuple[str, Any]] = []
        train, test, key = self.train, self.test, ""
        for name, step in steps:
            key += f"{name} {type(step).__name__} {sorted(step.get_params().items())!r}; "
            if key not in self._known:
                fresh = clone(step).fit(train, self.labels)
                self._known[key] = ([*fitted, (name, fresh)], fresh.transform(train), fresh.transform(test))
            fitted, train, test = self._known[key]
        return fitted, train, test


def score_candidates(candidates: Candidates, fold: Fold) -> list[Array]:
    """Raw scores of the fold's test rows, one array for each candidate, in their order."""
    steps = dict(candidates.steps)
    _, train, test = fold.prepare([step for step in candidates.steps if step[0] not in SEARCHED])
    scores: list[Array | None] = [None] * len(candidates.settings)
    paths: dict[str, Any] = {}
    for chosen, places in _alike(candidates.settings, "select__").values():
        narrow_train, narrow_test = train, test
        if "select" in steps:
            selector = clone(steps["select"]).set_params(**_of_step(chosen, "select__"))
            selector = _fit_selector(selector, train, fold.labels, paths)
            narrow_train, narrow_test = selector.transform(train), selector.transform(test)
        asked = [_of_step(candidates.settings[place], "classify__") for place in places]
        answers = _score_classifiers(steps["classify"], asked, narrow_train, fold, narrow_test)
        for place, answer in zip(places, answers, strict=True):
            scores[place] = answer
    return [answer for answer in scores if answer is not None]


def fit_settings(candidates: Candidates, settings: SETTINGS, fold: Fold) -> list[tuple[str, Any]]:
    """Fit the whole pipeline with the chosen settings on the fold's training rows: its fitted steps."""
    fitted, train, _ = fold.prepare([step for step in candidates.steps if step[0] not in SEARCHED])
    fitted = list(fitted)
    for name, step in candidates.steps:
        if name in SEARCHED:
            fresh = fit_told(clone(step).set_params(**_of_step(settings, f"{name}__")), train, fold)
            fitted.append((name, fresh))
            train = fresh.transform(train) if name == "select" else train
    return fitted


def _of_step(settings: SETTINGS, prefix: str) -> SETTINGS:
    return {name.removeprefix(prefix): value for name, value in settings.items() if name.startswith(prefix)}


def _alike(settings: Sequence[SETTINGS], prefix: str) -> dict[str, tuple[SETTINGS, list[int]]]:
    """Group candidates by their settings of one step."""
    groups: dict[str, tuple[SETTINGS, list[int]]] = {}
    for place, each in enumerate(settings):
        key = json.dumps(_of_step(each, prefix), sort_keys=True)
        groups.setdefault(key, (each, []))[1].append(place)
    return groups


def _fit_selector(selector: Any, rows: Array, labels: Labels, paths: dict[str, Any]) -> Any:
    key = path_key(selector)
    if key is None:
        return selector.fit(rows, labels)
    if key not in paths:
        paths[key] = selector.path(rows, labels)
    return selector.choose(paths[key])


def fit_told(model: Any, train: Array, fold: Fold) -> Any:
    """Fit on the fold's training rows; a model that sets some of them aside is told whose they are."""
    told = {"patients": fold.patients} if "patients" in inspect.signature(model.fit).parameters else {}
    return model.fit(train, fold.labels, **told)


def _score_classifiers(
    classifier: Any, asked: list[SETTINGS], train: Array, fold: Fold, test: Array
) -> list[Array]:
    """Fit each classifier asked for; those that differ only in how far they grow are one."""
    grows = GROWING.get(type(classifier).__name__)
    groups: dict[str, list[int]] = {}
    for place, each in enumerate(asked):
        rest = {name: value for name, value in each.items() if name != grows}
        groups.setdefault(json.dumps(rest, sort_keys=True), []).append(place)
    scores: dict[int, Array] = {}
    for places in groups.values():
        if grows is None or grows not in asked[places[0]]:
            for place in places:
                scores[place] = raw_score(fit_told(clone(classifier).set_params(**asked[place]), train, fold), test)
            continue
        sizes = [int(asked[place][grows]) for place in places]
        whole = clone(classifier).set_params(**{**asked[places[0]], grows: max(sizes)}).fit(train, fold.labels)
        scores.update(zip(places, prefix_scores(whole, test, sizes), strict=True))
    return [scores[place] for place in range(len(asked))]

"""The raw score of a fitted classifier, on a scale where differences mean the same everywhere; and of its prefixes.

A forest of 200 trees holds those of 20 and of 100: what grows tree by tree is fitted once, with the most trees.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# what grows, and the setting that says how far
GROWING = {
    "RandomForestClassifier": "n_estimators",
    "ExtraTreesClassifier": "n_estimators",
    "XGBClassifier": "n_estimators",
}


def raw_score(model: Any, rows: Any) -> Array:
    """Log odds or margin of class 1: shape (rows,).

    A forest's share of votes is drawn towards one half by half a tree, so that its log odds are finite.
    """
    if hasattr(model, "decision_function"):
        return np.asarray(model.decision_function(rows), dtype=np.float64)
    if type(model).__name__ == "XGBClassifier":
        return np.asarray(model.predict(rows, output_margin=True), dtype=np.float64)
    return _vote_log_odds(model.predict_proba(rows)[:, 1], len(model.estimators_))


def prefix_scores(model: Any, rows: Any, sizes: list[int]) -> list[Array]:
    """Raw scores of what the model was after each number of trees, as if it had been fitted with that number."""
    if type(model).__name__ == "XGBClassifier":
        return [
            np.asarray(model.predict(rows, output_margin=True, iteration_range=(0, size)), dtype=np.float64)
            for size in sizes
        ]
    values = np.ascontiguousarray(rows, dtype=np.float32)
    total, scores = np.zeros(len(values)), {}
    for number, tree in enumerate(model.estimators_[: max(sizes)], start=1):
        total += tree.predict_proba(values, check_input=False)[:, 1]
        if number in sizes:
            scores[number] = _vote_log_odds(total / number, number)
    return [scores[size] for size in sizes]


def _vote_log_odds(share: Array, trees: int) -> Array:
    share = (share * trees + 0.5) / (trees + 1)
    return np.asarray(np.log(share / (1 - share)), dtype=np.float64)

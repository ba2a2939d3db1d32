"""Learning, some rounds of one outer fold, beside plain scikit-learn: `GridSearchCV` over the same pipeline and grid.

114 cases x 1,015 features, on one core, in processor seconds. `same` is the largest difference between the two over
the inner AUC of all candidates. The benchmark `training` has every recipe, once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from app.core.classify.tuned import TunedClassifier
from tests.benchmarks.timing import Row, alternate, peak_memory, row
from tests.benchmarks.training import search_plainly, shipped, simulate, timed

RUNS = 3
NAMES = ("logistic", "svm-pca")


def main(names: Sequence[str] = NAMES, runs: int = RUNS, features: int = 1015) -> list[Row]:
    """Measure the named recipes."""
    rows, labels = simulate(114, features, 1)
    table: list[Row] = []
    for name in names:
        recipe, found = shipped(name), dict[str, Any]()
        TunedClassifier(recipe).fit(rows[:40, :5], labels[:40])  # first use imports what it needs

        def fit(work: Callable[[], Any], key: str, found: dict[str, Any] = found) -> float:
            with threadpool_limits(1):
                found[key], seconds = timed(work)
            return seconds

        with peak_memory() as peak:
            ours, plain = alternate(
                [lambda: fit(lambda: TunedClassifier(recipe).fit(rows, labels), "ours"),  # noqa: B023
                 lambda: fit(lambda: search_plainly(recipe, rows, labels), "plain")], runs)  # noqa: B023
        same = max(float(np.abs(a - b).max()) for a, b in zip(found["ours"].aucs_, found["plain"], strict=True))
        table += [row(f"{name}, one outer fold", ours, plain, candidates=sum(map(len, found["plain"])), same=same,
                      peak_mb=peak.mb), row(f"GridSearchCV, {name}", plain)]
    return table

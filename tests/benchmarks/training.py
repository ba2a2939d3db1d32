"""Learning: seconds per outer fold of every recipe on 114 cases x 1,015 features, beside the plain nested search.

    python -m tests.benchmarks training              one outer fold of each recipe, plainly too, and noise
    python -m tests.benchmarks.training 10 [NAME]    so many repeats of the nested 10 x 5 folds, in two processes

The plain search is scikit-learn's `GridSearchCV` over the same pipeline, grid, inner folds and RFE step, on one
core, in the same process; both are timed in processor seconds, so that a busy machine burdens neither. `same` is the
largest difference between the two over the inner AUC of all candidates. `two_cores_min` is what the processor seconds
come to on two cores that are free. Then every recipe on cohorts of noise.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from app.core.classify.candidates import build_candidates
from app.core.classify.tuned import TunedClassifier
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.evaluate.metrics import auc
from app.core.recipe import ModelRecipe, Recipe
from tests.benchmarks.timing import Row, peak_memory

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("default", "svm-rfe", "svm-pca", "rf", "mlp", "xgb", "logistic")
TIMED = ("default", "svm-rfe", "rf", "mlp", "xgb", "logistic")
Array = NDArray[np.float64]
Labels = NDArray[np.int_]


def main() -> list[Row]:
    """Time every recipe, then learn from noise."""
    rows, labels = simulate(114, 1015, 1)
    (train, test), *_ = make_folds(labels, np.arange(114), 10, 1, 0).splits
    table: list[Row] = []
    for name in NAMES:
        recipe = shipped(name)
        TunedClassifier(recipe).fit(rows[:40, :5], labels[:40])  # first use imports what it needs
        with peak_memory() as peak, threadpool_limits(1):
            ours, seconds = timed(partial(TunedClassifier(recipe).fit, rows[train], labels[train]))
        with threadpool_limits(1):
            plain, plain_seconds = timed(partial(search_plainly, recipe, rows[train], labels[train]))
        apart = max(float(np.abs(a - b).max()) for a, b in zip(ours.aucs_, plain, strict=True))
        table.append({"what": f"{name}, one outer fold", "runs": 1, "candidates": sum(map(len, ours.aucs_)),
                      "seconds": seconds, "plain_s": plain_seconds, "ratio": seconds / plain_seconds, "same": apart,
                      "peak_mb": peak.mb, "ten_repeats_min_2_cores": seconds * 100 / 120,
                      "auc_held_out": auc(labels[test], ours.predict_proba(rows[test])[:, 1])})
    return table + [learn_from_noise(name, cohorts=4) for name in NAMES]


def nest(repeats: int, names: tuple[str, ...] = TIMED, processes: int = 2) -> list[Row]:
    """Cross-validate recipes with their inner searches, ten folds each time, and add up what it took."""
    rows, labels = simulate(114, 1015, 1)
    folds = make_folds(labels, np.arange(114), 10, repeats, 0)
    table: list[Row] = []
    with ProcessPoolExecutor(processes) as pool:
        list(pool.map(warm_up, names * processes))
        for name in names:
            begun, used = time.perf_counter(), processor_seconds(pool, processes)
            found = cross_validate(partial(TunedClassifier, shipped(name)), rows, labels, folds, lambda _done: None,
                                   runner=pool.map)
            wall, used = time.perf_counter() - begun, processor_seconds(pool, processes) - used
            table.append({"what": f"{name}, {repeats} x 10 x 5", "wall_s": wall, "processor_s": used,
                          "two_cores_min": used / 120, "auc": float(found.aucs.mean()),
                          "interval": f"{found.auc.low:.3f} to {found.auc.high:.3f}"})
    total = {key: sum(float(row[key]) for row in table) for key in ("wall_s", "processor_s", "two_cores_min")}
    return [*table, {"what": f"all {len(names)}, {repeats} x 10 x 5", **total}]


def warm_up(name: str) -> None:
    """Let a process import what a recipe needs."""
    rows, labels = simulate(40, 5, 1)
    with threadpool_limits(1):
        TunedClassifier(shipped(name)).fit(rows, labels)


def processor_seconds(pool: ProcessPoolExecutor, processes: int) -> float:
    """Processor seconds of all processes of a pool so far."""
    asked = [pool.submit(tell_processor_seconds) for _ in range(8 * processes)]
    return sum(dict(each.result() for each in asked).values())


def tell_processor_seconds() -> tuple[int, float]:
    """This process and its processor seconds, after a moment in which others are asked."""
    time.sleep(0.05)
    return os.getpid(), time.process_time()


def learn_from_noise(name: str, cohorts: int, first: int = 100) -> Row:
    """Mean AUC of ten folds over cohorts of 85 cases x 92 correlated features that know nothing of the label."""
    means = []
    for seed in range(cohorts):
        rows, labels = simulate(85, 92, first + seed, volume=0.0, extra=0.0)
        folds = make_folds(labels, np.arange(85), 10, 1, seed).splits
        answers = [TunedClassifier(shipped(name)).fit(rows[train], labels[train]) for train, _ in folds]
        found = [
            auc(labels[test], model.predict_proba(rows[test])[:, 1])
            for model, (_, test) in zip(answers, folds, strict=True)
        ]
        means.append(float(np.mean(found)))
    error = float(np.std(means, ddof=1) / np.sqrt(cohorts))
    return {"what": f"{name}, noise", "runs": cohorts, "mean_auc": float(np.mean(means)), "monte_carlo_error": error}


def shipped(name: str) -> ModelRecipe:
    """The model of a shipped recipe."""
    return Recipe.parse(ROOT / "resources" / "recipes" / f"{name}.json").model


def simulate(cases: int, features: int, seed: int, volume: float = 1.35, extra: float = 0.6) -> tuple[Array, Labels]:
    """Draw correlated, heavy-tailed features of which the first, like a volume, has an AUC of .83 by itself.

    `volume`, `extra` : differences between the classes in standard deviations of the factors.
    """
    rng = np.random.default_rng(seed)
    labels = (rng.random(cases) < 0.5).astype(int)
    factors = rng.normal(size=(cases, 12))
    factors[:, 0] += volume * (labels - 0.5)
    factors[:, 1] += extra * (labels - 0.5)
    loadings = rng.normal(size=(12, features)) * (rng.random((12, features)) < 0.3)
    values = factors @ loadings + rng.normal(size=(cases, features)) * rng.uniform(0.3, 1.5, features)
    values[:, 0] = factors[:, 0]
    heavy = rng.random(features) < 0.6
    values[:, heavy] = np.exp(values[:, heavy] / values[:, heavy].std(axis=0))
    return values, labels


def search_plainly(recipe: ModelRecipe, rows: Array, labels: Labels) -> list[Array]:
    """Search each member of a recipe with `GridSearchCV`, and refit: the mean inner AUC of every candidate."""
    from sklearn.feature_selection import RFE
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC

    splits, found = make_folds(labels, np.arange(len(labels)), recipe.search.folds, 1, 0).splits, []
    for member in recipe.members or (recipe,):
        candidates = build_candidates(member)
        steps, grid = list(candidates.steps), candidates.grid
        if member.select.method == "rfe":
            place = [name for name, _ in steps].index("select")
            steps[place] = ("select", RFE(SVC(kernel="linear"), step=member.select.step))
            told = {"select__number": "select__n_features_to_select", "select__strength": "select__estimator__C"}
            grid = [{told.get(name, name): value for name, value in each.items()} for each in grid]
        search = GridSearchCV(Pipeline(steps), grid, scoring="roc_auc", cv=splits, n_jobs=1)
        found.append(np.asarray(search.fit(rows, labels).cv_results_["mean_test_score"]))
    return found


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """The answer of a call, and its processor seconds."""
    begun = time.process_time()
    answer = work()
    return answer, time.process_time() - begun


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table as lay_out

    print(lay_out(nest(int(sys.argv[1]), tuple(sys.argv[2:]) or TIMED)))

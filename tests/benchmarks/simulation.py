"""Simulated cohorts with a known truth: bias of the printed AUC, and how often the printed interval holds it.

    python -m tests.benchmarks simulation          a smoke test: a handful of cohorts
    python -m tests.benchmarks.simulation 1000 logistic recipe:svm-rfe+combat A B      cohorts, models, settings

Setting A: 85 cases, 92 features, 43 sites. B: 120 cases, 1,000 features, 5 sites. Ten latent factors behind the
features, sites that shift them, 40 % positive. 'null' has no signal; 'unequal' sites differ in prevalence, logit SD 1.
Truth: the model refitted on the whole cohort, on thousands of fresh cases of the same and of new sites. Printed, never
asserted; every figure with its Monte-Carlo error. A model is 'logistic' or 'forest' (untuned), or a shipped recipe with
its inner search as 'recipe:NAME'; '+combat' harmonises inside the folds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from app.core.classify.pipelines import build_pipeline
from app.core.errors import CohortError
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import leave_sites_out, make_folds
from app.core.evaluate.intervals import Estimate
from app.core.evaluate.metrics import auc
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.sites import measure_imbalance, measure_new_sites
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe, ModelRecipe, Recipe
from tests.benchmarks.timing import Row

Array = NDArray[np.float64]
RECIPES = Path(__file__).resolve().parents[2] / "resources" / "recipes"
TUNED = "recipe:"
COHORTS = 3
FRESH = 4000
FACTORS = 10


@dataclass(frozen=True)
class Setting:
    """How cohorts are drawn; `signal` is the standard deviation of the true log odds."""

    cases: int
    features: int
    sites: int
    signal: float = 1.45
    shift: float = 0.7
    unequal: float = 0.0


SETTINGS = {
    "A": Setting(85, 92, 43),
    "B": Setting(120, 1000, 5),
    "A-null": Setting(85, 92, 43, signal=0.0),
    "B-null": Setting(120, 1000, 5, signal=0.0),
    "A-unequal": Setting(85, 92, 43, unequal=1.0),
    "B-unequal": Setting(120, 1000, 5, unequal=1.0),
}


class FixedThreshold:
    """A model called positive at one half, so that the intervals of shares can be judged too."""

    thresholds_: dict[str, float]

    def __init__(self, make: Callable[[], object]) -> None:
        self.make = make

    def fit(self, rows: pd.DataFrame, labels: NDArray[np.int_]) -> FixedThreshold:
        """Fit the model within."""
        self.model = self.make().fit(rows, labels)
        self.thresholds_ = {"half": 0.5}
        return self

    def predict_proba(self, rows: pd.DataFrame) -> Array:
        """As the model within."""
        return self.model.predict_proba(rows)


@dataclass(frozen=True)
class World:
    """One draw of what is fixed: loadings, direction of the signal, and the sites."""

    setting: Setting
    loadings: Array
    direction: Array
    shifts: Array
    levels: Array
    name: str = "site"

    def draw(self, sites: NDArray[np.int_], rng: np.random.Generator) -> tuple[pd.DataFrame, NDArray[np.int_]]:
        """Cases of the given sites: a table of features with the site, and labels."""
        factors = rng.normal(size=(len(sites), FACTORS))
        log_odds = -0.45 + self.setting.signal * factors @ self.direction + self.levels[sites]
        labels = (rng.random(len(sites)) < 1 / (1 + np.exp(-log_odds))).astype(int)
        noise = rng.normal(size=(len(sites), self.setting.features))
        table = pd.DataFrame(factors @ self.loadings + self.shifts[sites] + 0.7 * noise, columns=names_of(self.setting))
        return pd.concat([table, pd.Series([f"{self.name} {site}" for site in sites], name="site")], axis=1), labels

    def with_new_sites(self, count: int, rng: np.random.Generator) -> World:
        """The same biology at other sites."""
        shifts, levels = draw_sites(self.setting, count, rng)
        return replace(self, shifts=shifts, levels=levels, name="new")


def names_of(setting: Setting) -> list[str]:
    """Names of the feature columns."""
    return [f"feature {place}" for place in range(setting.features)]


def draw_sites(setting: Setting, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Shift of every feature and log odds of the prevalence, by site."""
    return rng.normal(0, setting.shift, (count, setting.features)), rng.normal(0, 1, count) * setting.unequal


def draw_world(setting: Setting, rng: np.random.Generator) -> World:
    """Draw loadings, a direction and sites."""
    direction = rng.normal(size=FACTORS)
    loadings = rng.normal(size=(FACTORS, setting.features)) / np.sqrt(FACTORS)
    return World(setting, loadings, direction / np.linalg.norm(direction), *draw_sites(setting, setting.sites, rng))


def simulate(setting: Setting, make: Callable[[], object], seed: int, repeats: int) -> dict[str, float]:
    """Draw a cohort, evaluate it as the program does, and look the truth up on fresh cases."""
    rng = np.random.default_rng(seed)
    world = draw_world(setting, rng)
    extra = rng.choice(setting.sites, setting.cases - setting.sites, p=rng.dirichlet(np.full(setting.sites, 3.0)))
    sites = np.concatenate([np.arange(setting.sites), extra])
    rows, labels = world.draw(sites, rng)
    patients, names = np.arange(setting.cases), sites.astype(str)
    wrapped, quiet = partial(FixedThreshold, make), lambda _done: None
    model = wrapped().fit(rows, labels)
    fresh, truth = world.draw(rng.choice(sites, FRESH), rng)
    answers = model.predict_proba(fresh)[:, 1]
    found = cross_validate(wrapped, rows, labels, make_folds(labels, patients, 10, repeats, seed), quiet)
    told = measure_performance(found)["points"]["half"]
    result = compare("same", found.auc, auc(truth, answers))
    for name, side in (("sensitivity", 1), ("specificity", 0)):
        right = float(((answers[truth == side] >= 0.5) == side).mean())
        result |= compare(name, Estimate(told[name]["value"], *told[name]["interval"]), right)
    elsewhere = world.with_new_sites(200, rng)
    within = []
    for site in range(200):
        fresh, truth = elsewhere.draw(np.full(60, site), rng)
        within.append(auc(truth, model.predict_proba(fresh)[:, 1]))
    result["new_optimism"] = found.auc.value - float(np.nanmean(within))
    result["warned"] = float(measure_imbalance(labels, names).caution is not None)
    try:
        apart = leave_sites_out(labels, patients, names, 10, repeats, seed)
    except CohortError:
        return result
    other = measure_new_sites(cross_validate(wrapped, rows, labels, apart, quiet), names)
    if setting.sites > 10:
        fresh, truth = elsewhere.draw(rng.integers(0, 200, FRESH), rng)
        return result | compare("new", other.auc, auc(truth, model.predict_proba(fresh)[:, 1]))
    return result | compare("new", other.auc, float(np.nanmean(within)))


def compare(name: str, told: Estimate, truth: float) -> dict[str, float]:
    """What was printed against what is true."""
    low, high = told.low or 0.0, told.high or 0.0
    return {f"{name}_truth": truth, f"{name}_bias": told.value - truth, f"{name}_covered": float(low <= truth <= high),
            f"{name}_width": high - low}


def report(name: str, results: list[dict[str, float]]) -> list[Row]:
    """Bias and coverage of each figure over the cohorts, with Monte-Carlo errors."""
    rows: list[Row] = []
    for figure in ("same", "new", "sensitivity", "specificity"):
        kept = [each for each in results if f"{figure}_bias" in each]
        if not kept:
            continue
        bias = np.array([each[f"{figure}_bias"] for each in kept])
        covered = np.array([each[f"{figure}_covered"] for each in kept])
        share = (covered.sum() + 1) / (len(kept) + 2)
        rows.append({
            "setting": name, "figure": {"same": "AUC, same sites", "new": "AUC, new sites"}.get(figure, figure),
            "cohorts": len(kept), "truth": round(float(np.mean([each[f"{figure}_truth"] for each in kept])), 3),
            "bias": round(float(bias.mean()), 4), "bias_error": round(float(bias.std(ddof=1) / np.sqrt(len(kept))), 4),
            "coverage_%": round(100 * float(covered.mean()), 1),
            "coverage_error": round(100 * float(np.sqrt(share * (1 - share) / len(kept))), 1),
            "width": round(float(np.mean([each[f"{figure}_width"] for each in kept])), 3),
        })
    optimism, warned = (float(np.mean([each[key] for each in results])) for key in ("new_optimism", "warned"))
    rows[0] |= {"same_less_new_truth": round(optimism, 3), "warned_%": round(100 * warned, 1)}
    return rows


def build_model(word: str, setting: Setting) -> object:
    """Make the unfitted model that a word names."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    name, _, harmonised = word.partition("+")
    step = build_harmonisation(HarmoniseRecipe(method="combat" if harmonised else "none"), names_of(setting))
    if name.startswith(TUNED):
        from app.core.classify.tuned import TunedClassifier

        recipe = Recipe.parse(RECIPES / f"{name.removeprefix(TUNED)}.json")
        return TunedClassifier(recipe.model, names_of(setting), step if harmonised else None)
    plain = RandomForestClassifier(100, random_state=0) if name == "forest" else build_pipeline(ModelRecipe())
    return make_pipeline(step, plain)


def is_model(word: str) -> bool:
    """Whether the word names a model."""
    name = word.partition("+")[0]
    return name in ("logistic", "forest") or (RECIPES / f"{name.removeprefix(TUNED)}.json").exists()


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Simulate; words are the number of cohorts, names of settings and of models."""
    count = next((int(word) for word in words if word.isdigit()), COHORTS)
    settings = [word for word in words if word in SETTINGS] or ["A", "B"]
    chosen = [word for word in words if is_model(word)] or ["logistic"]
    rows: list[Row] = []
    with threadpool_limits(1):
        for name in settings:
            for model in chosen:
                make = partial(build_model, model, SETTINGS[name])
                results = [simulate(SETTINGS[name], make, seed, repeats=5) for seed in range(count)]
                rows += report(f"{name} {model}", results)
    return rows


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table

    others = [word for word in sys.argv[1:] if word not in SETTINGS]
    for setting in [word for word in sys.argv[1:] if word in SETTINGS] or ("A", "B"):
        print(table(main((*others, setting))), flush=True)

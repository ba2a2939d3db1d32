"""Simulated cohorts with a known truth: bias of the printed AUC, and how often the printed interval holds it.

    python -m tests.benchmarks simulation          a smoke test: a handful of cohorts
    python -m tests.benchmarks.simulation 1000 repeats=5 keep=DIR logistic recipe:svm-rfe+combat A B
    python -m tests.benchmarks.simulation report keep=DIR      what is there so far

Setting A: 85 cases, 92 features, 43 sites. B: 120 cases, 1,000 features, 5 sites. Ten latent factors behind the
features, sites that shift them, 40 % positive. 'null' has no signal; 'unequal' sites differ in prevalence, logit SD 1.
Truth: the model refitted on the whole cohort, on thousands of fresh cases of the same and of new sites. Printed, never
asserted; every figure with its Monte-Carlo error. The expected bias is that of cross-validation with endless cases to
test: what the folds' models are worth on fresh cases of the sites that they held out, less the truth. It is known far
better than the bias seen, which has the luck of the few cases that are there. A model is 'logistic' or 'forest'
(untuned), or a shipped recipe with its inner search as 'recipe:NAME'; '+combat' harmonises inside the folds.

Every cohort is written to DIR as soon as it is done: a run that was stopped goes on where it was, and can be extended.
All conditions see the same cohorts, one cohort after the other. sites=N leaves sites out in every Nth cohort only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin
from threadpoolctl import threadpool_limits

from app.core.errors import CohortError
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import Folds, leave_sites_out, make_folds
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
COHORTS, REPEATS = 3, 5
FRESH, NEW_SITES, PER_SITE, JUDGED = 4000, 100, 40, 1000
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
    """A model called positive at one half, so that the intervals of shares can be judged too.

    Parameters
    ----------
    make : callable
        Returns the unfitted model within.
    judge : callable, optional
        From the fitted model and the row numbers that it was fitted on to its AUC on fresh cases, to be remembered.
    """

    thresholds_: dict[str, float]

    def __init__(self, make: Callable[[], object], judge: Callable[..., float] | None = None) -> None:
        self.make, self.judge = make, judge

    def fit(self, rows: pd.DataFrame, labels: NDArray[np.int_]) -> FixedThreshold:
        """Fit the model within."""
        self.model = self.make().fit(rows, labels)
        self.thresholds_ = {"half": 0.5}
        self.best_ = {} if self.judge is None else {"truth": self.judge(self.model, rows.index)}
        return self

    def predict_proba(self, rows: pd.DataFrame) -> Array:
        """As the model within."""
        return self.model.predict_proba(rows)


class QuickLogistic(ClassifierMixin, BaseEstimator):
    """The program's untuned logistic regression, several times faster.

    An L2 penalty does not see rotations, and its weights lie within the span of the training rows: on their principal
    axes, as many as rows at most, Newton's method finds the same weights.
    """

    def fit(self, rows: Array, labels: NDArray[np.int_]) -> QuickLogistic:
        """Fit on complete rows."""
        from sklearn.linear_model import LogisticRegression

        self.mean_, self.deviation_ = rows.mean(axis=0), rows.std(axis=0)
        scaled = (rows - self.mean_) / self.deviation_
        values, axes = np.linalg.eigh(scaled @ scaled.T)
        kept = values > 1e-9 * values[-1]
        turn = scaled.T @ (axes[:, kept] / np.sqrt(values[kept]))
        self.model_ = LogisticRegression(C=ModelRecipe().strength, solver="newton-cholesky").fit(scaled @ turn, labels)
        self.weights_ = turn @ self.model_.coef_[0] / self.deviation_
        return self

    def predict_proba(self, rows: Array) -> Array:
        """Probability of class 0 and class 1, shape (rows, 2)."""
        positive = expit((rows - self.mean_) @ self.weights_ + self.model_.intercept_[0])
        return np.column_stack([1 - positive, positive])


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


@dataclass(frozen=True, eq=False)
class Cohort:
    """Cases to learn from, and fresh ones to know the truth by: of the site of each, and of new sites."""

    rows: pd.DataFrame
    labels: NDArray[np.int_]
    sites: NDArray[np.str_]
    beside: NDArray[np.int_]
    same: tuple[pd.DataFrame, NDArray[np.int_]]
    new: tuple[pd.DataFrame, NDArray[np.int_]]


@lru_cache(maxsize=1)
def draw_cohort(setting: Setting, seed: int) -> Cohort:
    """Draw a world, a cohort from it, and fresh cases; some of every new site."""
    rng = np.random.default_rng(seed)
    world = draw_world(setting, rng)
    extra = rng.choice(setting.sites, setting.cases - setting.sites, p=rng.dirichlet(np.full(setting.sites, 3.0)))
    sites = np.concatenate([np.arange(setting.sites), extra])
    rows, labels = world.draw(sites, rng)
    beside = np.repeat(np.arange(setting.cases), FRESH // setting.cases)
    same = world.draw(sites[beside], rng)
    new = world.with_new_sites(NEW_SITES, rng).draw(np.repeat(np.arange(NEW_SITES), PER_SITE), rng)
    return Cohort(rows, labels, sites.astype(str), beside, same, new)


@lru_cache(maxsize=2)
def draw_folds(setting: Setting, seed: int, repeats: int, apart: bool) -> Folds | None:
    """Folds by patient or by site, the same for every model; None where sites cannot be held out."""
    cohort = draw_cohort(setting, seed)
    patients = np.arange(setting.cases)
    if not apart:
        return make_folds(cohort.labels, patients, 10, repeats, seed)
    try:
        return leave_sites_out(cohort.labels, patients, cohort.sites, 10, repeats, seed)
    except CohortError:
        return None


def simulate(name: str, word: str, seed: int, repeats: int, new_sites: bool = True) -> dict[str, Any]:
    """Evaluate a model on a cohort as the program does, and look the truth up on fresh cases."""
    setting = SETTINGS[name]
    cohort = draw_cohort(setting, seed)
    labels, begun = cohort.labels, time.process_time()
    build, quiet = partial(build_model, word, setting), lambda _done: None
    pooled = setting.sites > 10  # groups of many small sites are judged across sites, five large ones within each
    judge_same, judge_new = partial(judge_held_out, cohort), partial(judge, cohort, pooled)
    model = FixedThreshold(build).fit(cohort.rows, labels)
    truth, answers = cohort.same[1], model.predict_proba(cohort.same[0])[:, 1]
    new_truth, new_answers = cohort.new[1], model.predict_proba(cohort.new[0])[:, 1]
    within = measure_within(new_truth, new_answers)
    folds = draw_folds(setting, seed, repeats, False)
    found = cross_validate(judge_first(build, judge_same), cohort.rows, labels, folds, quiet)
    told = measure_performance(found)["points"]["half"]
    result = compare("same", found.auc, auc(truth, answers)) | compare("next", found.auc, within)
    result["same_expected"] = expect(found) - result["same_truth"]
    for figure, side in (("sensitivity", 1), ("specificity", 0)):
        right = float(((answers[truth == side] >= 0.5) == side).mean())
        result |= compare(figure, Estimate(told[figure]["value"], *told[figure]["interval"]), right)
    result["warned"] = float(measure_imbalance(labels, cohort.sites).caution is not None)
    result["folds"] = np.round(found.aucs, 4).tolist()
    apart = draw_folds(setting, seed, repeats, True) if new_sites else None
    if apart is None:
        return result | {"seconds": time.process_time() - begun}
    found = cross_validate(judge_first(build, judge_new), cohort.rows, labels, apart, quiet)
    other = measure_new_sites(found, cohort.sites)
    result |= compare("new", other.auc, auc(new_truth, new_answers) if pooled else within)
    result["new_expected"] = expect(found) - judge_new(model)
    return result | {"new_folds": np.round(other.aucs, 4).tolist(), "seconds": time.process_time() - begun}


def judge(cohort: Cohort, pooled: bool, model: Any, _trained: Any = None) -> float:
    """AUC of a model on a thousand cases of new sites."""
    truth, answers = cohort.new[1][:JUDGED], model.predict_proba(cohort.new[0].iloc[:JUDGED])[:, 1]
    return auc(truth, answers) if pooled else measure_within(truth, answers)


def judge_held_out(cohort: Cohort, model: Any, trained: Any) -> float:
    """AUC of a model on fresh cases of the sites of those that it was not fitted on."""
    held = ~np.isin(cohort.beside, trained)
    return auc(cohort.same[1][held], model.predict_proba(cohort.same[0][held])[:, 1])


def judge_first(build: Callable[[], object], judged: Callable[..., float]) -> Callable[[], FixedThreshold]:
    """Maker of a model for each fold; those of the first repeat are judged on fresh cases."""
    number = count()
    return lambda: FixedThreshold(build, judged if next(number) < 10 else None)


def expect(found: OutOfFold) -> float:
    """Mean AUC on fresh cases of the models of folds: what cross-validation amounts to with endless cases to test."""
    return float(np.mean([fit.settings["truth"] for fit in found.fits if "truth" in fit.settings]))


def measure_within(truth: NDArray[np.int_], answers: Array) -> float:
    """Mean AUC of the new sites."""
    positive = truth.reshape(-1, PER_SITE) == 1
    ranks, cases = rankdata(answers.reshape(-1, PER_SITE), axis=1), positive.sum(axis=1)
    told = (cases > 0) & (cases < PER_SITE)
    ahead = (ranks * positive).sum(axis=1)[told] - cases[told] * (cases[told] + 1) / 2
    return float(np.mean(ahead / (cases[told] * (PER_SITE - cases[told]))))


def compare(name: str, told: Estimate, truth: float) -> dict[str, float]:
    """What was printed against what is true."""
    low, high = told.low or 0.0, told.high or 0.0
    return {f"{name}_truth": truth, f"{name}_bias": told.value - truth, f"{name}_covered": float(low <= truth <= high),
            f"{name}_width": high - low}


FIGURES = {"same": "AUC, same sites", "new": "AUC, new sites", "next": "same sites' interval, new sites' AUC",
           "sensitivity": "sensitivity", "specificity": "specificity"}


def report(name: str, results: list[dict[str, Any]]) -> list[Row]:
    """Bias and coverage of each figure over the cohorts, with Monte-Carlo errors."""
    rows: list[Row] = []
    for figure, words in FIGURES.items():
        kept = [each for each in results if f"{figure}_bias" in each]
        if len(kept) < 2:
            continue
        bias = np.array([each[f"{figure}_bias"] for each in kept])
        covered = np.array([each[f"{figure}_covered"] for each in kept])
        share = (covered.sum() + 1) / (len(kept) + 2)
        rows.append({
            "setting": name, "figure": words, "cohorts": len(kept),
            "truth": round(float(np.mean([each[f"{figure}_truth"] for each in kept])), 3),
            "bias": round(float(bias.mean()), 4), "bias_error": round(float(bias.std(ddof=1) / np.sqrt(len(kept))), 4),
            "coverage_%": round(100 * float(covered.mean()), 1),
            "coverage_error": round(100 * float(np.sqrt(share * (1 - share) / len(kept))), 1),
            "width": round(float(np.mean([each[f"{figure}_width"] for each in kept])), 3),
        })
        expected = np.array([each[f"{figure}_expected"] for each in kept if f"{figure}_expected" in each])
        if len(expected) > 1:
            error = float(expected.std(ddof=1) / np.sqrt(len(expected)))
            rows[-1] |= {"expected_bias": round(float(expected.mean()), 4), "expected_error": round(error, 4)}
    if rows:
        rows[0] |= {"warned_%": round(100 * float(np.mean([each["warned"] for each in results])), 1),
                    "s_per_cohort": round(float(np.mean([each["seconds"] for each in results])), 2)}
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
    plain = RandomForestClassifier(100, random_state=0) if name == "forest" else QuickLogistic()
    return make_pipeline(step, plain)


def is_model(word: str) -> bool:
    """Whether the word names a model."""
    name = word.partition("+")[0]
    return name in ("logistic", "forest") or (RECIPES / f"{name.removeprefix(TUNED)}.json").exists()


class Kept:
    """Results of one condition by seed, written line by line to a file of a folder; only remembered without one."""

    def __init__(self, folder: Path | None, name: str) -> None:
        self.path = folder / f"{name.replace(':', '_')}.jsonl" if folder else None
        self.results: dict[int, dict[str, Any]] = {}
        if self.path and self.path.exists():
            lines = [line for line in self.path.read_text(encoding="utf-8").split("\n") if line.endswith("}")]
            self.results = {each.pop("seed"): each for each in map(json.loads, lines)}

    def add(self, seed: int, result: dict[str, Any]) -> None:
        """Remember a result and write it down at once."""
        self.results[seed] = result
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"seed": seed, **result}) + "\n")


def read_word(words: Iterable[str], name: str, otherwise: str) -> str:
    """Value of the word NAME=VALUE."""
    return next((word.partition("=")[2] for word in words if word.startswith(f"{name}=")), otherwise)


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Simulate; words are the number of cohorts, repeats=N, sites=N, keep=DIR, names of settings and models."""
    cohorts = next((int(word) for word in words if word.isdigit()), COHORTS)
    repeats, keep = int(read_word(words, "repeats", str(REPEATS))), read_word(words, "keep", "")
    folder, every = Path(keep) if keep else None, int(read_word(words, "sites", "1"))
    if "report" in words and folder:
        names = sorted(path.stem for path in folder.glob("*.jsonl"))
        read = {name: Kept(folder, name).results for name in names}
        return [row for name, each in read.items() for row in report(name, [*each.values()])]
    settings = [word for word in words if word in SETTINGS] or ["A", "B"]
    chosen = [word for word in words if is_model(word)] or ["logistic"]
    kept = {(name, model): Kept(folder, f"{name} {model} x{repeats}") for name in settings for model in chosen}
    with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
        for seed in range(cohorts):
            for (name, model), results in kept.items():
                if seed not in results.results:
                    results.add(seed, simulate(name, model, seed, repeats, seed % every == 0))
    return [row for (name, model), each in kept.items() for row in report(f"{name} {model}", [*each.results.values()])]


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table

    print(table(main(tuple(sys.argv[1:]))), flush=True)

"""Cohorts without any signal: every recipe, every harmonisation and the best of all recipes must find nothing there.

    python -m tests.benchmarks null               a smoke test
    python -m tests.benchmarks.null 50 keep=DIR A models harmonise naive      cohorts, setting, what
    python -m tests.benchmarks.null 50 keep=DIR A rf default                      recipes by name
    python -m tests.benchmarks.null report keep=DIR

A: 85 cases, 92 features, 43 sites of some two cases; A-uneven: a few of them hold most. B: 120 cases, 200 features,
5 sites. One repeat of ten folds. One factor at a time: shipped recipes without harmonisation, then a linear SVM with
each harmonisation, on new patients and on held-out sites. Beside them what looking at every case would have shown:
the whole table harmonised with the label as covariate, or its best features selected, first. Printed, never asserted.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn import config_context
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from app.core.classify.tuned import TunedClassifier
from app.core.errors import CohortError, RecipeError
from app.core.evaluate.audit import naive_figure
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import Folds, leave_sites_out, make_folds
from app.core.evaluate.selection import correct_selection
from app.core.evaluate.sites import measure_new_sites
from app.core.harmonise.combat import estimate_combat
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe, ModelRecipe, Recipe
from app.core.workflows.auditing import harmonise_with_labels, select_with_labels
from tests.benchmarks.leak import make_noise
from tests.benchmarks.simulation import RECIPES, Kept, read_word
from tests.benchmarks.timing import Row

COHORTS = 2
BEST = 20
SIZES = {"A": (85, 92, 43, None), "A-uneven": (85, 92, 43, 0.3), "B": (120, 200, 5, 3.0)}
SHIPPED = {path.stem: Recipe.parse(path) for path in sorted(RECIPES.glob("*.json"))}
MODELS = tuple(n for n, each in SHIPPED.items() if "model" in each.model_fields_set and each.network is None)
HARMONISATIONS: dict[str, dict[str, Any]] = {
    "none": {"method": "none"},
    "combat": {},
    "non-parametric": {"parametric": False},
    "no EB": {"eb": False},
    "mean only": {"mean_only": True},
    "covariates": {"covariates": ("age",), "categorical": ("sex",)},
    "reference": {"reference": "largest"},
    "small merge": {"small": "merge"},
    "small mean only": {"small": "mean_only"},
    "nearest": {"unseen": "nearest", "group_by": ("vendor", "field")},
    "estimate": {"unseen": "estimate", "estimate_from": 2},
}
NAIVE = ("harmonised", "harmonised, each site", "selected", "both, as the audit")


class LinearSvm:
    """A linear support vector machine on standardised features, after an optional step that harmonises."""

    def __init__(self, step: Any = None) -> None:
        self.step = step

    def fit(self, rows: Any, labels: NDArray[np.int_]) -> LinearSvm:
        """Fit step and machine."""
        first = [] if self.step is None else [self.step]
        self.model = make_pipeline(*first, StandardScaler(), SVC(kernel="linear")).fit(rows, labels)
        return self

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """The decision squeezed between 0 and 1: its order is all that an AUC asks for."""
        positive = expit(self.model.decision_function(rows))
        return np.column_stack([1 - positive, positive])


@lru_cache(maxsize=2)
def draw(size: str, seed: int) -> tuple[pd.DataFrame, NDArray[np.int_], list[str], Folds]:
    """Noise with the columns that harmonisation may ask for, and its folds."""
    cases, width, sites, even = SIZES[size]
    table, labels = make_noise(seed, cases, width, sites, even)
    rng = np.random.default_rng((seed, 1))
    own = table.site.str[1:].astype(int)
    table["vendor"] = own.map(dict(enumerate(rng.choice(["one", "other"], sites))))
    table["field"] = own.map(dict(enumerate(rng.choice(["1.5", "3"], sites))))
    table["age"], table["sex"] = rng.normal(50, 15, cases), rng.choice(["f", "m"], cases)
    names = [name for name in table if name.startswith("f") and name[1:].isdigit()]
    return table, labels, names, make_folds(labels, np.arange(cases), 10, 1, seed)


def measure_recipe(name: str, size: str, seed: int) -> dict[str, Any]:
    """Evaluate a shipped recipe on noise."""
    table, labels, names, folds = draw(size, seed)
    recipe = Recipe.parse(RECIPES / f"{name}.json")
    step = build_harmonisation(recipe.harmonise, names)
    found = cross_validate(partial(TunedClassifier, recipe.model, names, step), table, labels, folds, _quiet)
    return describe(found) | {"folds": found.aucs.tolist(), "answers": found.probabilities.tolist()}


def measure_harmonisation(name: str, size: str, seed: int) -> dict[str, Any]:
    """Evaluate a linear SVM after a harmonisation, on new patients and on new sites."""
    table, labels, names, folds = draw(size, seed)
    settings = {"method": "combat", **HARMONISATIONS[name]}
    if "reference" in settings:
        settings["reference"] = table.site.mode()[0]
    step = build_harmonisation(HarmoniseRecipe(**settings), names)
    sites = table.site.to_numpy()
    result: dict[str, Any] = {}
    try:
        result = describe(cross_validate(lambda: LinearSvm(step), table, labels, folds, _quiet))
        apart = leave_sites_out(labels, np.arange(len(labels)), sites, 10, 1, seed)
        found = measure_new_sites(cross_validate(lambda: LinearSvm(step), table, labels, apart, _quiet), sites).auc
        result |= {"sites": found.value, "sites_covered": _holds(found.low, found.high)}
    except (RecipeError, CohortError) as error:
        result["refused"] = str(error)
    return result


def measure_naive(name: str, size: str, seed: int) -> dict[str, Any]:
    """Harmonise with the label as a covariate, or select the 20 best features, or both, on the whole table."""
    table, labels, names, folds = draw(size, seed)
    if name == NAIVE[-1]:
        harmonised = partial(harmonise_with_labels, sites=table.site.to_numpy())
        selected = partial(select_with_labels, recipe=ModelRecipe(kind="svm"))
        return describe(naive_figure(table[names].to_numpy(), labels, folds, LinearSvm, harmonised, selected))
    sites = table.site.where(table.site.map(table.site.value_counts()) > 1, "single")

    def harmonise(rows: pd.DataFrame, truth: NDArray[np.int_]) -> NDArray[np.float64]:
        values, design = rows[names].to_numpy(), truth[:, None].astype(float)
        if not name.startswith("harmonised"):
            return values
        batches = table.site if name == "harmonised, each site" else sites
        return estimate_combat(values, batches, design).apply(values, batches, design)

    def select(values: NDArray[np.float64], truth: NDArray[np.int_]) -> NDArray[np.float64]:
        if name.startswith("harmonised"):
            return values
        apart = values[truth == 1].mean(axis=0) - values[truth == 0].mean(axis=0)
        return values[:, np.argsort(-np.abs(apart) / values.std(axis=0))[:BEST]]

    return describe(naive_figure(table, labels, folds, LinearSvm, harmonise, select))


def describe(found: OutOfFold) -> dict[str, Any]:
    """Mean AUC, and whether its interval holds one half."""
    told = found.auc
    return {"auc": told.value, "covered": _holds(told.low, told.high)}


def choose_best(size: str, results: dict[str, Kept]) -> list[dict[str, Any]]:
    """For each cohort that all recipes have seen: the best of them, as it looks and as it is reported."""
    rows = []
    for seed in sorted(set.intersection(*(set(kept.results) for kept in results.values()))):
        _, labels, _, folds = draw(size, seed)
        counts = (int((labels == 0).sum()), int((labels == 1).sum()))
        models = {
            name: OutOfFold(np.array(kept.results[seed]["folds"]), np.array(kept.results[seed]["answers"]), counts,
                            labels, np.arange(len(labels)), folds, ())
            for name, kept in results.items()
        }  # fmt: skip
        found = correct_selection(models, np.random.default_rng(seed))
        rows.append({"apparent": found.apparent.value, "auc": found.corrected.value,
                     "covered": _holds(found.corrected.low, found.corrected.high)})
    return rows


def report(size: str, folder: Path | None, kept: dict[tuple[str, str], Kept]) -> list[Row]:
    """Mean AUC over cohorts, with its Monte-Carlo error."""
    rows: list[Row] = []
    for (kind, name), each in kept.items():
        results = list(each.results.values())
        rows.append(summarise(size, f"{kind} {name}", results, "auc", "covered"))
        if kind == "harmonise":
            rows.append(summarise(size, f"{kind} {name}, new sites", results, "sites", "sites_covered"))
        if kind == "harmonise" and name != "none" and (kind, "none") in kept:
            none = kept[kind, "none"].results
            rows[-2] |= less_none(each.results, none, "auc")
            rows[-1] |= less_none(each.results, none, "sites")
    recipes = {name: each for (kind, name), each in kept.items() if kind == "recipe" and len(each.results) > 1}
    for least in sorted({len(each.results) for each in recipes.values()}):
        among = {name: each for name, each in recipes.items() if len(each.results) >= least}
        if len(among) > 1:
            best, words = choose_best(size, among), f"best of {len(among)} recipes"
            rows.append(summarise(size, f"{words}, as it looks", best, "apparent", ""))
            rows.append(summarise(size, f"{words}, corrected", best, "auc", "covered"))
    return [row for row in rows if row["cohorts"]]


def less_none(results: dict[int, dict[str, Any]], none: dict[int, dict[str, Any]], figure: str) -> Row:
    """By how much it differs from no harmonisation of the same cohorts: known far better than the AUC itself."""
    both = [seed for seed in results if figure in results[seed] and figure in none.get(seed, {})]
    less = np.array([results[seed][figure] - none[seed][figure] for seed in both])
    if len(less) < 2:
        return {}
    error = float(less.std(ddof=1) / np.sqrt(len(less)))
    return {"less_none": round(float(less.mean()), 4), "less_error": round(error, 4)}


def summarise(size: str, what: str, results: list[dict[str, Any]], figure: str, covered: str) -> Row:
    """One line of the table."""
    told = np.array([each[figure] for each in results if each.get(figure) is not None])
    row: Row = {"setting": size, "what": what, "cohorts": len(told)}
    if len(told) > 1:
        row |= {"auc": round(float(told.mean()), 3), "mc_error": round(float(told.std(ddof=1) / np.sqrt(len(told))), 4),
                "sd": round(float(told.std(ddof=1)), 3)}
        if covered:
            share = np.mean([each[covered] for each in results if each.get(figure) is not None])
            row["half_in_interval_%"] = round(100 * float(share), 1)
    if refused := sum("refused" in each for each in results):
        row["refused"] = refused
    return row


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Measure; words: number of cohorts, keep=DIR, settings, 'models', 'harmonise', 'naive' or names of recipes."""
    count = 0 if "report" in words else next((int(word) for word in words if word.isdigit()), COHORTS)
    keep = read_word(words, "keep", "")
    folder = Path(keep) if keep else None
    sizes = [word for word in words if word in SIZES] or (list(SIZES) if "report" in words else ["A"])
    every = not set(words) & {"models", "harmonise", "naive", *MODELS}
    asked: list[tuple[str, str, Callable[[str, str, int], dict[str, Any]]]] = []
    for kind, names, measure in (("harmonise", tuple(HARMONISATIONS), measure_harmonisation),
                                 ("naive", NAIVE, measure_naive), ("recipe", MODELS, measure_recipe)):
        word = "models" if kind == "recipe" else kind
        asked += [(kind, name, measure) for name in names if every or word in words or name in words]
    rows: list[Row] = []
    with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
        for size in sizes:
            kept = {(kind, name): Kept(folder, f"null {size} {kind} {name}") for kind, name, _ in asked}
            for seed in range(count):
                for kind, name, measure in asked:
                    if seed not in kept[kind, name].results:
                        kept[kind, name].add(seed, measure(name, size, seed))
            rows += report(size, folder, kept)
    return rows


def _quiet(_done: int) -> None:
    return None


def _holds(low: float | None, high: float | None) -> float:
    return float((low or 0.0) <= 0.5 <= (1.0 if high is None else high))


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table as lay_out

    print(lay_out(main(tuple(sys.argv[1:]))), flush=True)

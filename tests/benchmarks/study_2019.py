"""The 2019 study of lipoma and ALT/WDL on phantom cases, from images to ten folds: published, naive, honest, and true.

    python -m tests.benchmarks study_2019            a smoke test: few cases, few models
    python -m tests.benchmarks.study_2019 keep=build/study cases=85 sites=43 outside=1000 inside=1000 repeats=5

Words: `cases`, `sites`, `signal` (1: classes differ as published; 0: not at all), `seed` of the cohort; `outside`,
further cases of 200 other sites; `inside`, further cases of the cohort's own sites; `repeats` of the ten folds; `jobs`;
`models=svm,rf,...`; `keep=DIR` for finished cases and figures, so that a second run is quick.

- published: as the study and its journal version print them.
- naive: ComBat over the whole table, each site its own batch and the diagnosis as covariate (rows with ComBat), the
  recipe's selection on the whole table, settings chosen by the accuracy on the very folds that are printed.
- honest: all of it inside the training folds; ComBat without the diagnosis, for sites with five training cases or more.
- true: the honest model refitted on the whole cohort, on the further cases; `naive_true` is that of the naive one.
Decisions are at a probability of one half. Printed, never asserted.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.core.classify.tuned import TunedClassifier
from app.core.errors import CohortError
from app.core.evaluate.comparators import build_size_model, find_headline, run_comparators
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import Folds, leave_sites_out, make_folds
from app.core.evaluate.metrics import auc
from app.core.evaluate.sites import measure_new_sites
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe, ModelRecipe, Recipe
from tests.benchmarks.naive_study import Naive, figures_of
from tests.benchmarks.phantom_features import Phantoms, drop_useless, feature_columns, measure_phantoms
from tests.benchmarks.timing import Row

RECIPES = Path(__file__).resolve().parents[2] / "resources" / "recipes"
STUDY = "lipoma-2019"
MODELS = {"svm": STUDY, "rf": "rf", "mlp": "mlp", "xgb": "xgb", "default": "default"}
METRICS = ("accuracy", "sensitivity", "specificity", "AUROC", "SD")
PUBLISHED = {
    ("2D", "svm"): (0.864, 0.830, 0.900, 0.950, 0.07), ("2D", "rf"): (0.715, 0.755, 0.675, 0.813, 0.16),
    ("2D", "mlp"): (0.792, 0.785, 0.800, 0.905, 0.08), ("3D", "svm"): (0.908, 0.850, 0.975, 0.984, 0.03),
    ("3D", "rf"): (0.778, 0.840, 0.700, 0.818, 0.14), ("3D", "mlp"): (0.751, 0.765, 0.725, 0.857, 0.12),
    ("3D", "xgb"): (None, None, None, 0.83, 0.12), ("3D + ComBat", "svm"): (1.0, 1.0, 1.0, 1.0, 0.0),
    ("3D + ComBat", "rf"): (1.0, 1.0, 1.0, 1.0, 0.0), ("3D + ComBat", "mlp"): (0.942, 0.930, 0.950, 0.959, 0.08),
    ("3D + ComBat", "xgb"): (None, None, None, 0.99, 0.02),
}  # fmt: skip
"""Accuracy, sensitivity, specificity, AUROC and its SD; gradient boosting is the journal version's, .80 elsewhere."""
DATA = ("2D", "3D", "3D + ComBat")
OUTSIDE_SEED, OUTSIDE_SITES = 5000, 200
SMOKE = {"cases": "34", "sites": "17", "outside": "17", "inside": "0", "repeats": "1", "models": "svm"}
FULL = {"cases": "85", "sites": "43", "outside": "1000", "inside": "1000", "repeats": "5", "models": ",".join(MODELS)}


@dataclass(frozen=True, eq=False)
class Study:
    """The cohort, its folds, and further cases to look the truth up on."""

    cohort: pd.DataFrame
    folds: Folds
    further: Mapping[str, pd.DataFrame]
    keep: Path | None
    name: str

    @property
    def labels(self) -> np.ndarray:
        """Of the cohort."""
        return self.cohort["label"].to_numpy(dtype=int)

    def kept(self, what: list[object], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Figures that were found before, or found now."""
        if self.keep is None:
            return work()
        digest = hashlib.sha256(json.dumps([self.name, self.folds.digest, *what]).encode()).hexdigest()[:16]
        path = self.keep / f"figures-{digest}.json"
        if not path.exists():
            path.write_text(json.dumps({"of": [self.name, *what[:3]], "found": work()}), encoding="utf-8")
        return dict(json.loads(path.read_text(encoding="utf-8"))["found"])


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Draw, measure, and put the four columns beside each other."""
    asked = {**(SMOKE if not words else FULL), **dict(word.split("=", 1) for word in words)}
    study = read_study(asked)
    rows: list[Row] = []
    for data in DATA:
        for model in asked["models"].split(","):
            found = compare_line(study, data, model)
            sys.stderr.writelines(f"{json.dumps(row)}\n" for row in found)
            rows += found
    return [*rows, *describe_comparators(study)]


def read_study(asked: Mapping[str, str]) -> Study:
    """Draw and measure what the words ask for."""
    recipe = Recipe.parse(RECIPES / f"{STUDY}.json")
    assert recipe.features is not None
    both = recipe.model_copy(update={"features": recipe.features.model_copy(update={"largest_slice": True})})
    seed, sites, signal = int(asked.get("seed", 2019)), int(asked["sites"]), float(asked.get("signal", 1.0))
    keep = Path(asked["keep"]) if "keep" in asked else None
    measure = partial(measure_phantoms, recipe=both, keep=keep, jobs=int(asked.get("jobs", 1)))
    cases, outside, inside = (int(asked[name]) for name in ("cases", "outside", "inside"))
    cohort = measure(Phantoms(seed, sites, signal, 0, cases))
    further = {"new_sites": Phantoms(seed + OUTSIDE_SEED, OUTSIDE_SITES, signal, 0, outside),
               "same_sites": Phantoms(seed, sites, signal, cases, inside)}  # fmt: skip
    labels = cohort["label"].to_numpy(dtype=int)
    folds = make_folds(labels, np.arange(cases), 10, int(asked["repeats"]), seed)
    drawn = {name: measure(wanted) for name, wanted in further.items() if wanted.count}
    return Study(cohort, folds, drawn, keep, f"{seed}-{sites}-{signal:g}-{cases}")


def compare_line(study: Study, data: str, model: str) -> list[Row]:
    """One line of the published table, a row per metric, and one for the AUC at sites left out."""
    recipe = Recipe.parse(RECIPES / f"{MODELS[model]}.json").model
    names = drop_useless(study.cohort, feature_columns(study.cohort, data[:2]))
    combat, told = "ComBat" in data, [data, model, recipe.model_dump(mode="json")]
    sizes = {name: len(table) for name, table in study.further.items()}
    make = partial(build_model, recipe, names, combat)
    honest = study.kept(["honest", *told], lambda: measure_honest(study, make))
    naive = study.kept(["naive", *told, sizes, "by accuracy"], lambda: measure_naive(study, recipe, names, combat))
    truth = study.kept(["truth", *told, sizes], lambda: find_truth(study, make))
    published = PUBLISHED.get((data, model), (None,) * len(METRICS))
    rows: list[Row] = []
    for metric, figure in zip(METRICS, published, strict=True):
        row: Row = {"data": data, "features": len(names), "model": model, "metric": metric, "published": figure,
                    "naive": naive.get("printed", {}).get(metric), "honest": honest["printed"][metric]}
        row |= {f"true_{where}": figures.get(metric) for where, figures in truth.items()}
        if metric == "AUROC":
            row |= {"low": honest["interval"][0], "high": honest["interval"][1],
                    "naive_true": naive.get("true", {}).get("new_sites", {}).get("AUROC"),
                    "beside": honest["headline"]["comparator"], "more": honest["headline"]["mean"],
                    "more_low": honest["headline"]["interval"][0], "more_high": honest["headline"]["interval"][1]}
        rows.append(row)
    if honest["sites"]:
        apart: Row = {"data": data, "features": len(names), "model": model, "metric": "AUROC, sites left out"}
        rows.append(apart | {"honest": honest["sites"]["mean"], "low": honest["sites"]["interval"][0],
                             "high": honest["sites"]["interval"][1],
                             "true_new_sites": truth.get("new_sites", {}).get("AUROC")})
    return rows


def build_model(recipe: ModelRecipe, names: list[str], combat: bool) -> TunedClassifier:
    """Everything that learns, unfitted."""
    step = build_harmonisation(HarmoniseRecipe(method="combat"), names) if combat else None
    return TunedClassifier(recipe, names, step)


def measure_honest(study: Study, make: Callable[[], TunedClassifier]) -> dict[str, Any]:
    """Cross-validate inside the folds, beside the comparators; and with whole sites held out."""
    labels, sites = study.labels, study.cohort["site"].to_numpy(dtype=str)
    found = cross_validate(make, study.cohort, labels, study.folds, lambda _done: None)
    headline = find_headline(found, run_study_comparators(study))
    try:
        apart = leave_sites_out(labels, np.arange(len(labels)), sites, 10, 1, 0)
        elsewhere = cross_validate(make, study.cohort, labels, apart, lambda _done: None)
        left_out: dict[str, Any] = measure_new_sites(elsewhere, sites).json
    except CohortError:
        left_out = {}
    return {"printed": summarise_folds(found), "interval": [found.auc.low, found.auc.high], "sites": left_out,
            "headline": {"comparator": headline.comparator, **headline.json}}


def run_study_comparators(study: Study) -> dict[str, OutOfFold]:
    """Volume and longest diameter alone, on the same folds."""
    sizes = {name: study.cohort[column].to_numpy(dtype=float)
             for name, column in (("volume", "volume_ml"), ("longest_diameter", "longest_diameter_mm"))}  # fmt: skip
    return run_comparators(sizes, {}, study.labels, study.folds)


def summarise_folds(found: OutOfFold) -> dict[str, float]:
    """Means over the folds, as the study has them."""
    each = [figures_of(found.labels[fit.test], found.probabilities[place // found.folds.k, fit.test] - 0.5)
            for place, fit in enumerate(found.fits)]  # fmt: skip
    return {**{name: float(np.mean([one[name] for one in each])) for name in METRICS[:4]},
            "SD": float(np.std([one["AUROC"] for one in each], ddof=1))}


def measure_naive(study: Study, recipe: ModelRecipe, names: list[str], combat: bool) -> dict[str, Any]:
    """What must not be done; an average of models has no naive counterpart in the study."""
    if recipe.members:
        return {}
    naive = Naive(study.cohort, study.labels, recipe, tuple(names), combat, study.folds)
    return {"printed": naive.best[2],
            "true": {where: naive.answer_for(table) for where, table in study.further.items()}}


def find_truth(study: Study, make: Callable[[], TunedClassifier]) -> dict[str, dict[str, float]]:
    """The refitted model on the further cases."""
    model = make().fit(study.cohort, study.labels)
    return {where: figures_of(table["label"].to_numpy(dtype=int), model.decision_function(table))
            for where, table in study.further.items()}


def describe_comparators(study: Study) -> list[Row]:
    """Size alone, and the best that anybody could do with the image."""
    rows: list[Row] = []
    columns = {"volume": "volume_ml", "longest_diameter": "longest_diameter_mm"}
    for name, found in run_study_comparators(study).items():
        row: Row = {"data": name, "metric": "AUROC", "honest": found.auc.value, "low": found.auc.low,
                    "high": found.auc.high}
        if name in columns:
            alone = build_size_model().fit(study.cohort[[columns[name]]].to_numpy(dtype=float), study.labels)
            row |= {f"true_{where}": auc(table["label"].to_numpy(dtype=int),
                                         alone.predict_proba(table[[columns[name]]].to_numpy(dtype=float))[:, 1])
                    for where, table in study.further.items()}
            rows.append(row)
    best = {f"true_{where}": auc(table["label"].to_numpy(dtype=int), table["best"].to_numpy(dtype=float))
            for where, table in study.further.items()}
    return [*rows, {"data": "the best possible", "metric": "AUROC", **best}]


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table

    print(table(main(tuple(sys.argv[1:]) or tuple(f"{name}={value}" for name, value in FULL.items()))), flush=True)

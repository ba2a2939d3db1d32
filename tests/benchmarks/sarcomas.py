"""Real patients: 32 soft-tissue sarcomas on T1 MRI, learned from as the program does, and what such figures are worth.

    python -m tests.benchmarks sarcomas            a smoke test: logistic, one repeat
    python -m tests.benchmarks.sarcomas keep=build/study models=default,svm-rfe,logistic repeats=5 features=pyradiomics

Labels: lung metastasis (12 of 32), liposarcoma (7 of 32). The site is the scanner's manufacturer. Each model with and
without ComBat inside the folds, beside volume, longest diameter, clinical variables and the prevalence, on the same
folds. Printed, never asserted.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from app.core.classify.clinical import build_clinical, code_clinical
from app.core.classify.tuned import TunedClassifier
from app.core.evaluate.comparators import TITLES, compare, find_headline, run_comparators
from app.core.evaluate.crossvalidate import OutOfFold, cross_validate
from app.core.evaluate.folds import make_folds
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.sites import measure_imbalance
from app.core.harmonise.advisor import advise
from app.core.harmonise.step import build_harmonisation
from app.core.io.table import read_cases
from app.core.jobs import run_workflow
from app.core.recipe import HarmoniseRecipe, Recipe
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort, read_cohort
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, skipped

RECIPES = Path(__file__).resolve().parents[2] / "resources" / "recipes"
LABELS = {"lung_metastasis": ("age", "sex", "grade"), "liposarcoma": ("age", "sex")}
"""And what is known of a patient before each."""
SMOKE = {"models": "logistic", "repeats": "1", "features": "pyradiomics"}
FULL = {"models": "default,svm-rfe,logistic", "repeats": "5", "features": "pyradiomics"}
POINT = "sensitivity 95%"


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Measure the tumours, cross-validate, and compare."""
    if not (SHARED / "sts" / "cohort.csv").exists():
        return [skipped("sarcomas", "the shared data are not there")]
    asked = {**(FULL if words else SMOKE), **dict(word.split("=", 1) for word in words)}
    rows: list[Row] = []
    with _folder(asked.get("keep")) as folder, own_data_folder():
        features = folder / f"sarcomas-{asked['features']}.csv"
        if not features.exists():
            measure_tumours(asked["features"], features)
        for label, clinical in LABELS.items():
            rows += study_label(features, label, clinical, asked)
    return rows


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        Path(keep).mkdir(parents=True, exist_ok=True)
        yield Path(keep).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch:
        yield Path(scratch)


def measure_tumours(recipe: str, out: Path) -> None:
    """Extract from images and outlines, as `extract` does."""
    cases = [case.model_dump(mode="json") for case in read_cases(str(SHARED / "sts" / "cohort.csv")).cases]
    settings = Recipe.parse(RECIPES / f"{recipe}.json").model_dump(mode="json")
    ask = {"source": str(SHARED / "sts" / "cohort.csv"), "recipe": settings, "out": str(out)}
    done = run_workflow("app.core.workflows:extract", ask, _told)
    sys.stderr.write(f"{done['features']} features of {len(cases)} tumours, {len(done['failed'])} failed\n")


def study_label(features: Path, label: str, clinical: tuple[str, ...], asked: Mapping[str, str]) -> list[Row]:
    """Every model for one label, and what stands beside them."""
    ask = TrainRequest.parse({"table": str(features), "label": label, "positive": "1", "patient": "patient",
                              "site": "manufacturer", "clinical": list(clinical), "recipe": {"name": "logistic"},
                              "ignore": [name for name in LABELS if name != label], "out": str(features.parent)})
    cohort = read_cohort(ask, _quiet)
    k = min(10, cohort.most_folds)
    folds = make_folds(cohort.labels, cohort.patients, k, int(asked["repeats"]), 0)
    rows_of, words = code_clinical(cohort.table[list(cohort.clinical)])
    sizes = {size.kind: size.values for size in cohort.sizes}
    others = {"clinical": (partial(build_clinical, words), rows_of)}
    beside = run_comparators(sizes, others, cohort.labels, folds, cohort.patients)
    rows: list[Row] = [_comparator(label, name, found) for name, found in beside.items()]
    for name in asked["models"].split(","):
        plain: OutOfFold | None = None
        for method in ("none", "combat"):
            make = partial(build_model, name, method, cohort)
            found = cross_validate(make, cohort.table, cohort.labels, folds, _still)
            rows.append(describe_model(label, name, method, found, beside, plain))
            plain = plain or found
    return [*rows, *_describe_cohort(label, cohort, folds.k, folds.repeats)]


def build_model(name: str, method: str, cohort: Cohort) -> TunedClassifier:
    """Everything that learns, unfitted."""
    recipe = Recipe.parse(RECIPES / f"{name}.json").model
    step = build_harmonisation(HarmoniseRecipe(method="combat"), cohort.features) if method == "combat" else None
    return TunedClassifier(recipe, cohort.features, step)


def describe_model(label: str, name: str, method: str, found: OutOfFold, beside: Mapping[str, OutOfFold],
                   plain: OutOfFold | None) -> Row:
    """A model's figures with their intervals, and what it adds to the best comparator."""
    told, headline = measure_performance(found), find_headline(found, beside)
    point = told["points"][POINT]
    row: Row = {"label": label, "model": name, "harmonised": method, "auc": found.auc.value,
                "auc_95%": _span(found.auc.low, found.auc.high), "sensitivity": _share(point["sensitivity"]),
                "specificity": _share(point["specificity"]), "brier": told["brier"]["value"],
                "slope": told["calibration"]["slope"], "best_beside": headline.comparator, "more": headline.auc.value,
                "more_95%": _span(headline.auc.low, headline.auc.high), "p": headline.p}
    if plain is not None:
        row["more_than_none"] = compare(found, plain, "none").auc.value
    return row | {"note": headline.sentence}


def _comparator(label: str, name: str, found: OutOfFold) -> Row:
    return {"label": label, "model": TITLES[name], "auc": found.auc.value,
            "auc_95%": _span(found.auc.low, found.auc.high), "brier": measure_performance(found)["brier"]["value"]}


def _describe_cohort(label: str, cohort: Cohort, k: int, repeats: int) -> list[Row]:
    """What the cohort allows, in sentences."""
    assert cohort.sites is not None
    positive = int(cohort.labels.sum())
    advice, imbalance = advise(cohort.sites.tolist(), cohort.labels), measure_imbalance(cohort.labels, cohort.sites)
    said = [f"{positive} of {len(cohort.labels)} patients; {len(cohort.features)} features; {repeats} x {k} folds",
            f"{len(cohort.site_names)} manufacturers, five are needed to hold sites out", advice.recommendation,
            *advice.cautions, *([imbalance.caution.message] if imbalance.caution else [])]
    return [{"label": label, "model": "note", "note": each} for each in said]


def _span(low: float | None, high: float | None) -> str:
    return f"{low:.2f} to {high:.2f}" if low is not None and high is not None else ""


def _share(told: dict[str, Any]) -> str:
    return f"{told['value']:.2f} ({_span(*(told['interval'] or (None, None)))})"


def _quiet(_fraction: float, _message: str) -> None: ...


def _still(_done: int) -> None: ...


def _told(fraction: float, message: str) -> None:
    sys.stderr.write(f"{fraction:4.0%} {message}\n")


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table

    print(table(main(tuple(sys.argv[1:]) or tuple(f"{name}={value}" for name, value in FULL.items()))), flush=True)

"""A small training run as its bundle keeps it: models that learn in milliseconds, figures that are really measured."""

import numpy as np

from app.core.bundle import ConformalQuantiles, PipelineEstimator, Specification, Threshold, Training
from app.core.classify.pipelines import build_pipeline
from app.core.evaluate.audit import list_fits
from app.core.evaluate.comparators import compare, describe_comparators, find_headline, run_comparators
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.restored import describe_folds
from app.core.evaluate.selection import correct_selection
from app.core.evaluate.subgroups import measure_subgroups
from app.core.harmonise.advisor import advise
from app.core.recipe import ModelRecipe, Recipe

FEATURES = ("volume_ml", "longest_diameter_mm", "original_firstorder_Mean", "original_glcm_Contrast")
POINT = "sensitivity 95%"


class Weighed:
    """Logistic regression on some columns, with the thresholds and quantiles that a tuned model has."""

    def __init__(self, columns):
        self.columns = columns

    def fit(self, rows, labels):
        self.model = build_pipeline(ModelRecipe()).fit(rows[:, self.columns], labels)
        answers = self.predict_proba(rows)[:, 1]
        self.best_ = {"classify__C": 0.1}
        self.thresholds_ = {POINT: float(np.quantile(answers[labels == 1], 0.05)), "youden": 0.5}
        self.conformal_ = {0.05: (float(np.quantile(answers[labels == 0], 0.95)),
                                  float(np.quantile(1 - answers[labels == 1], 0.95)))}
        return self

    def predict_proba(self, rows):
        return self.model.predict_proba(rows[:, self.columns])


def draw_cases(cases=60, seed=0, signal=1.4):
    """Rows (cases, features), labels, sites, volumes in ml."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(cases) % 2)
    volume = 10 ** (2 + 0.4 * rng.normal(size=cases) + 0.2 * labels)
    mean = rng.normal(size=cases) + signal * labels
    rows = np.column_stack([np.log10(volume), np.cbrt(volume), mean, rng.normal(size=cases)])
    sites = np.array([f"site {number}" for number in rng.integers(0, 4, cases)])
    return rows, labels, sites, volume


def describe(found, comparators, sites):
    """A model's figures as a run writes them."""
    figures = measure_performance(found)
    headline = find_headline(found, comparators)
    point = figures["points"][POINT]
    return {
        **figures,
        "target": "new patients of the same sites",
        **{name: point[name]["value"] for name in ("accuracy", "sensitivity", "specificity")},
        "brier": figures["brier"]["value"], "brier_interval": figures["brier"]["interval"],
        "auc_new_site": {"mean": 0.8, "interval": [0.6, 0.9], "folds": [0.8, 0.8, 0.7, 0.9, 0.8]},
        "headline": {"comparator": headline.comparator, **headline.json, "sentence": headline.sentence},
        "differences": {name: compare(found, other, name).json for name, other in comparators.items()},
        "by_site": [each.json for each in measure_subgroups(found, {"site": sites})[1:]],
        "subgroups": [each.json for each in measure_subgroups(found, {"sex": np.where(found.labels, "f", "m")})[1:]],
        "fits": list(list_fits(found)),
        "out_of_fold": found.probabilities.T.tolist(),
    }


def make_run(cases=60, k=5, repeats=2, seed=0, audit=True):
    """Specification and evaluation of a run of two models, and what they were made from."""
    rows, labels, sites, volume = draw_cases(cases, seed)
    patients = np.arange(cases).astype(str)
    folds = make_folds(labels, patients, k, repeats, seed)
    found = {
        name: cross_validate(lambda columns=columns: Weighed(columns), rows, labels, folds, lambda _done: None)
        for name, columns in (("wide", [0, 1, 2, 3]), ("narrow", [2, 3]))
    }
    comparators = run_comparators({"volume": volume}, {}, labels, folds)
    models = {name: describe(each, comparators, sites) for name, each in found.items()}
    for number, fit in enumerate(models["wide"]["fits"]):
        kept = FEATURES if number % 2 else FEATURES[:3]
        fit["importance"] = {name: 0.1 * (place + 1) + 0.01 * number for place, name in enumerate(kept)}
    beside = describe_comparators(found["wide"], comparators)
    for name, each in comparators.items():
        beside[name]["out_of_fold"] = each.probabilities.T.tolist()
    advice = advise(sites.tolist(), labels)
    naive = {"auc": {**models["wide"]["auc"], "mean": 0.99}, "optimism": 0.1, "sentence": "It flatters."}
    permuted = {"auc": {"mean": 0.51, "sd": 0.05, "each": [0.45, 0.5, 0.58]}, "observed": 0.86, "p_value": 0.25,
                "permutations": 3}
    points = [{"share": share, "patients": share * cases, "auc": {"mean": 0.6 + share / 4, "interval": [0.5, 0.95]}}
              for share in (0.4, 0.7, 1.0)]
    evaluation = {
        "models": models, "primary": "wide", "saved": "wide",
        "selection": correct_selection(found, np.random.default_rng(seed), "wide", "wide", 20).json,
        "comparators": beside,
        "cases": {"row": np.random.default_rng(seed).permutation(cases).tolist(), "label": labels.tolist(),
                  "site": sites.tolist()},
        **({"audit": {"naive": naive, "permuted": permuted, "fits": []}, "learning_curve": points} if audit else {}),
        "sites": {"advice": {**vars(advice), "confounded": advice.confounded}, "imbalance": None},
        "folds": describe_folds(folds), "columns": {"label": "label", "patient": "patient", "site": "site"},
        "features": list(FEATURES), "held_out": [], "cases_failed": 2, "seed": seed, "measured": True,
        "cautions": [{"code": "fewer_folds", "message": "Five folds were used."}],
        "recipes": {"wide": recipe("wide").model_dump(mode="json"), "narrow": recipe("narrow").model_dump(mode="json")},
    }
    return specify(labels), evaluation, found


def recipe(name):
    """The recipe of a model of the run."""
    return Recipe.parse({"name": name, "prep": {"normalise": {"method": "zscore"}, "n4": {}},
                         "features": {"bin_count": 32}, "model": {"folds": 5, "repeats": 2}})


def specify(labels):
    """What the bundle of the run says."""
    return Specification(
        name="small", title="A small model", version="1", purpose="Tells ALT from lipoma in the tests.",
        classes=("lipoma", "ALT"), recipe=recipe("wide"), features=FEATURES, estimator=PipelineEstimator(),
        training=Training(description=f"{len(labels)} cases, {len(labels)} patients, 4 sites",
                          counts={"lipoma": int((labels == 0).sum()), "ALT": int(labels.sum())},
                          prevalence=float(labels.mean()), ranges={}, sites=("site 0", "site 1", "site 2", "site 3")),
        thresholds=(Threshold(name=POINT, threshold=0.31, sensitivity=0.95, specificity=0.6, default=True),
                    Threshold(name="youden", threshold=0.5, sensitivity=0.8, specificity=0.8)),
        conformal=(ConformalQuantiles(error_rate=0.05, negative=0.7, positive=0.7),),
        versions={"scikit-learn": "1.9"},
    )

"""Answers of the engine about a training, and a window whose wizard shows them."""

import json

import pytest

from app.core.requests import TrainRequest

RECIPES = [
    {"name": name, "title": title, "description": f"About {name}.", "shipped": True, "kind": kind, "features": 107,
     "recipe": {"name": name, "description": f"About {name}.", **more}}
    for name, title, kind, more in (
        ("pyradiomics", "pyradiomics", "features", {"features": {"bin_width": 25.0}}),
        ("ibsi", "IBSI", "features", {"features": {"standard": "ibsi", "bin_count": 32}}),
        ("default", "Default", "model", {"model": {"kind": "logistic", "folds": 10, "repeats": 5}}),
        ("logistic", "Logistic regression", "model", {"model": {"kind": "logistic"}}),
        ("rf", "Random forest", "model", {"model": {"kind": "rf"}}))]
CURVE = {"threshold": [0.2, 0.5, 0.8], "sensitivity": [1.0, 0.8, 0.4], "specificity": [0.3, 0.7, 1.0]}


def column(name, role, kind="number", distinct=40, **more):
    return {"name": name, "kind": kind, "distinct": distinct, "missing": 0, "values": None, "examples": ["1", "2"],
            "role_guess": role, **more}


def looked(table="/data/features.csv", **more):
    two = {"kind": "words", "distinct": 2, "values": ["ALT", "lipoma"]}
    sites = {f"S{number}": {"lipoma": 12 - number, "ALT": 6 - number} for number in range(4)}
    return {
        "table": table, "holds_images": False, "cases": 60, "patients": 58,
        "columns": [column("patient", "patient", "text", 58), column("label", "label", **two),
                    column("site", "site", "words", 4, values=["S0", "S1", "S2", "S3"]),
                    column("age", "clinical", missing=3), *(column(f"f{number}", "feature") for number in range(20))],
        "chosen": {"label": "label", "patient": "patient", "site": "site", "clinical": ["age"], "positive": None},
        "classes": {"lipoma": 42, "ALT": 18}, "sites": {name: sum(each.values()) for name, each in sites.items()},
        "site_classes": sites, "features": 20, "missing": 0.01, "problems": [],
        "held_out": [{"column": "tumour_grade", "reason": "its name is that of an outcome", "auc": 1.0}],
        "cautions": [{"code": "constant_features", "message": "Features that are the same are left out (1): f9."}],
        "advice": {"sizes": {name: sum(each.values()) for name, each in sites.items()}, "too_few": ["S3"],
                   "at_least": 5, "test": "Fisher", "p_value": 0.4, "cramers_v": 0.1, "prevalence": {},
                   "imbalance": 0.1, "affected": 0.25, "recommendation": "Leave harmonisation off.",
                   "cautions": ["1 of 4 sites has few cases."], "confounded": False},
        "most_folds": 9, "seconds": {}, **more}


def trained(bundle, *names):
    auc = {"mean": 0.81, "sd": 0.1, "interval": [0.7, 0.9], "folds": [0.8, 0.82]}
    return {"models": {name: {"auc": auc, "headline": {"sentence": "It adds to volume."}} for name in names},
            "comparators": {"volume": {"auc": {**auc, "mean": 0.7}, "difference": {"mean": 0.1,
                                                                                  "interval": [-0.1, 0.3]}}},
            "saved": names[0], "bundle": bundle, "cautions": [{"code": "c", "message": "Few cases."}]}


def finishing(**more):
    points = [{"name": "sensitivity 95%", "threshold": 0.2, "sensitivity": 1.0, "specificity": 0.3, "default": True},
              {"name": "youden", "threshold": 0.5, "sensitivity": 0.8, "specificity": 0.7, "default": False}]
    return {"name": "m", "title": "Long", "purpose": "P", "limits": ["L1.", "L2."], "training": "60 cases",
            "classes": ["lipoma", "ALT"], "points": points, "curve": CURVE, "auc": None,
            "verdicts": [{"error_rate": rate, "verdict": 0.8, "right": 0.9, "wrong": 0.05, "uncertain": 0.2}
                         for rate in (0.05, 0.1, 0.2)], **more}


def write_fold(keep, recipe, repeat, fold, labels=(0, 0, 1, 1), probabilities=(0.1, 0.6, 0.4, 0.9), auc=0.75):
    folder = keep / recipe
    folder.mkdir(parents=True, exist_ok=True)
    record = {"recipe": recipe, "repeat": repeat, "fold": fold, "auc": auc, "labels": list(labels),
              "probabilities": list(probabilities)}
    (folder / f"{repeat:02d}-{fold:02d}.json").write_text(json.dumps(record))


class Wizard:
    """The wizard in a test's hands."""

    def __init__(self, driver, folder):
        self.driver, self.jobs, self.qtbot = driver, driver.jobs, driver.qtbot
        self.window, self.page = driver.window, driver.window.train_page
        self.table = folder / "features.csv"
        self.table.write_text("patient,label\n")
        self.window.resize(1280, 800)
        self.window.show_named("Train")
        self.qtbot.waitUntil(lambda: self.page.is_made)
        self.training = self.page.training
        self.jobs.answer("list_recipes", {"recipes": RECIPES, "problems": []})

    def open(self, **more):
        self.page.take([str(self.table)])
        self.look(**more)

    def look(self, **more):
        self.jobs.answer("preview_training", looked(str(self.table), **more))

    def go(self, step):
        while self.training.draft.step < step:
            before = self.training.draft.step
            self.page.next.click()
            assert self.training.draft.step == before + 1, self.page.why.text()

    def train(self):
        self.go(5)
        self.page.run.start.click()
        return TrainRequest.parse(self.jobs.request("train"))

    def finish(self):
        request = self.train()
        self.jobs.answer("train", trained(request.out, *(recipe.name for recipe in request.recipes)))
        return request


@pytest.fixture
def wizard(driver, tmp_path):
    """The page with its recipes known and no table yet."""
    return Wizard(driver, tmp_path)

"""What the wizard says about its steps and choices: one sentence each, for a reader who is no statistician."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.ui.result_words import minus_signs

STEPS = ("Cases", "Images to features", "Sites", "Models", "Validation", "Run", "Results", "Save")
ABOUT = (
    "A table with a row for each tumour: patient, diagnosis, and either features or where image and outline lie.",
    "A model learns from numbers. Here is what is measured on the images, and how they are prepared for it.",
    "Scanners differ, and a model can learn the scanner in place of the tumour. This is what your sites allow.",
    "Several ways to learn can be tried on the same patients. More is not better: the best of many is flattered.",
    "How the model is tested on patients that it has not learned from, and what each test will tell you.",
    "Everything is fitted and tested as you said. You can score cases meanwhile, pause, or close the program.",
    "How well it did, beside what tumour volume alone would have told.",
    "What the model is for, where it fails, and from which probability it calls a tumour.",
)
MODELS = {
    "default": "Three models averaged: a forest and two regressions. The safest first choice for some dozens to some "
               "hundreds of cases.",
    "lipoma-2019": "The way of the 2019 study of lipoma, kept for comparison: features eliminated one by one.",
    "logistic": "A weighted sum of the features. The easiest to explain, and hard to beat with few cases.",
    "rf": "Hundreds of small decision trees that vote. Finds thresholds and combinations by itself.",
    "xgb": "Small trees grown one after the other, each on what the last ones missed. Strong with many cases, easily "
           "too sure with few.",
    "svm-pca": "Features are condensed into a few directions; then the widest gap between the two kinds is sought.",
    "svm-rfe": "Features are dropped one by one until the widest gap is left: the way of many radiomics studies.",
    "mlp": "A small neural network. Slow, and wants hundreds of cases.",
}
EFFORT = {"quick": ("Quick", "Every patient is tested once. For a first look."),
          "normal": ("Normal", "Every patient is tested five times with different companions. For most purposes."),
          "thorough": ("Thorough", "Every patient is tested ten times. For what is to be published.")}
UNSEEN = {"leave": ("Leave them as they are", "Features of a hospital that the model has not seen are used unchanged."),
          "nearest": ("Nearest protocol", "They are treated like the known sites with the same scanner."),
          "estimate": ("Estimate from their own cases", "Their shift is measured once five cases are there."),
          "refuse": ("Refuse to score", "A case of an unknown hospital gets no score.")}
SMALL = {"leave": ("Leave them as they are", "Sites with fewer than five cases are not changed."),
         "merge": ("Treat them as one", "Sites with fewer than five cases are taken together."),
         "mean_only": ("Shift only", "Their mean is corrected, their spread is not.")}
COMPARATORS = {"volume": "Tumour volume alone", "longest_diameter": "Longest diameter alone",
               "clinical": "Clinical variables alone", "prevalence": "The share of each kind alone"}
ERROR_RATES = {0.05: "Wrong at most about once in 20 cases; says 'uncertain' most often.",
               0.1: "Wrong at most about once in 10 cases.",
               0.2: "Wrong at most about once in 5 cases; says 'uncertain' least often."}


def with_title(words: str, titles: Mapping[str, str]) -> str:
    """Write a model's title for its name, where words begin with it: 'cnn-small at new sites: fold 1 of 3'."""
    known = [name for name in titles if re.match(rf"{re.escape(name)}(?![\w-])", words)]
    name = max(known, key=len, default="")
    return f"{titles.get(name, '')}{words.removeprefix(name)}"


def facts(found: Mapping[str, Any]) -> str:
    """Say what a table holds: '80 cases of 80 patients, 3 features, 4 sites, 2 % of the cells empty'."""
    cases, patients = int(found["cases"]), int(found["patients"])
    said = [f"{cases:,} case{'s' * (cases != 1)}" + (f" of {patients:,} patient{'s' * (patients != 1)}"
                                                      if patients else "")]
    if found["holds_images"]:
        said.append("images and outlines")
    elif found["features"]:
        said.append(f"{found['features']:,} feature{'s' * (found['features'] != 1)}")
    if found["sites"]:
        said.append(f"{len(found['sites']):,} site{'s' * (len(found['sites']) != 1)}")
    if found["missing"]:
        said.append(f"{100 * found['missing']:.1f} % of the features' cells are empty and will be filled in")
    return f"{', '.join(said)}."


def time_words(seconds: float | None) -> str:
    """Say how long something will take, roughly: 'about 4 min', 'under a minute'."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if seconds < 50:
        return "under a minute"
    return f"about {minutes} min" if minutes < 90 else f"about {minutes / 60:.1f} h"


def estimate_words(seconds: float | None, *, audit: bool, learning_curve: bool, images: bool) -> str:
    """Say how long the run will take, and what is counted; '' while it is not known."""
    told = time_words(seconds)
    if not told:
        return ""
    named = [name for name, chosen in (("audit", audit), ("learning curve", learning_curve)) if chosen]
    counted = f" with {' and '.join(named)}" if named else ""
    return f"{told}{counted}" + (". The images are measured first: that is not counted" if images else "")


def auc_words(auc: Mapping[str, Any]) -> str:
    """Write an AUC with its interval."""
    if auc.get("mean") is None:
        return "not known"
    interval = auc.get("interval")
    between = f" ({interval[0]:.2f}\N{EN DASH}{interval[1]:.2f})" if interval and None not in interval else ""
    return f"{auc['mean']:.2f}{between}"


def headline(result: Mapping[str, Any]) -> str:
    """Say how the saved model compares with volume alone."""
    saved = (result.get("models") or {}).get(result.get("saved") or "", {})
    said = f"AUC {auc_words(saved.get('auc') or {})} for new patients of the same sites."
    told = (saved.get("headline") or {}).get("sentence")
    if told:
        return f"{said} {minus_signs(str(told))}"
    volume = (result.get("comparators") or {}).get("volume")
    difference = (volume or {}).get("difference") or {}
    if volume and difference.get("mean") is not None:
        low, high = difference["interval"]
        said += (f" Tumour volume alone has {auc_words(volume['auc'])}: the difference is {difference['mean']:+.2f} "
                 f"({low:+.2f} to {high:+.2f})" + (", which may be chance." if low <= 0 <= high else "."))
    return said

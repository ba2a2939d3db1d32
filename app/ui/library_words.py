"""A model of the library in words and rows: where it comes from, how it stands, what it was worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.ui.result_words import figure_text, point_goal
from app.ui.results import Estimate
from app.ui.widgets.record_model import Column
from app.ui.widgets.sequence_picker import title_of_sequence
from app.ui.words import DEMONSTRATION, per_cent

_HOMES = ("shipped", "own", "imported")
AREAS = (
    Column("Tested on", lambda row: row["where"]),
    Column("AUC (95 %)", lambda row: row["auc"], figure_text, numeric=True),
    Column("Cases", lambda row: row["cases"], lambda value: f"{value:,}", numeric=True),
    Column("Holds for", lambda row: row["whom"]),
    Column("Model", lambda row: row["title"]),
)


POINTS = (
    Column("Operating point", lambda row: row["name"]),
    Column("Threshold", lambda row: row["threshold"], lambda value: f"{value:.3f}",
           "From this probability up a case is called the class looked for", numeric=True),
    Column("Found", lambda row: row["sensitivity"], per_cent, "Sensitivity among cases held out of its fit",
           numeric=True),
    Column("Cleared", lambda row: row["specificity"], per_cent, "Specificity among cases held out of its fit",
           numeric=True),
    Column("", lambda row: row["note"] or None),
)


def badges(model: Mapping[str, Any], *, in_use: bool = False, sequences: Sequence[str] = ()) -> list[str]:
    """Say in a few words what a model is, beside its title."""
    told = ["! does not verify"] if not model.get("verified", True) else []
    told += ["in use for scoring"] if in_use else []
    told += [f"default for {', '.join(map(title_of_sequence, sequences))}"] if sequences else []
    told += [str(model["home"])] if model.get("home") in _HOMES else []
    return told + ([DEMONSTRATION] if model.get("demonstration") else [])


def standing_text(model: Mapping[str, Any], *, verifying: bool = False) -> str:
    """Say whether a model is what it was when it was made."""
    if verifying:
        return "Being verified."
    if model.get("verified", True):
        return "Its files are what they were when it was made."
    return str(model.get("problem") or "Its files are not what they were when it was made.")


def figures_text(model: Mapping[str, Any]) -> str:
    """Say what a model was trained on, and what its operating points tell; its AUC too where it is a bare number."""
    lines = []
    if isinstance(model.get("auc"), (int, float)):
        lines.append(f"Area under the ROC curve {model['auc']:.2f}.")
    classes = model.get("classes") or ("the other class", "the class looked for")
    counts = (model.get("training") or {}).get("counts") or {}
    if counts:
        lines.append("Trained on " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + ".")
    if points_of(model):
        lines.append(f"Found: of {classes[1]}; cleared: of {classes[0]}, among cases held out of its fit.")
    return " ".join(lines) or "No figures are kept with this model."


def points_of(model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List a model's operating points, its own first."""
    found = [point for point in model.get("thresholds") or () if isinstance(point, Mapping)]
    rows = [{"key": f"{place}", "name": point_goal(str(point.get("name") or "")),
             "note": "its own" if point.get("default") else "",
             **{name: float(point[name]) for name in ("threshold", "sensitivity", "specificity")}}
            for place, point in enumerate(found)]
    return sorted(rows, key=lambda row: not row["note"])


def rows_of(model: Mapping[str, Any], tests: Sequence[Mapping[str, Any]], *, several: bool) -> list[dict[str, Any]]:
    """List what a model was worth: in its own training first, then on cohorts from elsewhere."""
    name, title = str(model["name"]), str(model.get("title") or model["name"]) if several else ""
    counts = (model.get("training") or {}).get("counts") or {}
    rows = []
    if isinstance(model.get("auc"), Mapping) and model["auc"].get("mean") is not None:
        rows.append({"key": name, "model": name, "title": title, "where": "its own training cases",
                     "auc": Estimate.read(model["auc"]), "cases": sum(counts.values()) or None,
                     "whom": str(model["auc"].get("kind") or "for new patients of the same sites"),
                     "has_results": bool(model.get("has_results"))})
    rows += [{"key": str(test["path"]), "model": name, "title": title, "where": f"elsewhere: {test['title']}",
              "auc": Estimate.read(test.get("auc")), "cases": test["cases"],
              "whom": "these cases, which it was not fitted to", "path": test["path"]} for test in tests]
    return rows

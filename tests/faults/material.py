"""Cases, tables and recipes that take a moment: what is tested is how the work ends, not the work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.core.small_cohorts import training, write_ball, write_features

RECIPE: dict[str, Any] = {"name": "few", "description": "A few features", "prep": {},
                          "features": {"classes": ["firstorder"]}}


def quiet(_fraction: float, _message: str) -> None:
    """Report to nobody."""


def write_cohort(folder: Path, cases: int = 4) -> Path:
    """Write balls with their outlines and the table that names them."""
    rows = ["patient,image,mask"]
    for number in range(cases):
        write_ball(folder / f"P{number}", 12 + number, (2.0, 2.0, 4.0), seed=number)
        rows.append(f"P{number},P{number}/t1.nii.gz,P{number}/mask.nii.gz")
    table = folder / "cohort.csv"
    table.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return table


def write_training(folder: Path, out: Path, **changes: Any) -> dict[str, Any]:
    """Write a table of features and give the request that learns from it within a second."""
    table = write_features(folder / "features.csv", cases=40)
    asked = training(table, out, **changes)
    asked["recipe"]["model"] = {"folds": 2, "repeats": 2, "resamples": 2,
                                "search": {"folds": 2, "grid": [{"C": [0.1, 1.0]}]}}
    return asked

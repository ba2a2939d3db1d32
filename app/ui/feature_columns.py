"""How the features of a cohort are told in a table: with label, with volume, alone, and after counting the tests."""

from __future__ import annotations

import math
from typing import Any

from app.ui.widgets.record_model import Column, Record


def signed(value: Any) -> str:
    """Write a correlation: '+0.42'."""
    return f"{round(float(value), 2) + 0.0:+.2f}".replace("-", "\N{MINUS SIGN}")


def probability(value: Any) -> str:
    """Write a p value to two figures."""
    value = float(value)
    return f"{value:.2g}" if value >= 1e-4 else f"{value:.0e}".replace("e-0", "e-").replace("e-", "e\N{MINUS SIGN}")


def _share(value: Any) -> str:
    return f"{float(value):.2f}"


def _entry(name: str) -> Any:
    return lambda record: record.get(name)


def _interval(record: Record) -> str:
    low, high = record.get("low"), record.get("high")
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"{low:.2f}\N{EN DASH}{high:.2f}"


def _surrogate(record: Record) -> str:
    return "says volume" if record.get("surrogate") else ""


COLUMNS = (
    Column("Feature", lambda record: record.get("title") or record["feature"],
           tip=lambda record: str(record["feature"])),
    Column("r label", _entry("r_label"), signed, "Pearson correlation with the label", numeric=True),
    Column("ρ label", _entry("rho_label"), signed, "Spearman correlation with the label", numeric=True),
    Column("r volume", _entry("r_volume"), signed, "Pearson correlation with the tumour's volume", numeric=True),
    Column("ρ volume", _entry("rho_volume"), signed, "Spearman correlation with the tumour's volume", numeric=True),
    Column("Surrogate", _surrogate, about="Features that mostly say how large the tumour is",
           mark=lambda record: ("exclamation", "warning") if record.get("surrogate") else None),
    Column("AUC", _entry("auc"), _share, "Area under the ROC curve of this feature alone", numeric=True),
    Column("95 %", _interval, about="Interval of the area", numeric=True),
    Column("p", _entry("p"), probability, "Mann-Whitney test between the two labels", numeric=True),
    Column("p Bonferroni", _entry("p_bonferroni"), probability, "Times the number of features", numeric=True),
    Column("q", _entry("q"), probability, "False discovery rate (Benjamini-Hochberg)", numeric=True),
    Column("Column", _entry("feature")),
)

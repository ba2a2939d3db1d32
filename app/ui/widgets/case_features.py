"""One case's features against the training cases: value, their range, and where in it the case lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.results import as_number
from app.ui.widgets.contributions import feature_title, number
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.record_model import Column, Record, RecordModel
from app.ui.widgets.record_table import RecordTable

WIDTH = 380
_OUTSIDE = ("below all", "above all")


def place_in_range(row: Mapping[str, Any]) -> str:
    """Say where a value lies in the range of the training cases; empty where that is not known."""
    value, span = as_number(row.get("value")), row.get("training_range")
    if value != value or not span:
        return ""
    low, high = map(float, span)
    if value < low:
        return _OUTSIDE[0]
    if value > high:
        return _OUTSIDE[1]
    return f"at {100 * (value - low) / (high - low):.0f} %" if high > low else "as all"


def _span(row: Record) -> str:
    span = row.get("training_range")
    return f"{number(span[0])} to {number(span[1])}" if span else ""


COLUMNS = (
    Column("Feature", feature_title, tip=lambda row: f"{row['feature']}\n{row.get('definition') or ''}".strip()),
    Column("Value", lambda row: as_number(row.get("value")), number, numeric=True),
    Column("Training cases", _span, about="From the lowest to the highest", numeric=True),
    Column("In that range", place_in_range, about="0 % is their lowest value, 100 % their highest",
           mark=lambda row: ("exclamation", "warning") if place_in_range(row) in _OUTSIDE else None),
)


class CaseFeatures(QWidget):
    """What moved the model most comes first."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.words = wrapped("", "title"), wrapped("", "dim")
        self.model = RecordModel(COLUMNS, "feature", parent=self)
        self.table = RecordTable(self.model, "Features of the case")
        self.setMinimumWidth(WIDTH)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.title)
        column.addWidget(self.words)
        column.addWidget(self.table, 1)

    def wait(self, case: str) -> None:
        """Say whose features are being measured."""
        self.title.setText(case)
        self.words.setText("Its features are being measured.")
        self.model.show_records(())
        self.show()

    def show_features(self, case: str, features: Sequence[Mapping[str, Any]]) -> None:
        """Show a case's features, each with its value and, where known, the training cases' range."""
        self.title.setText(case)
        self.model.show_records(features)
        self.table.fit()
        outside = sum(place_in_range(row) in _OUTSIDE for row in features)
        self.words.setText(f"{outside} of {len(features)} features lie outside the range of the training cases."
                           if features else "The model does not say what it measured.")

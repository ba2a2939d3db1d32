"""Every feature's figures in one table: sorted, filtered, copied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.ui.feature_columns import COLUMNS
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.record_model import RecordModel
from app.ui.widgets.record_table import RecordTable

LEVEL = 0.05


class FeatureStatistics(QWidget):
    """Table, search, and two filters."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.counts, self.search = ElidedLabel(), QLineEdit()
        self.search.setPlaceholderText("Find a feature")
        self.search.setAccessibleName("Show features by name")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(220)
        self.no_surrogates, self.found = QCheckBox("Without volume surrogates"), QCheckBox(f"Only q below {LEVEL}")
        self.model = RecordModel(COLUMNS, "feature", parent=self)
        self.table = RecordTable(self.model, "Figures of each feature")
        top = QHBoxLayout()
        top.setSpacing(12)
        top.addWidget(self.counts)
        top.addStretch(1)
        for widget in (self.search, self.no_surrogates, self.found):
            top.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.table, 1)
        self.search.textChanged.connect(lambda _text: self._filter())
        self.no_surrogates.clicked.connect(lambda _on: self._filter())
        self.found.clicked.connect(lambda _on: self._filter())

    def show_features(self, features: Sequence[Mapping[str, Any]]) -> None:
        """Show features, one mapping each."""
        self.model.show_records(features)
        self.table.fit()
        self._filter()

    def restyle(self) -> None:
        """Follow another theme."""
        self.model.refresh()

    def _filter(self) -> None:
        words, real, found = self.search.text().casefold(), self.no_surrogates.isChecked(), self.found.isChecked()

        def passes(record: Mapping[str, Any]) -> bool:
            q = record.get("q")
            return (words in f"{record['feature']} {record.get('title') or ''}".casefold()
                    and not (real and record.get("surrogate")) and not (found and not (q is not None and q < LEVEL)))

        self.model.keep(passes if words or real or found else None)
        records = self.model.records()
        surrogates = sum(bool(record.get("surrogate")) for record in records)
        shown = self.model.rowCount()
        text = f"{len(records):,} features, {surrogates:,} of them surrogates of volume"
        self.counts.setText(text if shown == len(records) else f"{text}; {shown:,} shown")

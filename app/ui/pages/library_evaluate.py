"""A model on a new cohort: which table, which of its columns say what; the rest is the model's to know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.requests import TableRequest
from app.ui.calls import Call
from app.ui.jobs import Jobs
from app.ui.messages import words_for
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.file_choice import FileChoice

TABLES = "Table (*.csv *.tsv *.xlsx *.parquet)"
_ROLES = {"label": ("Diagnosis", "The column that says what each case was"),
          "positive": ("Means {positive}", "The value of that column which the model calls {positive}"),
          "patient": ("Patient", "Cases of a patient belong together"),
          "site": ("Site", "For figures by site")}
_USUAL = "as in the training"
WIDTH = 520


class EvaluateSheet(QDialog):
    """Asks for a cohort.

    Signals
    -------
    asked(str, dict)
        Table, and column by role.
    """

    asked = Signal(str, dict)

    def __init__(self, jobs: Jobs, model: Mapping[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Evaluate on a new cohort")
        self.setMinimumWidth(WIDTH)
        classes = model.get("classes") or ("the other class", "the class looked for")
        self._told: Mapping[str, Any] = {}
        self._reading = Call(jobs, "describe_table", parent=self)
        self.table = FileChoice("Table of features, or of cases with images", TABLES)
        self.boxes = {role: QComboBox() for role in _ROLES}
        self.problem = wrapped("", "warning")
        self.go, cancel = QPushButton("Evaluate"), QPushButton("Cancel")
        self.go.setProperty("role", "primary")
        self.go.setEnabled(False)
        form = QFormLayout()
        form.setSpacing(8)
        form.addRow("Cohort", self.table)
        for role, (title, about) in _ROLES.items():
            box = self.boxes[role]
            box.setAccessibleName(title.format(positive=classes[1]))
            box.setToolTip(about.format(positive=classes[1]))
            form.addRow(title.format(positive=classes[1]), box)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.go)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.setSpacing(12)
        column.addWidget(wrapped(
            f"Every case of the table is scored with {model.get('title') or model['name']} as it stands, then compared "
            f"with its diagnosis ({classes[0]} or {classes[1]}). Nothing is learned from these cases."))
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self.table.button.setFocus()
        self._offer()
        self.table.chosen.connect(self.take)
        self.boxes["label"].activated.connect(lambda _row: self._offer_values())
        self._reading.finished.connect(self._take_columns)
        self._reading.failed.connect(lambda failure: self.problem.setText(words_for(failure).sentence))
        self.go.clicked.connect(self._ask)
        cancel.clicked.connect(self.reject)

    def take(self, path: str) -> None:
        """Look at a table's columns."""
        self.table.show_path(path)
        self.go.setEnabled(Path(path).is_file())
        self.problem.setText("" if Path(path).is_file() else "There is no such file.")
        self._told = {}
        self._offer()
        if Path(path).is_file():
            self._reading.start(TableRequest(table=path).model_dump(mode="json"), "Reading the table's columns")

    def _take_columns(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._offer()

    def _offer(self) -> None:
        names = [str(column["name"]) for column in self._told.get("columns") or ()]
        for role in ("label", "patient", "site"):
            self._fill(role, names)
        self._offer_values()

    def _offer_values(self) -> None:
        label = self.boxes["label"].currentData()
        found = next((column for column in self._told.get("columns") or () if column["name"] == label), {})
        self._fill("positive", [str(value) for value in found.get("values") or ()])

    def _fill(self, role: str, names: list[str]) -> None:
        box = self.boxes[role]
        box.clear()
        box.addItem(_USUAL, None)
        for name in names:
            box.addItem(name, name)
        box.setEnabled(bool(names))

    def _ask(self) -> None:
        self.asked.emit(self.table.path, {role: box.currentData() for role, box in self.boxes.items()})
        self.accept()

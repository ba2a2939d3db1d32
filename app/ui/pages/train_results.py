"""Step 7: the results in a few lines, and the way to the page that shows them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_words import COMPARATORS, auc_words, headline
from app.ui.widgets.copy_label import CopyLabel, wrapped
from app.ui.widgets.problem_list import ProblemList

_NO_CAUTIONS = "The run had no cautions. All results say how far to trust each figure."


class ResultsStep(Step):
    """The headline, a row for each model and comparator, what to know.

    Signals
    -------
    results_requested(str)
        The reader wants every figure of this model (its folder).
    external_requested(str)
        The reader wants every figure of this external test (its file).
    """

    results_requested = Signal(str)
    external_requested = Signal(str)

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.headline, self.external = wrapped(role="title"), wrapped()
        self.open, self.test = QPushButton("Open all results"), QPushButton("Open the external test")
        self.open.setProperty("role", "primary")
        self.cautions = ProblemList()
        self._table = QWidget()
        self.grid = QGridLayout(self._table)
        self.grid.setContentsMargins(0, 0, 0, 0)
        self.grid.setHorizontalSpacing(32)
        self.grid.setColumnStretch(3, 1)
        self.column.addWidget(self.headline)
        self.column.addWidget(self._table)
        self.column.addWidget(self.external)
        row = QHBoxLayout()
        row.addWidget(self.open)
        row.addWidget(self.test)
        row.addStretch(1)
        self.column.addLayout(row)
        add_heading(self.column, "To know")
        self.column.addWidget(self.cautions, 1)
        self.test.clicked.connect(
            lambda: self.external_requested.emit(str(training.draft.run["external"]["path"])))
        self.open.clicked.connect(lambda: self.results_requested.emit(training.model))

    def refresh(self) -> None:
        """Show the last run's figures."""
        result: Mapping[str, Any] = self.training.draft.run.get("result") or {}
        self.headline.setText(headline(result) if result else "")
        self._fill(result)
        cautions = result.get("cautions") or ()
        self.cautions.show_problems([{"message": each, "fix": "", "stops": False} for each in cautions]
                                    or [{"message": _NO_CAUTIONS, "fix": "", "stops": False}])
        told: Mapping[str, Any] = self.training.draft.run.get("external") or {}
        said = "The external cases are being tested." if self.training.is_testing else ""
        if told:
            said = f"On {told['cases']:,} external cases: AUC {auc_words(told['auc'])}."
        self.external.setText(" ".join([said, *(told.get("cautions") or ())]))
        self.external.setVisible(bool(said))
        self.test.setVisible(bool(told.get("path")))

    def _fill(self, result: Mapping[str, Any]) -> None:
        while (item := self.grid.takeAt(0)) is not None:
            if item.widget() is not None:
                item.widget().hide()
                item.widget().deleteLater()
        if not result:
            return
        titles = {each["name"]: str(each.get("title") or each["name"]) for each in self.training.recipes.for_models}
        for place, words in enumerate(("", "AUC (95 % interval)", "")):
            label = QLabel(words)
            label.setProperty("role", "heading")
            self.grid.addWidget(label, 0, place)
        rows = [(titles.get(name, name), each["auc"], "saved" if name == result["saved"] else "")
                for name, each in sorted(result["models"].items(), key=lambda each: each[0] != result["saved"])]
        rows += [(COMPARATORS.get(name, name), each["auc"], "for comparison")
                 for name, each in result["comparators"].items()]
        for row, (title, auc, note) in enumerate(rows, start=1):
            self.grid.addWidget(CopyLabel(title), row, 0)
            self.grid.addWidget(CopyLabel(auc_words(auc)), row, 1)
            self.grid.addWidget(CopyLabel(note, "dim"), row, 2)

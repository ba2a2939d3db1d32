"""How well each feature repeats when the outline moves or another reader draws it, and a recipe of those that do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.core.recipe import RadiomicsRecipe, Recipe
from app.core.requests import StabilityRequest
from app.ui.calls import Call
from app.ui.cohort import DEFAULT_RECIPE, Cohort
from app.ui.saving import ask_save, write_text
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.extraction_panel import PADDING
from app.ui.widgets.invitation import Invitation
from app.ui.widgets.recipe_choice import RecipeChoice
from app.ui.widgets.record_model import Column, RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.run_bar import RunBar

_JITTER = "Intraclass correlation when the outline is grown, shrunk and moved by a voxel"
_READER = "Intraclass correlation with a second reader's outline"
_ABOUT = ("Each case is measured again with its outline grown, shrunk and moved by a voxel, and with a second reader's "
          "outline where there is one (mask_2). A feature is stable when the agreement is good even at the "
          "lower end of its interval.")
_LOW = "Lower end of its 95 % interval"


def _figure(value: Any) -> str:
    return f"{float(value):.2f}"


COLUMNS = (
    Column("Feature", lambda record: record.get("title") or record["name"], tip=lambda record: str(record["name"])),
    Column("Stable", lambda record: "stable" if record["stable"] else "not stable",
           mark=lambda record: ("circle", "accent") if record["stable"] else ("ring", "text_dim")),
    Column("ICC, moved outline", lambda record: record.get("icc_jitter"), _figure, _JITTER, numeric=True),
    Column("at least", lambda record: record.get("low_jitter"), _figure, _LOW, numeric=True),
    Column("ICC, second reader", lambda record: record.get("icc_reader"), _figure, _READER, numeric=True),
    Column("at least", lambda record: record.get("low_reader"), _figure, _LOW, numeric=True),
    Column("Column", lambda record: record["name"]),
)


class StabilityPanel(QWidget):
    """Recipe, run, table of features.

    Signals
    -------
    edit_requested(str)
        The reader wants this recipe's form.
    noticed(Failure)
        Something to be said.
    """

    edit_requested = Signal(str)
    noticed = Signal(object)

    def __init__(self, cohort: Cohort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cohort = cohort
        self._recipe: Recipe | None = None
        self._kept: Recipe | None = None
        self._call = Call(cohort.jobs, "measure_stability", "train", self)
        self.recipe = RecipeChoice(cohort.recipes, str(cohort.recall("recipe", DEFAULT_RECIPE)))
        self.recipe.setMaximumWidth(420)
        self.cases, self.run = QSpinBox(), RunBar("Measure stability", self._call)
        self.cases.setRange(3, 100_000)
        self.cases.setValue(30)
        self.cases.setAccessibleName("Cases at most")
        self.cases.lineEdit().setTextMargins(PADDING, 0, 0, 0)
        self.cases.setToolTip("Cases measured, drawn at random; each is measured on nine outlines")
        self.words, self.search, self.only = wrapped(), QLineEdit(), QCheckBox("Stable only")
        self.search.setPlaceholderText("Find a feature")
        self.search.setAccessibleName("Show features by name")
        self.search.setClearButtonEnabled(True)
        self.search.setMaximumWidth(220)
        self.make, self.export = QPushButton("Make a recipe of the stable features"), QPushButton("Export CSV…")
        self.model = RecordModel(COLUMNS, "name", parent=self)
        self.table = RecordTable(self.model, "Stability of each feature")
        top, tools = QHBoxLayout(), QHBoxLayout()
        label = QLabel("Cases at most")
        label.setBuddy(self.cases)
        top.setSpacing(12)
        top.addWidget(self.recipe, 1)
        count = QHBoxLayout()
        for widget in (label, self.cases, self.run):
            count.addWidget(widget)
        beside = QVBoxLayout()
        beside.addLayout(count)
        beside.addStretch(1)
        top.addLayout(beside)
        top.addStretch(1)
        tools.addWidget(self.words, 1)
        for widget in (self.search, self.only, self.make, self.export):
            tools.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 8, 16, 8)
        column.setSpacing(8)
        column.addLayout(top)
        column.addLayout(tools)
        self._room = QStackedWidget()
        self._room.addWidget(Invitation("Which features would another outline change?", _ABOUT, ()))
        self._room.addWidget(self.table)
        column.addWidget(self._room, 1)
        self._bind()
        self._show(None)

    def _bind(self) -> None:
        self.recipe.edit_requested.connect(self.edit_requested)
        self.run.start_requested.connect(self.measure)
        self._call.finished.connect(self._show)
        self._call.failed.connect(self.noticed)
        self.search.textChanged.connect(lambda _text: self._filter())
        self.only.clicked.connect(lambda _on: self._filter())
        self.make.clicked.connect(self.make_recipe)
        self.export.clicked.connect(lambda: ask_save(self, "Export the table", self._cohort.beside("stability.csv"),
                                                     "Table (*.csv)", self.write))
        self._cohort.recipes.saved.connect(self._take_saved)

    def measure(self) -> None:
        """Measure the chosen recipe's features on moved outlines."""
        recipe = self.recipe.recipe
        if recipe is None:
            return
        self._recipe = recipe
        request = StabilityRequest(recipe=recipe, out=self._cohort.beside(f"{recipe.name}-stability.csv"),
                                   jobs=int(self._cohort.recall("jobs", 1)), cases_at_most=self.cases.value(),
                                   **self._cohort.scope())
        self._call.start(request.model_dump(mode="json"), "Measuring stability")

    def make_recipe(self) -> None:
        """Keep a recipe of one's own that measures the stable features alone."""
        stable = tuple(str(record["name"]) for record in self.model.records() if record["stable"])
        if self._recipe is None or not stable:
            return
        features = self._kept.features if self._kept is not None else None
        features = features or (self._recipe.features or RadiomicsRecipe()).model_copy(update={"names": stable})
        name = self._cohort.recipes.free_name(f"{self._recipe.name}-stable")
        told = f"The {len(stable)} features of {self._recipe.name} that a moved outline hardly changes."
        self._cohort.recipes.save(self._recipe.model_copy(update={"name": name, "description": told,
                                                                  "features": features}))

    def write(self, path: str) -> None:
        """Write the table as it is shown."""
        failure = write_text(path, self.table.text(separator=","))
        if failure is not None:
            self.noticed.emit(failure)
        else:
            self.run.say(f"Written: {path}")

    def restyle(self) -> None:
        """Follow another theme."""
        self.model.refresh()

    def _take_saved(self, name: str) -> None:
        if self._recipe is not None and name.startswith(f"{self._recipe.name}-stable"):
            self.run.say(f"The recipe {name} is kept.")

    def _show(self, result: Mapping[str, Any] | None) -> None:
        features = list((result or {}).get("features") or ())
        self.model.show_records(features)
        self.table.fit()
        self._filter()
        stable = int((result or {}).get("stable") or 0)
        self.words.setText(f"{stable:,} of {len(features):,} features are stable, measured on "
                           f"{int(result['cases']):,} cases." if result is not None else "")
        self.make.setEnabled(stable > 0)
        for widget in (self.words, self.search, self.only, self.make, self.export):
            widget.setVisible(result is not None)
        self._room.setCurrentIndex(int(result is not None))
        kept = (result or {}).get("recipe")
        self._kept = Recipe.parse(kept) if kept else None
        if result is None:
            self.run.say("")
        failed = list((result or {}).get("failed") or ())
        if failed:
            issues = tuple(f"{each['case']}: {each['message']}" for each in failed)
            self.noticed.emit(Failure("input", "Stability was measured without these cases:", extra={"issues": issues}))

    def _filter(self) -> None:
        words, only = self.search.text().casefold(), self.only.isChecked()

        def passes(record: Mapping[str, Any]) -> bool:
            named = f"{record['name']} {record.get('title', '')}".casefold()
            return words in named and (not only or bool(record["stable"]))

        self.model.keep(passes if words or only else None)

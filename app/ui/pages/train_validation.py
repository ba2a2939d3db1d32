"""Step 5: validation. How the models are tested on patients they have not learned from, and what each test tells."""

from __future__ import annotations

import os

from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QPushButton, QSpinBox, QWidget

from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_words import estimate_words
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained, field_row
from app.ui.widgets.file_choice import FileChoice

_TABLES = "Table (*.csv *.tsv *.xlsx *.parquet)"
_SITE_SCORES, _FOLD_SITES, _PADDING = 5, 10, 6


class ValidationStep(Step):
    """Folds, repeats, sites, external cases, audit; and the primary model."""

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.folds, self.repeats, self.jobs, self.primary = QSpinBox(), QSpinBox(), QSpinBox(), QComboBox()
        self.audit, self.learning = QCheckBox("Audit for leaks"), QCheckBox("Learning curve")
        self.one_site = QCheckBox("One site at a time")
        self.external, self.clear = FileChoice("External cases", _TABLES), QPushButton("None")
        self.few, self.sites, self.total = wrapped(role="dim"), wrapped(), wrapped(role="title")
        self.repeats.setRange(1, 20)
        self.jobs.setRange(1, os.cpu_count() or 1)
        self.primary.setMinimumWidth(200)
        for box in (self.folds, self.repeats, self.jobs):
            box.setFixedWidth(80)
            box.lineEdit().setTextMargins(_PADDING, 0, 0, 0)
        self.column.addWidget(self.total)  # above the list: it is read before Next at any height
        add_heading(self.column, "What counts")
        self.column.addWidget(field_row("Primary model", self.primary,
                                        "Declared before the run: its figures are the result, and it is saved. A "
                                        "model chosen afterwards, because it looked best, would be flattered."))
        add_heading(self.column, "New patients of the same sites")
        self.column.addWidget(field_row("Folds", self.folds,
                                        "The patients are divided into so many parts; each part is tested once, by a "
                                        "model that learned from the others."))
        self.column.addWidget(self.few)
        self.column.addWidget(field_row("Repeats", self.repeats,
                                        "So many times with other divisions, so that the result does not hang on "
                                        "one."))
        add_heading(self.column, "New sites")
        self.column.addWidget(self.sites)
        self.one_site_row = Explained(self.one_site, "Hold out each site alone, in place of groups of sites; where "
                                      "sites are many this takes longer and says more of each.")
        self.column.addWidget(self.one_site_row)
        add_heading(self.column, "Patients from elsewhere")
        row = field_row("External cases", self.external, "")
        row.layout().insertWidget(2, self.clear)  # type: ignore[union-attr]
        self.external.setMinimumWidth(420)
        self.column.addWidget(row)
        self.column.addWidget(_dim("A table like this one, of other patients: the strongest test. The saved model is "
                                   "tested on it once, at the end. Without it nothing is known of other hospitals."))
        add_heading(self.column, "Checks of the method itself")
        self.column.addWidget(Explained(self.audit, "Repeats the run with shuffled diagnoses, which must give 0.5, "
                                        "and once the wrong way, selecting features before dividing the patients: "
                                        "shows what that mistake would have gained. Takes several times as long."))
        self.column.addWidget(Explained(self.learning, "Trains on fewer patients as well: tells whether more cases "
                                        "would help."))
        add_heading(self.column, "This machine")
        self.column.addWidget(field_row("Processes", self.jobs, "Folds that are fitted at the same time; fewer leave "
                                        "more room for scoring meanwhile."))
        self.column.addStretch(1)
        self._bind()

    def _bind(self) -> None:
        training = self.training
        self.folds.valueChanged.connect(lambda value: self._take(folds=value))
        self.repeats.valueChanged.connect(lambda value: self._take(repeats=value))
        self.jobs.valueChanged.connect(lambda value: self._take(jobs=value))
        self.primary.activated.connect(lambda _row: training.choose(primary=str(self.primary.currentData())))
        self.one_site.clicked.connect(lambda on: training.choose(one_site_out=on))
        self.audit.clicked.connect(lambda on: training.choose(audit=on))
        self.learning.clicked.connect(lambda on: training.choose(learning_curve=on))
        self.external.chosen.connect(lambda path: training.choose(external=path))
        self.clear.clicked.connect(lambda: training.choose(external=""))

    def _take(self, **values: int) -> None:
        if self.isVisible():
            self.training.choose(**values)
            self.training.time_models()

    def refresh(self) -> None:
        """Show what is chosen, and what it will tell."""
        training, draft, found = self.training, self.training.draft, self.training.found
        most = int(found.get("most_folds") or 0)
        for box, value in ((self.folds, draft.folds), (self.repeats, draft.repeats), (self.jobs, draft.jobs)):
            box.blockSignals(True)
            if box is self.folds:
                box.setRange(2, max(2, min(50, most or 50)))
            box.setValue(value)
            box.blockSignals(False)
        self.few.setText(f"More than {most} folds would hold fewer than two patients of the rarer kind each."
                         if most and most < 10 else "")
        self.few.setVisible(bool(self.few.text()))
        titles = {each["name"]: str(each.get("title") or each["name"]) for each in training.recipes.for_models}
        offered = [(titles.get(name, name), name) for name in draft.models]
        if [(self.primary.itemText(row), self.primary.itemData(row)) for row in range(self.primary.count())] != offered:
            self.primary.clear()
            for title, name in offered:
                self.primary.addItem(title, name)
        self.primary.setCurrentIndex(max(0, self.primary.findData(draft.declared)))
        self.primary.setEnabled(len(offered) > 1)
        self.one_site.setChecked(draft.one_site_out)
        sizes = (found.get("advice") or {}).get("sizes") or {}
        self.one_site_row.setVisible(len(sizes) > _FOLD_SITES)
        self.audit.setChecked(draft.audit)
        self.learning.setChecked(draft.learning_curve)
        if self.external.path != draft.external:
            self.external.show_path(draft.external)
        self.clear.setVisible(bool(draft.external))
        self.sites.setText(self._say_sites())
        estimate = estimate_words(training.estimate(), audit=draft.audit, learning_curve=draft.learning_curve,
                                  images=bool(found.get("holds_images")))
        self.total.setText(f"In all {estimate}." if estimate else "")

    def _say_sites(self) -> str:
        advice = self.training.found.get("advice") or {}
        if not advice:
            return "No column names the site: nothing can be told of hospitals that the model has not seen."
        count, small = len(advice["sizes"]), len(advice["too_few"])
        if count >= _SITE_SCORES:
            few = f" {small} of {count} have fewer than {advice['at_least']} cases: read its interval." if small else ""
            return ("Whole sites are held out in turn as well. This tells what to expect at a hospital that the model "
                    f"has not seen.{few}")
        return (f"{_SITE_SCORES} sites are needed to say what to expect at a new hospital, this table names {count}. "
                "The result is for new patients of these same sites.")


def _dim(words: str) -> QLabel:
    return wrapped(words, "dim")

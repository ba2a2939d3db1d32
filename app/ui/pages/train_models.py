"""Step 4: the models. Tick boxes with a plain sentence and the time each takes on this table; and how thoroughly."""

from __future__ import annotations

from PySide6.QtWidgets import QButtonGroup, QCheckBox, QLabel, QRadioButton, QVBoxLayout, QWidget

from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_draft import EFFORTS
from app.ui.training_words import EFFORT, MODELS, estimate_words, time_words
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained


class ModelsStep(Step):
    """Recipes, effort, and the time that they make together."""

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.models: dict[str, Explained] = {}
        self.times: dict[str, QLabel] = {}
        self.efforts: dict[str, QRadioButton] = {}
        self.total, self.warning = wrapped(role="title"), wrapped(role="dim")
        self.total.setToolTip("Timed on your table, on this machine")
        self.group = QButtonGroup(self)
        self._list: QVBoxLayout = QVBoxLayout()
        self._last: QWidget = self.total
        self._list.setSpacing(10)
        self.column.addWidget(self.total)  # above the list: it is read before Next at any height
        add_heading(self.column, "Models")
        self.column.addLayout(self._list)
        self.column.addWidget(self.warning)
        add_heading(self.column, "Effort")
        for name, (title, sentence) in EFFORT.items():
            button = self.efforts[name] = QRadioButton(title)
            self.group.addButton(button)
            button.clicked.connect(lambda _on, name=name: training.choose(repeats=EFFORTS[name]))
            self.column.addWidget(Explained(button, sentence))
        self.column.addStretch(1)

    def enter(self) -> None:
        """Have the chosen models timed."""
        super().enter()
        self.training.time_models()

    def refresh(self) -> None:
        """Show what is chosen, and what it will take."""
        training, draft = self.training, self.training.draft
        for each in training.model_recipes:
            name = each["name"]
            if name not in self.models:
                self._add(name, str(each.get("title") or name), str(each.get("description") or ""))
            lacks = training.lacks_site(name)
            self.models[name].button.setEnabled(not lacks or name in draft.models)
            self.models[name].button.setChecked(name in draft.models)
            seconds = training.seconds.get(name)
            known = name in training.seconds
            waits = name in draft.models and not known and training.is_timing
            cannot = "cannot be fitted here" if known and seconds is None else ""
            took = time_words(None if seconds is None else seconds * draft.repeats)
            told = "needs a column of sites" if lacks else "being timed" if waits else cannot or took
            self.times[name].setText(told)
        for name, button in self.efforts.items():
            button.setChecked(draft.effort == name)
        if not draft.effort:
            self.group.setExclusive(False)
            for button in self.efforts.values():
                button.setChecked(False)
            self.group.setExclusive(True)
        count = len(draft.models)
        self.warning.setText("" if count < 2 else
                             f"{count} models on the same patients: the best of them looks better than it is. Which "
                             "one counts is declared before the run, at the next step, and the others are corrected "
                             "for having been chosen among.")
        self.warning.setVisible(bool(self.warning.text()))
        estimate = estimate_words(training.estimate(), audit=draft.audit, learning_curve=draft.learning_curve,
                                  images=bool(training.found.get("holds_images")))
        own = "" if draft.effort else f", {draft.repeats} repeats as set at the next step"
        self.total.setText(f"In all {estimate}{own}." if estimate
                           else "The time is being measured on your table." if training.is_timing and draft.models
                           else "No model is chosen." if not draft.models else "")

    def _add(self, name: str, title: str, description: str) -> None:
        box, label = QCheckBox(title), QLabel()
        label.setProperty("role", "dim")
        box.setToolTip(description)
        self.times[name] = label
        self.models[name] = Explained(box, MODELS.get(name, description), label)
        self.models[name].setMaximumWidth(860)
        box.clicked.connect(lambda on, name=name: self._tick(name, on=on))
        self._list.addWidget(self.models[name])
        QWidget.setTabOrder(self._last, box)  # boxes made later come before what stands below them
        self._last = box

    def _tick(self, name: str, *, on: bool) -> None:
        chosen = set(self.training.draft.models) | {name} if on else set(self.training.draft.models) - {name}
        order = [each["name"] for each in self.training.model_recipes]
        self.training.choose(models=tuple(each for each in order if each in chosen))
        self.training.time_models()

"""Step 4: the models. Tick boxes with a plain sentence and the time each takes on this table; and how thoroughly."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import network_words as words
from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_draft import EFFORTS, sequences_of
from app.ui.training_needs import lack
from app.ui.training_words import EFFORT, MODELS, estimate_words, time_words
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained, field_row
from app.ui.widgets.network_row import NetworkRow

_WIDTH = 860
_LONG = 1200.0
"""Seconds from which a run of networks is worth a word on how to shorten it."""


class ModelsStep(Step):
    """Recipes that learn from features and from pictures, effort, and the time that they make together.

    Signals
    -------
    edit_requested(str)
        The reader wants to see a network's settings and pictures.
    weights_requested(str)
        The reader wants to choose the file that a network starts from.
    """

    edit_requested = Signal(str)
    weights_requested = Signal(str)

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.models: dict[str, Explained] = {}
        self.times: dict[str, QLabel] = {}
        self.efforts: dict[str, QRadioButton] = {}
        self.total, self.warning = wrapped(role="title"), wrapped(role="dim")
        self.total.setToolTip("Timed on your table, on this machine")
        self.group, self.sequence = QButtonGroup(self), QComboBox()
        self.about, self.device = wrapped(role="dim"), wrapped()
        self.device.setToolTip("Found by itself: CUDA, then Apple's GPU, then the processor")
        self._lists = {"model": QVBoxLayout(), "network": QVBoxLayout()}
        self._last: dict[str, QWidget] = {"model": self.total}
        self.column.addWidget(self.total)  # above the list: it is read before Next at any height
        add_heading(self.column, "Learn from features")
        self.column.addLayout(_narrow(self._lists["model"]))
        self.heading = add_heading(self.column, "Learn from pictures")
        self.column.addWidget(self.about)
        self.column.addWidget(self.device)
        self.sequence_row = field_row("Looks at", self.sequence, "A network looks at one sequence of each case.")
        self.column.addWidget(self.sequence_row)
        self.column.addLayout(_narrow(self._lists["network"]))
        for column in self._lists.values():
            column.setSpacing(10)
        self.column.addWidget(self.warning)
        add_heading(self.column, "Effort")
        for name, (title, sentence) in EFFORT.items():
            button = self.efforts[name] = QRadioButton(title)
            self.group.addButton(button)
            button.clicked.connect(lambda _on, name=name: training.choose(repeats=EFFORTS[name]))
            self.column.addWidget(Explained(button, sentence))
        self.column.addStretch(1)
        self._last["network"] = self.sequence
        self.sequence.activated.connect(lambda _row: self._look_at(str(self.sequence.currentData())))

    def enter(self) -> None:
        """Have the chosen models timed, and the networks looked at."""
        super().enter()
        self.training.time_again()
        self.training.networks.forget_missing()
        self.training.describe_networks()

    def refresh(self) -> None:
        """Show what is chosen, and what it will take."""
        training, draft = self.training, self.training.draft
        if training.found and self.isVisible() and not training.is_looking:  # also what is known only after a restart
            training.time_models()
            training.describe_networks()
        for each in training.recipes.for_models:
            if each["name"] not in self.models:
                self._add(each)
            self._show_model(each["name"])
        self._forget_gone()
        self._show_networks()
        for name, button in self.efforts.items():
            button.setChecked(draft.effort == name)
        if not draft.effort:
            self.group.setExclusive(False)
            for button in self.efforts.values():
                button.setChecked(False)
            self.group.setExclusive(True)
        told = [self._warn_of_choosing(), self._warn_of_time()]
        self.warning.setText(" ".join(filter(None, told)))
        self.warning.setVisible(bool(self.warning.text()))
        estimate = estimate_words(training.estimate(), audit=draft.audit, learning_curve=draft.learning_curve,
                                  images=bool(training.found.get("holds_images")))
        own = "" if draft.effort else f", {draft.repeats} repeats as set at the next step"
        self.total.setText(f"In all {estimate}{own}." if estimate
                           else "The time is being measured on your table." if training.is_timing and draft.models
                           else "No model is chosen." if not draft.models else "")

    def _show_model(self, name: str) -> None:
        training, draft = self.training, self.training.draft
        lacks = lack(training, name)
        self.models[name].button.setEnabled(lacks is None or name in draft.models)
        self.models[name].button.setChecked(name in draft.models)
        seconds = training.seconds.get(name)
        known = name in training.seconds
        waits = name in draft.models and not known and training.is_timing
        cannot = "cannot be fitted here" if known and seconds is None else ""
        took = time_words(None if seconds is None else seconds * draft.repeats)
        if took and isinstance(self.models[name], NetworkRow) and took.startswith("about"):
            took = f"{took} at most"  # training stops sooner where nothing is gained
        self.times[name].setText(lacks.words if lacks else "being timed" if waits else cannot or took)

    def _show_networks(self) -> None:
        """Show the part about pictures: what they run on, and of each network its facts."""
        training = self.training
        known = training.recipes.for_networks
        images = bool(training.found.get("holds_images"))
        for widget in (self.heading, self.about):
            widget.setVisible(bool(known))
        about = f"{words.ABOUT} {words.UNHARMONISED}" if training.draft.harmonise != "none" else words.ABOUT
        self.about.setText(about if images else words.NO_PICTURES)
        told = words.device_words(training.networks.device, training.draft.jobs)
        self.device.setText(told or ("The networks are being looked at." if training.networks.is_asking else ""))
        self.device.setVisible(images and bool(self.device.text()))
        self._offer_sequences(sequences_of(training.found))
        for each in known:
            row, recipe = self.models[each["name"]], training.adapted(each["name"])
            if not isinstance(row, NetworkRow) or recipe is None or recipe.network is None:
                continue
            facts = training.networks.of(recipe)
            weights = words.weights_words(facts) if images else ""
            missing = lack(training, each["name"])
            row.show_facts(words.facts_words(recipe.network, facts), weights, missing=missing is not None,
                           needed=images and recipe.network.weights is not None)
            row.edit.setEnabled(images)

    def _offer_sequences(self, sequences: tuple[str, ...]) -> None:
        self.sequence_row.setVisible(len(sequences) > 1)
        if [self.sequence.itemData(row) for row in range(self.sequence.count())] != list(sequences):
            self.sequence.clear()
            for name in sequences:
                self.sequence.addItem(name.replace("_", " "), name)
        self.sequence.setCurrentIndex(max(0, self.sequence.findData(self.training.draft.sequence)))

    def _look_at(self, sequence: str) -> None:
        self.training.choose(sequence=sequence)
        self.training.time_models()
        self.training.describe_networks()

    def _warn_of_choosing(self) -> str:
        count = len(self.training.draft.models)
        return "" if count < 2 else (f"{count} models on the same patients: the best of them looks better than it is. "
                                     "Which one counts is declared before the run, at the next step, and the others "
                                     "are corrected for having been chosen among.")

    def _warn_of_time(self) -> str:
        training, draft = self.training, self.training.draft
        looks = {each["name"] for each in training.recipes.for_networks} & set(draft.models)
        taken = sum((training.seconds.get(name) or 0.0) for name in looks)
        if draft.repeats < 2 or taken * draft.repeats < _LONG:
            return ""
        which = "The network takes" if len(looks) == 1 else "The networks take"
        return f"{which} {time_words(taken * draft.repeats)} of it; with the effort 'Quick', {time_words(taken)}."

    def _add(self, each: dict[str, Any]) -> None:
        name, title = each["name"], str(each.get("title") or each["name"])
        description, kind = str(each.get("description") or ""), str(each["kind"])
        box, label = QCheckBox(title), QLabel()
        label.setProperty("role", "dim")
        box.setToolTip(description)
        self.times[name] = label
        if kind == "network":
            row = self.models[name] = NetworkRow(box, words.NETWORKS.get(name, description), label)
            row.edit_requested.connect(lambda: self.edit_requested.emit(name))
            row.weights_requested.connect(lambda: self.weights_requested.emit(name))
        else:
            self.models[name] = Explained(box, MODELS.get(name, description), label)
        box.clicked.connect(lambda on, name=name: self._tick(name, on=on))
        made = self.models[name]
        self._lists[kind].addWidget(made)
        for widget in (box, *((made.edit, made.choose) if isinstance(made, NetworkRow) else ())):
            QWidget.setTabOrder(self._last[kind], widget)  # made later, they come before what stands below them
            self._last[kind] = widget

    def _forget_gone(self) -> None:
        """Take recipes out that were deleted."""
        known = {each["name"] for each in self.training.recipes.for_models}
        for name in [name for name in self.models if name not in known]:
            self.times.pop(name)
            row = self.models.pop(name)
            for kind, last in self._last.items():
                if row.isAncestorOf(last):
                    self._last[kind] = self.total if kind == "model" else self.sequence
            row.hide()
            row.deleteLater()

    def _tick(self, name: str, *, on: bool) -> None:
        chosen = set(self.training.draft.models) | {name} if on else set(self.training.draft.models) - {name}
        order = [each["name"] for each in self.training.recipes.for_models]
        self.training.choose(models=tuple(each for each in order if each in chosen))
        self.training.time_models()


def _narrow(column: QVBoxLayout) -> QHBoxLayout:
    """Keep a column to a width that is read well; what wraps in it has room for all its lines."""
    holder, line = QWidget(), QHBoxLayout()
    holder.setLayout(column)
    holder.setMaximumWidth(_WIDTH)
    column.setContentsMargins(0, 0, 0, 0)
    line.addWidget(holder, _WIDTH)
    line.addStretch(1)
    return line

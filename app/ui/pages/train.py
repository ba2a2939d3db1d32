"""The training wizard: steps at the side, one of them in the middle, Back and Next below. Made when first seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.core.errors import Failure
from app.ui.messages import words_for
from app.ui.reading import Reading
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.notices import Notices

if TYPE_CHECKING:
    from app.ui.pages.train_step import Step
    from app.ui.training import Training

_TABLES = "Table (*.csv *.tsv *.xlsx *.parquet)"
_ASKED = {"table": "A table of features or of cases", "folder": "A folder of cases",
          "labels": "A table with the same patients and their diagnoses"}
RUN, SAVE = 5, 7


class TrainPage(QWidget):
    """Eight steps from a table to a model.

    Signals
    -------
    results_requested(str)
        Every figure of this model (its folder) is wanted.
    external_requested(str)
        Every figure of this external test (its file) is wanted.
    case_opened()
        A case goes to the viewer, with the preview of its preparation.
    scoring_requested()
        The reader goes to the viewer: to look at a case, or to score while the run goes on.
    model_saved(str)
        A model was made, or saved with its texts: its folder.
    model_used(str)
        A model shall score from now on: its name.
    """

    results_requested = Signal(str)
    external_requested = Signal(str)
    case_opened = Signal()
    scoring_requested = Signal()
    model_saved = Signal(str)
    model_used = Signal(str)

    def __init__(self, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self.training: Training | None = None
        self.steps: list[Step] = []
        self._editor: QWidget | None = None

    @property
    def is_made(self) -> bool:
        """Whether the page has been seen."""
        return self.training is not None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Make the page when it is first seen, with the wizard as it was left."""
        super().showEvent(event)
        if self.training is None:
            self._build()

    def _build(self) -> None:
        from app.ui.calls import Call
        from app.ui.training import Training
        from app.ui.widgets.step_list import StepList

        training = self.training = Training(self._reading, self)
        self.list, self.stack, self.notices = StepList(), QStackedWidget(), Notices()
        self.title, self.about = QLabel(), wrapped(role="dim")
        self.title.setProperty("role", "title")
        self.back, self.next, self.anew = QPushButton("Back"), QPushButton("Next"), QPushButton("Begin anew")
        self.why = ElidedLabel(role="dim")
        self.back.setToolTip("Nothing is lost by going back (Alt+Left)")
        self.anew.setToolTip("Forget what was chosen here; models that were made stay in the library")
        self._casing = Call(training.jobs, "list_cohort", parent=self)
        self._build_steps()
        side, middle, foot, whole = QVBoxLayout(), QVBoxLayout(), QHBoxLayout(), QHBoxLayout(self)
        side.addWidget(self.list, 1)
        side.addWidget(self.anew)
        foot.setSpacing(8)
        foot.addWidget(self.back)
        foot.addStretch(1)
        foot.addWidget(self.why)
        foot.addWidget(self.next)
        middle.setSpacing(6)
        middle.addWidget(self.notices)
        middle.addWidget(self.title)
        middle.addWidget(self.about)
        middle.addWidget(self.stack, 1)
        middle.addLayout(foot)
        whole.setContentsMargins(12, 8, 12, 8)
        whole.setSpacing(20)
        whole.addLayout(side)
        whole.addLayout(middle, 1)
        self._bind()
        training.recipes.load()
        if training.draft.source:
            training.look()
        self.go_to(training.draft.step)

    def _build_steps(self) -> None:
        from app.ui.pages.train_cases import CasesStep
        from app.ui.pages.train_features import FeaturesStep
        from app.ui.pages.train_models import ModelsStep
        from app.ui.pages.train_results import ResultsStep
        from app.ui.pages.train_run import RunStep
        from app.ui.pages.train_save import SaveStep
        from app.ui.pages.train_sites import SitesStep
        from app.ui.pages.train_validation import ValidationStep

        training = self._training
        self.cases, self.features, self.sites = CasesStep(training), FeaturesStep(training), SitesStep(training)
        self.models, self.validation, self.run = ModelsStep(training), ValidationStep(training), RunStep(training)
        self.results, self.save = ResultsStep(training), SaveStep(training)
        self.steps = [self.cases, self.features, self.sites, self.models, self.validation, self.run, self.results,
                      self.save]
        for step in self.steps:
            self.stack.addWidget(step)
        self.cases.choose_requested.connect(self.ask)
        self.cases.case_opened.connect(self._look_at)
        self.features.edit_requested.connect(self.edit_recipe)
        self.features.preview_requested.connect(self._preview)
        self.models.edit_requested.connect(self.edit_network)
        self.models.weights_requested.connect(self.ask_weights)
        self.run.scoring_requested.connect(self.scoring_requested)
        self.results.results_requested.connect(self.results_requested)
        self.results.external_requested.connect(self.external_requested)
        self.save.used.connect(self.model_used)

    def _bind(self) -> None:
        training = self._training
        self.list.chosen.connect(self.go_to)
        self.back.clicked.connect(lambda: self.go_to(training.draft.step - 1))
        self.next.clicked.connect(self.go_on)
        self.anew.clicked.connect(self._begin_anew)
        for keys, do in (("Alt+Left", self.back.click), ("Alt+Right", self.next.click)):
            QShortcut(QKeySequence(keys), self, do)
        training.changed.connect(self.follow)
        training.failed.connect(self.notice)
        training.saved.connect(self.model_saved)
        training.finished.connect(lambda result: self.model_saved.emit(str(result["bundle"])))
        training.recipes.listed.connect(self._look_again)
        self._casing.finished.connect(self._show_case)
        self._casing.failed.connect(self.notice)

    @property
    def _training(self) -> Training:
        if self.training is None:
            self._build()
        return self.training  # type: ignore[return-value]

    # The steps

    def blocker(self, step: int) -> str:
        """Say what stops a step from being left; '' when nothing does."""
        from app.ui.training_blocks import blocker

        return blocker(self._training, step)

    def go_on(self) -> None:
        """Go to the next step."""
        step = self._training.draft.step
        if step + 1 < len(self.steps) and not self.blocker(step):
            self.go_to(step + 1)

    def go_to(self, number: int) -> None:
        """Go to a step, if nothing before it stops."""
        training = self._training
        number = min(max(0, number), len(self.steps) - 1)
        if training.found or not training.draft.source:
            number = next((step for step in range(number) if self.blocker(step)), number)
        training.choose(step=number, furthest=max(number, training.draft.furthest))
        self.stack.setCurrentIndex(number)
        self.steps[number].enter()
        self.follow()

    def follow(self) -> None:
        """Show where the reader is, what was said, and whether it can go on."""
        from app.ui.training_blocks import steps_of
        from app.ui.training_words import ABOUT, STEPS

        training = self._training
        step = training.draft.step
        if self.stack.currentIndex() != step:
            self.stack.setCurrentIndex(step)
            self.steps[step].enter()
        for number in range(RUN):
            self.steps[number].body.setEnabled(not training.is_running)
        self.title.setText(f"{step + 1}  {STEPS[step]}")
        self.about.setText(ABOUT[step])
        self.list.show_steps(steps_of(training), step)
        why = self.blocker(step)
        last = step + 1 == len(self.steps)
        self.back.setEnabled(step > 0)
        self.next.setVisible(not last)
        self.next.setEnabled(not why)
        self.next.setText("" if last else f"Next: {STEPS[step + 1]}")
        self.next.setProperty("role", "primary" if not why and not (step == RUN and training.is_running) else "")
        self.next.style().unpolish(self.next)
        self.next.style().polish(self.next)
        fixed = "While the run goes on, its settings cannot be changed." if training.is_running and step < RUN else ""
        self.why.setText(fixed or (why if training.draft.source else ""))
        self.anew.setEnabled(bool(training.draft.source) and not training.is_running)

    # What the reader does

    def take(self, paths: Sequence[str]) -> None:
        """Take what was dropped: a table or a folder; a table beside a folder without diagnoses holds them."""
        training = self._training
        if training.is_running:
            self.notice(Failure("input", "A training is running.", "Wait for its end, or cancel it first."))
            return
        lacks = training.found.get("holds_images") and not training.found["chosen"]["label"]
        if lacks and training.draft.step == 0 and not Path(paths[0]).is_dir():
            training.add_labels(paths[0])
            return
        training.open(paths)
        self.go_to(0)

    def ask(self, kind: str) -> QFileDialog:
        """Let the reader choose a 'table', a 'folder', or the table with the 'labels'."""
        training = self._training
        dialog = QFileDialog(self, _ASKED[kind], self._reading.state["folder"], "" if kind == "folder" else _TABLES)
        dialog.setFileMode(QFileDialog.FileMode.Directory if kind == "folder" else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(training.add_labels if kind == "labels" else lambda path: self.take([path]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def edit_recipe(self, name: str) -> QWidget:
        """Open the form of a recipe."""
        from app.ui.widgets.recipe_editor import RecipeEditor

        editor = RecipeEditor(self._training.recipes, name, self)
        editor.finished.connect(lambda _code: self._close_editor(editor))
        self._editor = editor
        editor.open()
        return editor

    def edit_network(self, name: str) -> QWidget:
        """Open the form of a network, with pictures of the reader's own cases."""
        from app.ui.network_editing import edit_network

        editor = self._editor = edit_network(self._training, name, self)
        return editor

    def ask_weights(self, name: str) -> QFileDialog:
        """Let the reader choose the file that a network starts from."""
        from app.ui.network_editing import ask_weights

        return ask_weights(self._training, name, self)

    def _close_editor(self, editor: Any) -> None:
        if editor.chosen in self._training.recipes.known:
            self.features.recipe.choose(editor.chosen)
        editor.deleteLater()
        self._editor = None

    def _look_again(self) -> None:
        """Count the features once the recipes are known."""
        found = self._training.found
        if found.get("holds_images") and not found["features"] and not self._training.is_looking:
            self._training.look()

    def _preview(self) -> None:
        self._casing.start({"source": self._training.found["table"]}, "Finding a case")

    def _show_case(self, found: dict[str, Any]) -> None:
        case = next((each for each in found.get("cases") or () if each.get("images")), None)
        if case is not None:
            self._reading.add([case])
            self.case_opened.emit()

    def _look_at(self, case: dict[str, Any]) -> None:
        self._reading.add([case])
        self.scoring_requested.emit()

    def _begin_anew(self) -> None:
        self._training.begin_anew()
        self.go_to(0)

    def undo(self) -> bool:
        """Take back a new beginning, or a deleted recipe; False when there is nothing."""
        if self.training is None:
            return False
        if self.training.take_back():
            self.go_to(self.training.draft.step)
            return True
        return self.training.recipes.undo()

    # What is said

    def notice(self, failure: Failure) -> None:
        """Say what could not be done, above the steps."""
        name = f"{failure.message} {failure.extra.get('issues', '')}"
        card = FailureCard(words_for(failure, "preparing the training"), retry=False)
        card.closed.connect(lambda: self.notices.drop(name))
        self.notices.put(name, card)

    def glow(self, *, on: bool) -> None:
        """Light the target while something hovers over the window."""
        if self.training is not None:
            self.cases.glow(on=on)

    def restyle(self) -> None:
        """Follow another theme."""
        for step in self.steps:
            step.restyle()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep notices to a part of the room."""
        super().resizeEvent(event)
        if self.training is not None:
            self.notices.limit(event.size().height())

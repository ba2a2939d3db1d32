"""The page of cohorts: features, quality, exploration. What is on it is made when it is first seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.ui.messages import words_for
from app.ui.reading import Reading
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.invitation import Invitation
from app.ui.widgets.notices import Notices

if TYPE_CHECKING:
    from app.ui.cohort import Cohort
    from app.ui.pages.cohort_exploration import ExplorationPage
    from app.ui.pages.cohort_features import FeaturesPage
    from app.ui.pages.cohort_quality import QualityPage

PARTS = ("Features", "Quality", "Exploration")
_TABLES = "Table (*.csv *.tsv *.xlsx *.parquet)"


class CohortPage(QWidget):
    """Three sub-pages over one cohort.

    Signals
    -------
    case_opened()
        A case of the cohort goes to the viewer.
    """

    case_opened = Signal()

    def __init__(self, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self.cohort: Cohort | None = None
        self.features: FeaturesPage | None = None
        self.quality: QualityPage | None = None
        self.exploration: ExplorationPage | None = None
        self._made: list[QWidget | None] = [None, None, None]
        self._editor: QWidget | None = None
        self._steps: list[Callable[[], bool]] = []

    @property
    def is_made(self) -> bool:
        """Whether the page has been seen."""
        return self.cohort is not None

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Make the page when it is first seen, and look at the cohort of the last session."""
        super().showEvent(event)
        if self.cohort is None:
            self._build()

    def _build(self) -> None:
        from app.ui.cohort import Cohort
        from app.ui.cohort_columns import COLUMNS, can_be_measured
        from app.ui.widgets.record_model import RecordModel

        self.cohort = Cohort(self._reading, RecordModel(COLUMNS, "key", can_be_measured), self)
        self.tabs, self.notices, self.stack = QButtonGroup(self), Notices(), QStackedWidget()
        row = QHBoxLayout()
        row.setContentsMargins(12, 4, 12, 0)
        row.setSpacing(4)
        for number, title in enumerate(PARTS):
            button = QPushButton(title)
            button.setProperty("role", "nav")
            button.setCheckable(True)
            self.tabs.addButton(button, number)
            row.addWidget(button)
        row.addStretch(1)
        folder, table = QPushButton("Choose a folder…"), QPushButton("Choose a table…")
        folder.setProperty("role", "primary")
        folder.clicked.connect(lambda: self.ask("folder"))
        table.clicked.connect(lambda: self.ask("table"))
        self.invitation = Invitation(
            "Drop a cohort: a folder of cases, or a table that names their images and outlines",
            "Images and outlines find each other by folder, name and DICOM reference. Nothing is measured before you "
            "have seen what was matched.", (folder, table))
        self.stack.addWidget(self.invitation)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        self.tabs.idClicked.connect(self.show_part)
        cohort = self.cohort
        cohort.failed.connect(self.notice)
        cohort.reading_began.connect(lambda: self.show_part(self.part if self.part < 2 else 0))
        cohort.model.ticked.connect(lambda: self._steps.append(cohort.model.undo_tick))
        cohort.recipes.deleted.connect(lambda _name: self._steps.append(cohort.recipes.undo))
        cohort.recipes.load()
        self.show_part(int(cohort.recall("part", 0)))
        if cohort.source and Path(cohort.source).exists():
            cohort.read()

    @property
    def part(self) -> int:
        """The sub-page on screen: 0 features, 1 quality, 2 exploration."""
        return self.tabs.checkedId()

    def show_part(self, number: int) -> None:
        """Go to a sub-page; it is made when it is first seen."""
        if self.cohort is None:
            return
        self.tabs.button(number).setChecked(True)
        self.cohort.remember("part", number)
        if number < 2 and not self.cohort.source:
            self.stack.setCurrentWidget(self.invitation)
            return
        page = self._made[number]
        if page is None:
            page = self._made[number] = (self._make_features, self._make_quality, self._make_exploration)[number]()
            self.stack.addWidget(page)
        self.stack.setCurrentWidget(page)

    def _make_features(self) -> QWidget:
        from app.ui.pages.cohort_features import FeaturesPage

        page = self.features = FeaturesPage(self._cohort)
        page.choose_requested.connect(self.ask)
        page.opened.connect(self.open_case)
        page.panel.edit_requested.connect(self.edit_recipe)
        page.panel.quality_requested.connect(self._check_quality)
        page.panel.explore_requested.connect(self._explore)
        return page

    def _make_quality(self) -> QWidget:
        from app.ui.pages.cohort_quality import QualityPage

        page = self.quality = QualityPage(self._cohort)
        page.opened.connect(self.open_case)
        page.noticed.connect(self.notice)
        page.stability.edit_requested.connect(self.edit_recipe)
        return page

    def _make_exploration(self) -> QWidget:
        from app.ui.pages.cohort_exploration import ExplorationPage

        page = self.exploration = ExplorationPage(self._cohort)
        page.opened.connect(self.open_case)
        page.noticed.connect(self.notice)
        return page

    @property
    def _cohort(self) -> Cohort:
        if self.cohort is None:
            self._build()
        return self.cohort  # type: ignore[return-value]

    # What the reader does

    def take(self, paths: Sequence[str]) -> None:
        """Take what was dropped: a feature table on the exploration, a folder or table of cases elsewhere."""
        cohort = self._cohort
        if self.part == 2 and self.exploration is not None and not Path(paths[0]).is_dir():
            self.exploration.take(paths[0])
            return
        if cohort.is_measuring:
            self.notice(Failure("input", "A cohort is being measured.", "Wait for its end, or cancel it first."))
            return
        cohort.open(paths)

    def ask(self, kind: str) -> QFileDialog:
        """Let the reader choose a 'folder' or a 'table' of cases."""
        title = "A folder of cases" if kind == "folder" else "A table that names images and outlines"
        dialog = QFileDialog(self, title, self._reading.state["folder"], "" if kind == "folder" else _TABLES)
        dialog.setFileMode(QFileDialog.FileMode.Directory if kind == "folder" else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self._cohort.open([path]))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def open_case(self, case: str) -> None:
        """Show a case of the cohort in the viewer."""
        if self._cohort.show_case(case):
            self.case_opened.emit()
        else:
            self.notice(Failure("input", f"The files of {case} are not in the cohort at hand.",
                                "Choose the folder or the table that holds them on the page Features."))

    def edit_recipe(self, name: str) -> QWidget:
        """Open the form of a recipe."""
        from app.ui.widgets.recipe_editor import RecipeEditor

        editor = RecipeEditor(self._cohort.recipes, name, self)
        editor.finished.connect(lambda _code: self._close_editor(editor))
        self._editor = editor
        editor.open()
        return editor

    def _close_editor(self, editor: Any) -> None:
        if self.features is not None and editor.chosen in self._cohort.recipes.known:
            self.features.panel.recipe.choose(editor.chosen)
        editor.deleteLater()
        self._editor = None

    def _check_quality(self) -> None:
        self.show_part(1)
        if self.quality is not None:
            self.quality.check()

    def _explore(self) -> None:
        self.show_part(2)
        if self.exploration is not None:
            self.exploration.take(str(self._cohort.recall("features", "")))

    def undo(self) -> bool:
        """Take back what was left out or deleted last; False when there is nothing."""
        while self._steps:
            if self._steps.pop()():
                return True
        return self.cohort is not None and self.cohort.recipes.undo()

    # What is said

    def notice(self, failure: Failure) -> None:
        """Say what could not be done, above the page."""
        name = f"{failure.message} {failure.extra.get('issues', '')}"
        card = FailureCard(words_for(failure, "working on the cohort"), retry=False)
        card.closed.connect(lambda: self.notices.drop(name))
        self.notices.put(name, card)

    def glow(self, *, on: bool) -> None:
        """Light the target while something hovers over the window."""
        if self.cohort is not None:
            self.invitation.glow(on=on)

    def restyle(self) -> None:
        """Follow another theme."""
        for page in (self.quality, self.exploration):
            if page is not None:
                page.restyle()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep notices to a part of the room."""
        super().resizeEvent(event)
        if self.cohort is not None:
            self.notices.limit(event.size().height())

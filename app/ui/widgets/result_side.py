"""The right-hand side: the finding or what stands in its way, the reader's choices, and what this program is for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.ui.messages import Message
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.result_choices import ResultChoices
from app.ui.widgets.result_panel import ResultPanel, heading
from app.ui.words import NOTICE, model_sentence

EXPORTS = {"html": "Report (HTML)…", "pdf": "Report (PDF)…", "json": "Score (JSON)…", "png": "Picture (PNG)…"}

LOW = 620


class ResultSide(QWidget):
    """One case's finding with everything around it.

    Signals
    -------
    score_requested(), retry_requested(), dismissed()
    all_requested()
        Score every case again.
    choices_changed()
        Model, error rate or threshold.
    anonymise_chosen(bool)
        Exports shall name nobody, or may again.
    export_requested(str, bool)
        'html', 'pdf', 'json' or 'png', and whether to include the patient's identity.
    """

    score_requested = Signal()
    all_requested = Signal()
    retry_requested = Signal()
    dismissed = Signal()
    choices_changed = Signal()
    anonymise_chosen = Signal(bool)
    export_requested = Signal(str, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.panel, self.choices = ResultPanel(), ResultChoices()
        self.choices.changed.connect(self.choices_changed)
        self.state_line = wrapped()
        self._problem = QVBoxLayout()
        self.score_button = QPushButton("Score this case")
        self.score_button.setProperty("role", "primary")
        self.score_button.clicked.connect(self.score_requested)
        quiet = QWidget()
        column = QVBoxLayout(quiet)
        column.setContentsMargins(12, 8, 12, 8)
        column.setSpacing(12)
        column.addWidget(self.state_line)
        column.addLayout(self._problem)
        column.addWidget(self.score_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        room = QScrollArea()
        room.setWidgetResizable(True)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setWidget(quiet)
        self._stack = QStackedWidget()
        self._stack.addWidget(room)
        self._stack.addWidget(self.panel)
        self.again = wrapped(role="dim")
        self.again.hide()
        self.all_button = QPushButton("Score all again with this model")
        self.all_button.setToolTip("Every case of the worklist that has an outline; Esc stops it")
        self.all_button.clicked.connect(self.all_requested)
        self.all_button.hide()
        self.model_line = wrapped(role="dim")
        self.panel.body.insertWidget(self.panel.body.count() - 1, self.model_line)  # under what moved the score
        self.export_button = QPushButton("Export")
        self._build_menu()
        self.copy_button = QPushButton("Copy")
        self.copy_button.setToolTip("Copy the whole finding in words (Ctrl+Shift+C)")
        self.copy_button.clicked.connect(self.panel.copy_sentence)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.export_button)
        buttons.addWidget(self.copy_button)
        buttons.addStretch(1)
        foot = self._foot = QVBoxLayout()
        foot.setContentsMargins(12, 4, 12, 8)
        foot.setSpacing(8)
        for widget in (self.again, self.choices):
            foot.addWidget(widget)
        foot.addWidget(self.all_button, 0, Qt.AlignmentFlag.AlignLeft)
        foot.addLayout(buttons)
        foot.addStretch(0)
        self._parts = QBoxLayout(QBoxLayout.Direction.TopToBottom)
        self._parts.setSpacing(4)
        self._parts.addWidget(self._stack, 1)
        self._parts.addLayout(foot)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 8, 0, 0)
        layout.setSpacing(4)
        title = heading("Result")
        title.setContentsMargins(12, 0, 0, 0)
        layout.addWidget(title)
        layout.addLayout(self._parts, 1)
        self.setMinimumWidth(288)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Let the choices scroll with the finding where the room is low."""
        super().resizeEvent(event)
        low = event.size().height() < LOW and self._parts.direction() == QBoxLayout.Direction.TopToBottom
        home = self.panel.body if low else self._foot
        if home.indexOf(self.choices) < 0:
            home.insertWidget(home.count() - 1 if low else 1, self.choices)

    def lay_wide(self, *, wide: bool) -> None:
        """Put the choices beside the finding (below the picture) or beneath it (at its side)."""
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    @property
    def shows_score(self) -> bool:
        """Whether a finding is on screen."""
        return self._stack.currentWidget() is self.panel

    def show_score(self, score: Mapping[str, Any], prevalence: float, differs: str = "", data: str = "") -> None:
        """Show a finding; `differs` says how it was made otherwise, `data` what the model learned from."""
        self.panel.show_score(score, prevalence)
        self.model_line.setText(f"{model_sentence(score, data)} {score.get('notice') or NOTICE}")
        self.model_line.setToolTip(str(score.get("model_purpose") or ""))
        self.again.setText(differs)
        self.again.setVisible(bool(differs))
        self._stack.setCurrentWidget(self.panel)
        self._enable(scored=True)

    def show_quiet(self, sentence: str, *, can_score: bool = False) -> None:
        """Show a sentence where no finding is."""
        self._clear_problem()
        self.state_line.setText(sentence)
        self.state_line.setVisible(bool(sentence))
        self.score_button.setVisible(can_score)
        self.again.hide()
        self._stack.setCurrentIndex(0)
        self._enable(scored=False)

    def offer_all(self, count: int) -> None:
        """Offer to score everything again where another model has made `count` of the scores."""
        self.all_button.setVisible(count > 0)
        self.all_button.setText(f"Score all again with this model ({count:,} of another)")

    def show_problem(self, message: Message) -> None:
        """Show what stands in the way of the finding."""
        self.show_quiet("")
        problem = FailureCard(message)
        problem.retry_requested.connect(self.retry_requested)
        problem.closed.connect(self.dismissed)
        self._problem.addWidget(problem)

    def _clear_problem(self) -> None:
        while (item := self._problem.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def _enable(self, *, scored: bool) -> None:
        self.copy_button.setEnabled(scored)
        for kind, action in self._actions.items():
            action.setEnabled(scored or kind == "png")

    def _build_menu(self) -> None:
        menu = QMenu(self.export_button)
        self._actions = {kind: menu.addAction(title, lambda kind=kind: self._export(kind))
                         for kind, title in EXPORTS.items()}
        menu.addSeparator()
        self.identity = menu.addAction("Include the patient's name and ID (report, picture)")
        self.identity.setCheckable(True)
        self.anonymise = menu.addAction("Anonymise: no names, paths, dates or scanners")
        self.anonymise.setCheckable(True)
        self.anonymise.toggled.connect(self._choose_anonymise)
        self.export_button.setMenu(menu)

    def _choose_anonymise(self, on: bool) -> None:
        self.identity.setEnabled(not on)
        self.identity.setChecked(False)
        self.anonymise_chosen.emit(on)

    def _export(self, kind: str) -> None:
        self.export_requested.emit(kind, self.identity.isChecked())
        self.identity.setChecked(False)  # asked for anew each time: identity leaves only on purpose

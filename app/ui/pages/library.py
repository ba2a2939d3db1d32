"""The library: which models there are, how well each did inside and outside its training, and what to do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.ui.calls import Call
from app.ui.library import Library
from app.ui.library_words import AREAS, POINTS, badges, figures_text, points_of, rows_of, standing_text
from app.ui.messages import words_for
from app.ui.reading import Reading
from app.ui.saving import ask_save
from app.ui.sequence_models import SETTING
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.flow import FlowLayout
from app.ui.widgets.model_card import ModelCard
from app.ui.widgets.notices import Notices
from app.ui.widgets.record_model import RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.result_panel import heading
from app.ui.widgets.run_bar import RunBar
from app.ui.widgets.sequence_picker import TITLES, title_of_sequence
from app.ui.words import DEMONSTRATION

LIST_WIDTH, CARD = 300, 144
_OF_ONE = ("results", "use", "default", "export", "remove")
_APART = "Each on its own cases: their figures stand side by side, and no difference is claimed."


class _Models(QListWidget):
    """Enter opens, Delete removes."""

    opened = Signal()
    removed = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.removed.emit()
        else:
            super().keyPressEvent(event)


class LibraryPage(QWidget):
    """Models on the left, the chosen one's figures and card on the right.

    Signals
    -------
    results_requested(list)
        The reader wants the results of these models, several side by side.
    external_requested(str)
        The reader wants the result of an external test.
    tests_requested(list)
        The reader wants these external tests compared, several models on the same cases.
    said(str)
        Something to be said in passing.
    """

    results_requested = Signal(list)
    external_requested = Signal(str)
    tests_requested = Signal(list)
    said = Signal(str)

    def __init__(self, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.library = Library(reading, self)
        self._cards: dict[str, str] = {}
        self._asking = Call(reading.jobs, "show_model", parent=self)
        self.notices, self.list = Notices(), _Models()
        self.list.setAccessibleName("Models")
        self.list.setFixedWidth(LIST_WIDTH)
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.title, self.purpose, self.standing, self.figures = wrapped("", "title"), wrapped(), wrapped(), wrapped()
        self.points = RecordModel(POINTS, "key", parent=self)
        self.operating = RecordTable(self.points, "Operating points")
        self.model = RecordModel(AREAS, "key", parent=self)
        self.areas = RecordTable(self.model, "AUC inside and outside the training")
        self.card = ModelCard()
        self.run = RunBar("Evaluate on a new cohort…", self.library.evaluation)
        names = {"results": "Open results", "outside": "", "compare": "Put their results side by side",
                 "use": "Use for scoring", "default": "Default for a sequence", "export": "Export…",
                 "remove": "Remove", "verify": "Verify every byte", "bring": "Import…"}
        self.buttons = {name: QPushButton(title) for name, title in names.items()}
        for name in ("results", "outside"):
            self.buttons[name].setProperty("role", "primary")
        self.run.button.setProperty("role", "")
        self.setAcceptDrops(True)
        self._lay_out()
        self._bind(reading)

    def _lay_out(self) -> None:
        tools, room = FlowLayout(spacing=8), QWidget()
        for name in _OF_ONE:
            tools.addWidget(self.buttons[name])
        below = QHBoxLayout()
        below.setSpacing(8)
        for widget in (self.buttons["bring"], self.buttons["verify"]):
            below.addWidget(widget)
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(8)
        left.addWidget(self.list, 1)
        left.addLayout(below)
        right.setSpacing(8)
        for widget in (self.title, self.purpose):
            right.addWidget(widget)
        right.addLayout(tools)
        for name in ("outside", "compare"):
            right.addWidget(self.buttons[name], 0, Qt.AlignmentFlag.AlignLeft)
        right.addWidget(self.run, 0, Qt.AlignmentFlag.AlignLeft)
        state, card = heading("State"), heading("Card")
        self._single = (state, self.standing, card, self.card)
        for widget in (state, self.standing, heading("Figures"), self.areas, self.operating, self.figures, card):
            right.addWidget(widget)
        self.card.setMinimumHeight(CARD)
        right.addWidget(self.card, 1)
        right.addStretch(0)
        right.setContentsMargins(0, 0, 8, 0)
        whole_side, scrolled = QWidget(), QScrollArea()
        whole_side.setLayout(right)
        scrolled.setWidget(whole_side)
        scrolled.setWidgetResizable(True)
        scrolled.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scrolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row = QHBoxLayout(room)
        row.setContentsMargins(16, 16, 16, 16)
        row.setSpacing(24)
        row.addLayout(left)
        row.addWidget(scrolled, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.notices)
        whole.addWidget(room, 1)

    def _bind(self, reading: Reading) -> None:
        library, buttons = self.library, self.buttons
        ways = QMenu(buttons["bring"])
        ways.addAction("A .zip file…", lambda: self.ask_model(folder=False))
        ways.addAction("A folder…", lambda: self.ask_model(folder=True))
        buttons["bring"].setMenu(ways)
        sequences = QMenu(buttons["default"])
        sequences.aboutToShow.connect(lambda: self._fill_sequences(sequences))
        buttons["default"].setMenu(sequences)
        buttons["default"].setToolTip("New cases of that sequence are scored with it, unless you have chosen a model "
                                      "by hand since the program was opened")
        buttons["bring"].setToolTip("A model that does not verify to its last byte is refused")
        self.list.itemSelectionChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(lambda _item: self._open())
        self.list.opened.connect(self._open)
        self.list.removed.connect(self._remove)
        buttons["results"].clicked.connect(self._open)
        buttons["compare"].clicked.connect(lambda: self.results_requested.emit(self.chosen))
        buttons["outside"].clicked.connect(
            lambda: self.tests_requested.emit(self.library.common_tests(self.chosen)[1]))
        buttons["use"].clicked.connect(lambda: library.use(self.chosen[0]))
        buttons["export"].clicked.connect(self._export)
        buttons["remove"].clicked.connect(self._remove)
        buttons["verify"].clicked.connect(library.verify)
        self.run.start_requested.connect(self.ask_cohort)
        self.areas.opened.connect(self._open_area)
        self._asking.finished.connect(self._take_card)
        library.listed.connect(self._list)
        library.said.connect(self.said)
        library.failed.connect(self.notice)
        library.taken.connect(self._ask_to_replace)
        library.evaluated.connect(self.external_requested)
        reading.state.changed.connect(lambda name, _value: name in ("model", SETTING) and self._list())

    def _fill_sequences(self, menu: QMenu) -> None:
        menu.clear()
        name = self.chosen[0]
        own = self.library.sequences_of(name)
        for sequence in dict.fromkeys((*TITLES, *own)):
            former = self.library.find(self.library.state[SETTING].get(sequence, "")).get("title")
            told = f"  (now {former})" if former and sequence not in own else ""
            action = menu.addAction(f"{title_of_sequence(sequence)}{told}")
            action.setCheckable(True)
            action.setChecked(sequence in own)
            action.triggered.connect(lambda on, sequence=sequence: self.library.set_default(sequence, name, on=on))

    # What is shown

    @property
    def chosen(self) -> list[str]:
        """Names of the chosen models, in the order of the list."""
        return [str(self.library.models[row]["name"]) for row in range(self.list.count())
                if self.list.item(row).isSelected()]

    def show_models(self, models: Sequence[Mapping[str, Any]]) -> None:
        """Show the library as the engine lists it."""
        self.library.take(models)

    def _list(self) -> None:
        chosen, in_use = self.chosen if self.list.count() == len(self.library.models) else [], \
            self.library.state["model"]
        blocked = self.list.blockSignals(True)
        self.list.clear()
        for model in self.library.models:
            told = badges(model, in_use=str(model["name"]) == in_use,
                          sequences=self.library.sequences_of(str(model["name"])))
            self.list.addItem(QListWidgetItem("\n".join([str(model.get("title") or model["name"]), ", ".join(told)])))
        for row, model in enumerate(self.library.models):
            if model["name"] in chosen:
                self.list.item(row).setSelected(True)
        if not self.chosen and self.library.models:
            self.list.setCurrentRow(next((row for row, model in enumerate(self.library.models)
                                          if model["name"] == in_use), 0))
        self.list.blockSignals(blocked)
        self._show()

    def _show(self) -> None:
        chosen = self.chosen
        model = self.library.find(chosen[0]) if chosen else {}
        several, fine = len(chosen) > 1, bool(model) and bool(model.get("verified", True))
        self._offer(model, several=several, fine=fine)
        if not model:
            self.title.setText("There is no model in the library.")
            return
        version = f", version {model['version']}" if model.get("version") else ""
        self.title.setText(f"{len(chosen)} models" if several else f"{model.get('title') or model['name']}{version}")
        self.purpose.setText("" if several else _purpose(model))
        self.purpose.setVisible(bool(self.purpose.text()))
        for widget in (*self._single, self.run, *(self.buttons[name] for name in _OF_ONE)):
            widget.setVisible(not several)
        self.buttons["compare"].setVisible(several)
        cohort, tests = self.library.common_tests(chosen) if several else ("", [])
        self.buttons["outside"].setVisible(bool(tests))
        self.buttons["outside"].setText(f"Compare them on {cohort}")
        self.standing.setText(standing_text(model, verifying=self.library.verifying) if not several else "")
        self.figures.setText(_APART
                             if several else figures_text(model) if fine else "")
        found = [row for name in chosen for row in rows_of(self.library.find(name),
                                                           self.library.tests_of(self.library.find(name)),
                                                           several=several)]
        self.model.show_records(found)
        self.areas.fit()
        points = points_of(model) if fine and not several else []
        self.points.show_records(points)
        self.operating.fit()
        self.operating.setVisible(bool(points))
        self.operating.setFixedHeight(36 + 28 * min(max(len(points), 1), 5))
        self.areas.setVisible(bool(found))
        self.areas.setFixedHeight(36 + 28 * min(max(len(found), 1), 6))
        name = str(model["name"])
        self.card.show_card("" if several else self._cards.get(name, ""))
        if fine and not several and name not in self._cards and self.isVisible():
            self._cards[name] = ""
            self._asking.start({"model": name}, "Reading the model's card")

    def _offer(self, model: Mapping[str, Any], *, several: bool, fine: bool) -> None:
        one, name = fine and not several, str(model.get("name") or "")
        can = {"results": one and bool(model.get("has_results", True)), "compare": several, "outside": several,
               "use": one and name != self.library.state["model"], "default": one, "export": one,
               "remove": not several and self.library.is_own(name), "verify": not self.library.verifying, "bring": True}
        for button, possible in can.items():
            self.buttons[button].setEnabled(possible)
        self.run.button.setEnabled(one or self.library.evaluation.running)
        self.buttons["results"].setToolTip("" if can["results"] else
                                           "This model keeps no results of a training run; its card says what is known")
        self.list.setToolTip("Choose two or more with Ctrl or Shift to compare them")
        self.buttons["remove"].setToolTip("Ctrl+Z brings it back" if can["remove"] else
                                          "Models that came with the program stay")

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Fetch the chosen card when the page is first seen."""
        super().showEvent(event)
        if self.list.count():
            self._show()

    def _take_card(self, result: Mapping[str, Any]) -> None:
        self._cards[str(result.get("name") or self._asking.request["model"])] = str(result.get("card") or "")
        self._show()

    # What is done

    def _open(self) -> None:
        if self.buttons["results"].isEnabled() or len(self.chosen) > 1:
            self.results_requested.emit(self.chosen)

    def _open_area(self, key: str) -> None:
        record = self.model.find(key) or {}
        if record.get("path"):
            self.external_requested.emit(str(record["path"]))
        elif record.get("has_results"):
            self.results_requested.emit([record["model"]])

    def _remove(self) -> None:
        if self.buttons["remove"].isEnabled():
            self.library.remove(self.chosen[0])

    def undo(self) -> bool:
        """Bring back the model removed last; False when none was."""
        return self.library.undo()

    def _export(self) -> None:
        name = self.chosen[0]
        ask_save(self, "Export the model", str(Path.home() / f"{name}.zip"), "Model (*.zip)",
                 lambda path: self.library.export(name, path))

    def ask_model(self, *, folder: bool) -> QFileDialog:
        """Let the reader choose a model to import."""
        dialog = QFileDialog(self, "Import a model", self.library.state["folder"], "" if folder else "Model (*.zip)")
        dialog.setFileMode(QFileDialog.FileMode.Directory if folder else QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.library.import_from)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def ask_cohort(self) -> QWidget:
        """Let the reader choose the cohort of an external test."""
        from app.ui.pages.library_evaluate import EvaluateSheet

        model = self.library.find(self.chosen[0])
        sheet = EvaluateSheet(self.library.reading.jobs, model, self)
        sheet.asked.connect(lambda table, roles: self.library.evaluate(str(model["name"]), table, roles))
        sheet.finished.connect(sheet.deleteLater)
        sheet.open()
        return sheet

    # What is said

    def notice(self, failure: Failure, retry: str = "") -> FailureCard:
        """Say what could not be done, above the page; with a way on where there is one."""
        card = FailureCard(words_for(failure, "working on the library"), retry=bool(retry))
        card.retry.setText(retry or card.retry.text())
        card.closed.connect(lambda: self.notices.drop(failure.message))
        self.notices.put(failure.message, card)
        return card

    def _ask_to_replace(self, failure: Failure, path: str) -> None:
        card = self.notice(failure, "Replace it")
        card.retry_requested.connect(lambda: self.library.import_from(path, replace=True))
        card.retry_requested.connect(lambda: self.notices.drop(failure.message))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Welcome a model in one file."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Import a model."""
        event.acceptProposedAction()
        self.library.import_from(_dropped(event))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep notices to a part of the room."""
        super().resizeEvent(event)
        self.notices.limit(event.size().height())


def _dropped(event: QDropEvent) -> str:
    """Path of the one model that is dropped; '' for anything else."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith(".zip") else ""


def _purpose(model: Mapping[str, Any]) -> str:
    told = [str(model.get("purpose") or "")]
    if model.get("demonstration"):
        told.append(f"{DEMONSTRATION[:1].upper()}{DEMONSTRATION[1:]}: never for a patient.")
    return " ".join(part for part in told if part)

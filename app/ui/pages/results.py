"""The results of a training run or of an external test: the headline first, then every figure, drawn when looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.ui.anonymising import SETTING, AnonymousBox
from app.ui.messages import words_for
from app.ui.reading import Reading
from app.ui.result_reading import ResultReading
from app.ui.result_session import ResultSession
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.flag_list import FlagList
from app.ui.widgets.invitation import Invitation
from app.ui.widgets.notices import Notices

TABS = ("ROC", "Calibration", "Decision", "Cases", "Sites", "Features", "Network", "Audit", "Learning", "Metrics",
        "Report")
CAUTIONS, TITLE = 48, 240
_EVALUATION = "Result of an external test (evaluation.json *.json)"


class ResultsPage(QWidget):
    """One result at a time; what is on it is made when it is first seen.

    Signals
    -------
    case_opened()
        A case of the result goes to the viewer.
    said(str)
        Something to be said in passing.
    """

    case_opened = Signal()
    said = Signal(str)

    def __init__(self, reading: Reading, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self._models: list[Mapping[str, Any]] = []
        self._parts: list[QWidget | None] = [None] * len(TABS)
        self._stale: set[int] = set()
        self.session, self._is_made = ResultSession(self), False
        self.desk = ResultReading(reading, self)
        self.setAcceptDrops(True)

    # Being made

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Make the page when it is first seen, and read what the last session looked at."""
        super().showEvent(event)
        self._make_sure()
        if self.session.is_empty and not self.desk.running:
            self.desk.recall()
            if self.desk.wanted:
                self.desk.ask()

    def _make_sure(self) -> None:
        if not self._is_made:
            self._is_made = True
            self._build()

    def _build(self) -> None:
        from app.ui.widgets.results_head import ModelChoice, ResultsHead

        session = self.session
        self.notices, self.stack, self.tabs = Notices(), QStackedWidget(), QTabWidget()
        self.title, self.choose = ElidedLabel("", "title"), QPushButton("Other results")
        self.title.setMaximumWidth(TITLE)
        self.menu = QMenu(self.choose)
        self.menu.aboutToShow.connect(lambda: self._fill_menu(self.menu))
        self.choose.setMenu(self.menu)
        self.head, self.choice, self.cautions = ResultsHead(session), ModelChoice(session), FlagList(CAUTIONS)
        self.tabs.tabBar().setAccessibleName("Parts of the results")
        for title in TABS:
            holder = QWidget()
            column = QVBoxLayout(holder)
            column.setContentsMargins(4, 8, 16, 8)
            self.tabs.addTab(holder, title)
        begin, external = QPushButton("Open a model's results"), QPushButton("Open an external test…")
        begin.setProperty("role", "primary")
        models = QMenu(begin)
        models.aboutToShow.connect(lambda: self._fill_menu(models))
        begin.setMenu(models)
        external.clicked.connect(self.ask_file)
        self.invitation = Invitation(
            "No results yet: train a model, or open one of the library",
            "A training run opens here when it ends. An external test is a model of the library, evaluated on a new "
            "cohort; its evaluation.json can be dropped here.", (begin, external))
        self.stack.addWidget(self.invitation)
        self.stack.addWidget(self._build_room())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.notices)
        column.addWidget(self.stack, 1)
        self._bind()

    def _build_room(self) -> QWidget:
        room, top = QWidget(), QHBoxLayout()
        top.setSpacing(16)
        top.addWidget(self.title)
        top.addWidget(self.choice, 1)
        top.addWidget(AnonymousBox(self._reading.state))
        top.addWidget(self.choose)
        above = QVBoxLayout()
        above.setContentsMargins(0, 0, 16, 0)
        above.setSpacing(8)
        above.addLayout(top)
        for widget in (self.head, self.cautions):
            above.addWidget(widget)
        column = QVBoxLayout(room)
        column.setContentsMargins(16, 8, 0, 0)
        column.setSpacing(8)
        column.addLayout(above)
        column.addWidget(self.tabs, 1)
        return room

    def _bind(self) -> None:
        state = self._reading.state
        self.session.anonymise = bool(state[SETTING])
        state.changed.connect(lambda name, value: setattr(self.session, "anonymise", bool(value)) if name == SETTING
                              else None)
        self.desk.read.connect(self.show_result)
        self.desk.failed.connect(self._take_failure)
        self.desk.written.connect(lambda paths: self.said.emit(f"Written: {paths}"))
        self.desk.measured.connect(lambda case, rows: self.part("Cases").features.show_features(case, rows))
        self.desk.not_measured.connect(lambda _failure: self.part("Cases").features.hide())
        self.tabs.currentChanged.connect(self._look)
        self.session.loaded.connect(self._redraw)
        self.session.chosen.connect(self._redraw)

    # Which results

    def offer_models(self, models: Sequence[Mapping[str, Any]]) -> None:
        """Offer the models of the library."""
        self._models = [model for model in models if model.get("verified", True) and model.get("has_results", True)]

    def show_model(self, model: str) -> None:
        """Read the results of a model: a name of the library, or a folder."""
        self.show_models([model])

    def show_models(self, models: Sequence[str]) -> None:
        """Read the results of one model, or of several to stand side by side."""
        self._make_sure()
        self.desk.ask_models(models)

    def show_external(self, path: str) -> None:
        """Read the result of an external test."""
        self._make_sure()
        self.desk.ask_one({"external": path})

    def show_tests(self, paths: Sequence[str]) -> None:
        """Read the external tests of several models on the same cases."""
        self._make_sure()
        self.desk.ask_tests(paths)

    def ask_file(self) -> QFileDialog:
        """Let the reader choose the result of an external test."""
        dialog = QFileDialog(self, "The result of an external test", self._reading.state["folder"], _EVALUATION)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.show_external)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _fill_menu(self, menu: QMenu) -> None:
        menu.clear()
        for model in self._models:
            name = str(model["name"])
            menu.addAction(str(model.get("title") or name), lambda name=name: self.show_model(name))
        menu.addSeparator()
        menu.addAction("An external test…", self.ask_file)

    def _take_failure(self, failure: Failure) -> None:
        if self.session.is_empty:  # what cannot be read now is not asked for at every start
            self.desk.forget()
        self.notice(failure)

    def show_result(self, result: Mapping[str, Any]) -> None:
        """Put a result on the table."""
        self._make_sure()
        self._stale = set(range(len(TABS)))
        self.session.load(result)
        self.desk.remember()
        mark = "  (demonstration, synthetic data)" if result.get("demonstration") else ""
        self.title.setText(f"{self.session.results.title}{mark}")
        self._show_cautions()
        self._show_tabs(result)
        self.stack.setCurrentIndex(1)
        if self.isVisible():
            self.tabs.tabBar().setFocus()

    def _show_cautions(self) -> None:
        self.cautions.show_flags([{"code": "", "severity": "caution", "message": each["message"]}
                                  for each in self.session.results.rows("cautions")])

    # The tabs

    def _show_tabs(self, result: Mapping[str, Any]) -> None:
        """Leave out what there is nothing of: networks, or the features that a network did not learn from."""
        network = result.get("network")
        leaned = any((result.get("importance") or {}).values())
        self.tabs.setTabVisible(TABS.index("Network"), bool(network))
        self.tabs.setTabVisible(TABS.index("Features"), leaned or not network)

    def show_tab(self, title: str) -> None:
        """Go to a tab by its title."""
        self.tabs.setCurrentIndex(TABS.index(title))

    def part(self, title: str) -> Any:
        """Return what is on a tab; it is made now if it was not yet."""
        place = TABS.index(title)
        if self._parts[place] is None:
            made = self._parts[place] = self._make(title)
            layout = self.tabs.widget(place).layout()
            if layout is not None:
                layout.addWidget(made)
            self._stale.add(place)
        return self._parts[place]

    def _make(self, title: str) -> QWidget:
        from app.ui.pages.results_making import make_part

        made = make_part(title, self.session)
        for name, slot in self._slots().items():
            for owner in (made, getattr(made, "figure", None)):
                signal = getattr(owner, name, None)
                if signal is not None and hasattr(signal, "connect"):
                    signal.connect(slot)
        return made

    def _slots(self) -> dict[str, Callable[..., None]]:
        return {"said": self.said.emit, "failed": self.notice, "opened": self.open_case,
                "unknown": self._tell_unknown, "report_requested": self.ask_report,
                "features_requested": self.measure}

    def _look(self, place: int) -> None:
        if self.session.is_empty or place < 0:
            return
        part = self.part(TABS[place])
        if place in self._stale:
            self._stale.discard(place)
            part.restyle()

    def _redraw(self) -> None:
        self._stale = set(range(len(TABS)))
        self.head.restyle()
        self._look(self.tabs.currentIndex())

    def restyle(self) -> None:
        """Follow another theme."""
        if not self.session.is_empty:
            self.choice.restyle()
            self._show_cautions()
            self._redraw()

    # Ways out

    def open_case(self, files: Mapping[str, Any]) -> None:
        """Show a case in the viewer."""
        self._reading.add([dict(files)])
        self.case_opened.emit()

    def measure(self, files: Mapping[str, Any]) -> None:
        """Measure a case as the saved model does."""
        self.desk.measure(files, str(self.session.results.raw["name"]))

    def _tell_unknown(self, case: str) -> None:
        self.notice(Failure("input", f"The images of {case} are not known on this computer.",
                            "They are known for models trained here from cases with images."))

    def ask_report(self, kind: str) -> None:
        """Ask where the report shall go."""
        from app.ui.saving import ask_save

        hidden = self._reading.state[SETTING]
        name = "results" if hidden else self.session.results.raw.get("name") or "results"
        ask_save(self, "Report", str(Path.home() / f"{name}.{kind}"), f"Report (*.{kind})",
                 self.desk.write_report)

    def notice(self, failure: Failure) -> None:
        """Say what could not be done, above the page."""
        card = FailureCard(words_for(failure, "reading the results"), retry=False)
        card.closed.connect(lambda: self.notices.drop(failure.message))
        self.notices.put(failure.message, card)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Welcome the result of an external test."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Read the result of an external test."""
        event.acceptProposedAction()
        self.show_external(_dropped(event))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep notices to a part of the room."""
        super().resizeEvent(event)
        if self._is_made:
            self.notices.limit(event.size().height())


def _dropped(event: QDropEvent) -> str:
    """Path of the one JSON file that is dropped; '' for anything else."""
    paths = [url.toLocalFile() for url in event.mimeData().urls()]
    return paths[0] if len(paths) == 1 and paths[0].lower().endswith(".json") else ""

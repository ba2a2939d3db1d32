"""The main window: pages along the top, the progress line at the bottom, and a place to drop anything anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.requests import CaseFiles
from app.core.store import Store
from app.ui.case_files import identity_of
from app.ui.crossings import join_results, join_training
from app.ui.exporting import Exporting
from app.ui.helping import Helping
from app.ui.jobs import Jobs
from app.ui.pages.about import about_html, show_page
from app.ui.pages.cohort import CohortPage
from app.ui.pages.library import LibraryPage
from app.ui.pages.results import ResultsPage
from app.ui.pages.score import ScorePage
from app.ui.pages.settings import SettingsPage
from app.ui.pages.train import TrainPage
from app.ui.reading import Reading
from app.ui.state import SessionState
from app.ui.theme import set_theme, style_sheet, tabular_font, theme
from app.ui.waiting import Waiting
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.progress_line import ProgressLine

FIRST_SIZE = QSize(1360, 860)
PAGES = ("Score", "Cohort", "Train", "Results", "Library", "Settings")


class MainWindow(QMainWindow):
    """One window, one session.

    Parameters
    ----------
    store : Store
        What the program remembers.
    jobs : Jobs, optional
        What runs workflows; by default its own, over the store.

    Signals
    -------
    painted()
        The window has been seen; engines may start.
    """

    painted = Signal()

    def __init__(self, store: Store, jobs: Jobs | None = None) -> None:
        super().__init__()
        self.state = SessionState(store, self)
        self.jobs = jobs if jobs is not None else Jobs(store, self)
        self._restyle(self.state["theme"])
        self.reading = Reading(self.state, self.jobs, self)
        self.keymap = Keymap.from_json(self.state["keymap"] or {"profile": self.state["mouse_profile"]})
        self.helping = Helping(self.keymap, self)
        self.setWindowTitle("LipoScope")
        self.setAcceptDrops(True)
        self.line = ProgressLine()
        self.score_page = ScorePage(self.reading, self.keymap)
        self.cohort_page, self.train_page = CohortPage(self.reading), TrainPage(self.reading)
        self.results_page = ResultsPage(self.reading)
        self.library_page, self.settings_page = LibraryPage(self.reading), SettingsPage(self.state, self.keymap)
        self.exporting = Exporting(self.reading, self.score_page.viewer, self)
        self.waiting = Waiting(self.jobs, self.reading.scoring, self.line, self)
        self.pages = QStackedWidget()
        for page in (self.score_page, self.cohort_page, self.train_page, self.results_page, self.library_page,
                     self.settings_page):
            self.pages.addWidget(page)
        self._seen = self._closed = False
        self._recent: list[CaseFiles] = []
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._build_top())
        column.addWidget(self.pages, 1)
        column.addWidget(self.line)
        self.setCentralWidget(middle)
        self._build_actions()
        self.score_page.drop_zone.primary.setFocus()
        self._bind()
        self._show_recent(store.recent_cases(5))
        geometry = self.state["geometry"]
        if not (geometry and self.restoreGeometry(QByteArray.fromBase64(geometry.encode()))):
            self.resize(FIRST_SIZE.boundedTo(self.screen().availableSize()))

    def _build_top(self) -> QWidget:
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(4)
        name = QLabel("LipoScope")
        name.setProperty("role", "title")
        row.addWidget(name)
        row.addSpacing(16)
        self.tabs = QButtonGroup(self)
        for number, title in enumerate(PAGES):
            button = QPushButton(title)
            button.setProperty("role", "nav")
            button.setCheckable(True)
            button.setChecked(number == 0)
            self.tabs.addButton(button, number)
            row.addWidget(button)
        row.addStretch(1)
        self.engine = QLabel("engine: not started")
        self.engine.setProperty("role", "dim")
        self.help_button, self.menu_button = QPushButton("?"), QPushButton("Menu")
        self.help_button.setAccessibleName("Guide")
        self.help_button.setToolTip("Guide to what is on screen (F1)")
        row.addWidget(self.engine)
        row.addSpacing(8)
        row.addWidget(self.help_button)
        row.addWidget(self.menu_button)
        return top

    def _build_actions(self) -> None:
        menu = QMenu(self.menu_button)
        keys = QKeySequence.StandardKey
        for title, shortcut, do in (
                ("Open files…", keys.Open, self.ask_files), ("Open a folder…", "Ctrl+Shift+O", self.ask_folder),
                ("Open the demo case", "", self.reading.open_demo), ("", "", None),
                ("Choose the sequences…", "", self.reading.ask_sequences),
                ("Score all again with this model", "", self.reading.score_all),
                ("Undo", keys.Undo, self.undo),
                ("Bias correction (N4)…", "", self.score_page.steering.open),
                ("Copy the whole finding", "Ctrl+Shift+C", self.score_page.result.panel.copy_sentence),
                ("Save the picture…", "", lambda: self.exporting.ask("png")), ("", "", None),
                ("Fold the worklist", "F7", lambda: self.score_page.fold("worklist")),
                ("Fold the result", "F8", lambda: self.score_page.fold("result")),
                ("Full screen", "F11", self._toggle_full_screen), ("", "", None),
                *((page, f"Ctrl+{place + 1}", lambda place=place: self.show_page(place))
                  for place, page in enumerate(PAGES)), ("", "", None),
                ("Guide", "F1", self.show_help), ("Map of keys", "Shift+F1", self.helping.show_keys),
                ("About LipoScope", "", self.show_about),
                ("Quit", keys.Quit, self.close)):
            if do is None:
                menu.addSeparator()
                continue
            action = QAction(title, self)
            if shortcut:
                action.setShortcut(QKeySequence(shortcut))
            action.triggered.connect(lambda _checked=False, do=do: do())
            menu.addAction(action)
            self.addAction(action)
        self.menu_button.setMenu(menu)
        stop = QAction("Stop", self)
        stop.setShortcut(QKeySequence(Qt.Key.Key_Escape))
        stop.triggered.connect(self._escape)
        self.addAction(stop)
        self.settings_page.keys.reserve({action.shortcut().toString(): action.text() for action in self.actions()
                                         if not action.shortcut().isEmpty()})

    def _bind(self) -> None:
        self.tabs.idClicked.connect(self.show_page)
        self.help_button.clicked.connect(self.show_help)
        self.score_page.result.panel.cautions.explained.connect(self.helping.explain)
        self.score_page.result.panel.attention.explained.connect(lambda: self.helping.show("networks", "map"))
        self.score_page.open_requested.connect(self.ask_files)
        self.score_page.drop_zone.case_requested.connect(self._open_recent)
        self.score_page.drop_zone.worklist_requested.connect(self._continue_worklist)
        self.score_page.result.export_requested.connect(self.exporting.ask)
        self.score_page.viewer.action_requested.connect(self._do)
        self.cohort_page.case_opened.connect(lambda: self.show_page(0))
        join_training(self.train_page, self.score_page, self.reading, self.show_named)
        join_results(self.results_page, self.train_page, self.library_page, self.reading, self.show_named)
        self.settings_page.keys_requested.connect(self.helping.show_keys)
        self.settings_page.about_requested.connect(self.show_about)
        self.line.cancel_requested.connect(self.stop)
        self.reading.said.connect(self.line.say)
        self.reading.pictured.connect(lambda _view: self.jobs.warm_up("score"), Qt.ConnectionType.SingleShotConnection)
        self.exporting.said.connect(self.line.say)
        self.exporting.failed.connect(self.score_page.notice)
        self.reading.scoring.models_listed.connect(self.library_page.show_models)
        self.reading.scoring.models_listed.connect(self.settings_page.offer_models)
        for page in (self.results_page, self.library_page):
            page.said.connect(self.line.say)
        self.jobs.started.connect(lambda *_: self.engine.setText("engine: working"))
        self.jobs.idle.connect(lambda _lane: self.engine.setText("engine: working" if self.jobs.live_jobs()
                                                                 else "engine: idle"))
        self.state.changed.connect(self._take_setting)
        self.painted.connect(self._start_engines)

    # Life

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        """Start the engines once the window can be seen."""
        super().showEvent(event)
        if not self._seen:
            self._seen = True
            QTimer.singleShot(30, self.painted.emit)  # the first paint comes before the first process

    def _start_engines(self) -> None:
        if self._closed:
            return
        self.jobs.warm_up("view")
        self.reading.scoring.list_models()
        self.reading.restore()
        self.state.sweep()
        if self.state.store.notice:
            self.line.say(self.state.store.notice, 30)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Remember the room, stop the engines, delete what was only for the screen."""
        super().closeEvent(event)
        if self._closed:
            return
        self._closed = True
        self.score_page.save_sizes()
        self.state.choose("geometry", bytes(self.saveGeometry().toBase64().data()).decode())
        self.score_page.viewer.clear()
        self.jobs.shutdown()
        self.state.close()
        self.state.store.close()

    # Files

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Welcome files."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            self._glow(on=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Calm down."""
        self._glow(on=False)
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Take files and folders, wherever they fall."""
        self._glow(on=False)
        event.acceptProposedAction()
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        page = self.pages.currentWidget()
        if isinstance(page, (CohortPage, TrainPage)) and paths:
            page.take(paths)
        else:
            self.open(paths)

    def _glow(self, *, on: bool) -> None:
        for target in (self.score_page.drop_zone, self.cohort_page, self.train_page):
            target.glow(on=on)

    def open(self, paths: Sequence[str]) -> None:
        """Take in files and folders."""
        if paths:
            self.show_page(0)
            self.state.choose("folder", str(Path(paths[0]).parent))
            self.reading.drop(paths)

    def ask_files(self) -> None:
        """Let the reader choose files."""
        self._ask(QFileDialog.FileMode.ExistingFiles, "Open an image and its outline, or a table of cases")

    def ask_folder(self) -> None:
        """Let the reader choose a folder."""
        self._ask(QFileDialog.FileMode.Directory, "Open a folder")

    def _ask(self, mode: QFileDialog.FileMode, title: str) -> None:
        dialog = QFileDialog(self, title, self.state["folder"])
        dialog.setFileMode(mode)
        dialog.filesSelected.connect(self.open)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _show_recent(self, recent: Sequence[CaseFiles]) -> None:
        self._recent = list(recent)
        self.score_page.drop_zone.show_last([(str(row), case.id) for row, case in enumerate(self._recent)])

    def _open_recent(self, row: str) -> None:
        files = self._recent[int(row)].model_dump(mode="json")
        self.reading.add([files])

    def _continue_worklist(self) -> None:
        """Show the worklist at the case that was opened last, or at its first."""
        keys = {identity_of(entry.files): entry.key for entry in reversed(self.reading.worklist.entries())}
        opened = (keys.get(identity_of(case.model_dump(mode="json"))) for case in self._recent)
        self.reading.choose(next((key for key in opened if key), "") or self.reading.worklist.entries()[0].key)

    # Commands

    def show_page(self, number: int) -> None:
        """Go to one of the `PAGES`, by its place."""
        self.pages.setCurrentIndex(number)
        self.tabs.button(number).setChecked(True)

    def show_named(self, title: str) -> None:
        """Go to one of the `PAGES`, by its title."""
        self.show_page(PAGES.index(title))

    def stop(self, *, training: bool = True) -> None:
        """Stop what is being waited for; a cancelled thing leaves no trace. Hours of training end by a button only."""
        self.results_page.desk.stop()
        self.score_page.attention.stop()
        if self.waiting.lane == "view":
            self.reading.viewing.cancel()
            self.score_page.steering.page.preview.stop()
        elif self.waiting.lane or self.reading.scoring.waiting:
            self.reading.scoring.cancel_all()
            held = not training and self.train_page.training is not None and self.train_page.training.is_running
            for job in () if held else self.jobs.live_jobs("train"):
                self.jobs.cancel(job.id)
            if held:
                self.line.say("The training goes on. Pause or cancel it with its buttons.")

    def undo(self) -> None:
        """Take back what was done last, where the reader is."""
        steering = self.score_page.steering
        page = self.pages.currentWidget()
        if isinstance(page, (CohortPage, TrainPage, LibraryPage)):
            if not page.undo():
                self.line.say("There is nothing to undo.")
        elif not (steering.is_on and steering.page.undo()):
            self.reading.undo()

    def _escape(self) -> None:
        if self.pages.currentWidget() is not self.score_page or not self.score_page.steering.escape():
            self.stop(training=False)

    def show_help(self) -> None:
        """Open the guide at what is on screen."""
        self.helping.show_place(self.tabs.checkedButton().text(), self.pages.currentWidget())

    def show_about(self) -> None:
        """Show version and parts."""
        show_page("About LipoScope", about_html(), (520, 560), self)

    def _toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def _do(self, action: str) -> None:
        done = {"previous_case": lambda: self.score_page.worklist.step(-1), "undo": self.undo,
                "next_case": lambda: self.score_page.worklist.step(1), "help": self.show_help,
                "save_picture": lambda: self.exporting.ask("png"),
                "bias": self.score_page.steering.open, "attention": self.score_page.attention.toggle}.get(action)
        if done is not None:
            done()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Give the picture the keys that nothing else wanted."""
        if self.pages.currentWidget() is self.score_page and self.score_page.steering.handle_key(event):
            return
        super().keyPressEvent(event)

    def _take_setting(self, name: str, value: Any) -> None:
        if name == "theme":
            self._restyle(value)
            self.score_page.refresh()
            self.cohort_page.restyle()
            self.train_page.restyle()
            self.results_page.restyle()
            self.helping.restyle()
            self.update()
        elif name == "prep":
            self.score_page.bar.choose_preparation(value)
        elif name == "text_overlays":
            self.score_page.viewer.state.set_text_mode(value)
        elif name in ("model", "error_rate", "prevalence"):
            self.score_page.follow_choices()

    def _restyle(self, name: str) -> None:
        colours = set_theme(name)
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setFont(tabular_font(theme().normal_px))
        self.setStyleSheet(style_sheet(colours))


"""The bias-correction page: settings at the left, original, corrected and field beside them, what it did below."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import AppError, Failure
from app.core.files import write_atomically
from app.core.recipe import N4Recipe
from app.ui.bias_cohort import BiasCohort
from app.ui.bias_preview import BiasPreview
from app.ui.bias_settings import read_settings
from app.ui.messages import words_for
from app.ui.reading import Reading
from app.ui.widgets.bias_controls import BiasControls
from app.ui.widgets.bias_figures import BiasFigures, BiasHistogram
from app.ui.widgets.brush_bar import BrushBar
from app.ui.widgets.compare_view import CompareView
from app.ui.widgets.copy_label import CopyLabel
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.region_brush import RegionBrush
from app.ui.widgets.view_case import PLANES, Point, ViewCase, ViewImage, open_image
from app.ui.widgets.window_level import Window

_PAUSE_MS = 700
_KEPT = 100


class BiasPage(QWidget):
    """Steers the correction of one image of the case on screen.

    Signals
    -------
    closed()
        Back to the viewer.
    action_requested(str)
        'previous_case', 'next_case', 'undo' or 'help'.
    """

    closed = Signal()
    action_requested = Signal(str)

    def __init__(self, reading: Reading, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = reading
        self.preview = BiasPreview(reading.jobs, reading.state, self)
        self.cohort = BiasCohort(reading, self)
        self.controls, self.compare = BiasControls(), CompareView(keymap)
        self.figures, self.histogram = BiasFigures(), BiasHistogram()
        self.brush = RegionBrush((self.compare.panes["original"], self.compare.panes["corrected"]), self)
        self.brush_bar = BrushBar(self.brush)
        self.key, self._image, self._view = "", None, {}
        self._former: tuple[N4Recipe, str] = (self.controls.settings, "")
        self._history: list[Callable[[], object]] = []
        self._undoing = False
        self._burst = QTimer(self)  # one drag of a slider is one step back
        self._burst.setSingleShot(True)
        self._touched: set[str] = set()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._build_top())
        below = QHBoxLayout()
        below.setSpacing(0)
        below.addWidget(self.controls)
        below.addLayout(self._build_centre(), 1)
        layout.addLayout(below, 1)
        self._bind()

    def _build_top(self) -> QWidget:
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(12, 6, 12, 6)
        row.setSpacing(8)
        title = QLabel("Bias correction (N4)")
        title.setProperty("role", "title")
        self.title = CopyLabel(role="dim")
        self.title.setMinimumWidth(24)
        row.addWidget(title)
        row.addWidget(self.title)
        row.addStretch(1)
        self.planes = QButtonGroup(self)
        for number, plane in enumerate(PLANES.values()):
            button = QPushButton(plane.title)
            button.setProperty("role", "nav")
            button.setCheckable(True)
            self.planes.addButton(button, number)
            row.addWidget(button)
        row.addSpacing(16)
        self.apply_all, self.apply_one = QPushButton("Apply to the worklist…"), QPushButton("Apply to this case")
        self.apply_all.setToolTip("Correct every case of the worklist with these settings, into a new folder of NIfTI")
        self.apply_one.setToolTip("Show this case corrected like this from now on; B compares")
        self.apply_one.setProperty("role", "primary")
        self.leave = QPushButton("Close")
        self.leave.setToolTip("Back to the case (Esc)")
        for button in (self.apply_all, self.apply_one, self.leave):
            row.addWidget(button)
        return top

    def _build_centre(self) -> QVBoxLayout:
        low = QWidget()
        low.setFixedHeight(216)
        row = QHBoxLayout(low)
        row.setContentsMargins(12, 8, 0, 0)
        row.setSpacing(12)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.brush_bar)
        scroll = QScrollArea()
        scroll.setWidget(self.figures)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        words.addWidget(scroll, 1)
        row.addLayout(words, 2)
        row.addWidget(self.histogram, 3)
        centre = QVBoxLayout()
        centre.setSpacing(0)
        centre.addWidget(self.compare, 1)
        centre.addWidget(low)
        return centre

    def _bind(self) -> None:
        controls = self.controls
        controls.changed.connect(self._take_change)
        controls.preview_requested.connect(self._try)
        controls.stop_requested.connect(self.stop)
        controls.own_requested.connect(lambda: self._ask_file("Where the field is estimated", self.take_own))
        controls.load_requested.connect(lambda: self._ask_file("Settings", self.load, "Recipe (*.json)"))
        controls.save_requested.connect(self._ask_save)
        self.planes.idClicked.connect(lambda number: self.compare.set_plane(list(PLANES)[number]))
        self.compare.plane_changed.connect(lambda name: self.planes.button(list(PLANES).index(name)).setChecked(True))
        self.brush.painted.connect(self._take_stroke)
        self.preview.previewed.connect(self._show)
        self.preview.measured.connect(self._measured)
        self.preview.outlined.connect(lambda result: self.compare.show_original(self._original(result)))
        self.preview.failed.connect(self._fail)
        self.preview.working.connect(self._show_working)
        self.apply_one.clicked.connect(self.apply)
        self.apply_all.clicked.connect(lambda: self.cohort.ask(self.controls.settings, self))
        self.leave.clicked.connect(self.closed)

    # Coming and going

    def open(self, view: dict[str, Any], sequence: str, world: Point, window: Window | None) -> None:
        """Take up an image of the current case, with the settings it was given before, if any."""
        self.key, self._view = self._reading.current, view
        case = ViewCase.from_json(view)
        image = case.images[sequence]
        self._image = replace(image, after=None, mask=None)
        applied = self._reading.bias.of(self.key)
        settings = N4Recipe.parse(applied["settings"]) if applied else self.controls.settings
        self.controls.show_settings(settings, str(applied["mask"]) if applied else "")
        self._former, self._history = (self.controls.settings, self.controls.own), []
        self.title.setText(f"{case.id}, {sequence}" if len(case.images) > 1 else case.id)
        self.compare.show_image(case.id, self._image, world, window)
        shape = self._image.before.voxels.shape
        grid = self._image.before.grid
        order = grid.order
        self.brush.start(tuple(shape[order.index(axis)] for axis in range(3)), grid)  # type: ignore[arg-type]
        self.figures.clear()
        self.histogram.show_histograms(None)
        self.preview.begin(view["images"][sequence])
        self._caption(stale=True)
        self.compare.panes["original"].setFocus()
        if self.controls.is_live:
            self._try()
        else:
            self.preview.outline(*self._former)

    def follow(self, view: dict[str, Any]) -> None:
        """Go on with the same case, read again: its arrays lie elsewhere now."""
        if self._image is not None and self._image.name in view["images"]:
            self._view = view
            self.preview.move(view["images"][self._image.name])

    def close_case(self) -> None:
        """Let the case go."""
        self.preview.end()
        self.brush.set_mode("")
        self.compare.show_image("", None)
        self.key = ""

    # Settings

    def _take_change(self) -> None:
        now = (self.controls.settings, self.controls.own)
        if now == self._former:
            return
        before, after = self._former[0].model_dump(), now[0].model_dump()
        touched = {name for name in after if after[name] != before[name]}
        if not self._undoing and not (self._burst.isActive() and touched == self._touched):
            former = self._former
            self._remember(lambda: self._return_to(former))
        self._touched = touched
        self._burst.start(_PAUSE_MS)
        self._former = now
        self._caption(stale=True)
        if self.controls.is_live:
            self._try()
        else:
            self.preview.stop()
            self.preview.outline(*now)

    def _return_to(self, former: tuple[N4Recipe, str]) -> None:
        self.controls.show_settings(*former)
        self._take_change()

    def _try(self) -> None:
        self.preview.ask(self.controls.settings, self.controls.own)

    def take_own(self, path: str) -> None:
        """Estimate the field within an outline file."""
        self.controls.choose_own(path)

    def load(self, path: str) -> None:
        """Take settings from a JSON file."""
        try:
            self.controls.choose(read_settings(Path(path)))
        except AppError as error:
            self._reading.noticed.emit(Failure("input", error.message, error.remedy))

    def save(self, path: str) -> None:
        """Keep the settings as JSON."""
        text = json.dumps(self.controls.settings.model_dump(mode="json"), indent=2)
        self._reading.state.in_background(lambda: write_atomically(Path(path), text.encode()),
                                          lambda _done: self._reading.said.emit(f"Written: {path}"))

    def apply(self) -> None:
        """Give the case these settings and go back to the viewer, which shows it corrected."""
        settings, own = self.controls.settings, self.controls.own
        self.closed.emit()
        self._reading.apply_bias(settings, own)

    # What the engine answers

    def _show(self, settings: N4Recipe, result: dict[str, Any]) -> None:
        if self._image is None:
            return
        entry = self._view["images"][self._image.name]
        images: dict[str, ViewImage] = {}
        for name in ("corrected", "field"):
            window = result["field_window"] if name == "field" else entry["window"]
            made = {**entry, "array": result[name], "window": window, "prepared": None, "mask": None}
            images[name] = open_image(self._image.name, made)
        self.compare.show_result(self._original(result), images["corrected"], images["field"], result["scale"])
        self.figures.show_result(result)
        self.histogram.show_histograms(result["histogram"])
        self._caption(stale=settings != self.controls.settings)

    def _original(self, result: dict[str, Any]) -> ViewImage:
        name = next(iter(self._view["images"])) if self._image is None else self._image.name
        return open_image(name, {**self._view["images"][name], "prepared": None, "mask": result["mask"]})

    def _measured(self, _result: dict[str, Any]) -> None:
        if self.preview.result is not None:
            self.figures.show_result(self.preview.result)
            self.histogram.show_histograms(self.preview.result["histogram"])

    def _fail(self, failure: Failure) -> None:
        message = words_for(failure, "correcting the bias field")
        self.figures.clear(f"{message.sentence} {message.remedy}")
        self.histogram.show_histograms(None)

    def _show_working(self, working: bool) -> None:
        self.controls.show_working(working)

    def _caption(self, *, stale: bool) -> None:
        words = "" if not stale else ": being made" if self.controls.is_live else ": press Preview"
        for name in ("corrected", "field"):
            self.compare.restyle(name, stale=stale, words=words)

    # The brush

    def _take_stroke(self) -> None:
        if not self._undoing:
            self._burst.stop()
            self._remember(self.brush.undo)
        self.preview.measure(self.brush.region if self.brush.voxels else None)

    # Undo, keys, files

    def _remember(self, back: Callable[[], object]) -> None:
        self._history = [*self._history[-_KEPT + 1:], back]

    def undo(self) -> bool:
        """Take back the last change, stroke or application; False when there is none."""
        if not self._history:
            return False
        self._undoing = True
        try:
            self._history.pop()()
        finally:
            self._undoing = False
            self._burst.stop()
        return True

    def stop(self) -> bool:
        """Call off a slow preview; False when none runs."""
        return not self.controls.is_live and self.preview.stop()

    def handle_key(self, event: QKeyEvent) -> bool:
        """Do what a key that nothing else wanted means here."""
        action = self.compare.keymap.action(event)
        if action in ("previous_case", "next_case", "undo", "help"):
            self.action_requested.emit(action)
            return True
        mode = {"P": "paint", "E": "erase"}.get(event.text().upper())
        if mode and not event.modifiers():
            self.brush.set_mode("" if self.brush.mode == mode else mode)
            return True
        return self.compare.handle_key(event)

    def _ask_file(self, title: str, take: Callable[[str], None], kinds: str = "") -> None:
        dialog = QFileDialog(self, title, self._reading.state["folder"], kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(take)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _ask_save(self) -> None:
        dialog = QFileDialog(self, "Save the settings", self._reading.state["folder"], "Recipe (*.json)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile("n4.json")
        dialog.fileSelected.connect(self.save)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

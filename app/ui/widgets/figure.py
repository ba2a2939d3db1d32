"""A figure to be read, exported and copied: plot, readout, caption; on paper it is always drawn in the light theme."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyqtgraph as pg
from PySide6.QtCore import QBuffer, QEvent, QObject, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QGuiApplication, QImage, QKeyEvent, QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.core.errors import Failure
from app.ui.saving import ask_save, write_text
from app.ui.theme import set_theme, tabular_font, theme
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.curve_style import set_ink
from app.ui.widgets.plot_style import make_plot, style_plot

KINDS = {"png": "Picture (*.png)", "svg": "Drawing (*.svg)", "csv": "Table (*.csv)"}
_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, 1), Qt.Key.Key_Down: (0, -1)}
_STEPS = 40
PAPER_WIDTH = 1800  # pixels of an exported picture: 15 cm at 300 dots per inch
_LEAST, _AXIS, _LEGEND = 200, 16, 400
_SQUARE, _WIDE = QSize(600, 584), QSize(900, 420)


class Figure(QWidget):
    """One plot. Subclasses draw it, give its numbers and say what lies under the mouse.

    Parameters
    ----------
    name : str
        For screen readers and file names.
    caption : str
        What it shows, and how it was made.
    how : str
        What the readout says while nothing is under the mouse.
    square : bool
        Whether both axes are alike.

    Signals
    -------
    said(str)
        Where a file was written.
    failed(Failure)
        Why it was not.
    """

    said = Signal(str)
    failed = Signal(object)

    def __init__(self, name: str, caption: str, how: str = "Hover for values, or press the arrow keys.", *,
                 square: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.name, self._how = name, how
        self.plot = make_plot(name)
        self.plot.setMenuEnabled(False)
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.installEventFilter(self)
        self.readout, self.caption = ElidedLabel(how, "dim"), wrapped(caption, "dim")
        self.readout.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.export, self.menu = QPushButton("Export"), QMenu(self)
        for kind in KINDS:
            self.menu.addAction(f"{'Numbers' if kind == 'csv' else 'Figure'}, {kind.upper()}…",
                                lambda kind=kind: self.ask(kind))
        self.menu.addSeparator()
        self.menu.addAction("Copy the figure", self.copy_picture)
        self.menu.addAction("Copy its numbers", self.copy_numbers)
        self.export.setMenu(self.menu)
        self.export.setAccessibleName(f"Export: {name}")
        head = QHBoxLayout()
        head.addWidget(self.readout)
        head.addStretch(1)
        head.addWidget(self.export)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(6)
        self.column.addLayout(head)
        self.column.addWidget(self.plot, 1)
        self.column.addWidget(self.caption)
        self.plot.scene().sigMouseMoved.connect(self._hover)
        self.plot.setMouseEnabled(x=False, y=False)
        self._is_square, self._is_paper = square, False
        self._spot: QPointF | None = None
        self._rows = 0
        if square:
            self.plot.setAspectLocked(True)
            self.plot.setMinimumSize(_LEAST, _LEAST)

    # What subclasses say

    def draw(self) -> None:
        """Draw everything anew on an empty plot."""
        raise NotImplementedError

    def numbers(self) -> list[Sequence[Any]]:
        """Return the figure's numbers, a heading first."""
        raise NotImplementedError

    def words_at(self, x: float, y: float) -> str:
        """Say what lies at a place of the plot."""
        raise NotImplementedError

    # What they share

    def restyle(self) -> None:
        """Draw in the theme's colours."""
        self.plot.clear()
        style_plot(self.plot)
        self.plot.setAccessibleDescription(self.caption.text())
        self._show_focus(on=self.plot.hasFocus() and not self._is_paper)
        self.draw()
        if self._is_square:
            self._fit_legend()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep a square plot square; show where the keys go; read values by the arrow keys."""
        if event.type() in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self._show_focus(on=event.type() == QEvent.Type.FocusIn)
        if event.type() == QEvent.Type.Resize and self._is_square and not self._is_paper:
            self.plot.setMaximumWidth(self.plot.height() + _AXIS)
            self._fit_legend()
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and event.key() in _ARROWS:
            self._step(*_ARROWS[Qt.Key(event.key())])
            return True
        return False

    def _show_focus(self, *, on: bool) -> None:
        """Frame what is drawn; a frame around the widget would take room from its axes."""
        self.plot.getViewBox().setBorder(pg.mkPen(theme().accent, width=2) if on else None)

    def _step(self, right: int, up: int) -> None:
        """Look a little further on; on a plot of rows at the next row."""
        view = self.plot.getViewBox().viewRect()
        spot = self._spot or QPointF(view.center().x(), self._rows if up < 0 else view.center().y())
        high = 1.0 if self._rows else view.height() / _STEPS
        x = min(max(spot.x() + right * view.width() / _STEPS, view.left()), view.right())
        y = spot.y() + up * high
        y = min(max(round(y), 0), self._rows - 1) if self._rows else min(max(y, view.top()), view.bottom())
        self._spot = QPointF(x, y)
        self.readout.setText(self.words_at(x, y) or self._how)

    def _fit_legend(self) -> None:
        """Leave a small plot to its curves; what they are stands beside it too."""
        legend = self.plot.getPlotItem().legend
        if legend is not None:
            legend.setVisible(self._is_paper or self.plot.width() >= _LEGEND)

    def name_rows(self, side: str, names: Sequence[str]) -> None:
        """Name rows 0, 1, 2 ... on an axis of their own width, which pyqtgraph learns only after painting."""
        self._rows, self._spot = len(names), None
        self.plot.showAxis(side)
        axis = self.plot.getAxis(side)
        font = tabular_font(theme().small_px)
        axis.setTicks([list(enumerate(names))])
        axis.setTickFont(font)
        axis.setStyle(tickLength=0)
        axis.setPen(theme().line)
        axis.setTextPen(theme().text)
        axis.setWidth(max((QFontMetrics(font).horizontalAdvance(name) for name in names), default=0) + _AXIS)

    def text(self, separator: str = ",") -> str:
        """Write the numbers as a table."""
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator, lineterminator="\n")
        writer.writerows([["" if cell is None or cell != cell else cell for cell in row] for row in self.numbers()])
        return out.getvalue()

    def ask(self, kind: str) -> None:
        """Ask where the figure shall go."""
        file = f"{self.name.casefold().replace(' ', '-')}.{kind}"
        ask_save(self, f"Export: {self.name}", str(Path.home() / file), KINDS[kind], self.write)

    def write(self, path: str) -> None:
        """Write the figure, or its numbers, by the ending of the name."""
        kind = Path(path).suffix.lower().removeprefix(".")
        failure = write_text(path, self.text()) if kind == "csv" else self._write_picture(path, kind)
        if failure is not None:
            self.failed.emit(failure)
        else:
            self.said.emit(f"Written: {path}")

    def copy_picture(self) -> None:
        """Put the figure on the clipboard, as on paper."""
        QGuiApplication.clipboard().setImage(self.picture())
        self.said.emit(f"Copied: {self.name}")

    def copy_numbers(self) -> None:
        """Put the numbers on the clipboard."""
        QGuiApplication.clipboard().setText(self.text("\t"))
        self.said.emit(f"Copied: the numbers of {self.name}")

    def picture(self) -> QImage:
        """Draw the figure as on paper."""
        sharpness = PAPER_WIDTH / (_SQUARE if self._is_square else _WIDE).width()
        with self._on_paper(sharpness):
            image = QImage(self.plot.size() * sharpness, QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(sharpness)
            image.fill(Qt.GlobalColor.white)
            painter = QPainter(image)
            self.plot.render(painter, QRectF(self.plot.rect()), self.plot.rect())
            painter.end()
        return image

    def _write_picture(self, path: str, kind: str) -> Failure | None:
        if kind == "svg":
            return write_text(path, self.drawing())
        if self.picture().save(path):
            return None
        return Failure("input", f"{Path(path).name} could not be written.", "Choose a folder that can be written.")

    def drawing(self) -> str:
        """Draw the figure as on paper, as SVG (pyqtgraph's own exporter fails on closed shapes)."""
        room, sheet = QBuffer(), QSvgGenerator()
        room.open(QBuffer.OpenModeFlag.WriteOnly)
        sheet.setOutputDevice(room)
        sheet.setResolution(self.plot.logicalDpiX())  # else what was drawn before is scaled
        sheet.setTitle(self.name)
        sheet.setDescription(self.caption.text())
        with self._on_paper():
            sheet.setSize(self.plot.size())
            sheet.setViewBox(self.plot.rect())
            painter = QPainter(sheet)
            self.plot.render(painter, QRectF(self.plot.rect()), self.plot.rect())
            painter.end()
        return bytes(room.data().data()).decode()

    @contextmanager
    def _on_paper(self, sharpness: float = 1.0) -> Iterator[None]:
        """Draw light and at a size of its own for the length of an export; Qt does not scale these pens by itself."""
        before, size, most = theme().name, self.plot.size(), self.plot.maximumWidth()
        set_theme("light")
        set_ink(sharpness)
        self._is_paper = True
        self._resize(_SQUARE if self._is_square else QSize(_WIDE.width(), max(size.height(), _WIDE.height())),
                     _SQUARE.width() if self._is_square else most)
        try:
            yield
        finally:
            set_theme(before)
            set_ink(1.0)
            self._is_paper = False
            self._resize(size, most)

    def _resize(self, size: QSize, most: int) -> None:
        self.plot.setMaximumWidth(most)
        self.plot.resize(size)
        self.plot.resizeEvent(None)  # an event comes too late for a drawing made now
        self.restyle()

    def _hover(self, spot: QPointF) -> None:
        box = self.plot.getViewBox()
        inside = box.sceneBoundingRect().contains(spot)
        place = box.mapSceneToView(spot)
        self.readout.setText((self.words_at(place.x(), place.y()) if inside else "") or self._how)

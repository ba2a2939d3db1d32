"""A picture as a network gets it, with variants beside it and the outline; another case, other variants on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.ui.messages import words_for
from app.ui.picture_preview import PicturePreview
from app.ui.theme import theme
from app.ui.widgets.contour import edge_path
from app.ui.widgets.copy_label import ElidedLabel, wrapped

SIDE = 96
_TEXT = 24


class PictureStrip(QWidget):
    """Follows a preview.

    Parameters
    ----------
    preview : PicturePreview
        Answers what is asked.
    """

    def __init__(self, preview: PicturePreview, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview = preview
        self._found: dict[str, Any] = {}
        self.list, self.said, self.problem = QListWidget(), ElidedLabel(role="dim"), wrapped(role="warning")
        self.case, self.others = QPushButton("Another case"), QPushButton("Other variants")
        self.outline = QCheckBox("Outline")
        self.outline.setChecked(True)
        self.outline.setToolTip("Draw where the tumour is; the network sees it only where that is a setting")
        self.case.setToolTip("Show the next case of your table")
        self.others.setToolTip("Draw the variants anew, as training does for each epoch")
        self.list.setAccessibleName("The picture and its variants")
        self.list.setViewMode(QListView.ViewMode.IconMode)
        self.list.setMovement(QListView.Movement.Static)
        self.list.setResizeMode(QListView.ResizeMode.Adjust)
        self.list.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.list.setIconSize(QSize(SIDE, SIDE))
        self.list.setGridSize(QSize(SIDE + 10, SIDE + _TEXT))
        self.list.setUniformItemSizes(True)
        self.list.setStyleSheet("QListWidget::item { padding: 0; border: 0; }")
        self.list.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row, column = QHBoxLayout(), QVBoxLayout(self)
        row.setSpacing(8)
        row.addWidget(self.said)
        row.addStretch(1)
        row.addWidget(self.outline)
        row.addWidget(self.case)
        row.addWidget(self.others)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.list)
        column.addWidget(self.problem)
        self.problem.hide()
        self.case.clicked.connect(preview.next_case)
        self.others.clicked.connect(preview.vary)
        self.outline.toggled.connect(lambda _on: self._draw())
        preview.shown.connect(self._show)
        preview.failed.connect(self._fail)
        preview.working.connect(self._wait)
        self._wait(working=preview.is_working)
        self._fit()

    @property
    def count(self) -> int:
        """How many pictures are shown, the one that is not varied included."""
        return self.list.count()

    def _wait(self, working: bool) -> None:
        if working and not self._found:
            self.said.setText("A case is being prepared.")
        elif self._found:
            self.said.setText(f"{_told(self._found)}{' Being drawn anew.' if working else ''}")

    def _show(self, found: dict[str, Any]) -> None:
        self._found = found
        self.problem.hide()
        self.list.show()
        self.others.setEnabled(bool(found["varied"]))
        self.said.setText(_told(found))
        self._draw()

    def _fail(self, failure: Failure) -> None:
        words = words_for(failure)
        self.problem.setText(f"{words.sentence} {words.remedy}".strip())
        self.problem.show()
        self.list.hide()
        self.said.setText("")
        self._found = {}

    def _draw(self) -> None:
        self.list.clear()
        if not self._found:
            return
        low, high = self._found["window"]
        ratio = self.devicePixelRatioF()
        for place, (picture, outline) in enumerate(zip(self._found["pictures"], self._found["outlines"], strict=True)):
            shown = draw_picture(picture, outline if self.outline.isChecked() else None, (low, high), SIDE, ratio)
            icon = QIcon()
            for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected, QIcon.Mode.Disabled):
                icon.addPixmap(shown, mode)
            same = place > 0 and not self._found["varied"][place - 1]
            title = "As it is cut" if place == 0 else "Left as it is" if same else f"Variant {place}"
            item = QListWidgetItem(icon, title)
            item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter)
            self.list.addItem(item)
        self._fit()

    def resizeEvent(self, event: Any) -> None:  # noqa: N802
        """Keep room for all pictures."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        beside = max(1, (self.width() - 8) // (SIDE + 10))
        rows = -(-max(self.list.count(), 1) // beside)
        self.list.setFixedHeight(rows * (SIDE + _TEXT) + 8)


def draw_picture(picture: NDArray[np.float32], outline: NDArray[np.bool_] | None, window: tuple[float, float],
                 side: int, ratio: float = 1.0) -> QPixmap:
    """Draw a picture of a tumour.

    Parameters
    ----------
    picture : array of float32, shape (y, x)
    outline : array of bool, shape (y, x), or None
        Where the tumour is; drawn as a line.
    window : tuple of float
        Grey values that are black and white.
    side : int
        Of the square, pixels at 100 %.
    ratio : float
        Pixels of the screen for one of these.
    """
    low, high = window
    grey = np.ascontiguousarray(np.clip((picture - low) / (high - low), 0, 1) * 255, dtype=np.uint8)
    rows, columns = grey.shape
    image = QImage(grey.tobytes(), columns, rows, columns, QImage.Format.Format_Grayscale8)
    drawn = QPixmap(round(side * ratio), round(side * ratio))
    drawn.fill(QColor(theme().viewer))
    painter = QPainter(drawn)
    painter.setRenderHints(QPainter.RenderHint.SmoothPixmapTransform | QPainter.RenderHint.Antialiasing)
    painter.scale(drawn.width() / columns, drawn.height() / rows)
    painter.drawImage(0, 0, image)
    if outline is not None:
        pen = painter.pen()
        pen.setCosmetic(True)
        for colour, width in ((QColor(0, 0, 0, 160), 2.4), (QColor(theme().label_colour(1)), 1.2)):
            pen.setColor(colour)
            pen.setWidthF(width * ratio)
            painter.setPen(pen)
            painter.drawPath(edge_path(outline))
    painter.end()
    drawn.setDevicePixelRatio(ratio)
    return drawn


def _told(found: dict[str, Any]) -> str:
    count = int(found["count"])
    pictures = "one picture" if count == 1 else f"{count} pictures, the largest shown"
    return f"{found['case']} (case {int(found['place']) + 1} of {int(found['cases']):,}): {pictures}."

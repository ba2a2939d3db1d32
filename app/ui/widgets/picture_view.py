"""A picture from a file: fitted to its room, zoomed with the wheel or + and -, moved by dragging, fitted with 0."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPixmap, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsPixmapItem, QGraphicsScene, QGraphicsView, QWidget

from app.ui.theme import theme

STEP = 1.25
MOST = 12.0


class PictureView(QGraphicsView):
    """One picture, or a sentence in its place.

    Parameters
    ----------
    name : str
        For screen readers.
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setDragMode(QGraphicsView.DragMode.ScrollHandDrag)
        self.setTransformationAnchor(QGraphicsView.ViewportAnchor.AnchorUnderMouse)
        self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setToolTip("The wheel zooms, dragging moves, 0 fits")
        self.setMinimumSize(200, 160)
        self._item: QGraphicsPixmapItem | None = None
        self._fitted, self._sentence = True, ""
        self.restyle()

    @property
    def has_picture(self) -> bool:
        """Whether a picture is shown."""
        return self._item is not None

    @property
    def zoom(self) -> float:
        """Screen pixels per pixel of the picture."""
        return float(self.transform().m11())

    def show_picture(self, path: str, sentence: str = "") -> bool:
        """Show a file; where it cannot be read, or is '', show the sentence. Whether there is a picture."""
        self.scene().clear()
        self._item, self._sentence = None, sentence
        picture = QPixmap(path) if path else QPixmap()
        if not picture.isNull():
            self._item = self.scene().addPixmap(picture)
            self._item.setTransformationMode(Qt.TransformationMode.SmoothTransformation)
            self.scene().setSceneRect(self._item.boundingRect())
            self.fit()
        self.viewport().update()
        return self._item is not None

    def fit(self) -> None:
        """Fit the picture to the room, never larger than it is."""
        self._fitted = True
        self.resetTransform()
        if self._item is not None:
            size, room = self._item.boundingRect(), self.viewport().rect()
            share = min(room.width() / max(size.width(), 1), room.height() / max(size.height(), 1))
            self.scale(share, share)

    def zoom_by(self, factor: float) -> None:
        """Zoom around the mouse."""
        if self._item is not None and 0.02 < self.zoom * factor < MOST:
            self._fitted = False
            self.scale(factor, factor)

    def restyle(self) -> None:
        """Stay on black: pictures are read on it."""
        self.setStyleSheet("")
        self.setBackgroundBrush(QColor(theme().viewer))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Zoom."""
        self.zoom_by(STEP if event.angleDelta().y() > 0 else 1 / STEP)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Zoom and fit by keyboard; arrows move."""
        factor = {"+": STEP, "=": STEP, "-": 1 / STEP}.get(event.text())
        if factor is not None:
            self.zoom_by(factor)
        elif event.text() == "0":
            self.fit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Stay fitted."""
        super().resizeEvent(event)
        if self._fitted:
            self.fit()

    def drawForeground(self, painter: QPainter, rect: object) -> None:  # noqa: N802
        """Write the sentence where there is no picture."""
        super().drawForeground(painter, rect)  # type: ignore[arg-type]
        if self._item is None and self._sentence:
            painter.resetTransform()
            painter.setPen(QColor("#a4acb6"))
            painter.drawText(self.viewport().rect().adjusted(24, 24, -24, -24),
                             int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), self._sentence)

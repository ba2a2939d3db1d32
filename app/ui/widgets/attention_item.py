"""The map of where a network looked, on one slice: colours over the grey picture and beneath the outline."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QTransform

from app.ui.widgets.attention_map import AttentionMap
from app.ui.widgets.colour_bar import ColourScale
from app.ui.widgets.contour import edge_path
from app.ui.widgets.view_case import Plane
from app.ui.widgets.view_state import ViewState

_EDGE, _HALO = QColor(255, 255, 255, 150), QColor(0, 0, 0, 120)


class AttentionItem(pg.GraphicsObject):
    """Draws the visible slice of a map, in units of voxels; a slice is coloured when it is first shown, and once."""

    def __init__(self) -> None:
        super().__init__()
        self.scale: ColourScale | None = None
        self._found: AttentionMap | None = None
        self._shown: tuple[int, str, int, float] | None = None
        self._image: QImage | None = None
        self._room = QRectF()
        self._edge = QPainterPath()
        self._opacity = 1.0

    def follow(self, state: ViewState, plane: Plane) -> None:
        """Show the state's map on the slice shown, on the image that it belongs to and on no other."""
        found = state.attention if state.attention and state.attention.sequence == state.sequence else None
        index = found.layer.grid.to_index(state.world)[plane.fixed] if found is not None else -1.0
        self.show_slice(found, plane, round(index), state.attention_opacity)

    def show_slice(self, found: AttentionMap | None, plane: Plane, index: int, opacity: float) -> None:
        """Show a map's display slice; None, or a slice without a map, shows nothing."""
        shown = None if found is None else (id(found), plane.name, index, opacity)
        if shown == self._shown:
            return
        self.prepareGeometryChange()
        self._found, self._shown, self._opacity = found, shown, opacity
        self._image, self.scale = None, None
        cut = found.cut(plane, index) if found is not None else None
        if found is not None and cut is not None:
            part, row, column = cut
            pixels = found.colour(part)
            rows, columns = pixels.shape
            self._image = QImage(pixels.tobytes(), columns, rows, 4 * columns,
                                 QImage.Format.Format_ARGB32_Premultiplied).copy()
            self._room = QRectF(column, row, columns, rows)
            self._edge = _frame(~np.isnan(part)).translated(column, row)
            self.scale = ColourScale.of(found)
            grid, a, d = found.layer.grid, plane.across, plane.down
            self.setTransform(
                QTransform().translate(grid.edge(a), grid.edge(d)).scale(grid.spacing[a], grid.spacing[d]))
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802
        """Where there is a map, with room for the frame's width."""
        return self._room.adjusted(-2, -2, 2, 2) if self._image is not None else QRectF()

    def paint(self, painter: QPainter, *_: object) -> None:
        """Colours first, then a broken line around what the network was given."""
        if self._image is None:
            return
        painter.setOpacity(self._opacity)
        painter.drawImage(self._room, self._image)
        painter.setOpacity(1.0)
        ratio = painter.device().devicePixelRatio()  # a cosmetic pen counts the screen's own pixels
        for colour, style in ((_HALO, Qt.PenStyle.SolidLine), (_EDGE, Qt.PenStyle.DashLine)):
            pen = QPen(colour, ratio, style)
            pen.setCosmetic(True)
            painter.setPen(pen)
            painter.drawPath(self._edge)


def _frame(known: NDArray[np.bool_]) -> QPainterPath:
    """Border of what is known: most often all of it."""
    if not known.all():
        return edge_path(known)
    path = QPainterPath()
    path.addRect(QRectF(0, 0, known.shape[1], known.shape[0]))
    return path

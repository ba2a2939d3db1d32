"""A brush for a piece of one tissue: painted on the slice, erased, cleared, taken back stroke by stroke."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QPen
from PySide6.QtWidgets import QGraphicsEllipseItem

from app.ui.theme import theme
from app.ui.widgets.contour import MaskItem, edge_path
from app.ui.widgets.overlay import TEXT
from app.ui.widgets.slice_view import SliceView
from app.ui.widgets.view_case import DisplayGrid

KEPT_STROKES = 50
_LABEL = 2


class RegionBrush(QObject):
    """Paints in some panes that show one grid.

    Parameters
    ----------
    panes : tuple of SliceView
        Where to paint; the region shows on all of them.

    Attributes
    ----------
    mode : str
        'paint', 'erase' or '' for neither: the mouse is the viewer's then.
    radius : float
        Of the brush, mm.
    region : array of bool, shape (i, j, k), or None
        What is painted, in the file's order.

    Signals
    -------
    painted()
        A stroke has ended, or was taken back.
    """

    painted = Signal()
    mode_changed = Signal(str)

    def __init__(self, panes: tuple[SliceView, ...], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.mode, self.radius = "", 5.0
        self.region: NDArray[np.bool_] | None = None
        self._grid: DisplayGrid | None = None
        self._shown: NDArray[np.bool_] | None = None
        self._strokes: list[NDArray[np.uint8]] = []
        self._last: QPointF | None = None
        self._panes = {pane.viewport(): pane for pane in panes}
        self._items: dict[SliceView, tuple[MaskItem, QGraphicsEllipseItem]] = {}
        for viewport, pane in self._panes.items():
            area, ring = MaskItem(), QGraphicsEllipseItem()
            pen = QPen(TEXT, 1)
            pen.setCosmetic(True)
            ring.setPen(pen)
            ring.hide()
            pane.add_item(area)
            pane.add_item(ring)
            self._items[pane] = area, ring
            viewport.installEventFilter(self)
            pane.slice_shown.connect(lambda *_, pane=pane: self._draw(pane))

    @property
    def voxels(self) -> int:
        """How many are painted."""
        return int(self.region.sum()) if self.region is not None else 0

    def start(self, shape: tuple[int, int, int], grid: DisplayGrid) -> None:
        """Begin with nothing painted on a grid."""
        self._grid, self._strokes = grid, []
        self.region = np.zeros(shape, dtype=np.bool_)
        self._shown = grid.arrange(self.region)
        self.set_mode("")
        self._draw_all()

    def set_mode(self, mode: str) -> None:
        """'paint', 'erase', or '' to put the brush down."""
        if mode != self.mode:
            self.mode = mode
            for pane, (_area, ring) in self._items.items():
                pane.viewport().setCursor(Qt.CursorShape.CrossCursor if mode else Qt.CursorShape.ArrowCursor)
                ring.setVisible(False)
            self.mode_changed.emit(mode)

    def clear(self) -> None:
        """Paint nothing any more; `undo` brings it back."""
        if self.region is not None and self.region.any():
            self._keep()
            self.region[:] = False
            self._draw_all()
            self.painted.emit()

    def undo(self) -> bool:
        """Take back the last stroke; False when there is none."""
        if not self._strokes or self.region is None:
            return False
        former = np.unpackbits(self._strokes.pop(), count=self.region.size)
        self.region[:] = former.reshape(self.region.shape).astype(np.bool_)
        self._draw_all()
        self.painted.emit()
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Take the left button while a mode is chosen; all else stays the viewer's."""
        pane = self._panes.get(watched)  # type: ignore[call-overload]
        if pane is None or not self.mode or pane.grid is None:
            return False
        if event.type() == QEvent.Type.Leave:
            self._items[pane][1].hide()
        if not isinstance(event, QMouseEvent):
            return False
        spot, left = event.position(), Qt.MouseButton.LeftButton
        if event.type() == QEvent.Type.MouseMove:
            self._show_ring(pane, spot)
            if self._last is not None and event.buttons() & left:
                self._stroke(pane, spot)
                return True
            return False
        if event.button() != left:
            return False
        if event.type() in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            pane.setFocus(Qt.FocusReason.MouseFocusReason)
            self._keep()
            self._last = spot
            self._stroke(pane, spot)
            return True
        if event.type() == QEvent.Type.MouseButtonRelease and self._last is not None:
            self._last = None
            self.painted.emit()
            return True
        return False

    def _keep(self) -> None:
        if self.region is not None:
            self._strokes = [*self._strokes[-KEPT_STROKES + 1:], np.packbits(self.region)]

    def _stroke(self, pane: SliceView, spot: QPointF) -> None:
        """Paint discs from the last spot to this one, half a radius apart."""
        start, grid = self._last or spot, pane.grid
        if grid is None or self._shown is None:
            return
        length = (spot - start).manhattanLength() / max(pane.pixels_per_mm, 1e-6)
        steps = max(1, int(length / max(self.radius / 2, min(grid.spacing) / 2)))
        for step in range(1, steps + 1):
            index = pane.index_at(start + (spot - start) * (step / steps))
            if index is not None:
                self._dab(pane, grid, index)
        self._last = spot
        for each in self._items:
            self._draw(each)

    def _dab(self, pane: SliceView, grid: DisplayGrid, index: tuple[float, float, float]) -> None:
        plane, shown = pane.plane, self._shown
        if shown is None:
            return
        place: list[int | slice] = [0, 0, 0]
        place[plane.fixed] = pane.state.slice_index(plane)
        away = []
        for axis in sorted((plane.across, plane.down)):
            reach = max(self.radius / grid.spacing[axis], 0.5)
            first = max(0, int(np.ceil(index[axis] - reach)))
            last = min(grid.shape[axis] - 1, int(np.floor(index[axis] + reach)))
            if last < first:
                return
            place[axis] = slice(first, last + 1)
            away.append((np.arange(first, last + 1) - index[axis]) / reach)
        shown[tuple(place)][away[0][:, None] ** 2 + away[1][None, :] ** 2 <= 1.0] = self.mode == "paint"

    def _show_ring(self, pane: SliceView, spot: QPointF) -> None:
        for each, (_area, ring) in self._items.items():
            centre = pane.to_plane(spot)
            ring.setRect(QRectF(centre.x() - self.radius, centre.y() - self.radius, 2 * self.radius, 2 * self.radius))
            ring.setVisible(True)
            each.viewport().update()

    def _draw_all(self) -> None:
        for pane in self._items:
            self._draw(pane)

    def _draw(self, pane: SliceView) -> None:
        area = self._items[pane][0]
        if self._shown is None or pane.grid is None or pane.grid.shape != self._shown.shape:
            area.set_slice(None, pg.QtGui.QPainterPath())
            return
        place: list[int | slice] = [slice(None)] * 3
        place[pane.plane.fixed] = pane.state.slice_index(pane.plane)
        inside = np.ascontiguousarray(self._shown[tuple(place)].T)
        area.set_slice(inside, edge_path(inside))
        area.set_style("contour", 1.0, theme().label_colour(_LABEL))
        pane.place(area)
        pane.viewport().update()

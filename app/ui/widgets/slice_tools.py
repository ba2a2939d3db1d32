"""What the mouse does on a pane: window, pan, zoom, scroll, crosshair, window on a region; the keymap decides which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from app.ui.widgets.slice_view import SliceView

_BUTTONS = {Qt.MouseButton.LeftButton: "left", Qt.MouseButton.MiddleButton: "middle",
            Qt.MouseButton.RightButton: "right"}
_NOTCH = 120


class SliceTools:
    """Follows one press from its start to its release.

    Parameters
    ----------
    view : SliceView
        The pane it works on.
    """

    def __init__(self, view: SliceView) -> None:
        self._view = view
        self._tool = ""
        self._button: Qt.MouseButton | None = None
        self._start = self._last = QPointF()
        self._moved = False
        self._turned = 0.0

    def press(self, event: QMouseEvent) -> None:
        """Choose the tool for this drag."""
        self._view.setFocus(Qt.FocusReason.MouseFocusReason)
        if event.button() not in _BUTTONS or self._button is not None:
            return
        self._button = event.button()
        self._tool = self._view.keymap.tool(_BUTTONS[event.button()], event.modifiers())
        self._start = self._last = event.position()
        self._moved = False
        if self._tool == "crosshair":
            self._point_at(event.position())

    def move(self, event: QMouseEvent) -> None:
        """Apply the tool, or drive the crosshair and read the value."""
        spot = event.position()
        if self._button is None:
            if self._view.keymap.tool("move", event.modifiers()) == "crosshair":
                self._point_at(spot)
            self._view.hover(spot)
            return
        if (spot - self._start).manhattanLength() >= QApplication.startDragDistance() / 2:
            self._moved = True
        if self._moved:
            self._drag(spot - self._last, spot)
            self._last = spot
        self._view.hover(spot)

    def release(self, event: QMouseEvent) -> None:
        """Finish; a right click that stayed in place asks for the menu."""
        if event.button() != self._button:
            return
        if event.button() == Qt.MouseButton.RightButton and not self._moved:
            self._view.menu_requested.emit(self._view.plane.name, event.globalPosition().toPoint())
        elif self._tool == "region" and self._view.region is not None:
            self._window_on(self._view.region)
        self._view.region = None
        self._button, self._tool = None, ""
        self._view.viewport().update()

    def double_click(self, event: QMouseEvent) -> None:
        """Maximise with the left button; the others go on as a press."""
        if event.button() == Qt.MouseButton.LeftButton and not event.modifiers():
            self._view.maximise_requested.emit(self._view.plane.name)
        else:
            self.press(event)

    def wheel(self, event: QWheelEvent) -> None:
        """Scroll a slice per notch, or zoom at the pointer."""
        event.accept()
        turn = event.angleDelta().y() or event.angleDelta().x()
        tool = self._view.keymap.tool("wheel", event.modifiers())
        if tool == "zoom":
            self._view.zoom_by(1.15 ** (turn / _NOTCH), event.position())
            return
        self._turned += turn
        steps = int(self._turned / _NOTCH)
        if steps and tool == "slice":
            self._turned -= steps * _NOTCH
            self._view.state.step_slice(self._view.plane, steps)
            self._view.hover(event.position())

    def _drag(self, by: QPointF, spot: QPointF) -> None:
        if self._tool == "window":
            self._view.windows.drag(by.x(), by.y())
        elif self._tool == "pan":
            self._view.pan_by(by.x(), by.y())
        elif self._tool == "zoom":
            self._view.zoom_by(1.01 ** (-by.y() + 0.3 * by.x()), self._start)
        elif self._tool == "slice":
            self._turned -= by.y() * 20
            steps = int(self._turned / _NOTCH)
            self._turned -= steps * _NOTCH
            self._view.state.step_slice(self._view.plane, steps)
        elif self._tool == "crosshair":
            self._point_at(spot)
        elif self._tool == "region":
            self._view.region = QRectF(self._start, spot).normalized()
            self._view.viewport().update()

    def _point_at(self, spot: QPointF) -> None:
        grid, index = self._view.grid, self._view.index_at(spot)
        if grid is not None and index is not None:
            self._view.state.set_world(grid.to_world(np.clip(index, 0, np.asarray(grid.shape) - 1)))

    def _window_on(self, region: QRectF) -> None:
        layer = self._view.state.layer
        first, last = self._view.index_at(region.topLeft()), self._view.index_at(region.bottomRight())
        if layer is None or first is None or last is None:
            return
        plane, shape = self._view.plane, layer.grid.shape
        picture = layer.picture(plane, self._view.state.slice_index(plane))
        spans = []
        for axis in (plane.down, plane.across):
            low, high = sorted((first[axis], last[axis]))
            spans.append(slice(max(round(low), 0), min(round(high), shape[axis] - 1) + 1))
        values = np.asarray(picture[spans[0], spans[1]])
        values = values[np.isfinite(values)]
        if values.size >= 4:
            low, high = np.percentile(values, (1, 99))
            self._view.windows.set_window(float(low), float(high))

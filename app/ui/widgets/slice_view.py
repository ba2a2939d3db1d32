"""One plane of a case: the slice nearest to the shared point, in true proportions, with its outline and its words."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QResizeEvent,
    QTransform,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QWidget

from app.ui.theme import theme
from app.ui.widgets import picture_text
from app.ui.widgets.attention_item import AttentionItem
from app.ui.widgets.contour import MaskItem, edge_path
from app.ui.widgets.diameters import paint_diameters
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.overlay import Overlay, paint_crosshair, paint_focus, paint_overlay, paint_region
from app.ui.widgets.slice_tools import SliceTools
from app.ui.widgets.view_case import DisplayGrid, Layer, Plane, Point, say_position
from app.ui.widgets.view_state import ViewState
from app.ui.widgets.window_level import WindowModel

_INVERSE = np.arange(255, -1, -1, dtype=np.uint8)
_KEPT_PATHS = 256


class SliceView(pg.GraphicsView):
    """A pane showing one plane; binds to the state and the window model, owns neither.

    Parameters
    ----------
    plane : Plane
    state : ViewState
    windows : WindowModel
    keymap : Keymap
    """

    cursor_moved = Signal(dict)
    slice_shown = Signal(str, int, int)
    menu_requested = Signal(str, QPoint)
    maximise_requested = Signal(str)
    framed = Signal()

    def __init__(self, plane: Plane, state: ViewState, windows: WindowModel, keymap: Keymap,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent, background=theme().viewer)
        self.plane, self.state, self.windows, self.keymap = plane, state, windows, keymap
        self.flipped = (False, False)
        self.region: QRectF | None = None
        self._hover: tuple[Point, float] | None = None
        self._shown: tuple[int, int, int, int] | None = None
        self._paths: OrderedDict[tuple[int, int], QPainterPath] = OrderedDict()
        self._fitted = True
        self._export: tuple[bool, bool] | None = None
        self._box = pg.ViewBox(lockAspect=True, enableMouse=False, enableMenu=False, invertY=True, defaultPadding=0)
        self._box.disableAutoRange()
        self._picture = pg.ImageItem(axisOrder="row-major")
        self._attention, self._outline = AttentionItem(), MaskItem()
        for item in (self._picture, self._attention, self._outline):  # the outline stays on top
            self._box.addItem(item, ignoreBounds=True)
        self._box.sigRangeChanged.connect(lambda *_: self.framed.emit())
        self.setCentralItem(self._box)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMinimumSize(120, 120)
        self.setAccessibleName(f"{plane.title} picture")
        self._tools = SliceTools(self)
        state.case_changed.connect(self._start_case)
        state.sequence_changed.connect(self.refresh)
        state.prepared_changed.connect(self.refresh)
        state.world_changed.connect(self.refresh)
        state.display_changed.connect(self.refresh)
        windows.changed.connect(self._apply_window)

    @property
    def grid(self) -> DisplayGrid | None:
        """Grid of the image shown."""
        return self.state.layer.grid if self.state.layer else None

    @property
    def pixels_per_mm(self) -> float:
        """Scale of the picture in logical screen pixels."""
        shown = self._box.viewRect()
        return self._box.width() / shown.width() if shown.width() > 0 else 0.0

    @property
    def zoom(self) -> float:
        """Screen pixels per voxel across."""
        return self.pixels_per_mm * self.grid.spacing[self.plane.across] if self.grid else 0.0

    def refresh(self, *_: object) -> None:
        """Show what the state says; only a slice that changed is read from the file."""
        if self.isHidden():
            return
        layer, image = self.state.layer, self.state.image
        self._picture.setVisible(layer is not None)
        self._attention.follow(self.state, self.plane)
        self._outline.setVisible(layer is not None)
        if layer is not None and image is not None:
            index = self.state.slice_index(self.plane)
            inside, outline_index = self._find_outline(image.mask)
            shown = (id(layer), index, id(inside), outline_index)
            if shown != self._shown:
                self._shown = shown
                self._show_slice(layer, index)
                self._show_outline(inside, outline_index)
            self._outline.set_style(self.state.mask_mode, self.state.opacity, theme().label_colour(1))
            self._picture.setLookupTable(_INVERSE if self.state.inverted else None)
            self.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self.state.smooth)
        self.viewport().update()

    @property
    def frame(self) -> tuple[QRectF, bool]:
        """What is in sight, mm on the plane, and whether that is the whole slice."""
        return self._box.viewRect(), self._fitted

    def set_frame(self, frame: tuple[QRectF, bool]) -> None:
        """Bring another pane's frame into sight."""
        self._fitted = frame[1]
        self._box.setRange(frame[0], padding=0, disableAutoRange=True)

    def set_plane(self, plane: Plane) -> None:
        """Show another plane of the same case."""
        self.plane = plane
        self.setAccessibleName(f"{plane.title} picture")
        self._start_case()
        self.reset()

    def add_item(self, item: pg.GraphicsObject) -> None:
        """Draw something more on the slice; its own units are mm on the plane."""
        self._box.addItem(item, ignoreBounds=True)

    def place(self, item: pg.GraphicsObject) -> None:
        """Give an item the slice's voxels as units."""
        if self.grid is not None:
            self._place(item, self.grid)

    def fit(self) -> None:
        """Show the whole slice."""
        if self.grid is not None:
            self._fitted = True
            self._box.setRange(self._frame(self.grid), padding=0.02, disableAutoRange=True)

    def reset(self) -> None:
        """Undo zoom, pan and flips."""
        self.set_flipped(False, False)
        self.fit()

    def set_flipped(self, across: bool, down: bool) -> None:
        """Mirror the picture on screen; letters and warnings say so."""
        self.flipped = (across, down)
        self._box.invertX(across)
        self._box.invertY(not down)
        self.viewport().update()

    def zoom_by(self, factor: float, at: QPointF | None = None) -> None:
        """Enlarge around a point of the pane (its middle by default)."""
        if self.grid is not None and 0.02 < self.zoom * factor < 200:
            self._fitted = False
            spot = self.to_plane(at or QPointF(self.viewport().rect().center()))
            self._box.scaleBy((1 / factor, 1 / factor), center=spot)
            self.viewport().update()

    def pan_by(self, dx: float, dy: float) -> None:
        """Move the picture by logical pixels."""
        if self.grid is not None and self.pixels_per_mm:
            self._fitted = False
            start, end = self.to_plane(QPointF(0, 0)), self.to_plane(QPointF(dx, dy))
            self._box.translateBy(x=start.x() - end.x(), y=start.y() - end.y())
            self.viewport().update()

    def to_plane(self, spot: QPointF) -> QPointF:
        """Pane pixel to mm on the plane: across towards left or posterior, down towards posterior or inferior."""
        self._box.updateMatrix()
        return self._box.mapSceneToView(self.viewportTransform().inverted()[0].map(spot))

    def to_pixel(self, world: Point) -> QPointF:
        """Pane pixel of a world point (RAS+ mm), projected onto the slice."""
        if self.grid is None:
            return QPointF()
        index = self.grid.to_index(world)
        x, y = (self.grid.edge(axis) + (index[axis] + 0.5) * self.grid.spacing[axis]
                for axis in (self.plane.across, self.plane.down))
        self._box.updateMatrix()
        return self.viewportTransform().map(self._box.mapViewToScene(QPointF(x, y)))

    def index_at(self, spot: QPointF) -> tuple[float, float, float] | None:
        """Continuous display index under a pane pixel, on the slice shown."""
        if self.grid is None:
            return None
        point = self.to_plane(spot)
        index = [0.0, 0.0, 0.0]
        for axis, mm in ((self.plane.across, point.x()), (self.plane.down, point.y())):
            index[axis] = (mm - self.grid.edge(axis)) / self.grid.spacing[axis] - 0.5
        index[self.plane.fixed] = self.state.slice_index(self.plane)
        return index[0], index[1], index[2]

    def hover(self, spot: QPointF | None) -> None:
        """Read the value under the pointer and tell it; None when the pointer has left."""
        layer, image = self.state.layer, self.state.image
        index = self.index_at(spot) if spot is not None else None
        if index is None or layer is None or image is None or not layer.grid.holds(index):
            had, self._hover = self._hover, None
            if had is not None:
                self.cursor_moved.emit({})
        else:
            voxel = tuple(int(np.rint(x)) for x in index)
            world, value = layer.grid.to_world(index), float(layer.voxels[voxel])
            self._hover = (world, value)
            self.cursor_moved.emit({
                "plane": self.plane.name, "sequence": image.name, "prepared": self.state.prepared, "world": world,
                "voxel": layer.grid.to_file(voxel), "value": value, "text": say_position(world),
                "in_mask": self._in_mask(world),
            })
        self.viewport().update()

    def grab_image(self, overlays: bool = True, identity: bool = False, scan: bool = True) -> QImage:
        """Picture of the pane as it is, with or without the words on it, those about the scan among them."""
        self._export = (overlays, identity, scan)
        try:
            return self.grab().toImage()
        finally:
            self._export = None

    def drawForeground(self, painter: QPainter, _rect: QRectF) -> None:  # noqa: N802
        """Write on the picture, in pane pixels."""
        if self.state.case is None or self.grid is None:
            return
        painter.save()
        painter.resetTransform()
        width, height = self.viewport().width(), self.viewport().height()
        if self._export is None:
            if self.state.crosshair:
                paint_crosshair(painter, width, height, self.to_pixel(self.state.world))
            if self.region is not None:
                paint_region(painter, self.region)
        self._paint_diameters(painter)
        if self._export is None or self._export[0]:
            paint_overlay(painter, width, height, self.describe())
        if self._export is None and self.hasFocus():
            paint_focus(painter, width, height)
        painter.restore()

    def _paint_diameters(self, painter: QPainter) -> None:
        """Draw them on the slice they were measured in, and on no other."""
        image, found = self.state.image, self.state.diameters.get(self.state.sequence)
        if not self.state.caliper or found is None or image is None or self.grid is None \
                or self.plane.name != image.acquired:
            return
        if self.grid.nearest(found.longest[0], self.plane.fixed) == self.state.slice_index(self.plane):
            lines = [(self.to_pixel(start), self.to_pixel(end)) for start, end in (found.longest, found.across)]
            paint_diameters(painter, lines, found.words)

    def describe(self) -> Overlay:
        """Everything written on the picture now."""
        state, case, image, layer = self.state, self.state.case, self.state.image, self.state.layer
        if case is None or image is None or layer is None:
            return Overlay()
        warnings = picture_text.list_warnings(case, image, self.plane, self.flipped)
        if state.text_mode == "off":
            return Overlay(warnings=warnings)
        with_identity = state.text_mode == "full" if self._export is None else self._export[1]
        who = picture_text.describe_identity(case.identity, case.id) if with_identity else ()
        view = (f"zoom {100 * self.zoom:.0f} %", picture_text.say_window(self.windows.window()))
        hover = picture_text.describe_cursor(*self._hover) if self._hover and self._export is None else ()
        profile = np.flatnonzero(image.profiles[self.plane.fixed])
        count, index = layer.grid.shape[self.plane.fixed], state.slice_index(self.plane)
        tumour = (profile[0] / count, (profile[-1] + 1) / count) if profile.size else (0.0, 0.0)
        return Overlay(
            picture_text.edge_letters(self.plane, self.flipped),
            (picture_text.describe_view(self.plane, self.flipped), *who),
            picture_text.describe_acquisition(case, image, state.prepared)
            if self._export is None or self._export[2] else (),
            (*picture_text.describe_slice(state, self.plane), *view), hover, warnings, self.pixels_per_mm,
            ((index + 0.5) / count, *tumour), theme().label_colour(1),
            self._attention.scale if state.attention and (
                self.plane is state.attention.plane or state.layout == self.plane.name) else None)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Begin what the button means."""
        self._tools.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go on with it, or read the value under the pointer."""
        self._tools.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """End it; a right click in place opens the menu."""
        self._tools.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """One plane or all planes."""
        self._tools.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll through the slices."""
        self._tools.wheel(event)

    def leaveEvent(self, event: object) -> None:  # noqa: N802, ARG002
        """Forget the value under the pointer."""
        self.hover(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Leave keys to the viewer."""
        event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Become the pane that keys act on."""
        self.state.set_active_plane(self.plane.name)
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Lose the frame."""
        super().focusOutEvent(event)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep a whole slice whole."""
        super().resizeEvent(event)
        if getattr(self, "_fitted", False):
            self.fit()

    def _start_case(self) -> None:
        self._paths.clear()
        self._shown = self._hover = None
        if not self.state.kept:
            self.reset()
        self.refresh()

    def _apply_window(self, *_: object) -> None:
        if self.state.layer is not None:
            self._picture.setLevels(self.windows.window())
            self.viewport().update()

    def _frame(self, grid: DisplayGrid) -> QRectF:
        a, d = self.plane.across, self.plane.down
        return QRectF(grid.edge(a), grid.edge(d), grid.shape[a] * grid.spacing[a], grid.shape[d] * grid.spacing[d])

    def _place(self, item: pg.GraphicsObject, grid: DisplayGrid) -> None:
        a, d = self.plane.across, self.plane.down
        item.setTransform(QTransform().translate(grid.edge(a), grid.edge(d)).scale(grid.spacing[a], grid.spacing[d]))

    def _show_slice(self, layer: Layer, index: int) -> None:
        self._picture.setImage(np.ascontiguousarray(layer.picture(self.plane, index), dtype=np.float32),
                               autoLevels=False, levels=self.windows.window())
        self._place(self._picture, layer.grid)
        count = layer.grid.shape[self.plane.fixed]
        self.setAccessibleDescription(f"Slice {count - index} of {count}")
        self.slice_shown.emit(self.plane.name, count - index, count)

    def _find_outline(self, mask: Layer | None) -> tuple[Layer | None, int]:
        if mask is None:
            return None, -1
        place = mask.grid.to_index(self.state.world)[self.plane.fixed]
        inside = -0.5 <= place < mask.grid.shape[self.plane.fixed] - 0.5
        return mask, int(np.rint(place)) if inside else -1

    def _show_outline(self, mask: Layer | None, index: int) -> None:
        if mask is None or index < 0:
            self._outline.set_slice(None, QPainterPath())
            return
        inside = np.ascontiguousarray(mask.picture(self.plane, index))
        key = (id(mask), index)
        if key not in self._paths:
            self._paths[key] = edge_path(inside)
            if len(self._paths) > _KEPT_PATHS:
                self._paths.popitem(last=False)
        self._outline.set_slice(inside, self._paths[key])
        self._place(self._outline, mask.grid)

    def _in_mask(self, world: Point) -> bool:
        mask = self.state.image.mask if self.state.image else None
        if mask is None:
            return False
        index = mask.grid.to_index(world)
        return mask.grid.holds(index) and bool(mask.voxels[tuple(int(np.rint(x)) for x in index)])

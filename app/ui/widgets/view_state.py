"""The viewer's state: one small model that every pane, menu and slider binds to and none owns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.ui.widgets.view_case import PLANES, Layer, Plane, Point, ViewCase, ViewImage

if TYPE_CHECKING:
    from app.ui.widgets.attention_map import AttentionMap
    from app.ui.widgets.diameters import Diameters

LAYOUTS = ("quad", *PLANES)
TEXT_MODES = ("full", "anonymous", "off")
MASK_MODES = ("contour", "fill", "off")


class ViewState(QObject):
    """What is shown, and where.

    Attributes
    ----------
    case : ViewCase or None
    sequence : str
        The image shown, a key of `case.images`.
    kept : bool
        Whether the case is the one before, read again.
    world : tuple of float
        The point all planes pass through, RAS+ mm; kept when the sequence changes.
    """

    case_changed = Signal()
    sequence_changed = Signal(str)
    prepared_changed = Signal(bool)
    layout_changed = Signal(str)
    world_changed = Signal()
    display_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.case: ViewCase | None = None
        self.kept = False
        self.sequence = ""
        self.world: Point = (0.0, 0.0, 0.0)
        self.prepared = False
        self.layout = "quad"
        self.active_plane = "axial"
        self.text_mode = "full"
        self.mask_mode = "contour"
        self.opacity = 0.35
        self.inverted = False
        self.crosshair = True
        self.caliper = False
        self.diameters: dict[str, Diameters] = {}
        self.smooth = True
        self.attention: AttentionMap | None = None
        self.attention_offered = False
        self.attention_opacity = 0.6

    @property
    def sequences(self) -> list[str]:
        """Names of the case's images, in order."""
        return list(self.case.images) if self.case else []

    @property
    def image(self) -> ViewImage | None:
        """The sequence shown."""
        return self.case.images.get(self.sequence) if self.case else None

    @property
    def layer(self) -> Layer | None:
        """The voxels shown: before or after preparation."""
        return self.image.layer(self.prepared) if self.image else None

    @property
    def can_compare(self) -> bool:
        """Whether there is an image after preparation to switch to."""
        return self.image is not None and self.image.after is not None

    def slice_index(self, plane: Plane) -> int:
        """Display slice of this plane nearest to the world point."""
        return self.layer.grid.nearest(self.world, plane.fixed) if self.layer else 0

    def set_case(self, case: ViewCase | None, *, keep: bool = False) -> None:
        """Show another case, at the tumour's largest slice or in the middle; None shows nothing.

        With `keep` it is the same case read again: place, zoom and windows stay as the reader left them.
        """
        keep = keep and case is not None and self.case is not None
        self.case, self.kept, self.diameters, self.attention = case, keep, {}, None
        self.prepared, self.inverted = False, self.inverted and keep
        names = self.sequences
        self.sequence = self.sequence if self.sequence in names else (names[0] if names else "")
        if self.image is not None and not keep:
            grid = self.image.before.grid
            middle = grid.to_world([(n - 1) / 2 for n in grid.shape])
            self.world = self.image.largest(PLANES[self.image.acquired]) or middle
        self.case_changed.emit()
        self.prepared_changed.emit(False)
        self.sequence_changed.emit(self.sequence)
        self.world_changed.emit()

    def set_sequence(self, name: str) -> None:
        """Show another image of the case at the same place in the body."""
        if name in self.sequences and name != self.sequence:
            self.sequence = name
            self.prepared = self.prepared and self.can_compare
            self.sequence_changed.emit(name)

    def next_sequence(self) -> None:
        """Show the case's next image."""
        names = self.sequences
        if names:
            self.set_sequence(names[(names.index(self.sequence) + 1) % len(names)])

    def set_prepared(self, prepared: bool) -> None:
        """Show the image after (True) or before preparation."""
        prepared = prepared and self.can_compare
        if prepared != self.prepared:
            self.prepared = prepared
            self.prepared_changed.emit(prepared)

    def set_world(self, world: Sequence[float]) -> None:
        """Move the point that all planes pass through, RAS+ mm."""
        point = (float(world[0]), float(world[1]), float(world[2]))
        if point != self.world:
            self.world = point
            self.world_changed.emit()

    def step_slice(self, plane: Plane, steps: int) -> None:
        """Scroll: positive steps go towards superior, anterior or right."""
        if self.layer is not None:
            self.show_slice(plane, self.slice_index(plane) - steps)

    def show_slice(self, plane: Plane, index: int) -> None:
        """Move along one plane's axis to a display slice, kept inside the grid."""
        if self.layer is None:
            return
        grid = self.layer.grid
        place = grid.to_index(self.world)
        place[plane.fixed] = min(max(index, 0), grid.shape[plane.fixed] - 1)
        self.set_world(grid.to_world(place))

    def jump_to_largest(self, plane: Plane | None = None) -> bool:
        """Go to the slice where the tumour is largest; False without an outline."""
        if self.image is None:
            return False
        place = self.image.largest(plane or PLANES[self.image.acquired])
        if place is not None:
            self.set_world(place)
        return place is not None

    def jump_to_attention(self) -> bool:
        """Go to the strongest place of the map, on its own image; False where there is none."""
        found = self.attention
        if found is None or found.peak is None:
            return False
        self.set_sequence(found.sequence)
        self.set_world(found.peak)
        return True

    def set_layout(self, layout: str) -> None:
        """Show all planes ('quad') or one."""
        if layout in LAYOUTS and layout != self.layout:
            self.layout = layout
            if layout in PLANES:
                self.active_plane = layout
            self.layout_changed.emit(layout)

    def set_active_plane(self, plane: str) -> None:
        """Remember which pane keys act on."""
        if plane in PLANES:
            self.active_plane = plane

    def set_text_mode(self, mode: str) -> None:
        """Write everything on the picture, all but identity, or nothing."""
        self._set("text_mode", mode if mode in TEXT_MODES else "anonymous")

    def set_mask_mode(self, mode: str) -> None:
        """Draw the outline as a contour, filled, or not at all."""
        self._set("mask_mode", mode if mode in MASK_MODES else "contour")

    def next_text_mode(self) -> None:
        """Full, without identity, off, full again."""
        self._set("text_mode", TEXT_MODES[(TEXT_MODES.index(self.text_mode) + 1) % 3])

    def next_mask_mode(self) -> None:
        """Contour, fill, off, contour again."""
        self._set("mask_mode", MASK_MODES[(MASK_MODES.index(self.mask_mode) + 1) % 3])

    def set_opacity(self, opacity: float) -> None:
        """How much the filled outline covers, 0 to 1."""
        self._set("opacity", min(max(float(opacity), 0.0), 1.0))

    def set_inverted(self, inverted: bool) -> None:
        """Show dark as bright."""
        self._set("inverted", inverted)

    def set_crosshair(self, shown: bool) -> None:
        """Draw the lines where the other planes cut."""
        self._set("crosshair", shown)

    def set_caliper(self, shown: bool) -> None:
        """Draw the tumour's diameters."""
        self._set("caliper", shown)

    def set_diameters(self, sequence: str, found: Diameters) -> None:
        """Take the diameters of the outline on one sequence."""
        self._set("diameters", {**self.diameters, sequence: found})

    def set_attention(self, found: AttentionMap | None) -> None:
        """Lay a map of where a network looked over the image that it belongs to; None takes it off."""
        self._set("attention", found)

    def set_attention_opacity(self, opacity: float) -> None:
        """How much the map covers where it is strong, 0 to 1."""
        self._set("attention_opacity", min(max(float(opacity), 0.0), 1.0))

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate between voxels on screen; the values stay the file's."""
        self._set("smooth", smooth)

    def _set(self, name: str, value: object) -> None:
        if getattr(self, name) != value:
            setattr(self, name, value)
            self.display_changed.emit()

"""The viewer: axial, coronal and sagittal planes linked at one point, alone or four to a page, with their keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeyEvent, QPainter
from PySide6.QtWidgets import QGridLayout, QSlider, QWidget

from app.ui.theme import theme
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.slice_view import SliceView
from app.ui.widgets.view_case import PLANES, ViewCase
from app.ui.widgets.view_state import ViewState
from app.ui.widgets.viewer_menu import build_menu
from app.ui.widgets.window_level import WindowModel

_CELLS = {"axial": (0, 0), "coronal": (0, 1), "sagittal": (1, 0), "fourth": (1, 1)}
_PAN = 24


class Viewer(QWidget):
    """Three linked planes and a fourth pane for the window's own use.

    Parameters
    ----------
    fourth : QWidget, optional
        Shown at the lower right when all planes are.
    keymap : Keymap, optional
        Keys and mouse; the PACS profile by default.
    """

    cursor_moved = Signal(dict)
    slice_changed = Signal(str, int, int)
    window_changed = Signal(str, tuple)
    action_requested = Signal(str)

    def __init__(self, fourth: QWidget | None = None, keymap: Keymap | None = None,
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keymap = keymap or Keymap(parent=self)
        self.state = ViewState(self)
        self.windows = WindowModel(self.state, self)
        self.fourth = fourth if fourth is not None else QWidget()
        self.panes = {name: SliceView(plane, self.state, self.windows, self.keymap) for name, plane in PLANES.items()}
        self.setAccessibleName("Pictures of the case")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setStyleSheet(f"Viewer {{ background: {theme().viewer}; }}")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        for name, widget in {**self.panes, "fourth": self.fourth}.items():
            self._grid.addWidget(widget, *_CELLS[name])
        for pane in self.panes.values():
            pane.cursor_moved.connect(self.cursor_moved)
            pane.slice_shown.connect(self.slice_changed)
            pane.menu_requested.connect(self.open_menu)
            pane.maximise_requested.connect(self.maximise)
        self.windows.changed.connect(self.window_changed)
        self.state.layout_changed.connect(self._lay_out)
        self._actions = self._list_actions()
        self._lay_out(self.state.layout)

    @property
    def active_pane(self) -> SliceView:
        """The pane that keys act on."""
        return self.panes[self.state.layout if self.state.layout in self.panes else self.state.active_plane]

    def show_case(self, case: ViewCase | None, *, keep: bool = False) -> None:
        """Show a case at its largest tumour slice; None shows an empty, calm background.

        With `keep` it is the case on screen, read again: place, zoom and windows stay.
        """
        self.state.set_case(case, keep=keep)

    def clear(self) -> None:
        """Show nothing."""
        self.state.set_case(None)

    def set_sequence(self, name: str) -> None:
        """Show another image of the case, at the same place."""
        self.state.set_sequence(name)

    def set_prepared(self, prepared: bool) -> None:
        """Show the image after (True) or before preparation."""
        self.state.set_prepared(prepared)

    def set_layout(self, layout: str) -> None:
        """'quad', 'axial', 'coronal' or 'sagittal'."""
        self.state.set_layout(layout)

    def jump_to_largest(self) -> bool:
        """Go to the slice of the active plane where the tumour is largest; False without an outline."""
        return self.state.jump_to_largest(self.active_pane.plane)

    def maximise(self, plane: str) -> None:
        """Show one plane alone, or all again."""
        self.state.set_layout("quad" if self.state.layout == plane else plane)
        self.panes[plane].setFocus()

    def perform(self, action: str) -> bool:
        """Do one of `keymap.ACTIONS`; False when it does not apply now."""
        if action in ("previous_case", "next_case", "undo", "help", "bias", "attention"):
            self.action_requested.emit(action)
            return True
        if self.state.case is None or action not in self._actions:
            return False
        self._actions[action]()
        return True

    def handle_key(self, event: QKeyEvent) -> bool:
        """Do what the key means; False when it means nothing here."""
        action = self.keymap.action(event)
        return action is not None and self.perform(action)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys of every pane arrive here."""
        if not self.handle_key(event):
            super().keyPressEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802
        """Keep Tab where it switches between sequences; Shift+Tab and 'leave' always move the focus."""
        switches = len(self.state.sequences) > 1 and "Tab" in self.keymap.keys("next_sequence")
        if forward and switches and any(pane.hasFocus() for pane in self.panes.values()):
            return False
        return super().focusNextPrevChild(forward)

    def open_menu(self, plane: str, at: QPoint) -> None:
        """Open the picture's menu at a screen position."""
        self.state.set_active_plane(plane)
        menu = build_menu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(at)

    def opacity_slider(self) -> QSlider:
        """Return a slider bound to the filled outline's opacity."""
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setAccessibleName("Opacity of the outline")
        slider.setToolTip("Opacity of the filled outline")
        slider.setValue(round(100 * self.state.opacity))
        slider.valueChanged.connect(self._fill)
        return slider

    def _fill(self, percent: int) -> None:
        self.state.set_opacity(percent / 100)
        self.state.set_mask_mode("fill")  # an opacity that shows on nothing would look broken

    def grab_picture(self, overlays: bool = True, identity: bool = False, plane: str | None = None,
                     scan: bool = True) -> QImage:
        """Picture of one plane, or of what is shown; without the patient's identity unless told.

        Parameters
        ----------
        overlays : bool
            Write letters, scale and numbers on it.
        identity : bool
            Write the patient and study lines too.
        plane : str, optional
            One plane, shown or not; by default the planes that are shown, as they are laid out.
        scan : bool
            Write what the header says of the scan, too.
        """
        if plane is not None:
            return self._grab_plane(plane, overlays, identity, scan)
        if self.state.layout in self.panes:
            return self.panes[self.state.layout].grab_image(overlays, identity, scan)
        ratio = self.devicePixelRatioF()
        page = QImage(self.size() * ratio, QImage.Format.Format_RGB32)
        page.setDevicePixelRatio(ratio)
        page.fill(QColor(theme().viewer))
        painter = QPainter(page)
        for pane in self.panes.values():
            painter.drawImage(QPointF(pane.pos()), pane.grab_image(overlays, identity, scan))
        painter.end()
        return page

    def copy_picture(self) -> None:
        """Put the picture on the clipboard, without the patient's identity."""
        QGuiApplication.clipboard().setImage(self.grab_picture())

    def _grab_plane(self, plane: str, overlays: bool, identity: bool, scan: bool) -> QImage:
        pane, was_hidden = self.panes[plane], self.panes[plane].isHidden()
        if was_hidden:
            pane.setHidden(False)
            pane.refresh()
        picture = pane.grab_image(overlays, identity, scan)
        pane.setHidden(was_hidden)
        return picture

    def _lay_out(self, layout: str) -> None:
        for name, pane in self.panes.items():
            pane.setVisible(layout in ("quad", name))
        self.fourth.setVisible(layout == "quad")
        for place in (0, 1):
            self._grid.setRowStretch(place, int(layout == "quad" or _CELLS[layout][0] == place))
            self._grid.setColumnStretch(place, int(layout == "quad" or _CELLS[layout][1] == place))
        for pane in self.panes.values():
            pane.refresh()

    def _show_preset(self, number: int) -> None:
        presets = self.windows.presets()
        if number <= len(presets):
            self.windows.apply_preset(presets[number - 1].name)

    def _flip(self, across: bool, down: bool) -> None:
        pane = self.active_pane
        pane.set_flipped(pane.flipped[0] != across, pane.flipped[1] != down)

    def _reset(self) -> None:
        self.windows.reset()
        self.state.set_inverted(False)
        for pane in self.panes.values():
            pane.reset()

    def _save(self) -> None:
        self.action_requested.emit("save_picture")

    def _leave(self) -> None:
        super().focusNextPrevChild(True)

    def _menu_here(self) -> None:
        pane = self.active_pane
        self.open_menu(pane.plane.name, pane.mapToGlobal(pane.rect().center()))

    def _list_actions(self) -> dict[str, Callable[[], object]]:
        state, windows = self.state, self.windows
        return {
            "slice_up": lambda: state.step_slice(self.active_pane.plane, 1),
            "slice_down": lambda: state.step_slice(self.active_pane.plane, -1),
            "first_slice": lambda: state.show_slice(self.active_pane.plane, 1_000_000),
            "last_slice": lambda: state.show_slice(self.active_pane.plane, 0),
            "largest_slice": self.jump_to_largest, "attention_peak": state.jump_to_attention, "reset": self._reset,
            "invert": lambda: state.set_inverted(not state.inverted),
            "flip_horizontal": lambda: self._flip(True, False), "flip_vertical": lambda: self._flip(False, True),
            "zoom_in": lambda: self.active_pane.zoom_by(1.25), "zoom_out": lambda: self.active_pane.zoom_by(0.8),
            "pan_left": lambda: self.active_pane.pan_by(-_PAN, 0),
            "pan_right": lambda: self.active_pane.pan_by(_PAN, 0),
            "pan_up": lambda: self.active_pane.pan_by(0, -_PAN), "pan_down": lambda: self.active_pane.pan_by(0, _PAN),
            "maximise": lambda: self.maximise(self.active_pane.plane.name),
            "smooth": lambda: state.set_smooth(not state.smooth),
            **{f"preset_{n}": lambda n=n: self._show_preset(n) for n in range(1, 10)},
            "full_range": windows.show_full_range,
            "window_wider": lambda: windows.drag(25, 0), "window_narrower": lambda: windows.drag(-25, 0),
            "brighter": lambda: windows.drag(0, -25), "darker": lambda: windows.drag(0, 25),
            "mask_mode": state.next_mask_mode, "before_after": lambda: state.set_prepared(not state.prepared),
            "next_sequence": state.next_sequence, "text_mode": state.next_text_mode,
            "crosshair": lambda: state.set_crosshair(not state.crosshair),
            "leave": self._leave, "menu": self._menu_here,
            "copy_picture": self.copy_picture, "save_picture": self._save,
        }

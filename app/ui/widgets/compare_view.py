"""Original, corrected and field side by side: one plane, one place, one zoom; the two images share their window."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.ui.theme import theme
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.overlay import DIM, TEXT
from app.ui.widgets.slice_view import SliceView
from app.ui.widgets.view_case import PLANES, Point, ViewCase, ViewImage
from app.ui.widgets.view_state import ViewState
from app.ui.widgets.window_level import Window, WindowModel

TITLES = {"original": "Original", "corrected": "Corrected", "field": "Field, divided out"}
_PAN = 24


class CompareView(QWidget):
    """Three panes of one slice.

    Parameters
    ----------
    keymap : Keymap
        Keys and mouse, as in the viewer.

    Attributes
    ----------
    states, windows, panes, captions : dict
        By 'original', 'corrected' and 'field'.
    scale : float
        How many times darker than the original the corrected image is on the whole: its window follows.
    """

    plane_changed = Signal(str)

    def __init__(self, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keymap, self.plane, self.scale, self.alone = keymap, PLANES["axial"], 1.0, ""
        self._field_window: Window | None = None
        self._linking = False
        self.states = {name: ViewState(self) for name in TITLES}
        self.windows = {name: WindowModel(state, self) for name, state in self.states.items()}
        self.panes = {name: SliceView(self.plane, state, self.windows[name], keymap)
                      for name, state in self.states.items()}
        self.captions = {name: QLabel(title) for name, title in TITLES.items()}
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground, True)
        self.setStyleSheet(f"CompareView {{ background: {theme().viewer}; }} "
                           f"CompareView > QLabel {{ color: {TEXT.name()}; padding: 2px 8px; }} "
                           f"CompareView > QLabel:disabled {{ color: {DIM.name()}; }}")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(2)
        self._grid.setRowStretch(1, 1)
        for column, name in enumerate(TITLES):
            self.panes[name].setAccessibleName(f"{TITLES[name]} picture")
            self._grid.addWidget(self.captions[name], 0, column)
            self._grid.addWidget(self.panes[name], 1, column)
            self._grid.setColumnStretch(column, 1)
            self._bind(name)
        self._actions = self._list_actions()

    def _bind(self, name: str) -> None:
        state, pane = self.states[name], self.panes[name]
        state.set_text_mode("anonymous")
        state.world_changed.connect(lambda: self._link(lambda other: other.set_world(state.world)))
        state.display_changed.connect(lambda: self._share_display(state))
        self.windows[name].changed.connect(lambda _sequence, window: self._share_window(name, window))
        pane.framed.connect(lambda: self._share_frame(pane))
        pane.maximise_requested.connect(lambda _plane: self.maximise(name))

    # What is shown

    def show_image(self, case: str, image: ViewImage | None, world: Point | None = None,
                   window: Window | None = None) -> None:
        """Show an original alone, at a place and in a window if given; None shows nothing."""
        for name in ("corrected", "field"):
            self.states[name].set_case(None)
            self.panes[name].refresh()
        self.scale, self._field_window = 1.0, None
        state = self.states["original"]
        state.set_case(ViewCase(case, {image.name: image}) if image is not None else None)
        if image is None:
            return
        self.set_plane(image.acquired)
        if world is not None:
            state.set_world(world)
        if window is not None:
            self.windows["original"].set_window(*window)

    def show_original(self, image: ViewImage) -> None:
        """Show the original once more, with another outline; the reader stays where they are."""
        state, window = self.states["original"], self.windows["original"].window()
        world = state.world
        state.set_case(ViewCase(state.case.id if state.case is not None else "", {image.name: image}), keep=True)
        state.set_world(world)
        self.windows["original"].set_window(*window)

    def show_result(self, original: ViewImage, corrected: ViewImage, field: ViewImage, scale: float) -> None:
        """Show a correction of the image on screen; the reader stays where they are."""
        shown = self.states["original"]
        world, window = shown.world, self.windows["original"].window()
        self.scale = scale
        case = shown.case.id if shown.case is not None else ""
        for name, image in (("original", original), ("corrected", corrected), ("field", field)):
            state = self.states[name]
            first = state.case is None
            state.set_case(ViewCase(case, {image.name: image}), keep=not first)
            state.set_world(world)
            if first:
                self.panes[name].set_plane(self.plane)
        self.windows["original"].set_window(*window)
        opening = self._field_window or field.before.window
        self._linking = True
        self.windows["field"].set_window(*opening)
        self._linking = False
        self._share_frame(self.panes["original"])

    def set_plane(self, name: str) -> None:
        """Show 'axial', 'coronal' or 'sagittal' slices."""
        self.plane = PLANES[name]
        for pane in self.panes.values():
            pane.set_plane(self.plane)
        self.plane_changed.emit(name)

    def maximise(self, name: str) -> None:
        """Show one pane alone, or all again."""
        self.alone = "" if self.alone == name else name
        for column, each in enumerate(TITLES):
            shown = self.alone in ("", each)
            self.panes[each].setVisible(shown)
            self.captions[each].setVisible(shown)
            self._grid.setColumnStretch(column, int(shown))
            self.panes[each].refresh()
        self.panes[name].setFocus()

    def swap(self) -> None:
        """Original and corrected in turn, in the same place: what changes, jumps."""
        self.maximise("corrected" if self.alone == "original" else "original")

    def restyle(self, name: str, *, stale: bool, words: str = "") -> None:
        """Name a pane; dim while it does not belong to the settings on screen."""
        self.captions[name].setText(f"{TITLES[name]}{words}")
        self.captions[name].setEnabled(not stale)

    # Links

    def _link(self, act: Callable[[ViewState], object]) -> None:
        for state in self.states.values():
            if state.case is not None:
                act(state)

    def _share_display(self, source: ViewState) -> None:
        for state in self.states.values():
            state.set_crosshair(source.crosshair)
            state.set_smooth(source.smooth)
            state.set_text_mode(source.text_mode)
            state.set_mask_mode(source.mask_mode)
        pair = [self.states["original"], self.states["corrected"]]
        if source in pair:
            for state in pair:
                state.set_inverted(source.inverted)

    def _share_window(self, name: str, window: Window) -> None:
        if self._linking:
            return
        self._linking = True
        if name == "field":
            self._field_window = window
        else:
            times = 1 / self.scale if name == "original" else self.scale
            other = "corrected" if name == "original" else "original"
            self.windows[other].set_window(window[0] * times, window[1] * times)
        self._linking = False

    def _share_frame(self, source: SliceView) -> None:
        if self._linking:
            return
        self._linking = True
        for pane in self.panes.values():
            if pane is not source and not pane.isHidden():
                pane.set_frame(source.frame)
        self._linking = False

    # Keys

    @property
    def active(self) -> str:
        """The pane that keys act on."""
        return self.alone or next((name for name, pane in self.panes.items() if pane.hasFocus()), "original")

    def handle_key(self, event: QKeyEvent) -> bool:
        """Do what the key means; False when it means nothing here."""
        action = self.keymap.action(event)
        return action is not None and self.perform(action)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys of every pane arrive here."""
        if not self.handle_key(event):
            super().keyPressEvent(event)

    def perform(self, action: str) -> bool:
        """Do one of the keymap's actions; False when it does not apply."""
        if self.states["original"].case is None or action not in self._actions:
            return False
        self._actions[action]()
        return True

    def _reset(self) -> None:
        self._field_window = None
        for name, pane in self.panes.items():
            if self.states[name].case is not None:
                pane.reset()
        self.windows["original"].reset()
        image = self.states["field"].image
        if image is not None:
            self._linking = True
            self.windows["field"].set_window(*image.before.window)
            self._linking = False

    def _flip(self, across: bool, down: bool) -> None:
        for pane in self.panes.values():
            pane.set_flipped(pane.flipped[0] != across, pane.flipped[1] != down)

    def _show_preset(self, number: int) -> None:
        windows = self.windows["original"]
        presets = windows.presets()
        if number <= len(presets):
            windows.apply_preset(presets[number - 1].name)

    def _list_actions(self) -> dict[str, Callable[[], object]]:
        state, pane = self.states["original"], lambda: self.panes[self.active]
        windows = lambda: self.windows[self.active]  # noqa: E731
        return {
            "slice_up": lambda: state.step_slice(self.plane, 1), "slice_down": lambda: state.step_slice(self.plane, -1),
            "first_slice": lambda: state.show_slice(self.plane, 1_000_000),
            "last_slice": lambda: state.show_slice(self.plane, 0),
            "reset": self._reset, "invert": lambda: self.states[self.active].set_inverted(not state.inverted),
            "flip_horizontal": lambda: self._flip(True, False), "flip_vertical": lambda: self._flip(False, True),
            "zoom_in": lambda: pane().zoom_by(1.25), "zoom_out": lambda: pane().zoom_by(0.8),
            "pan_left": lambda: pane().pan_by(-_PAN, 0), "pan_right": lambda: pane().pan_by(_PAN, 0),
            "pan_up": lambda: pane().pan_by(0, -_PAN), "pan_down": lambda: pane().pan_by(0, _PAN),
            "maximise": lambda: self.maximise(self.active), "smooth": lambda: state.set_smooth(not state.smooth),
            **{f"preset_{n}": lambda n=n: self._show_preset(n) for n in range(1, 10)},
            "full_range": lambda: windows().show_full_range(),
            "window_wider": lambda: windows().drag(25, 0), "window_narrower": lambda: windows().drag(-25, 0),
            "brighter": lambda: windows().drag(0, -25), "darker": lambda: windows().drag(0, 25),
            "mask_mode": state.next_mask_mode, "before_after": self.swap, "text_mode": state.next_text_mode,
            "crosshair": lambda: state.set_crosshair(not state.crosshair),
        }

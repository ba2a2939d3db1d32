"""The menu of a picture: everything the keys do, with the keys beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidgetAction

from app.ui.widgets.keymap import ACTIONS
from app.ui.widgets.view_state import LAYOUTS, MASK_MODES, TEXT_MODES

if TYPE_CHECKING:
    from app.ui.widgets.viewer import Viewer

_LAYOUT_TITLES = dict(zip(LAYOUTS, ("All planes", "Axial", "Coronal", "Sagittal"), strict=True))
_MASK_TITLES = dict(zip(MASK_MODES, ("Contour", "Filled", "Off"), strict=True))
_TEXT_TITLES = dict(zip(TEXT_MODES, ("Everything", "No identity", "Off"), strict=True))


def build_menu(viewer: Viewer) -> QMenu:
    """Make the menu for what is shown now; its owner is the viewer."""
    menu = QMenu(viewer)
    state = viewer.state
    _add(menu, viewer, "reset")
    _add_presets(menu.addMenu("Window"), viewer)
    _add(menu, viewer, "invert", state.inverted)
    flipped = viewer.active_pane.flipped
    _add(menu, viewer, "flip_horizontal", flipped[0])
    _add(menu, viewer, "flip_vertical", flipped[1])
    _add(menu, viewer, "smooth", state.smooth)
    menu.addSeparator()
    if state.image is not None and state.image.mask is not None:
        outline = menu.addMenu("Outline")
        _add_choices(outline, _MASK_TITLES, state.mask_mode, state.set_mask_mode)
        _add_opacity(outline, viewer)
        _add(menu, viewer, "largest_slice")
        diameters = menu.addAction("Diameters (RECIST)")
        diameters.setCheckable(True)
        diameters.setChecked(state.caliper)
        diameters.triggered.connect(lambda on: state.set_caliper(on))
    if state.attention_offered:
        _add(menu, viewer, "attention", state.attention is not None)
    if state.attention is not None and state.attention.peak is not None:
        _add(menu, viewer, "attention_peak")
    if state.can_compare:
        _add(menu, viewer, "before_after", state.prepared)
    if len(state.sequences) > 1:
        names = {name: name for name in state.sequences}
        _add_choices(menu.addMenu("Sequence"), names, state.sequence, state.set_sequence)
    menu.addSeparator()
    _add_choices(menu.addMenu("Layout"), _LAYOUT_TITLES, state.layout, state.set_layout)
    _add_choices(menu.addMenu("Text"), _TEXT_TITLES, state.text_mode, state.set_text_mode)
    _add(menu, viewer, "crosshair", state.crosshair)
    menu.addSeparator()
    _add(menu, viewer, "copy_picture")
    _add(menu, viewer, "save_picture")
    return menu


def _add(menu: QMenu, viewer: Viewer, name: str, checked: bool | None = None, title: str = "") -> QAction:
    keys = viewer.keymap.keys(name)
    # The key is shown, not bound: the viewer reads keys itself, whichever pane has the focus.
    action = menu.addAction(f"{title or ACTIONS[name].title}\t{keys[0]}" if keys else title or ACTIONS[name].title)
    if checked is not None:
        action.setCheckable(True)
        action.setChecked(checked)
    action.triggered.connect(lambda *_: viewer.perform(name))
    return action


def _add_opacity(menu: QMenu, viewer: Viewer) -> None:
    menu.addSeparator()
    menu.addAction("Opacity when filled").setEnabled(False)  # styled menus leave a section's words out
    action = QWidgetAction(menu)
    action.setDefaultWidget(viewer.opacity_slider())
    menu.addAction(action)


def _add_presets(menu: QMenu, viewer: Viewer) -> None:
    chosen = viewer.windows.remembered.get(viewer.state.sequence)
    for number, preset in enumerate(viewer.windows.presets()[:9], 1):
        _add(menu, viewer, f"preset_{number}", preset.name == chosen, preset.title)
    menu.addSeparator()
    _add(menu, viewer, "full_range")


def _add_choices(menu: QMenu, titles: dict[str, str], current: str, choose: object) -> None:
    for value, title in titles.items():
        action = menu.addAction(title)
        action.setCheckable(True)
        action.setChecked(value == current)
        action.triggered.connect(lambda *_, v=value: choose(v))

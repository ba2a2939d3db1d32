"""Keys and mouse buttons: one table of actions, three profiles named after the programs whose habits they follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from PySide6.QtCore import QKeyCombination, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence


@dataclass(frozen=True)
class Action:
    """Something a key can do."""

    name: str
    title: str
    group: str


ACTIONS: dict[str, Action] = {action.name: action for action in (
    Action("slice_up", "Next slice up", "Slices"),
    Action("slice_down", "Next slice down", "Slices"),
    Action("first_slice", "First slice", "Slices"),
    Action("last_slice", "Last slice", "Slices"),
    Action("largest_slice", "Largest slice of the tumour", "Slices"),
    Action("attention_peak", "Slice where the network looked most", "Slices"),
    Action("reset", "Reset window, zoom and flips", "Picture"),
    Action("invert", "Invert", "Picture"),
    Action("flip_horizontal", "Flip left-right", "Picture"),
    Action("flip_vertical", "Flip top-bottom", "Picture"),
    Action("zoom_in", "Zoom in", "Picture"),
    Action("zoom_out", "Zoom out", "Picture"),
    Action("pan_left", "Move the picture left", "Picture"),
    Action("pan_right", "Move the picture right", "Picture"),
    Action("pan_up", "Move the picture up", "Picture"),
    Action("pan_down", "Move the picture down", "Picture"),
    Action("maximise", "One plane or all planes", "Picture"),
    Action("smooth", "Smooth between voxels", "Picture"),
    *(Action(f"preset_{n}", f"Window preset {n}", "Window") for n in range(1, 10)),
    Action("full_range", "Full range", "Window"),
    Action("window_wider", "Less contrast", "Window"),
    Action("window_narrower", "More contrast", "Window"),
    Action("brighter", "Brighter", "Window"),
    Action("darker", "Darker", "Window"),
    Action("mask_mode", "Outline: contour, filled, off", "Case"),
    Action("attention", "Where the network looked", "Case"),
    Action("before_after", "Before and after preparation", "Case"),
    Action("next_sequence", "Next sequence", "Case"),
    Action("bias", "Bias correction (N4)", "Case"),
    Action("text_mode", "Text: all, no identity, off", "Case"),
    Action("crosshair", "Crosshair", "Case"),
    Action("leave", "Move the focus on", "Program"),
    Action("menu", "Menu of the picture", "Program"),
    Action("copy_picture", "Copy the picture", "Program"),
    Action("save_picture", "Save the picture", "Program"),
    Action("previous_case", "Previous case", "Program"),
    Action("next_case", "Next case", "Program"),
    Action("undo", "Undo", "Program"),
    Action("help", "Help", "Program"),
)}

_PACS_KEYS: dict[str, tuple[str, ...]] = {
    "slice_up": ("Up",), "slice_down": ("Down",), "first_slice": ("Home",), "last_slice": ("End",),
    "largest_slice": ("M",), "attention_peak": ("Shift+W",), "reset": ("Space",), "invert": ("I",),
    "flip_horizontal": ("H",), "flip_vertical": ("V",),
    "zoom_in": ("+", "="), "zoom_out": ("-",), "pan_left": ("Shift+Left",), "pan_right": ("Shift+Right",),
    "pan_up": ("Shift+Up",), "pan_down": ("Shift+Down",), "maximise": ("F",), "smooth": ("S",),
    **{f"preset_{n}": (str(n),) for n in range(1, 10)}, "full_range": ("0",),
    "window_wider": ("Ctrl+Right",), "window_narrower": ("Ctrl+Left",), "brighter": ("Ctrl+Up",),
    "darker": ("Ctrl+Down",), "mask_mode": ("G",), "attention": ("W",), "before_after": ("B",),
    "next_sequence": ("Tab",), "bias": ("N",), "text_mode": ("T",), "crosshair": ("C",), "leave": ("F6",),
    "menu": ("Menu", "Shift+F10"), "copy_picture": ("Ctrl+C",), "save_picture": ("Ctrl+S",),
    "previous_case": ("PgUp",), "next_case": ("PgDown",), "undo": ("Ctrl+Z",), "help": ("F1",),
}
_SLICER_KEYS = _PACS_KEYS | {
    "slice_up": ("Up", "Right", "F"), "slice_down": ("Down", "Left", "B"), "reset": ("R", "Space"), "smooth": ("S",),
    "maximise": ("X",), "before_after": ("A",),
}
_MITK_KEYS = _PACS_KEYS | {"slice_up": ("Up", "PgUp"), "slice_down": ("Down", "PgDown"), "reset": ("R", "Space"),
                           "previous_case": ("Ctrl+PgUp",), "next_case": ("Ctrl+PgDown",)}
PROFILES: dict[str, dict[str, tuple[str, ...]]] = {"PACS": _PACS_KEYS, "Slicer": _SLICER_KEYS, "MITK": _MITK_KEYS}

_PACS_MOUSE = {"left": "window", "middle": "pan", "right": "zoom", "ctrl+left": "region", "shift+move": "crosshair",
               "shift+left": "crosshair", "wheel": "slice", "ctrl+wheel": "zoom"}
MOUSE: dict[str, dict[str, str]] = {
    "PACS": _PACS_MOUSE,
    "Slicer": _PACS_MOUSE | {"shift+left": "pan", "ctrl+right": "slice"},
    "MITK": _PACS_MOUSE | {"left": "crosshair", "alt+left": "window", "shift+middle": "zoom"},
}
MOUSE_TITLES = {"window": "window and level", "pan": "move", "zoom": "zoom", "region": "window on a region",
                "crosshair": "crosshair in all planes", "slice": "slices"}


class Keymap(QObject):
    """Which key does what: a profile and the user's own changes to it."""

    changed = Signal()

    def __init__(self, profile: str = "PACS", own: Mapping[str, Sequence[str]] | None = None,
                 parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.profile = profile if profile in PROFILES else "PACS"
        self._own = {name: tuple(keys) for name, keys in (own or {}).items() if name in ACTIONS}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> Self:
        """Restore what `to_json` gave; unknown names are left out."""
        return cls(str(settings.get("profile", "PACS")), settings.get("own"))

    def to_json(self) -> dict[str, Any]:
        """Return the profile and the user's changes, for the settings."""
        return {"profile": self.profile, "own": {name: list(keys) for name, keys in self._own.items()}}

    def keys(self, action: str) -> tuple[str, ...]:
        """Keys of an action as portable text, e.g. 'Ctrl+C'."""
        return self._own.get(action, PROFILES[self.profile].get(action, ()))

    def table(self) -> dict[str, tuple[str, ...]]:
        """Every action and its keys, for the settings and the page of keys."""
        return {name: self.keys(name) for name in ACTIONS}

    def profile_keys(self, action: str) -> tuple[str, ...]:
        """Keys of an action before the user's own changes."""
        return PROFILES[self.profile].get(action, ())

    def is_own(self, action: str) -> bool:
        """Whether the user gave this action keys that differ from the profile's."""
        return self.keys(action) != self.profile_keys(action)

    def set_profile(self, profile: str) -> None:
        """Take another program's habits; the user's own changes stay."""
        if profile in PROFILES and profile != self.profile:
            self.profile = profile
            self.changed.emit()

    def remap(self, action: str, keys: Sequence[str]) -> tuple[str, ...]:
        """Give an action other keys; returns the actions that lost a key to it."""
        wanted = {_tidy(key) for key in keys}
        losers = tuple(name for name in ACTIONS if name != action and wanted & {_tidy(k) for k in self.keys(name)})
        for name in losers:
            self._own[name] = tuple(key for key in self.keys(name) if _tidy(key) not in wanted)
        self._own[action] = tuple(keys)
        self.changed.emit()
        return losers

    def restore(self) -> None:
        """Forget the user's own changes."""
        self._own.clear()
        self.changed.emit()

    def action(self, event: QKeyEvent) -> str | None:
        """Name of the action bound to a key press, if any."""
        pressed = pressed_key(event)
        return next((name for name in ACTIONS if any(_tidy(key) == pressed for key in self.keys(name))), None)

    def tool(self, button: str, modifiers: Qt.KeyboardModifier) -> str:
        """Name the tool of 'left', 'middle', 'right', 'wheel' or 'move' under these modifiers; '' for none."""
        table = MOUSE[self.profile]
        for name, flag in (("ctrl", Qt.KeyboardModifier.ControlModifier), ("shift", Qt.KeyboardModifier.ShiftModifier),
                           ("alt", Qt.KeyboardModifier.AltModifier)):
            if modifiers & flag:
                return table.get(f"{name}+{button}", "")
        return table.get(button, "")


def _tidy(key: str) -> str:
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def pressed_key(event: QKeyEvent) -> str:
    """Name a key press as portable text, e.g. 'Ctrl+C'; the keypad's keys are those of the main field."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    key = Qt.Key(event.key())
    is_sign = Qt.Key.Key_Space < key <= Qt.Key.Key_AsciiTilde and not Qt.Key.Key_A <= key <= Qt.Key.Key_Z
    if is_sign:  # where a layout needs Shift to type the sign, Shift is not meant
        modifiers &= ~Qt.KeyboardModifier.ShiftModifier
    return QKeySequence(QKeyCombination(modifiers, key)).toString(QKeySequence.SequenceFormat.PortableText)

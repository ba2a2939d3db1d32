"""Window and level: the shown range of each image, presets that suit the modality, and what the user chose last.

MR signal has no unit, so its presets are percentiles of the image at hand; CT presets are Hounsfield units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.ui.widgets.view_case import Layer, ViewImage
from app.ui.widgets.view_state import ViewState

Window = tuple[float, float]
_SAMPLE = 200_000
_MOST_SEARCHED = 4_000_000


@dataclass(frozen=True, eq=False)
class Intensities:
    """A sample of an image's values: all that is not background, and the tumour's (may be empty)."""

    tissue: NDArray[np.float32]
    tumour: NDArray[np.float32]

    def between(self, low: float, high: float) -> Window:
        """Two percentiles of the tissue."""
        a, b = np.percentile(self.tissue, (low, high))
        return float(a), float(b)


@dataclass(frozen=True)
class Preset:
    """A named window; `find` returns None where it does not apply."""

    name: str
    title: str
    find: Callable[[ViewImage, Intensities, bool], Window | None]


def _from_tags(image: ViewImage, _values: Intensities, prepared: bool) -> Window | None:
    return None if prepared else image.acquisition.window


def _around_tumour(_image: ViewImage, values: Intensities, _prepared: bool) -> Window | None:
    if not values.tumour.size:
        return None
    low, high = np.percentile(values.tumour, (2, 98))
    margin = 0.35 * float(high - low)
    return float(low) - margin, float(high) + margin


def _percentiles(low: float, high: float) -> Callable[[ViewImage, Intensities, bool], Window | None]:
    return lambda _image, values, _prepared: values.between(low, high)


def _hounsfield(level: float, width: float) -> Callable[[ViewImage, Intensities, bool], Window | None]:
    return lambda _image, _values, _prepared: (level - width / 2, level + width / 2)


_AUTO = Preset("auto", "Automatic (1 to 99.5 %)", _percentiles(1, 99.5))
_TAGS = Preset("tags", "As stored by the scanner", _from_tags)
_TUMOUR = Preset("tumour", "Tumour region", _around_tumour)
MR_PRESETS = (
    _AUTO, _TAGS, _TUMOUR,
    Preset("narrow", "Narrow (20 to 90 %)", _percentiles(20, 90)),
    Preset("wide", "Wide (0.1 to 99.95 %)", _percentiles(0.1, 99.95)),
    Preset("low", "Low signal (muscle on T1)", _percentiles(0.5, 60)),
    Preset("high", "High signal (fat on T1)", _percentiles(40, 99.9)),
)
CT_PRESETS = (
    Preset("soft", "Soft tissue (W 400 L 40)", _hounsfield(40, 400)),
    _TAGS, _TUMOUR,
    Preset("fat", "Fat (W 300 L -50)", _hounsfield(-50, 300)),
    Preset("bone", "Bone (W 2000 L 500)", _hounsfield(500, 2000)),
    Preset("lung", "Lung (W 1500 L -600)", _hounsfield(-600, 1500)),
    Preset("brain", "Brain (W 80 L 40)", _hounsfield(40, 80)),
    _AUTO,
)


class WindowModel(QObject):
    """The shown range of every image of the case.

    Attributes
    ----------
    remembered : dict of str to str
        Sequence to the preset used last on it; the window keeps it between sessions.
    """

    changed = Signal(str, tuple)
    preset_remembered = Signal(str, str)

    def __init__(self, state: ViewState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.remembered: dict[str, str] = {}
        self._state = state
        self._windows: dict[tuple[str, bool], Window] = {}
        self._values: dict[tuple[str, bool], Intensities] = {}
        state.case_changed.connect(self._forget)

    def window(self, sequence: str | None = None, prepared: bool | None = None) -> Window:
        """Lowest and highest shown value; of what is on screen by default."""
        key = self._key(sequence, prepared)
        if key not in self._windows:
            self._windows[key] = self._opening_window(key)
        return self._windows[key]

    def set_window(self, low: float, high: float, prepared: bool | None = None) -> None:
        """Show this range; kept at least a hair wide so that a picture never disappears."""
        if self._state.layer is None or not (np.isfinite(low) and np.isfinite(high)):
            return
        key = self._key(None, prepared)
        narrowest = max(abs(low), abs(high), 1.0) * 1e-5
        self._windows[key] = (float(low), float(max(high, low + narrowest)))
        self.changed.emit(key[0], self._windows[key])

    def drag(self, across: float, down: float) -> None:
        """Follow the mouse: right widens, up brightens; in screen pixels."""
        low, high = self.window()
        full = self.intensities().between(0.5, 99.5) if self._state.layer else (0.0, 1.0)
        per_pixel = max(full[1] - full[0], high - low, 1e-6) / 500.0
        width = max(high - low + across * per_pixel, per_pixel)
        level = (low + high) / 2 + down * per_pixel
        self.set_window(level - width / 2, level + width / 2)

    def presets(self) -> list[Preset]:
        """Presets that apply to what is shown; number keys follow this order."""
        image = self._state.image
        if image is None:
            return []
        table = CT_PRESETS if image.acquisition.modality == "CT" and not self._state.prepared else MR_PRESETS
        values = self.intensities()
        return [preset for preset in table if preset.find(image, values, self._state.prepared) is not None]

    def apply_preset(self, name: str) -> bool:
        """Show a preset's range and remember it for this sequence."""
        image = self._state.image
        for preset in self.presets():
            if preset.name == name and image is not None:
                found = preset.find(image, self.intensities(), self._state.prepared)
                if found is not None:
                    self.set_window(*found)
                    self.remembered[image.name] = name
                    self.preset_remembered.emit(image.name, name)
                    return True
        return False

    def show_full_range(self) -> None:
        """Lowest to highest value of the whole image."""
        if self._state.layer is not None:
            voxels = self._state.layer.voxels
            self.set_window(float(np.nanmin(voxels)), float(np.nanmax(voxels)))

    def reset(self) -> None:
        """Return to the window the image opens with, and forget the preset."""
        if self._state.layer is not None:
            self.remembered.pop(self._state.sequence, None)
            self.set_window(*self._opening_window(self._key(None, None)))

    def remember(self, presets: Mapping[str, str]) -> None:
        """Take over what an earlier session remembered; applies to images not yet shown."""
        self.remembered = dict(presets)

    def intensities(self, sequence: str | None = None, prepared: bool | None = None) -> Intensities:
        """Sample the values of an image; kept for the case."""
        key = self._key(sequence, prepared)
        if key not in self._values:
            image = self._state.case.images[key[0]] if self._state.case else None
            if image is None:
                return Intensities(np.zeros(1, np.float32), np.zeros(0, np.float32))
            self._values[key] = _sample(image.layer(key[1]), image)
        return self._values[key]

    def _opening_window(self, key: tuple[str, bool]) -> Window:
        image = self._state.case.images.get(key[0]) if self._state.case else None
        if image is None:
            return 0.0, 1.0
        name = self.remembered.get(key[0])
        for preset in (*MR_PRESETS, *CT_PRESETS):
            is_ct = image.acquisition.modality == "CT"
            if preset.name == name and preset in (CT_PRESETS if is_ct else MR_PRESETS):
                found = preset.find(image, self.intensities(*key), key[1])
                if found is not None:
                    return found
        low, high = image.layer(key[1]).window
        return (low, high) if high > low else (low, low + 1.0)

    def _key(self, sequence: str | None, prepared: bool | None) -> tuple[str, bool]:
        shown = self._state.prepared if prepared is None else prepared
        return self._state.sequence if sequence is None else sequence, shown

    def _forget(self) -> None:
        kept = {key: window for key, window in self._windows.items() if self._state.kept and not key[1]}
        self._windows = kept
        self._values.clear()


def _sample(layer: Layer, image: ViewImage) -> Intensities:
    mask = image.mask
    step = max(1, round((layer.voxels.size / _SAMPLE) ** (1 / 3)))
    values = np.asarray(layer.voxels[::step, ::step, ::step], dtype=np.float32).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        values = np.zeros(1, np.float32)
    tissue = values[values > values.min()]
    tumour = np.zeros(0, np.float32)
    if mask is not None and mask.voxels.shape == layer.voxels.shape:
        tumour = _inside(layer, mask, image.profiles)
    return Intensities(tissue if tissue.size else values, tumour[np.isfinite(tumour)])


def _inside(layer: Layer, mask: Layer, profiles: Sequence[NDArray[np.int64]]) -> NDArray[np.float32]:
    hit = [np.flatnonzero(profile) for profile in profiles]
    if not hit[0].size:
        return np.zeros(0, np.float32)
    box = tuple(slice(int(each[0]), int(each[-1]) + 1) for each in hit)  # the rest of a large image is not searched
    step = max(1, round((mask.voxels[box].size / _MOST_SEARCHED) ** (1 / 3)))
    places = np.argwhere(mask.voxels[box][::step, ::step, ::step]) * step + [each[0] for each in hit]
    places = places[:: max(1, len(places) // _SAMPLE)]
    return np.asarray(layer.voxels[tuple(places.T)], dtype=np.float32)

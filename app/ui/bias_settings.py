"""Bias-correction settings: presets and what speaks for them, how the form shows them, what each case was given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import RecipeError
from app.core.recipe import N4Recipe
from app.ui.state import SessionState
from app.ui.widgets.recipe_form import Look


@dataclass(frozen=True)
class Preset:
    """Settings with a name, and a sentence on what they are for."""

    title: str
    words: str
    settings: N4Recipe


PRESETS = (
    Preset("ITK's default", "4 levels of 50 iterations, every 4th voxel in plane: the usual start.",
           N4Recipe(mean_one=True)),
    Preset("2019 study", "4 levels of 500 iterations, as the study ran ANTs: more work, seldom a better field.",
           N4Recipe(iterations=500, mean_one=True)),
    Preset("Gentle", "2 levels: follows only a slow drift across the whole image, hardly a tumour's own contrast.",
           N4Recipe(levels=2, iterations=50, mean_one=True)),
    Preset("Strong", "5 levels on every 2nd voxel, for a coil close to the skin. May flatten large tumours.",
           N4Recipe(levels=5, iterations=100, shrink=2, tolerance=0.0005, mean_one=True)),
)

LOOKS: dict[str, Look] = {
    "mask": Look("Estimated in", words={"otsu": "Bright voxels (Otsu)", "body": "Body without air",
                                        "whole": "Whole image"},
                 tip="Where the field is estimated: the outline on the original"),
    "levels": Look("Levels", tip="Fitting levels: each halves the distance over which the field may change"),
    "iterations": Look("Iterations", low=1, high=500, log=True,
                       tip="The most at each level; or one number per level, '50, 50, 30, 20'"),
    "mesh": Look("First spans", low=1, high=8, tip="Spline spans across the image at the first level; "
                                                    "or along rows, columns and slices, '2, 2, 1'"),
    "shrink": Look("Every n-th voxel", low=1, high=8, tip="Voxels used for the fit, in plane; or three factors"),
    "fwhm": Look("Sharpening", low=0.01, high=1.0, log=True,
                 tip="Full width at half maximum of the blur that the field puts on the histogram, in log intensity"),
    "tolerance": Look("Stop below", low=1e-5, high=0.01, log=True, heading="Fine",
                      tip="A level ends when the field changes less than this; 0 runs all iterations"),
    "noise": Look("Noise", low=0.001, high=0.1, log=True, tip="Noise term of the histogram's Wiener filter"),
    "bins": Look("Bins", low=50, high=1000, log=True, tip="Histogram bins"),
    "engine": Look("Engine", words={"fast": "Fast, live", "itk": "ITK, on request", "ants": "ANTs, on request"},
                   tip="Fast is ITK's algorithm in array operations; ITK is the reference; ANTs the 2019 study's"),
    "mean_one": Look("Keep the brightness (field of mean 1)",
                     tip="N4 leaves the field's scale to chance; this sets its mean to 1 where it is estimated"),
}


def read_settings(path: Path) -> N4Recipe:
    """Read settings from JSON: their own, or those within a preparation or a whole recipe.

    Raises
    ------
    RecipeError
        The file is none of these.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        for part in ("prep", "n4"):
            values = values.get(part, values)
    except (OSError, ValueError, AttributeError) as error:
        raise RecipeError(f"{path.name} holds no settings that can be read.", "Choose a recipe's JSON file.") from error
    if not isinstance(values, dict):
        raise RecipeError(f"The recipe {path.name} has no bias correction.", "Choose another recipe.")
    return N4Recipe.parse(values)


class AppliedBias(QObject):
    """Which correction each case of the worklist was given; kept in the store.

    Signals
    -------
    changed(str)
        A case's key: its correction is another one.
    """

    changed = Signal(str)

    def __init__(self, state: SessionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._known: dict[str, dict[str, Any] | None] = {}
        self._history: list[tuple[str, dict[str, Any] | None] | None] = []

    def of(self, key: str) -> dict[str, Any] | None:
        """A case's `settings` (N4Recipe's JSON) and `mask` (path of an own outline, or ''); None without."""
        if key and key not in self._known:
            self._known[key] = self._state.store.setting(f"n4/{key}")
        return self._known.get(key)

    def apply(self, key: str, settings: N4Recipe, own: str = "") -> None:
        """Give a case a correction; `undo` takes it back."""
        self._history.append((key, self.of(key)))
        self._set(key, {"settings": settings.model_dump(mode="json"), "mask": own})

    def note_other(self) -> None:
        """Something else was done that can be undone: that goes first."""
        self._history.append(None)

    def undo(self) -> str:
        """Take back the last correction given; the case's key, '' when something else comes first or nothing is."""
        last = self._history.pop() if self._history else None
        if last is None:
            return ""
        self._set(*last)
        return last[0]

    def _set(self, key: str, value: dict[str, Any] | None) -> None:
        self._known[key] = value
        store, details = self._state.store, {"settings": value["settings"]} if value else {}
        words = "bias correction applied" if value else "bias correction taken back"
        self._state.in_background(lambda: (store.set_setting(f"n4/{key}", value), store.audit(words, key, details)))
        self.changed.emit(key)

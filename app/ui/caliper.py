"""Diameters for the picture: measured when the reader first asks for them, once for each outline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject

from app.core.requests import DiametersRequest
from app.ui.calls import Call
from app.ui.jobs import Jobs
from app.ui.widgets.diameters import Diameters
from app.ui.widgets.view_state import ViewState


class Caliper(QObject):
    """Binds the viewer's state to the engine that measures."""

    def __init__(self, jobs: Jobs, state: ViewState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._call = state, Call(jobs, "measure_diameters", parent=self)
        self._images: Mapping[str, Any] = {}
        self._asked, self._shown, self._go_there = "", False, False
        state.display_changed.connect(self._turn)
        state.display_changed.connect(self._ask)
        state.sequence_changed.connect(self._ask)
        self._call.finished.connect(self._take)
        self._call.failed.connect(lambda _failure: state.set_caliper(False))

    def show_view(self, view: Mapping[str, Any]) -> None:
        """Another case is on screen, or the same one read again."""
        self._call.cancel()
        self._images, self._asked = view["images"], ""
        self._ask()

    def _turn(self) -> None:
        """Go to the diameters' slice when the reader asks to see them."""
        before, self._shown = self._shown, self._state.caliper
        if self._shown and not before:
            self._go_there = True
            self._go()

    def _go(self) -> None:
        found = self._state.diameters.get(self._state.sequence)
        if self._go_there and found is not None:
            self._go_there = False
            self._state.set_world([sum(ends) / 2 for ends in zip(*found.longest, strict=True)])

    def _ask(self, *_: object) -> None:
        image = self._images.get(self._state.sequence) or {}
        if not self._state.caliper or not image.get("mask") or self._state.sequence in self._state.diameters \
                or self._asked == self._state.sequence:
            return
        self._asked = self._state.sequence
        affine = image.get("mask_affine") or image["affine"]
        self._call.start(DiametersRequest(mask=image["mask"], affine=affine).model_dump(mode="json"),
                         "Measuring the diameters")

    def _take(self, told: Mapping[str, Any]) -> None:
        self._state.set_diameters(self._asked, Diameters.from_json(told))
        self._asked = ""
        self._go()

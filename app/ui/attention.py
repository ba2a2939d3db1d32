"""Where a network looked, over the slices: asked for when the reader switches it on, and for every case while it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject

from app.core.errors import AppError, Failure
from app.core.requests import CaseFiles, ExplainRequest
from app.ui.attention_words import map_sentence
from app.ui.calls import Call
from app.ui.reading import Reading
from app.ui.widgets.attention_map import METHODS, AttentionMap
from app.ui.widgets.attention_section import AttentionSection
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.view_state import ViewState

SETTING = "attention"
NO_NETWORK = "This score is not a network's: there is no map of where it looked."


class Attention(QObject):
    """Binds the current case's score to the map on its slices and to the section that explains it.

    Parameters
    ----------
    reading : Reading
    state : ViewState
        Of the viewer that the map is laid over.
    section : AttentionSection
    keymap : Keymap
    """

    def __init__(self, reading: Reading, state: ViewState, section: AttentionSection, keymap: Keymap,
                 parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reading, self._state, self._section, self._keymap = reading, state, section, keymap
        self._call = Call(reading.jobs, "explain_case", parent=self)
        self._case: tuple[str, str, str] | None = None
        self._asked, self._go_there = "", False
        self._told: dict[str, dict[str, Any]] = {}
        self._maps: dict[tuple[str, str], AttentionMap] = {}
        section.switched.connect(lambda on: self.switch(on=on))
        section.method_chosen.connect(self._choose_method)
        section.opacity_chosen.connect(lambda opacity: self._choose(opacity=opacity))
        section.peak_requested.connect(state.jump_to_attention)
        section.cancel_requested.connect(self.stop)
        self._call.progress.connect(lambda share, step, left: section.show_wait(step, share, left))
        self._call.began.connect(lambda: section.show_wait(self._call.standing()))
        self._call.finished.connect(self._take)
        self._call.failed.connect(self._take_failure)
        self._call.stopped.connect(lambda: section.show_wait(None))
        state.sequence_changed.connect(lambda _name: self.is_offered and self._show())
        keymap.changed.connect(self._show_choices)
        reading.state.changed.connect(lambda name, _value: name == SETTING and self._show_choices())
        self._show_choices()

    @property
    def choices(self) -> dict[str, Any]:
        """Whether it is on, how the map is made, and how much it covers."""
        kept = {"on": False, "method": "gradcam", "opacity": 0.6} | self._reading.state[SETTING]
        return kept if kept["method"] in METHODS else kept | {"method": "gradcam"}

    @property
    def is_offered(self) -> bool:
        """Whether the finding on screen is a network's."""
        return self._case is not None

    def switch(self, *, on: bool) -> None:
        """Lay the map over the slices, or take it off; the choice is remembered."""
        self._go_there = on
        self._choose(on=on)
        self._section.show_problem("")
        if not on:
            self._forget_question()
        self._show()

    def toggle(self) -> None:
        """Switch it on or off by key."""
        if self.is_offered:
            self.switch(on=not self.choices["on"])
        else:
            self._reading.said.emit(NO_NETWORK)

    def stop(self) -> None:
        """Call off what is being drawn: back to the map that is there already, or to none."""
        if not self._call.running:
            return
        other = next((name for name in METHODS if name in self._told), "")
        if other:
            self._choose_method(other)
        else:
            self.switch(on=False)

    def follow(self) -> None:
        """Take up the case on screen, its score and its pictures as they stand now."""
        entry = self._reading.worklist.entry(self._reading.current)
        score = entry.score if entry is not None and entry.status == "scored" else None
        case = None
        if entry is not None and score and score.get("attention"):
            case = (entry.key, str(score["model"]), json.dumps(entry.files, sort_keys=True))
        if case != self._case:
            self._forget_question()
            self._case, self._go_there = case, False
            self._state.attention_offered = case is not None
            self._told.clear()
            self._maps.clear()
            self._section.show_problem("")
        self._show()

    def _choose(self, **changes: Any) -> None:
        self._reading.state.choose(SETTING, {**self.choices, **changes})

    def _forget_question(self) -> None:
        self._asked = ""
        self._call.cancel()

    def _choose_method(self, method: str) -> None:
        self._forget_question()
        self._choose(method=method)
        self._section.show_problem("")
        self._show()

    def _show_choices(self) -> None:
        choices = self.choices
        self._section.show_choices(on=choices["on"], method=choices["method"], opacity=choices["opacity"],
                                   key=next(iter(self._keymap.keys("attention")), ""))
        self._state.set_attention_opacity(choices["opacity"])

    def _show(self) -> None:
        """Lay the map over the picture, ask for one that is missing, or show none."""
        method, wanted = self.choices["method"], self._case is not None and self.choices["on"]
        found = self._open(method) if wanted and method in self._told else None
        self._state.set_attention(found)
        if found is not None:
            self._explain(found)
            self._go(found)
        else:
            self._section.show_map(None)
        if wanted and method not in self._told and self._asked != method:
            self._ask(method)

    def _ask(self, method: str) -> None:
        if self._case is None:
            return
        _key, model, files = self._case
        self._asked = method
        self._section.show_problem("")
        ask = ExplainRequest(case=CaseFiles.model_validate(json.loads(files)), model=model, method=method)
        self._call.start(ask.model_dump(mode="json"), "Drawing where it looked")

    def _take(self, told: dict[str, Any]) -> None:
        method, self._asked = self._asked, ""
        self._section.show_wait(None)
        self._told[method] = told
        self._show()

    def _take_failure(self, failure: Failure) -> None:
        self._section.show_wait(None)
        self._section.show_problem(f"{failure.message} {failure.remedy}".strip())

    def _open(self, method: str) -> AttentionMap | None:
        """Open a map on the picture on screen; kept as long as that picture is."""
        told, images = self._told[method], (self._reading.view or {}).get("images") or {}
        image: Mapping[str, Any] | None = images.get(told["sequence"])
        if image is None:  # not read yet
            return None
        key = (method, str(image["array"]))
        if key not in self._maps:
            try:
                self._maps = {kept: each for kept, each in self._maps.items() if kept[1] == key[1]}
                self._maps[key] = AttentionMap.from_json(told, image)
            except AppError as problem:
                self._section.show_problem(f"{problem.message} {problem.remedy}".strip())
                return None
        return self._maps[key]

    def _go(self, found: AttentionMap) -> None:
        """Bring a slice with a map into sight when the reader has asked to see it."""
        asked, self._go_there = self._go_there, False
        elsewhere = self._state.slice_index(found.plane) not in found.slices
        if asked:
            self._section.revealed.emit()
        if asked and (elsewhere or self._state.sequence != found.sequence):
            self._state.jump_to_attention()

    def _explain(self, found: AttentionMap) -> None:
        count = found.layer.grid.shape[found.plane.fixed]
        numbers = sorted(count - index for index in found.slices)
        strongest = count - found.layer.grid.nearest(found.peak, found.plane.fixed) if found.peak else None
        place = map_sentence(found, numbers[0], numbers[-1], count, strongest) if numbers else ""
        if self._state.sequence != found.sequence:
            place = f"The network was given {found.sequence}; another image is on screen."
        self._section.show_map(found, place)

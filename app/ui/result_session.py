"""What the reader looks at on the results page: which model, what beside it, at which threshold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.ui.results import Confusion, Results

_SAME = 1e-9


class ResultSession(QObject):
    """Results, and the reader's choices among them.

    Signals
    -------
    loaded()
        Other results are on the table.
    chosen()
        Another model is looked at, or others are drawn beside it.
    threshold_moved()
        The threshold is another.
    """

    loaded = Signal()
    chosen = Signal()
    threshold_moved = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.results = Results({"classes": ("negative", "positive")})
        self.model = ""
        self.beside: tuple[str, ...] = ()
        self.threshold, self.moved = 0.5, False
        self.anonymise = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is on the table."""
        return not self.model

    @property
    def drawn(self) -> tuple[str, ...]:
        """Everything that is drawn: the model looked at first."""
        return (self.model, *(name for name in self.beside if name != self.model)) if self.model else ()

    @property
    def offered(self) -> tuple[str, ...]:
        """Everything that can be drawn: models, then what is simpler."""
        return (*self.results.models, *self.results.comparators)

    def load(self, raw: Mapping[str, Any]) -> None:
        """Put other results on the table."""
        self.results = Results(raw)
        self.model = next(iter(self.results.models), "")
        headline = str(self.results.part("headline").get("comparator") or "")
        rivals = (headline,) if headline in self.results.comparators else self.results.comparators[:1]
        self.beside = self.results.models[1:] if self.results.is_joined else rivals
        self._begin()
        self.loaded.emit()

    def look_at(self, model: str) -> None:
        """Look at another model; its own threshold comes with it, and it changes places with one drawn beside."""
        if model in self.results.models and model != self.model:
            if model in self.beside:
                kept = {*self.beside, self.model} - {model}
                self.beside = tuple(name for name in self.offered if name in kept)
            self.model = model
            self._begin()
            self.chosen.emit()

    def put_beside(self, names: Iterable[str]) -> None:
        """Draw others beside the model."""
        wanted = set(names)
        found = tuple(name for name in self.offered if name in wanted)
        if found != self.beside:
            self.beside = found
            self.chosen.emit()

    # The threshold

    def move_threshold(self, threshold: float) -> None:
        """Move the threshold; where it was chosen before is no longer claimed."""
        threshold = min(max(float(threshold), 0.0), 1.0)
        if abs(threshold - self.threshold) > _SAME:
            self.threshold = threshold
            self.moved = abs(threshold - self.results.default_threshold(self.model)) > _SAME
            self.threshold_moved.emit()

    def step_threshold(self, steps: int) -> None:
        """Move the threshold to the next probability that a case has, `steps` up or down."""
        values = sorted(set(self.results.steps(self.model)[2].tolist()))
        if not values:
            return
        if steps > 0:
            found = [value for value in values if value > self.threshold + _SAME][:steps]
        else:
            found = [value for value in reversed(values) if value < self.threshold - _SAME][:-steps]
        if found:
            self.move_threshold(found[-1])

    def reset_threshold(self) -> None:
        """Return to the threshold that was chosen without these cases."""
        self.move_threshold(self.results.default_threshold(self.model))

    @property
    def confusion(self) -> Confusion:
        """Counts of the model's cases at the threshold."""
        return self.results.confusion(self.model, self.threshold)

    def _begin(self) -> None:
        self.threshold, self.moved = self.results.default_threshold(self.model), False

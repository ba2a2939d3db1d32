"""The tab of a model's networks: how large they are, what they started from, and how their epochs went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.result_session import ResultSession
from app.ui.training_epochs import Course, best_of
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.epoch_plots import EpochPlots
from app.ui.widgets.result_panel import heading

NOTHING = "Its epochs are not kept with this result."
UNTRAINED = "It was taken as its weights are, and was not trained."
CAPTION = ("Of the saved model, which learned from all cases: the watched patients were set aside from them, and said "
           "when to stop. The ring is the epoch that was kept. How good the model is, the other tabs tell.")


class NetworkPart(QWidget):
    """Facts in words above, the curves of one network below."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__()
        self._session = session
        self.facts, self.weights, self.notices = wrapped(), wrapped(), wrapped(role="warning")
        self.choice, self.plots, self.caption = QComboBox(), EpochPlots(), wrapped(role="dim")
        self.choice.setAccessibleName("Network whose epochs are shown")
        self._choice_row, row = QWidget(), QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        label = QLabel("Epochs of")
        label.setBuddy(self.choice)
        row.addWidget(label)
        row.addWidget(self.choice)
        row.addStretch(1)
        self._choice_row.setLayout(row)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        self._origin = heading("Weights that it started from")
        for widget in (self.facts, self.notices, self._origin, self.weights, heading("How it learned"),
                       self._choice_row, self.caption):
            column.addWidget(widget)
        column.addWidget(self.plots, 1)
        column.addStretch(0)
        self.choice.activated.connect(lambda _row: self._draw())

    def restyle(self) -> None:
        """Draw anew."""
        told = self._told
        self.facts.setText(facts_of(told))
        self.weights.setText("\n".join(origin_of(each) for each in told.get("weights") or ()))
        for widget in (self._origin, self.weights):
            widget.setVisible(bool(self.weights.text()))
        self.notices.setText(" ".join(told.get("notices") or ()))
        self.notices.setVisible(bool(self.notices.text()))
        titles = [f"network {place + 1} of {len(self._history)}" for place in range(len(self._history))]
        if [self.choice.itemText(row) for row in range(self.choice.count())] != titles:
            self.choice.clear()
            self.choice.addItems(titles)
        self._choice_row.setVisible(len(titles) > 1)
        self.plots.restyle()
        self._draw()

    @property
    def _told(self) -> Mapping[str, Any]:
        return self._session.results.raw.get("network") or {}

    @property
    def _history(self) -> list[Any]:
        return list(self._told.get("history") or ())

    def _draw(self) -> None:
        course = Course()
        history = self._history
        for line in history[max(self.choice.currentIndex(), 0)] if history else ():
            course.take(line)
        self.plots.setVisible(bool(course.curve))
        trained = any(each.get("epochs") for each in self._told.get("networks") or ())
        best = best_of(course.curve)
        self.caption.setText(CAPTION if best is not None else NOTHING if trained else UNTRAINED)
        self.plots.show_curve(course.curve)


def facts_of(told: Mapping[str, Any]) -> str:
    """Say how large the networks are, how long they learned and on what."""
    networks = told.get("networks") or []
    if not networks:
        return ""
    kinds = ", ".join(dict.fromkeys(str(each["kind"]) for each in networks))
    count = "One network" if len(networks) == 1 else f"{len(networks)} networks"
    size = f"{int(told['parameters']):,} parameters{' in all' if len(networks) > 1 else ''}"
    use = "; its pooled features go to the model" if told.get("use") == "features" else ""
    device = f" On: {told['device']}." if told.get("device") else ""
    return f"{count} ({kinds}), {size}{use}.{_length_of(networks)}{device}"


def _length_of(networks: Sequence[Mapping[str, Any]]) -> str:
    """Say for how many epochs networks were trained, with a space before; '' where they were not."""
    trained = [each for each in networks if each.get("epochs")]
    if not trained:
        return ""
    if len(trained) == 1:
        return f" Trained for {trained[0]['epochs']} epochs, of which epoch {trained[0]['epoch']} was kept."
    fewest, most = (end(int(each["epochs"]) for each in trained) for end in (min, max))
    return f" Trained for {fewest} epochs each." if fewest == most else f" Trained for {fewest} to {most} epochs."


def origin_of(weights: Mapping[str, Any]) -> str:
    """Say which file of weights a network started from, whose it is, and what of it fitted."""
    found = str(weights.get("found") or f"{weights['file']}. Origin: {weights.get('origin') or 'not stated'}. Licence: "
                f"{weights.get('licence') or 'not stated'}.")
    return f"{found} SHA-256: {str(weights.get('sha256') or '')[:16]}…"

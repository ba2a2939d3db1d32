"""The line above the picture: which case, which sequence, and how it is prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QWidget

from app.ui.viewing import PREPARATIONS
from app.ui.widgets.copy_label import ElidedLabel
from app.ui.widgets.elided_combo import ElidedCombo
from app.ui.widgets.sequence_picker import title_of_sequence
from app.ui.widgets.view_case import ONE_IMAGE

_WEIGHTINGS = {"t1": "T1", "t2": "T2", "pd": "PD"}

ROOMY = 520


def sequence_title(name: str, acquisition: Mapping[str, Any], *, only: bool = False) -> str:
    """Say a sequence with its guessed weighting, fat suppression and contrast, and what the guess rests on.

    A case's one image (`only`) need not have a sequence's name.
    """
    weighting = str(acquisition.get("weighting") or "")
    weighting = _WEIGHTINGS.get(weighting, weighting.upper())
    parts = [weighting] if weighting else []
    if acquisition.get("fat_suppressed"):
        parts.append("fat suppressed")
    if acquisition.get("contrast_enhanced"):
        parts.append("with contrast")
    guess, title = ", ".join(parts), title_of_sequence(name)
    if only and name == ONE_IMAGE:
        return guess
    if not guess or name == acquisition.get("sequence") or guess == title:
        return title
    return f"{title} ({guess})"


class CaseBar(QWidget):
    """Pickers over the viewer.

    Signals
    -------
    sequence_chosen(str)
    preparation_chosen(str)
    compared(bool)
        Show the prepared image (True) or the stored one.
    bias_requested()
        Steer the bias correction by hand.
    """

    sequence_chosen = Signal(str)
    preparation_chosen = Signal(str)
    compared = Signal(bool)
    bias_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title, self.facts = ElidedLabel(role="title", middle=True, least=10), ElidedLabel(role="dim")
        self.sequences, self.preparations = ElidedCombo(), ElidedCombo()
        self.sequences.setAccessibleName("Sequence")
        self.sequences.setToolTip("Which image of the case is shown; weighting and contrast are read from the header")
        self.sequences.activated.connect(lambda _row: self.sequence_chosen.emit(self.sequences.currentData()))
        self.preparations.setAccessibleName("View with")
        self.preparations.setToolTip("Prepare the image for viewing; the score is not changed by it")
        for name, (title, _prep) in PREPARATIONS.items():
            self.preparations.addItem(title, name)
        self.preparations.addItem("As the model sees it", "model")
        for box in (self.sequences, self.preparations):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
            box.setMinimumWidth(88)
            box.setMaximumWidth(240)  # a long name is cut, and whole in the list
        self.preparations.activated.connect(lambda _row: self.preparation_chosen.emit(self.preparations.currentData()))
        self.compare = QPushButton("Before")
        self.compare.setCheckable(True)
        self.compare.setToolTip("Before or after preparation (B)")
        self.compare.toggled.connect(self._tell_compared)
        self.compare.hide()
        self.bias = QPushButton("N4…")
        self.bias.setAccessibleName("Bias correction")
        self.bias.setToolTip("Steer the bias correction of this image by hand (N)")
        self.bias.clicked.connect(self.bias_requested)
        self.bias.hide()
        self.single = ElidedLabel(role="dim")
        self._view_with = QLabel("View with")
        self._view_with.setProperty("role", "dim")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(8, 6, 8, 6)
        layout.setSpacing(8)
        for widget in (self.title, self.sequences, self.single, self.facts):
            layout.addWidget(widget)
        layout.addStretch(1)
        for widget in (self._view_with, self.preparations, self.compare, self.bias):
            layout.addWidget(widget)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave the name its room when there is little."""
        super().resizeEvent(event)
        for label in (self.facts, self._view_with):
            label.setVisible(event.size().width() >= ROOMY)

    def show_title(self, title: str) -> None:
        """Name the case; its pictures are still to come."""
        self.title.setText(title)
        self.sequences.hide()
        self.single.hide()
        self.facts.setText("")
        self.compare.hide()
        self.bias.hide()

    def show_view(self, view: Mapping[str, Any]) -> None:
        """Offer the sequences of a view and say what is known of the outline."""
        self.sequences.clear()
        only = len(view["images"]) == 1
        titles = {name: sequence_title(name, image.get("acquisition") or {}, only=only)
                  for name, image in view["images"].items()}
        for name, title in titles.items():
            self.sequences.addItem(title, name)
            self.sequences.setItemData(self.sequences.count() - 1, title, Qt.ItemDataRole.ToolTipRole)
        self.sequences.setVisible(len(titles) > 1)
        self.single.setText(next(iter(titles.values()), ""))
        self.single.setVisible(only and bool(self.single.text()))
        self.bias.show()
        mask = view.get("mask")
        self.facts.setText(f"{mask['volume_ml']:,.1f} ml, {mask['longest_diameter_mm']:,.0f} mm across"
                           if mask and mask.get("volume_ml") is not None else "no outline" if not mask else "")

    def show_state(self, sequence: str, *, prepared: bool, can_compare: bool) -> None:
        """Follow the viewer: its sequence, and before or after."""
        row = self.sequences.findData(sequence)
        if row >= 0:
            self.sequences.setCurrentIndex(row)
        self.compare.setVisible(can_compare)
        blocked = self.compare.blockSignals(True)
        self.compare.setChecked(prepared)
        self.compare.blockSignals(blocked)
        self.compare.setText("After" if prepared else "Before")

    def choose_preparation(self, name: str) -> None:
        """Show which preparation is chosen."""
        self.preparations.setCurrentIndex(max(0, self.preparations.findData(name)))

    def _tell_compared(self, checked: bool) -> None:
        self.compare.setText("After" if checked else "Before")
        self.compared.emit(checked)

"""What the reader may choose about a score: the model, the error rate, the threshold; and how to take it away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from app.ui.widgets.elided_combo import ElidedCombo
from app.ui.words import DEMONSTRATION, per_cent

ERROR_RATES = (0.05, 0.10, 0.20)
ROOMY = 300


class ResultChoices(QWidget):
    """Three pickers; any change asks for the score again.

    Signals
    -------
    changed()
        Read `model`, `error_rate`, `threshold` afterwards.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models: dict[str, Mapping[str, Any]] = {}
        self._threshold: float | None = None
        self.models, self.rates, self.thresholds = ElidedCombo(), QComboBox(), ElidedCombo()
        for box, name, tip in (
                (self.models, "Model", "Which model scores"),
                (self.rates, "Error rate", "How often a verdict may be wrong; lower says 'uncertain' more often"),
                (self.thresholds, "Threshold", "The operating point, from those the model was tested at")):
            box.setAccessibleName(name)
            box.setToolTip(tip)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)
            box.activated.connect(lambda _row, box=box: self._chosen(box))
        grid = self._grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        grid.setColumnStretch(3, 1)
        self.rates.setFixedWidth(72)
        for text, box, row, column, span in (("Model", self.models, 0, 0, 3), ("Error rate", self.rates, 1, 0, 1),
                                             ("Threshold", self.thresholds, 1, 2, 1)):
            label = QLabel(text)
            label.setProperty("role", "dim")
            label.setBuddy(box)
            grid.addWidget(label, row, column)
            grid.addWidget(box, row, column + 1, 1, span)
        self._last = (label, self.thresholds)
        self._offer_rates(ERROR_RATES, ERROR_RATES[0])

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Need no more than one picker beside its name."""
        return QSize(192, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the threshold a row of its own where there is no room for two pickers."""
        super().resizeEvent(event)
        row, column, span = (1, 2, 1) if event.size().width() >= ROOMY else (2, 0, 3)
        label, box = self._last
        if self._grid.getItemPosition(self._grid.indexOf(box))[:2] != (row, column + 1):
            self._grid.addWidget(label, row, column)
            self._grid.addWidget(box, row, column + 1, 1, span)

    @property
    def model(self) -> str:
        """Name of the chosen model; empty while none is known."""
        return self.models.currentData() or ""

    @property
    def error_rate(self) -> float:
        """Chosen error rate, 0 to 1."""
        return float(self.rates.currentData() or ERROR_RATES[0])

    @property
    def threshold(self) -> float | None:
        """Chosen threshold; None for the model's own."""
        return self._threshold

    def offer_models(self, models: Sequence[Mapping[str, Any]], chosen: str) -> None:
        """Offer the models that verify."""
        self._models = {str(model["name"]): model for model in models if model.get("verified", True)}
        self.models.clear()
        for name, model in self._models.items():
            mark = " (demo)" if model.get("demonstration") else ""
            self.models.addItem(f"{model.get('title') or name}{mark}", name)
            purpose = [DEMONSTRATION] if model.get("demonstration") else []
            self.models.setItemData(self.models.count() - 1, "\n".join([*purpose, str(model.get("purpose") or "")]), 3)
        self.models.setCurrentIndex(max(0, self.models.findData(chosen)))
        self._offer_thresholds()
        self._offer_rates(self._rates_of_model(), self.error_rate)

    def choose(self, *, error_rate: float | None = None, threshold: float | None = None) -> None:
        """Set choices without asking for a score."""
        if error_rate is not None:
            self._offer_rates(self._rates_of_model(), error_rate)
        self._threshold = threshold
        self._offer_thresholds()

    def _rates_of_model(self) -> Sequence[float]:
        return self._models.get(self.model, {}).get("error_rates") or ERROR_RATES

    def _chosen(self, box: QComboBox) -> None:
        if box is self.models:
            self._threshold = None  # the page knows what was chosen for this model before
            self._offer_thresholds()
            self._offer_rates(self._rates_of_model(), self.error_rate)
        elif box is self.thresholds:
            self._threshold = box.currentData()
        self.changed.emit()

    def _offer_rates(self, rates: Sequence[float], chosen: float) -> None:
        self.rates.clear()
        for rate in sorted(rates):
            self.rates.addItem(per_cent(rate), rate)
        nearest = min(range(self.rates.count()), key=lambda row: abs(self.rates.itemData(row) - chosen))
        self.rates.setCurrentIndex(nearest)

    def _offer_thresholds(self) -> None:
        self.thresholds.clear()
        points = self._models.get(self.model, {}).get("thresholds") or ()
        own = next((f" {point['threshold']:.3f}" for point in points
                    if isinstance(point, Mapping) and point.get("default")), "")
        self.thresholds.addItem(f"own{own}", None)
        for point in points:
            value = float(point["threshold"] if isinstance(point, Mapping) else point)
            name = f" {point['name']}" if isinstance(point, Mapping) and point.get("name") else ""
            self.thresholds.addItem(f"{value:.3f}{name}", value)
        row = next((row for row in range(1, self.thresholds.count())
                    if self._threshold is not None and abs(self.thresholds.itemData(row) - self._threshold) < 5e-4), 0)
        self.thresholds.setCurrentIndex(row)

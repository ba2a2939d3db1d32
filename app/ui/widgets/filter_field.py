"""The filters that images pass before they are measured: a check box each, and the sizes of those that have some."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.ui.widgets.flow import FlowLayout

FILTERS = {"Original": "none (original)", "LoG": "Laplacian of Gaussian", "Wavelet": "wavelet", "Square": "square",
           "SquareRoot": "square root", "Logarithm": "logarithm", "Exponential": "exponential",
           "Gradient": "gradient", "LBP2D": "local binary pattern, 2D", "LBP3D": "local binary pattern, 3D",
           "Mean": "mean", "Gabor": "Gabor (IBSI)"}
SIZES: dict[str, tuple[str, str, tuple[float, ...]]] = {
    "LoG": ("sigma", "Laplacian: sigma, mm", (1.0, 2.0, 3.0)),
    "Mean": ("support", "Mean: width, an odd number of voxels", (3,)),
    "Gabor": ("wavelength", "Gabor: wavelength, mm", (4.0, 8.0))}

_STARTS: dict[str, dict[str, Any]] = {name: {"binWidth": 1.0, "binCount": None} for name in ("LBP2D", "LBP3D")}
"""What a filter begins with: patterns are counted one by one, whatever the grey levels of the image."""


class FilterField(QWidget):
    """A recipe's `filters`; settings that it does not draw are kept as they are.

    Signals
    -------
    changed()
        The reader has chosen others.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._known: dict[str, dict[str, Any]] = {}
        self.boxes = {name: QCheckBox(title) for name, title in FILTERS.items()}
        flow_room, form = QWidget(), QFormLayout()
        self._flow = FlowLayout(flow_room, spacing=10)
        for box in self.boxes.values():
            self._flow.addWidget(box)
            box.clicked.connect(self._tell)
        self.sizes: dict[str, QLineEdit] = {}
        self._labels: dict[str, QLabel] = {}
        for name, (_setting, title, start) in SIZES.items():
            self.sizes[name], self._labels[name] = QLineEdit(_listed(start)), QLabel(title)
            self.sizes[name].setAccessibleName(title)
            self.sizes[name].setToolTip("Several numbers with commas between")
            self.sizes[name].editingFinished.connect(self._tell)
            form.addRow(self._labels[name], self.sizes[name])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(flow_room)
        column.addLayout(form)
        self.set_value({"Original": {}})

    def value(self) -> dict[str, dict[str, Any]]:
        """The chosen filters with their settings."""
        chosen = {name: dict(self._known.get(name, _STARTS.get(name, {})))
                  for name, box in self.boxes.items() if box.isChecked()}
        for name, (setting, _title, start) in SIZES.items():
            if name in chosen:
                chosen[name][setting] = self._numbers(name, start)
        return chosen

    def set_value(self, value: dict[str, dict[str, Any]]) -> None:
        """Show filters."""
        self._known = {name: dict(settings) for name, settings in value.items()}
        for name in value:
            if name not in self.boxes:
                self.boxes[name] = QCheckBox(name)
                self.boxes[name].clicked.connect(self._tell)
                self._flow.addWidget(self.boxes[name])
        for name, box in self.boxes.items():
            box.setChecked(name in value)
        for name, (setting, _title, start) in SIZES.items():
            self.sizes[name].setText(_listed(value.get(name, {}).get(setting) or start))
        self._show()

    def _numbers(self, name: str, start: tuple[float, ...]) -> list[float]:
        kind = type(start[0])
        try:
            numbers = [kind(word) for word in self.sizes[name].text().replace(",", " ").replace(";", " ").split()]
        except ValueError:
            numbers = []
        if name == "Mean":  # a mean has a voxel at its middle
            numbers = [number + 1 - number % 2 for number in numbers]
        return list(dict.fromkeys(number for number in numbers if number > 0)) or list(start)

    def _tell(self) -> None:
        for name, (_setting, _title, start) in SIZES.items():  # what is used is what is shown
            self.sizes[name].setText(_listed(self._numbers(name, start)))
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        for name in SIZES:
            used = self.boxes[name].isChecked()
            self._labels[name].setVisible(used)
            self.sizes[name].setVisible(used)


def _listed(numbers: Any) -> str:
    return ", ".join(f"{float(number):g}" for number in numbers)

"""The filters that images pass before they are measured: a check box each, and the sizes of those that have some."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.ui.widgets.flow import FlowLayout

FILTERS = {"Original": "none (original)", "LoG": "Laplacian of Gaussian", "Wavelet": "wavelet", "Square": "square",
           "SquareRoot": "square root", "Logarithm": "logarithm", "Exponential": "exponential",
           "Gradient": "gradient", "LBP2D": "local binary pattern, 2D", "LBP3D": "local binary pattern, 3D"}
SIGMAS = (1.0, 2.0, 3.0)


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
        flow_room = QWidget()
        self._flow = FlowLayout(flow_room, spacing=10)
        for box in self.boxes.values():
            self._flow.addWidget(box)
            box.clicked.connect(self._tell)
        self.sigmas = QLineEdit(", ".join(f"{sigma:g}" for sigma in SIGMAS))
        self.sigmas.setAccessibleName("Sizes of the Laplacian of Gaussian, mm")
        self.sigmas.editingFinished.connect(self._tell)
        self.label = QLabel("Sizes of the Laplacian (sigma, mm)")
        self.label.setBuddy(self.sigmas)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (flow_room, self.label, self.sigmas):
            column.addWidget(widget)
        self.set_value({"Original": {}})

    def value(self) -> dict[str, dict[str, Any]]:
        """The chosen filters with their settings."""
        chosen = {name: dict(self._known.get(name, {})) for name, box in self.boxes.items() if box.isChecked()}
        if "LoG" in chosen:
            chosen["LoG"]["sigma"] = self._sizes()
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
        sigmas = value.get("LoG", {}).get("sigma")
        if sigmas:
            self.sigmas.setText(", ".join(f"{float(sigma):g}" for sigma in sigmas))
        self._show()

    def _sizes(self) -> list[float]:
        try:
            sizes = [float(word) for word in self.sigmas.text().replace(",", " ").replace(";", " ").split()]
        except ValueError:
            sizes = []
        sizes = [size for size in sizes if size > 0] or list(SIGMAS)
        self.sigmas.setText(", ".join(f"{size:g}" for size in sizes))
        return sizes

    def _tell(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        used = self.boxes["LoG"].isChecked()
        self.label.setVisible(used)
        self.sigmas.setVisible(used)

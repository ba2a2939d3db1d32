"""The brush's handles: paint, erase, how wide, clear."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSlider, QWidget

from app.ui.widgets.region_brush import RegionBrush


class BrushBar(QWidget):
    """Bound to a brush; owns nothing of it."""

    def __init__(self, brush: RegionBrush, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._brush = brush
        self.buttons = {"paint": QPushButton("Paint"), "erase": QPushButton("Erase")}
        tips = {"paint": "Paint a piece of fat or muscle on the slice: its evenness before and after is measured (P)",
                "erase": "Take away with the brush (E)"}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for mode, button in self.buttons.items():
            button.setCheckable(True)
            button.setToolTip(tips[mode])
            button.clicked.connect(lambda on, mode=mode: brush.set_mode(mode if on else ""))
            row.addWidget(button)
        self.size, self.size_label = QSlider(Qt.Orientation.Horizontal), QLabel()
        self.size.setRange(1, 40)
        self.size.setFixedWidth(88)
        self.size.setAccessibleName("Width of the brush")
        self.size.setToolTip("Width of the brush")
        self.size_label.setProperty("role", "dim")
        self.size_label.setMinimumWidth(44)
        self.size.valueChanged.connect(self._resize)
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Paint nothing any more (Ctrl+Z brings it back)")
        self.clear.clicked.connect(brush.clear)
        for widget in (self.size, self.size_label, self.clear):
            row.addWidget(widget)
        row.addStretch(1)
        self.size.setValue(round(2 * brush.radius))
        self._resize(self.size.value())
        brush.mode_changed.connect(self._follow)
        brush.painted.connect(lambda: self._follow(brush.mode))
        self._follow(brush.mode)

    def _resize(self, millimetres: int) -> None:
        self._brush.radius = millimetres / 2
        self.size_label.setText(f"{millimetres} mm")

    def _follow(self, mode: str) -> None:
        for name, button in self.buttons.items():
            button.setChecked(name == mode)
        self.clear.setEnabled(self._brush.voxels > 0)

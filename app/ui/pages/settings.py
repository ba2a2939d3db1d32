"""Settings: few, each taking effect at once."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui.anonymising import AnonymousBox
from app.ui.state import SessionState
from app.ui.widgets.decimal_box import DecimalBox
from app.ui.widgets.key_table import KeyTable
from app.ui.widgets.keymap import PROFILES, Keymap
from app.ui.widgets.result_panel import heading

_THEMES = (("Dark, for the reading room", "dark"), ("Light, for the office", "light"))
_TEXTS = (("All", "full"), ("Without the patient's identity", "anonymous"), ("None", "off"))
_WIDE = 960
PADDING = 6
_RATES = (("5 %", 0.05), ("10 %", 0.10), ("20 %", 0.20))


class SettingsPage(QScrollArea):
    """A form bound to the session, and the table of keys.

    Parameters
    ----------
    state : SessionState
        What is chosen.
    keymap : Keymap
        The keys in use.

    Signals
    -------
    keys_requested()
        Show the map of keys.
    about_requested()
        Show the version and the parts.
    """

    keys_requested = Signal()
    about_requested = Signal()

    def __init__(self, state: SessionState, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._keymap = state, keymap
        self.theme = self._picker("Theme", _THEMES, state["theme"], "theme")
        self.text = self._picker("Text on the picture", _TEXTS, state["text_overlays"], "text_overlays")
        profiles = [(name, name) for name in PROFILES]
        self.mouse = self._picker("Mouse and keys", profiles, keymap.profile, "mouse_profile")
        self.model = self._picker("Model", [(state["model"], state["model"])], state["model"], "model")
        self.rate = self._picker("Error rate", _RATES, state["error_rate"], "error_rate")
        self.prevalence = DecimalBox()
        self.prevalence.setRange(0.0, 99.0)
        self.prevalence.setMinimumWidth(240)
        self.prevalence.lineEdit().setTextMargins(PADDING, 0, 0, 0)  # in line with the pickers' texts
        self.prevalence.setDecimals(1)
        self.prevalence.setSuffix(" in 100")
        self.prevalence.setSpecialValueText("the model's own")
        self.prevalence.setKeyboardTracking(False)
        self.prevalence.setAccessibleName("Malignant tumours among those you see")
        self.prevalence.setValue((state["prevalence"] or 0.0) * 100)
        self.prevalence.valueChanged.connect(lambda value: state.choose("prevalence", value / 100 if value else None))
        form = QFormLayout()
        form.setSpacing(8)
        form.setHorizontalSpacing(24)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.FieldsStayAtSizeHint)
        form.addRow(heading("Look"))
        form.addRow("Theme", self.theme)
        form.addRow("Text on the picture", self.text)
        form.addRow(heading("Mouse and keys"))
        form.addRow("Profile", self.mouse)
        form.addRow(heading("Scores"))
        form.addRow("Model for new cases", self.model)
        form.addRow("Error rate of a verdict", self.rate)
        form.addRow("Malignant tumours among those you see", self.prevalence)
        form.addRow(heading("Exports"))
        self.anonymise = AnonymousBox(state)
        form.addRow("Without names, paths, dates and scanners", self.anonymise)
        keys, about = QPushButton("Map of keys (Shift+F1)"), QPushButton("About LipoScope")
        keys.clicked.connect(self.keys_requested)
        about.clicked.connect(self.about_requested)
        buttons = QHBoxLayout()
        buttons.addWidget(keys)
        buttons.addWidget(about)
        buttons.addStretch(1)
        self.keys = KeyTable(keymap)
        self.keys.setMinimumSize(360, 320)
        self.keys.setMaximumWidth(640)
        self.keys.remapped.connect(lambda: state.choose("keymap", keymap.to_json()))
        left, right = QVBoxLayout(), QVBoxLayout()
        left.setSpacing(24)
        left.addLayout(form)
        left.addLayout(buttons)
        left.addStretch(1)
        right.setSpacing(8)
        right.addWidget(heading("Keys"))
        right.addWidget(self.keys, 1)
        body = QWidget()
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight, body)
        self._parts.setContentsMargins(32, 24, 32, 24)
        self._parts.setSpacing(32)
        self._parts.addLayout(left)
        self._parts.addLayout(right, 1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.mouse.activated.connect(lambda _row: self._take_profile())
        state.changed.connect(self._follow)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Put the keys below the form where there is no room beside it."""
        super().resizeEvent(event)
        wide = event.size().width() >= _WIDE
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    def offer_models(self, models: list[dict[str, object]]) -> None:
        """Offer the models that verify."""
        self.model.clear()
        for model in models:
            if model.get("verified", True):
                mark = " (demo)" if model.get("demonstration") else ""
                self.model.addItem(f"{model.get('title') or model['name']}{mark}", model["name"])
        self.model.setCurrentIndex(max(0, self.model.findData(self._state["model"])))

    def _picker(self, name: str, choices: object, chosen: object, setting: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        box.setMinimumWidth(240)
        for title, value in choices:  # type: ignore[attr-defined]
            box.addItem(title, value)
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.activated.connect(lambda _row: self._state.choose(setting, box.currentData()))
        return box

    def _take_profile(self) -> None:
        self._keymap.set_profile(self.mouse.currentData())
        self._state.choose("keymap", self._keymap.to_json())

    def _follow(self, setting: str, value: object) -> None:
        boxes = {"theme": self.theme, "text_overlays": self.text, "model": self.model, "error_rate": self.rate}
        box = boxes.get(setting)
        if box is not None and box.findData(value) >= 0:
            box.setCurrentIndex(box.findData(value))
        if setting == "prevalence":
            blocked = self.prevalence.blockSignals(True)
            self.prevalence.setValue((float(str(value)) if value else 0.0) * 100)
            self.prevalence.blockSignals(blocked)

"""The parts of a form: a choice, a switch, a number with its slider, several numbers, a text; each tells a value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QHBoxLayout, QLineEdit, QSlider, QSpinBox, QWidget

from app.ui.widgets.decimal_box import DecimalBox

_STEPS = 200
BOX_WIDTH = 84


class Field(QWidget):
    """One setting's widget.

    Signals
    -------
    changed()
        The reader has changed the value; not sent by `set_value`.
    """

    changed = Signal()

    def __init__(self, *parts: QWidget) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for number, part in enumerate(parts):
            row.addWidget(part, int(number == 0))
        self.parts = parts
        self.setFocusProxy(parts[-1])

    def value(self) -> Any:
        """The value, in the recipe's type."""
        raise NotImplementedError

    def set_value(self, value: Any) -> None:
        """Show a value."""
        raise NotImplementedError

    def name(self, title: str, words: str) -> None:
        """Tell screen readers and tool tips what this is."""
        for part in self.parts:
            part.setAccessibleName(title)
            part.setToolTip(words)


class Choice(Field):
    """One of a few words.

    Parameters
    ----------
    values : sequence
        What may be chosen.
    titles : mapping
        Value to the words shown for it.
    """

    def __init__(self, values: Sequence[Any], titles: Mapping[Any, str] | None = None) -> None:
        self.box = QComboBox()
        super().__init__(self.box)
        for value in values:
            self.box.addItem((titles or {}).get(value, str(value)), value)
        self.box.activated.connect(lambda _row: self.changed.emit())

    def value(self) -> Any:
        """The chosen word."""
        return self.box.currentData()

    def set_value(self, value: Any) -> None:
        """Choose a word."""
        self.box.setCurrentIndex(self.box.findData(value))


class Switch(Field):
    """Yes or no."""

    def __init__(self, title: str) -> None:
        self.box = QCheckBox(title)
        super().__init__(self.box)
        self.box.clicked.connect(lambda _checked: self.changed.emit())

    def value(self) -> bool:
        """Whether it is on."""
        return self.box.isChecked()

    def set_value(self, value: Any) -> None:
        """Turn it on or off."""
        self.box.setChecked(bool(value))


class Scale:
    """Where values lie on a slider: evenly, or evenly in their logarithm."""

    def __init__(self, low: float, high: float, *, log: bool, whole: bool) -> None:
        self.low, self.high, self.whole = low, high, whole
        self.log = log and low > 0
        self.steps = int(high - low) if whole and not self.log else _STEPS

    def place(self, value: float) -> int:
        """Slider position of a value; the nearest end when it lies outside."""
        value = min(max(value, self.low), self.high)
        share = (math.log(value / self.low) / math.log(self.high / self.low) if self.log
                 else (value - self.low) / (self.high - self.low))
        return round(share * self.steps)

    def value(self, place: int) -> float:
        """Value of a slider position, to two figures where the scale is not one of whole steps."""
        share = place / self.steps
        if not self.log:
            exact = self.low + share * (self.high - self.low)
            return round(exact) if self.whole else float(f"{exact:.3g}")
        rounded = float(f"{self.low * (self.high / self.low) ** share:.2g}")
        return round(rounded) if self.whole else rounded


def _slider(scale: Scale) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, scale.steps)
    slider.setPageStep(max(1, scale.steps // 10))
    slider.setMinimumWidth(64)
    return slider


class _FloatBox(DecimalBox):
    """Shows no more figures than the number has."""

    def textFromValue(self, value: float) -> str:  # noqa: N802
        return f"{value:.6g}"


class Number(Field):
    """A number, with a slider where both ends are known.

    Parameters
    ----------
    scale : Scale
        The slider's; numbers beyond its ends can be typed.
    low, high : float
        What may be typed.
    unit : str
        Written behind the number.
    """

    def __init__(self, scale: Scale, low: float, high: float, unit: str = "") -> None:
        self._scale = scale
        self.slider = _slider(scale)
        self.box: QSpinBox | QDoubleSpinBox = QSpinBox() if scale.whole else _FloatBox()
        super().__init__(self.slider, self.box)
        if isinstance(self.box, QDoubleSpinBox):
            self.box.setDecimals(8)
            self.box.setRange(low, high)
            self.box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        else:
            self.box.setRange(int(low), int(high))
        self.box.setSuffix(f" {unit}" if unit else "")
        self.box.setFixedWidth(BOX_WIDTH)
        self.box.setKeyboardTracking(False)
        self.slider.valueChanged.connect(self._slide)
        self.box.valueChanged.connect(self._type)

    def value(self) -> int | float:
        """The number."""
        return self.box.value()

    def set_value(self, value: Any) -> None:
        """Show a number."""
        for part, shown in ((self.box, value), (self.slider, self._scale.place(value))):
            blocked = part.blockSignals(True)
            part.setValue(shown)
            part.blockSignals(blocked)

    def _slide(self, place: int) -> None:
        self.set_value(self._scale.value(place))
        self.changed.emit()

    def _type(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit()


class Numbers(Field):
    """Several numbers as text, '4, 4, 1'; where one may stand for all, with a slider for it.

    Parameters
    ----------
    scale : Scale or None
        The slider's, for one number; None where there must be several.
    whole : bool
        Whole numbers only.
    """

    def __init__(self, scale: Scale | None, *, whole: bool) -> None:
        self._scale, self._whole = scale, whole
        self.slider = _slider(scale) if scale is not None else None
        self.text = QLineEdit()
        super().__init__(*([self.slider, self.text] if self.slider is not None else [self.text]))
        if self.slider is not None:
            self.text.setFixedWidth(BOX_WIDTH)
            self.slider.valueChanged.connect(self._slide)
        self.text.editingFinished.connect(self._type)
        self._told = ""

    def value(self) -> Any:
        """One number, or a tuple; the text itself where it holds something else."""
        words = self.text.text().replace(";", ",").replace(",", " ").split()
        try:
            numbers = tuple(int(word) if self._whole else float(word) for word in words)
        except ValueError:
            return self.text.text()
        return numbers[0] if len(numbers) == 1 and self._scale is not None else numbers

    def set_value(self, value: Any) -> None:
        """Show one number or several."""
        several = isinstance(value, (tuple, list))
        self.text.setText(", ".join(f"{each:g}" for each in value) if several else f"{value:g}")
        self._told = self.text.text()
        if self.slider is not None and self._scale is not None:
            blocked = self.slider.blockSignals(True)
            self.slider.setValue(self._scale.place(value[0] if several else value))
            self.slider.blockSignals(blocked)

    def _slide(self, place: int) -> None:
        if self._scale is not None:
            self.set_value(self._scale.value(place))
            self.changed.emit()

    def _type(self) -> None:
        if self.text.text() != self._told:
            value = self.value()
            if not isinstance(value, str) and value != ():
                self.set_value(value)
            self._told = self.text.text()
            self.changed.emit()


class Text(Field):
    """A word, or several with commas between.

    Parameters
    ----------
    several : bool
        Whether the value is a tuple of words.
    """

    def __init__(self, *, several: bool = False) -> None:
        self._several = several
        self.text = QLineEdit()
        super().__init__(self.text)
        self.text.editingFinished.connect(lambda: self.changed.emit())

    def value(self) -> str | tuple[str, ...]:
        """The word, or the words."""
        words = self.text.text()
        return tuple(word.strip() for word in words.split(",") if word.strip()) if self._several else words

    def set_value(self, value: Any) -> None:
        """Show words."""
        self.text.setText(", ".join(value) if self._several else str(value))


class Maybe(Field):
    """A setting that may be left out.

    Parameters
    ----------
    field : Field
        What is asked when it is not.
    start : Any
        What `field` begins with.
    """

    def __init__(self, field: Field, start: Any) -> None:
        self.used, self.field = QCheckBox(), field
        super().__init__(field, self.used)
        if start is not None:
            field.set_value(start)
        field.setEnabled(False)
        field.changed.connect(self.changed)
        self.used.clicked.connect(self._use)

    def value(self) -> Any:
        """None, or the field's value."""
        return self.field.value() if self.used.isChecked() else None

    def set_value(self, value: Any) -> None:
        """Show a value, or that there is none."""
        self.used.setChecked(value is not None)
        self.field.setEnabled(value is not None)
        if value is not None:
            self.field.set_value(value)

    def name(self, title: str, words: str) -> None:
        """Tell both parts' names."""
        self.field.name(title, words)
        self.used.setAccessibleName(f"Use {title}")
        self.used.setToolTip(f"Use this: {words}")

    def _use(self, used: bool) -> None:
        self.field.setEnabled(used)
        self.changed.emit()

"""A form drawn from a recipe: any settings class becomes sliders, choices and switches; what it refuses is said."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QGridLayout, QLabel, QLineEdit, QSlider, QWidget

from app.core.recipe import Settings
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.form_fields import Choice, Field, Maybe, Number, Numbers, Scale, Switch, Text
from app.ui.widgets.several import Several

_ENDS = (("ge", 0), ("gt", 0), ("le", 1), ("lt", 1))
_MOST = 1_000_000
Mend = Callable[[Mapping[str, Any], Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Look:
    """How one setting is shown, where its class does not say.

    Parameters
    ----------
    title : str
        Before the field; by default the setting's own title or name.
    unit : str
        Behind the number.
    low, high : float, optional
        Ends of the slider; by default what the class allows.
    log : bool
        Whether the slider runs in the logarithm.
    words : mapping of str to str
        Choices in words.
    tip : str
        Tool tip; by default the setting's description.
    heading : str
        Stands above this field.
    start : float, optional
        What a setting that may be left out begins with; by default the slider's low end.
    """

    title: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    log: bool = False
    words: Mapping[Any, str] = field(default_factory=dict)
    tip: str = ""
    heading: str = ""
    start: float | None = None


class RecipeForm(QWidget):
    """Fields for the settings of one class; those of a kind it does not know keep their values.

    Parameters
    ----------
    kind : type of Settings
        The class.
    looks : mapping of str to Look
        By setting; their order is the form's, the rest follows.
    value : Settings, optional
        What it begins with; by default the class's own defaults.
    only : bool
        Whether settings without a look are left out, and keep their values.
    mend : callable, optional
        Given the values by name, those that the reader has entered included, and the former settings; returns values
        that follow from them, so that one choice need not be made twice.

    Signals
    -------
    changed(Settings)
        The reader has changed it to these valid settings.
    refused(str)
        What the reader has entered cannot be used; '' once it can.
    """

    changed = Signal(object)
    refused = Signal(str)

    def __init__(self, kind: type[Settings], looks: Mapping[str, Look] | None = None, value: Settings | None = None,
                 parent: QWidget | None = None, *, only: bool = False, mend: Mend | None = None) -> None:
        super().__init__(parent)
        self._kind, looks, self._mend = kind, looks or {}, mend
        self._value = value if value is not None else kind()
        self.fields: dict[str, Field] = {}
        self._labels: dict[str, QLabel] = {}
        self.problem = wrapped(role="warning")
        self.problem.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        names = [*(name for name in looks if name in kind.model_fields),
                 *(name for name in kind.model_fields if name not in looks and not only)]
        for name in names:
            info, look = kind.model_fields[name], looks.get(name, Look())
            title = look.title or info.title or name.replace("_", " ").capitalize()
            made = make_field(info, look, title)
            if made is not None:
                self._add(grid, name, made, title, look, look.tip or info.description or title)
        grid.addWidget(self.problem, grid.rowCount(), 0, 1, 2)
        self.set_value(self._value)

    def _add(self, grid: QGridLayout, name: str, made: Field, title: str, look: Look, tip: str) -> None:
        row = grid.rowCount()
        if look.heading:
            above = QLabel(look.heading)
            above.setProperty("role", "heading")
            grid.addWidget(above, row, 0, 1, 2)
            row += 1
        if isinstance(made, Switch):
            grid.addWidget(made, row, 0, 1, 2)
        else:
            label = QLabel(title)
            label.setToolTip(tip)
            label.setBuddy(made)
            self._labels[name] = label
            grid.addWidget(label, row, 0)
            grid.addWidget(made, row, 1)
        made.name(title, tip)
        made.changed.connect(self._take)
        for part in made.findChildren(QWidget):
            if isinstance(part, (QComboBox, QSlider, QAbstractSpinBox, QLineEdit)):
                part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
                part.installEventFilter(self)
        self.fields[name] = made

    @property
    def value(self) -> Settings:
        """The last settings that were valid."""
        return self._value

    def set_value(self, value: Settings) -> None:
        """Show settings."""
        self._value = value
        for name, made in self.fields.items():
            made.set_value(getattr(value, name))
        self._refuse("")

    def align(self, width: int) -> None:
        """Give the labels room of so many pixels, so that forms one below the other begin alike."""
        layout = self.layout()
        if isinstance(layout, QGridLayout):
            layout.setColumnMinimumWidth(0, width)

    def show_field(self, name: str, *, shown: bool) -> None:
        """Show or hide one setting, which keeps its value."""
        self.fields[name].setVisible(shown)
        if name in self._labels:
            self._labels[name].setVisible(shown)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Leave the wheel to the page unless the field is in use, and undo to the window."""
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()
            return True
        if (event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
                and event.matches(QKeySequence.StandardKey.Undo)):
            event.ignore()
            return True
        return super().eventFilter(watched, event)

    def _take(self) -> None:
        values = {name: getattr(self._value, name) for name in self._kind.model_fields}
        values |= {name: made.value() for name, made in self.fields.items()}
        if self._mend is not None:
            values |= self._mend(values, self._value)
        try:
            value = self._kind.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            words = str(first["msg"]).removeprefix("Value error, ")
            where = str(first["loc"][0]) if first["loc"] else ""
            label = self.fields[where].parts[-1].accessibleName() if where in self.fields else where
            self._refuse(f"{label}: {words[:1].lower()}{words[1:]}.")
            return
        self._refuse("")
        if value != self._value:
            if self._mend is not None:
                self.set_value(value)
            self._value = value
            self.changed.emit(value)

    def _refuse(self, words: str) -> None:
        if words != self.problem.text():
            self.problem.setText(words)
            self.refused.emit(words)
        self.problem.setVisible(bool(words))


def make_field(info: FieldInfo, look: Look, title: str) -> Field | None:
    """Draw the field of one setting; None for a kind that has none."""
    kind, metadata = _bare(info.annotation, list(info.metadata))
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    if type(None) in options:
        rest = [option for option in options if option is not type(None)]
        inner = _draw(rest, metadata, look, title)
        return None if inner is None else Maybe(inner, _start(rest, look))
    return _draw(list(options), metadata, look, title)


def _draw(options: list[Any], metadata: list[Any], look: Look, title: str) -> Field | None:
    options = [_bare(option, metadata)[0] for option in options]
    low, high = _ends(metadata)
    kind = options[0]
    if get_origin(kind) is Literal:
        return Choice(get_args(kind), look.words)
    if kind is bool:
        return Switch(title)
    if kind is str:
        return Text()
    if kind in (int, float):
        scale = _scale(look, low, high, whole=kind is int)
        if len(options) == 1:
            return Number(scale, _first(low, -_MOST), _first(high, _MOST), look.unit)
        return Numbers(scale, whole=kind is int)
    if get_origin(kind) is tuple and get_args(kind)[0] in (int, float):
        return Numbers(None, whole=get_args(kind)[0] is int)
    if get_origin(kind) is tuple and get_args(kind)[0] is str:
        return Several(look.words) if look.words else Text(several=True)
    return None


def _bare(kind: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    if get_origin(kind) is Annotated:
        kind, *extra = get_args(kind)
        for each in extra:
            metadata.extend(each.metadata if isinstance(each, FieldInfo) else [each])
    return kind, metadata


def _ends(metadata: list[Any]) -> tuple[float | None, float | None]:
    ends: list[float | None] = [None, None]
    for each in metadata:
        for name, side in _ENDS:
            if getattr(each, name, None) is not None:
                ends[side] = float(getattr(each, name))
    return ends[0], ends[1]


def _scale(look: Look, low: float | None, high: float | None, *, whole: bool) -> Scale:
    start = _first(look.low, low, 1.0 if whole or look.log else 0.0)
    end = _first(look.high, high, 100.0 if whole else max(1.0, 10 * start))
    return Scale(start, end, log=look.log, whole=whole)


def _start(options: list[Any], look: Look) -> Any:
    kind = _bare(options[0], [])[0]
    return {int: int(_first(look.start, look.low, 1)), float: _first(look.start, look.low, 1.0)}.get(kind)


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)

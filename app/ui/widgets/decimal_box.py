"""A number typed with a point or with a comma: both mean the decimal, whatever the system's language makes of them.

Where a comma is the decimal, Qt takes a point for a separator of thousands and leaves it out: 5.5 typed would be 55.
"""

from __future__ import annotations

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QDoubleSpinBox, QWidget


class DecimalBox(QDoubleSpinBox):
    """Shows a decimal point, as everything else in the program does, and understands a comma in its place."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        plain = QLocale.c()
        plain.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator | QLocale.NumberOption.RejectGroupSeparator)
        self.setLocale(plain)

    def validate(self, text: str, position: int) -> object:
        """Take a comma for a point while it is typed."""
        return super().validate(text.replace(",", "."), position)

    def valueFromText(self, text: str) -> float:  # noqa: N802
        """Read what was typed or pasted."""
        return super().valueFromText(text.replace(",", "."))

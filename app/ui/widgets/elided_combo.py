"""A picker whose chosen text ends in an ellipsis where there is no room, and stands whole in the tooltip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QToolTip


class ElidedCombo(QComboBox):
    """A combo box that never cuts a letter in half."""

    def shown_text(self) -> str:
        """Return the chosen text as it fits."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(QStyle.ComplexControl.CC_ComboBox, option,
                                            QStyle.SubControl.SC_ComboBoxEditField, self)
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, field.width() - 4)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint the box with its text shortened."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shown_text()
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Say the whole text on hover where it is cut."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) \
                and self.shown_text() != self.currentText():
            QToolTip.showText(event.globalPos(), "\n".join(part for part in (self.currentText(), self.toolTip())
                                                           if part), self)
            return True
        return super().event(event)

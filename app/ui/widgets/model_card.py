"""A model's card: Markdown in the theme's two sizes."""

from __future__ import annotations

from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import QTextBrowser, QWidget

from app.ui.theme import tabular_font, theme

HEADING_SPACE = 8


class ModelCard(QTextBrowser):
    """Read only; links are not followed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setOpenLinks(False)
        self.setAccessibleName("Card of the model")

    def show_card(self, text: str) -> None:
        """Show Markdown: headings stand out by weight alone."""
        self.setMarkdown(text)
        heading = QTextCharFormat()
        heading.setFont(tabular_font(theme().normal_px, bold=True))
        heading.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
        cursor, block = QTextCursor(self.document()), self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                cursor.setPosition(block.position())
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.mergeCharFormat(heading)
                space = block.blockFormat()
                space.setTopMargin(HEADING_SPACE if block.blockNumber() else 0)
                cursor.setBlockFormat(space)
            block = block.next()

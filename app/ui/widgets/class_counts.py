"""How many cases each group holds, as one bar or a bar for each site; told apart by colour and by hatching."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QFontMetrics, QHelpEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.ui.theme import tabular_font, theme

_BAR, _GAP, _LEGEND = 16, 10, 24
_LINE, _ENTRY = 18, 42


class ClassCounts(QWidget):
    """Stacked horizontal bars.

    Parameters
    ----------
    name : str
        For screen readers.
    titles : int
        The most that the rows' titles may take, pixels.
    """

    def __init__(self, name: str, titles: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._most, self._titles = name, titles, 0
        self.rows: list[tuple[str, dict[str, int]]] = []
        self.classes: tuple[str, ...] = ()
        self._marked: frozenset[str] = frozenset()
        self.setMinimumWidth(200)
        self.setStyleSheet("background: transparent")

    def show_counts(self, rows: Mapping[str, Mapping[str, int]], classes: Sequence[str],
                    marked: Sequence[str] = ()) -> None:
        """Show the rows by title, each with its cases by class.

        Parameters
        ----------
        rows : mapping
            Cases of each class, by the row's title ('' for a row alone).
        classes : sequence of str
            In the order that they are stacked in; the last is what is looked for.
        marked : sequence of str
            Rows that are too small, shown in grey.
        """
        self.rows = [(title, dict(counts)) for title, counts in rows.items()]
        self.classes, self._marked = tuple(classes), frozenset(marked)
        metrics = QFontMetrics(tabular_font(theme().small_px))
        longest = max((metrics.horizontalAdvance(title) for title, _counts in self.rows), default=0)
        self._titles = min(self._most, longest + 16) if longest else 0
        told = "; ".join(f"{title} {', '.join(f'{count} {each}' for each, count in counts.items())}".strip()
                         for title, counts in self.rows)
        self.setAccessibleName(f"{self._name}: {told}")
        self.setFixedHeight(self.sizeHint().height())
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Ask for the room of every bar and the legend."""
        return QSize(360, self._legend + max(1, len(self.rows)) * (_BAR + _GAP))

    @property
    def _words(self) -> list[str]:
        """The legend: each class with its cases."""
        return [f"{each}  {sum(counts.get(each, 0) for _title, counts in self.rows):,}" for each in self.classes]

    @property
    def _is_stacked(self) -> bool:
        """Whether the classes' names are too long for one line."""
        metrics = QFontMetrics(tabular_font(theme().small_px))
        return sum(metrics.horizontalAdvance(words) + _ENTRY for words in self._words) > self.width()

    @property
    def _legend(self) -> int:
        """Height of the legend, pixels."""
        return _LEGEND + (_LINE * (len(self.classes) - 1) if self._is_stacked else 0)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Give the legend a line for each class where the width wants it."""
        super().resizeEvent(event)
        if self.height() != self.sizeHint().height():
            self.setFixedHeight(self.sizeHint().height())

    def _colours(self) -> list[QBrush]:
        found = [QBrush(QColor(theme().lipoma)), QBrush(QColor(theme().malignant))]
        return found if len(self.classes) == 2 else [QBrush(QColor(theme().uncertain))] * max(1, len(self.classes))

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802
        """Paint the legend and the bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(tabular_font(theme().small_px))
        self._paint_legend(painter)
        most = max((sum(counts.values()) for _title, counts in self.rows), default=1) or 1
        for number, (title, counts) in enumerate(self.rows):
            self._paint_row(painter, self._legend + number * (_BAR + _GAP), title, counts, most)
        painter.end()

    def _paint_legend(self, painter: QPainter) -> None:
        x, y, stacked = 0.0, 0.0, self._is_stacked
        for each, words, brush in zip(self.classes, self._words, self._colours(), strict=False):
            self._fill(painter, QRectF(x, y + 4, 12, 12), brush, each)
            painter.setPen(QColor(theme().text))
            said = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, self.width() - 20)
            wide = painter.fontMetrics().horizontalAdvance(said)
            painter.drawText(QRectF(x + 18, y + 1, wide + 8, 18), Qt.AlignmentFlag.AlignVCenter, said)
            x, y = (0.0, y + _LINE) if stacked else (x + wide + _ENTRY, y)

    def _paint_row(self, painter: QPainter, y: float, title: str, counts: Mapping[str, int], most: int) -> None:
        small = title in self._marked
        if self._titles:
            painter.setPen(QColor(theme().text_dim if small else theme().text))
            said = painter.fontMetrics().elidedText(title, Qt.TextElideMode.ElideMiddle, self._titles - 12)
            painter.drawText(QRectF(0, y, self._titles - 8, _BAR), Qt.AlignmentFlag.AlignVCenter, said)
        total, x = sum(counts.values()), float(self._titles)
        wide = (self.width() - self._titles - 48) * total / most
        for each, brush in zip(self.classes, self._colours(), strict=False):
            share = wide * counts.get(each, 0) / max(total, 1)
            if share > 0:
                painter.setOpacity(0.45 if small else 1.0)
                self._fill(painter, QRectF(x, y, max(share - 1, 1), _BAR), brush, each)
                painter.setOpacity(1.0)
            x += share
        painter.setPen(QColor(theme().text_dim))
        painter.drawText(QRectF(x + 6, y, 60, _BAR), Qt.AlignmentFlag.AlignVCenter, f"{total:,}")

    def _fill(self, painter: QPainter, box: QRectF, brush: QBrush, name: str) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(brush)
        painter.drawRect(box)
        if len(self.classes) == 2 and name == self.classes[-1]:  # hatched, to be told apart in grey
            painter.setBrush(QBrush(QColor(theme().panel), Qt.BrushStyle.BDiagPattern))
            painter.drawRect(box)

    def words_at(self, y: float) -> str:
        """Say the bar at a height, pixels from the top."""
        number = int((y - self._legend + _GAP / 2) // (_BAR + _GAP))
        if not 0 <= number < len(self.rows) or y < self._legend - _GAP:
            return ""
        title, counts = self.rows[number]
        parts = ", ".join(f"{counts.get(each, 0):,} {each}" for each in self.classes)
        return f"{title}: {parts}" if title else parts

    def event(self, event: QEvent) -> bool:
        """Say a bar in words on hover."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            QToolTip.showText(event.globalPos(), self.words_at(event.pos().y()), self)
            return True
        return super().event(event)

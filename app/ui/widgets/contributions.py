"""What moved the score: the strongest features as bars in log odds; choosing one opens its definition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence, QPainter
from PySide6.QtWidgets import (
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import tabular_font, theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.worklist_model import AnyIndex

TOP = 8
_EFFECT = int(Qt.ItemDataRole.UserRole) + 1
_ITEM = int(Qt.ItemDataRole.UserRole) + 2
_TITLES = {"volume_ml": "Volume (ml)", "longest_diameter_mm": "Longest diameter (mm)"}


def feature_title(contribution: Mapping[str, Any]) -> str:
    """Return the catalogue's title when the score carries it, else the name made readable."""
    if contribution.get("title"):
        return str(contribution["title"])
    name = str(contribution["feature"])
    if name in _TITLES:
        return _TITLES[name]
    return name.replace("original_", "").replace("_", " ")


def number(value: float) -> str:
    """Write a measurement with four figures, and thousands separated."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def definition_text(contribution: Mapping[str, Any]) -> str:
    """Say what a feature is, what it is here, and where that lies among the training cases."""
    unit = f" {contribution['unit']}" if contribution.get("unit") else ""
    lines = [f"{feature_title(contribution)}: {number(contribution['value'])}{unit} in this case."]
    if contribution.get("definition"):
        lines.append(str(contribution["definition"]))
    span = contribution.get("training_range")
    if span:
        low, high = span
        where = "below" if contribution["value"] < low else "above" if contribution["value"] > high else "within"
        lines.append(f"That is {where} the range of the training cases ({number(low)} to {number(high)}{unit}).")
    code = f" IBSI {contribution['ibsi']}." if contribution.get("ibsi") else ""
    lines.append(f"Measured as {contribution['feature']}.{code}")
    return "\n".join(lines)


class _BarPainter(QStyledItemDelegate):
    """A bar from the middle: left lowers the probability, right raises it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.largest = 1.0

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:  # noqa: N802
        return QSize(110, 24)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().paint(painter, option, index.siblingAtColumn(99))
        effect, colours = float(index.data(_EFFECT)), theme()
        box = QRectF(option.rect).adjusted(4, 5, -44, -5)  # type: ignore[attr-defined]
        length = abs(effect) / self.largest * box.width() / 2
        middle = box.center().x()
        painter.save()
        painter.fillRect(QRectF(middle if effect >= 0 else middle - length, box.top(), length, box.height()),
                         QColor(colours.malignant if effect >= 0 else colours.lipoma))
        painter.setPen(QColor(colours.text_dim))
        painter.drawLine(int(middle), int(box.top()) - 3, int(middle), int(box.bottom()) + 3)
        painter.setPen(QColor(colours.text))
        painter.setFont(tabular_font(colours.small_px))
        painter.drawText(QRectF(option.rect).adjusted(0, 0, -2, 0),  # type: ignore[attr-defined]
                         Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{effect:+.2f}")
        painter.restore()


class _Rows(QTreeWidget):
    """The rows; the copy key takes the current one along."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        item = self.currentItem()
        if event.matches(QKeySequence.StandardKey.Copy) and item is not None:
            QGuiApplication.clipboard().setText("\t".join(item.text(column) for column in range(3)))
            return
        super().keyPressEvent(event)


class Contributions(QWidget):
    """Bars of the strongest contributions, and the definition of the chosen one beneath them."""

    opened = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = _Rows()
        self.rows.setRootIsDecorated(False)
        self.rows.setUniformRowHeights(True)
        self.rows.setAccessibleName("What moved the score")
        self.rows.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setHeaderLabels(["Feature", "Value", "Log odds"])
        self.rows.header().setStretchLastSection(False)
        self.rows.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.rows.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.rows.header().setSectionResizeMode(2, QHeaderView.ResizeMode.Fixed)
        self.rows.setColumnWidth(2, 104)
        self.rows.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._bars = _BarPainter(self.rows)
        self.rows.setItemDelegateForColumn(2, self._bars)
        self.rows.itemClicked.connect(self._open)
        self.rows.itemActivated.connect(self._open)
        self.direction = wrapped(role="dim")
        self.definition = wrapped()
        self.definition.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.direction)
        layout.addWidget(self.rows)
        layout.addWidget(self.definition)

    def show_contributions(self, contributions: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> None:
        """Show the strongest contributions of a score, largest effect first."""
        strongest = sorted(contributions, key=lambda item: -abs(item["effect"]))[:TOP]
        self.rows.clear()
        self.definition.hide()
        self._bars.largest = max((abs(item["effect"]) for item in strongest), default=1.0) or 1.0
        for contribution in strongest:
            item = QTreeWidgetItem([feature_title(contribution), number(contribution["value"]),
                                    f"{contribution['effect']:+.2f}"])
            item.setData(2, _EFFECT, contribution["effect"])
            item.setData(0, _ITEM, dict(contribution))
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            item.setToolTip(0, f"{feature_title(contribution)} — choose for its definition")
            towards = classes[1] if contribution["effect"] >= 0 else classes[0]
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole,
                         f"{feature_title(contribution)}, {contribution['effect']:+.2f} towards {towards}")
            self.rows.addTopLevelItem(item)
        self.direction.setText(f"Right speaks for {classes[1]}, left for {classes[0]}."
                               if strongest else "This model does not say what moved the score.")
        self.rows.setVisible(bool(strongest))
        self.rows.setFixedHeight(28 + 24 * len(strongest) + 8)

    def _open(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        contribution = item.data(0, _ITEM)
        self.definition.setText(definition_text(contribution))
        self.definition.show()
        self.opened.emit(str(contribution["feature"]))

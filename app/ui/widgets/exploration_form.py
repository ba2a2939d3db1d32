"""What is explored: a feature table, and which of its columns name the label, the site, the vendor, the patient."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.class_names import sought_of
from app.ui.table_columns import TableColumns
from app.ui.widgets.elided_combo import ElidedCombo
from app.ui.widgets.extraction_panel import KINDS
from app.ui.widgets.file_choice import FileChoice
from app.ui.widgets.flow import FlowLayout

ROLES = {"label": "Label", "positive": "looked for", "site": "Site", "vendor": "Vendor", "patient": "Patient"}
_TIPS = {"label": "What the features are compared with: a column of two kinds of cases, or a number",
         "positive": "The kind that the area under the curve is of", "site": "Hospital or scanner",
         "vendor": "Maker of the scanner", "patient": "Cases of one patient are counted together"}
_NONE = "none"


class ExplorationForm(QWidget):
    """A row of pickers below the table's name.

    Signals
    -------
    table_chosen(str)
        The reader took another feature table.
    changed(str)
        The reader chose another column for this role.
    """

    table_chosen = Signal(str)
    changed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.table = FileChoice("Feature table", KINDS)
        self.maps = QCheckBox("Maps")
        self.maps.setToolTip("t-SNE and UMAP; they take the longest")
        self.maps.setChecked(True)
        self.maps.setMinimumHeight(28)  # in line with the pickers
        self.boxes: dict[str, QComboBox] = {}
        top, pickers = QHBoxLayout(), QWidget()
        flow = FlowLayout(pickers, spacing=12)
        top.addWidget(QLabel("Feature table"))
        top.addWidget(self.table, 1)
        for role, title in ROLES.items():
            box = self.boxes[role] = ElidedCombo()
            box.setAccessibleName(title)
            box.setToolTip(_TIPS[role])
            box.setSizeAdjustPolicy(ElidedCombo.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(4)  # long names of columns give way, and stand whole in the list
            box.setMinimumWidth(100 if role == "positive" else 132)
            box.view().setMinimumWidth(220)
            label = QLabel(title)
            label.setBuddy(box)
            pair = QWidget()
            row = QHBoxLayout(pair)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            row.addWidget(label)
            row.addWidget(box)
            flow.addWidget(pair)
            box.activated.connect(lambda _row, role=role: self.changed.emit(role))
        flow.addWidget(self.maps)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(pickers)
        self.table.chosen.connect(self.table_chosen)
        self.offer(TableColumns())

    def chosen(self, role: str) -> str | None:
        """The column chosen for a role; None when there is none."""
        box = self.boxes[role]
        if box.isEditable():
            return box.currentText().strip() or None
        return str(box.currentData()) if box.currentData() else None

    def offer(self, columns: TableColumns) -> None:
        """Offer columns, with those chosen that are known to be what is asked; unknown columns may be typed."""
        for role, box in self.boxes.items():
            box.clear()
            box.setEditable(not columns.names and role != "positive")
            if box.isEditable():
                box.setPlaceholderText("column")
                continue
            box.addItem(_NONE if role != "positive" else "either", "")
            if role != "positive":
                for name in columns.names:
                    box.addItem(name, name)
                box.setCurrentIndex(max(0, box.findData(getattr(columns, role))))

    def offer_values(self, values: tuple[str, ...]) -> None:
        """Offer the kinds that the label tells apart; of two, the one that is likely looked for is chosen."""
        box = self.boxes["positive"]
        box.clear()
        box.addItem("either", "")
        for value in values:
            box.addItem(value, value)
        box.setCurrentIndex(box.findData(sought_of(values)))

    def choose(self, role: str, name: str) -> bool:
        """Choose a column; False when it is not offered."""
        box = self.boxes[role]
        if box.isEditable():
            box.setEditText(name)
            return True
        if box.findData(name) < 0:
            return False
        box.setCurrentIndex(box.findData(name))
        return True

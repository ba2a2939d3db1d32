"""Truth against call at one threshold: four counts, the shares that follow, and where the threshold comes from."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.class_names import short_class
from app.ui.result_session import ResultSession
from app.ui.result_words import range_text, share_text, threshold_sentence
from app.ui.results import Estimate
from app.ui.widgets.copy_label import CopyLabel, wrapped

_CELLS = {"found": (1, 1, "found"), "missed": (1, 2, "missed"), "alarmed": (2, 1, "false alarms"),
          "cleared": (2, 2, "cleared")}
_SHARES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}


class ConfusionPanel(QWidget):
    """Follows a session's threshold."""

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.whence, self.reset = wrapped(), QPushButton("Back to the model's threshold")
        self.counts = {name: CopyLabel("", "title") for name in _CELLS}
        self.shares = {name: CopyLabel() for name in _SHARES}
        self._columns, self._rows = [QLabel(), QLabel()], [QLabel(), QLabel()]
        grid, shares = QGridLayout(), QGridLayout()
        grid.setSpacing(6)
        for place, label in enumerate(self._columns, 1):
            label.setProperty("role", "dim")
            label.setWordWrap(True)
            grid.addWidget(label, 0, place)
        for place, label in enumerate(self._rows, 1):
            label.setWordWrap(True)
            grid.addWidget(label, place, 0)
        for name, (row, column, word) in _CELLS.items():
            grid.addWidget(self._cell(name, word), row, column)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        shares.setHorizontalSpacing(12)
        for place, (name, title) in enumerate(_SHARES.items()):
            row, column = place % 2, 2 * (place // 2)
            shares.addWidget(QLabel(title), row, column)
            shares.addWidget(self.shares[name], row, column + 1)
        shares.setColumnStretch(1, 1)
        shares.setColumnStretch(3, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.whence)
        whole.addWidget(self.reset, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addLayout(grid)
        whole.addLayout(shares)
        whole.addStretch(1)
        self.reset.clicked.connect(session.reset_threshold)
        session.threshold_moved.connect(self.refresh)

    def _cell(self, name: str, word: str) -> QFrame:
        cell, below = QFrame(), QLabel(word)
        cell.setProperty("role", "card")
        below.setProperty("role", "dim")
        row = QHBoxLayout(cell)
        row.setContentsMargins(10, 6, 10, 6)
        row.setSpacing(8)
        row.addWidget(self.counts[name])
        row.addWidget(below, 1)
        self.counts[name].setAccessibleName(word)
        return cell

    def refresh(self) -> None:
        """Count anew."""
        session, results = self._session, self._session.results
        counts = session.confusion
        self.whence.setText(threshold_sentence(results, session.model, session.threshold, moved=session.moved))
        self.whence.setProperty("role", "warning" if session.moved else "")
        self.whence.style().unpolish(self.whence)
        self.whence.style().polish(self.whence)
        self.reset.setVisible(session.moved)
        for label, word in zip(self._columns, (results.positive, results.negative), strict=True):
            label.setText(f"Called {short_class(word)}")
            label.setToolTip(word)
        for label, word in zip(self._rows, (results.positive, results.negative), strict=True):
            label.setText(f"Truly {short_class(word)}")
            label.setToolTip(word)
        for name, label in self.counts.items():
            label.setText(f"{getattr(counts, name):,}")
        points = results.points(session.model)
        for name, label in self.shares.items():
            told = Estimate.read(points[0].get(name)) if points and not session.moved else Estimate(float("nan"))
            if told.is_known and told.has_interval:
                label.setText(f"{told.mean:.2f} ({range_text(told)})")
                label.setToolTip("Measured on cases that the threshold was not chosen on, with its 95 % interval")
            else:
                label.setText(share_text(getattr(counts, name)) or "none called so")
                label.setToolTip("From the counts above")

"""The headline: the figure with its interval in words, what it adds to something simpler, and how far to trust it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.result_session import ResultSession
from app.ui.result_words import auc_sentence, difference_sentence, figure_text, scope_sentence, trust_sentences
from app.ui.results import Estimate
from app.ui.widgets.copy_label import CopyLabel, wrapped
from app.ui.widgets.curve_style import line_icon, look_of
from app.ui.widgets.flow import FlowLayout

SPACE, _DROP = 16, 5


class ResultsHead(QWidget):
    """Follows a session."""

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.figure, self.auc = CopyLabel("", "display"), wrapped()
        self.difference, self.trust = wrapped("", "title"), wrapped("", "dim")
        self.figure.setAccessibleName("Area under the ROC curve")
        words = QVBoxLayout()
        words.setSpacing(2)
        for label in (self.difference, self.auc, self.trust):
            words.addWidget(label)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.figure, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def restyle(self) -> None:
        """Say what was found."""
        session, results = self._session, self._session.results
        auc = results.auc(session.model)
        self.figure.setText(f"{auc.mean:.2f}" if auc.is_known else "no AUC")
        self.auc.setText(auc_sentence(results, session.model))
        self.difference.setText(difference_sentence(results, session.model))
        self.difference.setVisible(bool(self.difference.text()))
        told = trust_sentences(results, session.model)
        internal = Estimate.read(results.part("internal").get("auc"))
        if internal.is_known:
            told.insert(0, f"In its own cross-validation the AUC was {figure_text(internal)}.")
        self.trust.setText(" ".join([scope_sentence(results), *told]))


class ModelChoice(QWidget):
    """Which model is looked at, and what is drawn beside it."""

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.models, self.boxes = QComboBox(), {}
        self.models.setAccessibleName("Model looked at")
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.models.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._room = QWidget()
        self._flow = FlowLayout(spacing=12)
        below = QVBoxLayout(self._room)
        below.setContentsMargins(0, _DROP, 0, 0)  # in line with the words beside it
        below.addLayout(self._flow)
        title, beside = QLabel("Model"), QLabel("Beside it")
        title.setBuddy(self.models)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(self.models)
        row.addSpacing(SPACE)
        self._beside = beside
        row.addWidget(beside)
        row.addWidget(self._room, 1)
        self.models.activated.connect(lambda _row: session.look_at(self.models.currentData()))
        session.loaded.connect(self.restyle)
        session.chosen.connect(self.restyle)

    def restyle(self) -> None:
        """Offer what there is."""
        session, results = self._session, self._session.results
        self.models.clear()
        for name in results.models:
            saved = len(results.models) > 1 and not results.is_external and name == results.raw.get("saved")
            self.models.addItem(f"{name} (saved)" if saved else name, name)
        self.models.setCurrentIndex(self.models.findData(session.model))
        self.models.setEnabled(len(results.models) > 1)
        others = [name for name in session.offered if name != session.model]
        if list(self.boxes) != others:
            while (item := self._flow.takeAt(0)) is not None:
                widget = item.widget()
                if widget is not None:
                    widget.setParent(None)
                    widget.deleteLater()
            self.boxes = {name: self._box(name) for name in others}
        for name, box in self.boxes.items():
            box.setChecked(name in session.beside)
            box.setIcon(line_icon(look_of(name, results.models, results.comparators)))
        self._beside.setVisible(bool(others))

    def _box(self, name: str) -> QCheckBox:
        box = QCheckBox(self._session.results.word(name))
        box.setIconSize(QSize(32, 16))
        box.clicked.connect(lambda _on: self._session.put_beside(
            name for name, each in self.boxes.items() if each.isChecked()))
        self._flow.addWidget(box)
        return box

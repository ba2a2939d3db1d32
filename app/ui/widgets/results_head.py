"""The headline: the figure with its interval in words, what it adds to something simpler, and how far to trust it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.ui.class_names import short_class
from app.ui.result_session import ResultSession
from app.ui.result_words import auc_sentence, difference_sentence, figure_text, scope_sentence, trust_sentences
from app.ui.results import Estimate, Results
from app.ui.widgets.beside_menu import BesideMenu
from app.ui.widgets.copy_label import CopyLabel, wrapped
from app.ui.widgets.curve_style import line_icon, look_of
from app.ui.widgets.elided_combo import ElidedCombo

SPACE, _LEAST, _MOST, _FRAME = 16, 120, 280, 52


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
        told_auc = auc_sentence(results, session.model)
        self.auc.setText(_shortened(told_auc, results))
        self.auc.setToolTip(told_auc if self.auc.text() != told_auc else "")
        self.difference.setText(difference_sentence(results, session.model))
        self.difference.setVisible(bool(self.difference.text()))
        told = trust_sentences(results, session.model)
        internal = Estimate.read(results.part("internal").get("auc"))
        if internal.is_known:
            told.insert(0, f"In its own cross-validation the AUC was {figure_text(internal)}.")
        self.trust.setText(_shortened(" ".join([scope_sentence(results), *told]), results))
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep every line whole at any width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        layout = self.layout()
        if layout is not None and self.width() > _MOST:
            layout.invalidate()
            self.setMinimumHeight(max(layout.heightForWidth(self.width()), 0))
            layout.setGeometry(self.rect())


def _shortened(text: str, results: Results) -> str:
    """Shorten long names of classes, so that the figures below keep their room."""
    for name in (results.positive, results.negative):
        text = text.replace(name, short_class(name))
    return text


class ModelChoice(QWidget):
    """Which model is looked at, and what is drawn beside it, in one row."""

    def __init__(self, session: ResultSession, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.models, self.beside = ElidedCombo(), BesideMenu()
        self.models.setAccessibleName("Model looked at")
        self.models.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.models.setMinimumWidth(_LEAST)
        title = QLabel("Model")
        title.setBuddy(self.models)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(self.models)
        row.addWidget(self.beside)
        row.addStretch(1)
        self.models.activated.connect(lambda _row: session.look_at(self.models.currentData()))
        self.beside.ticked.connect(session.put_beside)
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
        widest = max(map(self.models.fontMetrics().horizontalAdvance, (
            self.models.itemText(row) for row in range(self.models.count()))), default=0)
        self.models.setMinimumWidth(min(max(widest + _FRAME, _LEAST), _MOST))
        self.beside.offer([(name, results.word(name), line_icon(look_of(name, results.models, results.comparators)))
                           for name in session.offered if name != session.model], session.beside)

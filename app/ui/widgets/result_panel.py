"""The finding beside the picture: both probabilities with equal weight, the scale, what moved it, and every caution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import theme
from app.ui.widgets.attention_section import AttentionSection
from app.ui.widgets.caution_list import CautionList
from app.ui.widgets.contributions import Contributions
from app.ui.widgets.copy_label import CopyLabel, wrapped
from app.ui.widgets.decimal_box import DecimalBox
from app.ui.widgets.probability_scale import ProbabilityScale
from app.ui.widgets.verdict_mark import VerdictMark
from app.ui.words import (
    DEMONSTRATION,
    at_prevalence,
    comparator_sentence,
    figure,
    harmonisation_sentence,
    interval_text,
    of_hundred,
    per_hundred,
    positive_word,
    threshold_sentence,
    title_of,
    unbroken,
    verdict_of,
    verdict_sentence,
    whole_sentence,
)


def heading(text: str) -> QLabel:
    """Make a quiet heading."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


class ResultPanel(QScrollArea):
    """One score, told from verdict to cautions.

    Signals
    -------
    prevalence_changed(float)
        The reader set another share of malignant tumours.
    """

    prevalence_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._score: Mapping[str, Any] | None = None
        self.demonstration = wrapped(DEMONSTRATION, "warning")
        self.demo_words = [CopyLabel("demo", "warning") for _figure in range(2)]
        self.mark, self.word = VerdictMark(), wrapped(role="title")
        self.reason = wrapped()
        self.trained, self.clinic = CopyLabel(role="display"), CopyLabel(role="display")
        self.trained_words, self.clinic_words = wrapped(role="dim"), wrapped(role="dim")
        self.prevalence_words = wrapped("are malignant", "dim")
        self.interval = wrapped()
        self.prevalence = DecimalBox()
        self.prevalence.setRange(0.1, 99.0)
        self.prevalence.setDecimals(1)
        self.prevalence.setSuffix(" in 100")
        self.prevalence.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.prevalence.setMinimumWidth(88)
        self.prevalence.setKeyboardTracking(False)
        self.prevalence.setAccessibleName("How many of 100 such tumours are malignant where you work")
        self.prevalence.setToolTip("The share of malignant tumours among those you would use this on")
        self.prevalence.valueChanged.connect(self._take_prevalence)
        self.scale = ProbabilityScale()
        self.threshold, self.comparator = wrapped(role="dim"), wrapped()
        self.harmonisation = wrapped(role="dim")
        self.contributions, self.cautions = Contributions(), CautionList()
        self.attention, self.why = AttentionSection(), heading("Why")
        self.attention.revealed.connect(lambda: QTimer.singleShot(0, self._reveal_attention))
        body = QWidget()
        layout = self.body = QVBoxLayout(body)
        layout.setContentsMargins(12, 8, 12, 8)
        layout.setSpacing(8)
        verdict = QHBoxLayout()
        verdict.addWidget(self.mark)
        verdict.addWidget(self.word, 1)
        layout.addLayout(verdict)
        layout.addWidget(self.demonstration)
        layout.addWidget(self.reason)
        layout.addLayout(self._lay_figures())
        layout.addWidget(self.interval)
        layout.addWidget(self.scale)
        layout.addWidget(self.threshold)
        layout.addWidget(self.comparator)
        layout.addWidget(self.harmonisation)
        layout.addSpacing(4)
        layout.addWidget(self.cautions)
        layout.addSpacing(4)
        layout.addWidget(self.attention)
        layout.addWidget(self.why)
        layout.addWidget(self.contributions)
        layout.addStretch(1)
        self.setWidget(body)
        self.setMinimumWidth(276)

    def _lay_figures(self) -> QHBoxLayout:
        """Lay both probabilities side by side in cards of one width: neither outweighs the other."""
        row = QHBoxLayout()
        row.setSpacing(8)
        cards = ((self.trained, self.trained_words),
                 (self.clinic, self.clinic_words, self.prevalence, self.prevalence_words))
        for parts, demo in zip(cards, self.demo_words, strict=True):
            card = QFrame()
            card.setProperty("role", "card")
            card.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            column = QVBoxLayout(card)
            column.setContentsMargins(10, 6, 10, 8)
            column.setSpacing(2)
            for part in (parts[0], demo, *parts[1:]):
                column.addWidget(part)
            column.addStretch(1)
            row.addWidget(card, 1)
        return row

    def show_score(self, score: Mapping[str, Any], prevalence: float) -> None:
        """Show a score's JSON, read where `prevalence` of such tumours are malignant."""
        self._score = score
        verdict, colours = verdict_of(score), theme()
        for label in (self.demonstration, *self.demo_words):
            label.setVisible(bool(score.get("demonstration")))
        self.mark.show_mark(verdict.shape, verdict.colour(colours))
        self.word.setText(title_of(score))
        self.word.setStyleSheet(f"color: {verdict.colour(colours)}")
        plain = verdict.shape in ("circle", "triangle")
        self.reason.setVisible(not plain)
        reason = verdict_sentence(score).partition(": ")[2]
        self.reason.setText("" if plain else unbroken(f"{reason[:1].upper()}{reason[1:]}"))
        training = score["prevalence"]["training"]
        self.trained.setText(figure(score["probability"]))
        self.trained_words.setText("among tumours like those it was trained on, "
                                   f"{per_hundred(training)} of them {positive_word(score)}")
        self.prevalence_words.setText(f"are {positive_word(score)}")
        self.interval.setText(interval_text(score))
        self.interval.setVisible(bool(score.get("interval")))
        self.scale.show_score(score)
        self.threshold.setText(unbroken(threshold_sentence(score)))
        self.comparator.setText(comparator_sentence(score))
        self.comparator.setVisible(bool(self.comparator.text()))
        self.harmonisation.setText(harmonisation_sentence(score))
        self.harmonisation.setVisible(bool(self.harmonisation.text()))
        self.attention.show_score(score)
        self.contributions.show_contributions(score.get("contributions") or (), score["classes"])
        for part in (self.why, self.contributions):  # a network has no features to name
            part.setVisible(bool(score.get("contributions")) or not score.get("attention"))
        self.cautions.show_cautions(score.get("cautions") or ())
        self.prevalence.blockSignals(True)
        self.prevalence.setValue(prevalence * 100)
        self.prevalence.blockSignals(False)
        self._show_clinic(prevalence)

    def _reveal_attention(self) -> None:
        """Bring what explains the map into sight once it has its room."""
        for part in (self.attention.meaning, self.attention.title):
            self.ensureWidgetVisible(part, 0, 8)

    def sentence(self) -> str:
        """Say the whole finding in words; empty when nothing is shown."""
        return whole_sentence(self._score, self.prevalence.value() / 100) if self._score else ""

    def copy_sentence(self) -> None:
        """Put the whole finding on the clipboard."""
        QGuiApplication.clipboard().setText(self.sentence())

    def _take_prevalence(self, per_cent: float) -> None:
        self._show_clinic(per_cent / 100)
        self.prevalence_changed.emit(per_cent / 100)

    def _show_clinic(self, prevalence: float) -> None:
        if self._score is None:
            return
        share = at_prevalence(self._score["probability"], self._score["prevalence"]["training"], prevalence)
        self.clinic.setText(figure(share))
        self.clinic_words.setText(f"{of_hundred(share)} such tumours, where")
        whole = self.sentence()
        for label in (self.trained, self.clinic, self.interval, self.word):
            label.whole = whole
        self.setAccessibleDescription(whole)

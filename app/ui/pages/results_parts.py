"""The tabs of the results: each a figure with what is to be said beside it, drawn when it is first looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.ui.result_session import ResultSession
from app.ui.result_words import calibration_sentence, figure_text, p_text, pair_of
from app.ui.results import Estimate
from app.ui.widgets.calibration_plot import CalibrationPlot
from app.ui.widgets.confusion_panel import ConfusionPanel
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.figure import Figure
from app.ui.widgets.record_model import Column, RecordModel
from app.ui.widgets.record_table import RecordTable
from app.ui.widgets.result_panel import heading
from app.ui.widgets.roc_plot import RocPlot

SIDE, SPACE, UPRIGHT, READABLE = 400, 16, 1000, 760
CURVES = (
    Column("Curve", lambda row: row["title"]),
    Column("AUC (95 %)", lambda row: row["auc"], figure_text, numeric=True),
    Column("Model less this", lambda row: row["gain"], lambda each: figure_text(each, signed=True),
           "Paired difference in AUC on the same cases, with its interval of 95 %", numeric=True),
    Column("p", lambda row: row["p"], numeric=True),
)

SLOPES = (
    Column("Model", lambda row: row["title"]),
    Column("Slope (95 %)", lambda row: row["slope"], figure_text,
           "1 is ideal; below 1 the probabilities are too extreme", numeric=True),
    Column("Intercept (95 %)", lambda row: row["intercept"], lambda each: figure_text(each, signed=True),
           "0 is ideal; below 0 the probabilities are too high on average (log odds)", numeric=True),
)


class FigurePart(QWidget):
    """A figure under a sentence; where there is nothing to draw, a sentence alone.

    Parameters
    ----------
    figure : Figure
        What is drawn.
    words : callable
        From the session to the sentence above.
    nothing : str
        What is said in the figure's place.
    has : callable
        From the session to whether there is anything to draw.
    """

    def __init__(self, session: ResultSession, figure: Figure, words: Any, nothing: str, has: Any) -> None:
        super().__init__()
        self._session, self._words, self._nothing, self._has = session, words, nothing, has
        self.figure, self.sentence = figure, wrapped()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.sentence)
        column.addWidget(figure, 1)
        column.addStretch(0)

    def restyle(self) -> None:
        """Draw anew."""
        there = bool(self._has(self._session))
        self.figure.setVisible(there)
        self.figure.restyle()
        self.sentence.setText(self._words(self._session) if there else self._nothing)
        self.sentence.setVisible(bool(self.sentence.text()))


class RocPart(QWidget):
    """Curves at the left; their figures and the counts at the threshold at the right."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__()
        self._session = session
        self.figure, self.counts = RocPlot(session), ConfusionPanel(session)
        self.model = RecordModel(CURVES, "key", parent=self)
        self.table = RecordTable(self.model, "Curves and their areas")
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        for widget in (heading("Areas"), self.table, heading("At the threshold"), self.counts, self.figure.caption):
            column.addWidget(widget)
        column.addStretch(1)
        room = QScrollArea()
        room.setWidget(side)
        room.setWidgetResizable(True)
        room.setMinimumWidth(SIDE)
        room.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        room.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.figure, 5)
        row.addWidget(room, 6)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Put the figures below the curves on a screen that stands upright."""
        super().resizeEvent(event)
        upright = event.size().width() < min(UPRIGHT, event.size().height() * 4 / 3)
        self._row.setDirection(QBoxLayout.Direction.TopToBottom if upright else QBoxLayout.Direction.LeftToRight)

    def restyle(self) -> None:
        """Draw anew."""
        session, results = self._session, self._session.results
        self.figure.restyle()
        rows = []
        for name in session.drawn:
            pair = pair_of(results, session.model, name) or self._headline(name)
            gain = Estimate.read(pair) if pair else None
            rows.append({"key": name, "title": results.word(name), "auc": results.auc(name), "gain": gain,
                         "p": p_text(pair.get("p_value")).removeprefix("p = ") if pair else ""})
        self.model.show_records(rows)
        self.table.fit()
        self.table.setFixedHeight(40 + 28 * max(len(rows), 1))
        self.counts.refresh()

    def _headline(self, name: str) -> dict[str, Any] | None:
        found = self._session.results.part("headline")
        saved = self._session.results.raw.get("saved")
        return dict(found) if found.get("comparator") == name and self._session.model == saved else None


class CalibrationPart(QWidget):
    """The curve at the left; slope and intercept of everything drawn at the right."""

    def __init__(self, session: ResultSession) -> None:
        super().__init__()
        self._session = session
        self.figure, self.sentence = CalibrationPlot(session), wrapped()
        self.model = RecordModel(SLOPES, "key", parent=self)
        self.table = RecordTable(self.model, "Calibration in figures")
        side = QVBoxLayout()
        side.setSpacing(8)
        for widget in (heading("In words"), self.sentence, heading("In figures"), self.table, self.figure.caption):
            side.addWidget(widget)
        side.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.figure, 5)
        row.addLayout(side, 6)

    def restyle(self) -> None:
        """Draw anew."""
        session, results = self._session, self._session.results
        found = {name: results.of("calibration", name) or {} for name in session.drawn}
        self.figure.setVisible(any(each.get("curve") for each in found.values()))
        self.figure.restyle()
        self.sentence.setText(calibration_sentence(found.get(session.model))
                              or "These cases allow no calibration: it needs two of each class.")
        rows = [{"key": name, "title": results.word(name), **{
            key: Estimate.read({"mean": each.get(key), "interval": each.get(f"{key}_interval")})
            for key in ("slope", "intercept")}} for name, each in found.items() if each.get("slope") is not None]
        self.model.show_records(rows)
        self.table.fit()
        self.table.setVisible(bool(rows))
        self.table.setFixedHeight(40 + 28 * max(len(rows), 1))


class ReportPart(QScrollArea):
    """How it was done, in a paragraph; which cases; with which versions; and the report to take along.

    Signals
    -------
    report_requested(str)
        The reader wants a report: 'html' or 'pdf'.
    """

    report_requested = Signal(str)

    def __init__(self, session: ResultSession) -> None:
        super().__init__()
        self._session = session
        self.methods, self.flow, self.versions = wrapped(), wrapped(), wrapped()
        self.buttons = {kind: QPushButton(f"Report, {kind.upper()}…") for kind in ("html", "pdf")}
        row = QHBoxLayout()
        row.setSpacing(8)
        for kind, button in self.buttons.items():
            button.clicked.connect(lambda _checked=False, kind=kind: self.report_requested.emit(kind))
            row.addWidget(button)
        row.addStretch(1)
        for label in (self.methods, self.flow, self.versions):
            label.setMaximumWidth(READABLE)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 16, 0)
        column.setSpacing(8)
        column.addLayout(row)
        for title, label in (("Methods", self.methods), ("Cases", self.flow), ("Made with", self.versions)):
            column.addWidget(heading(title))
            column.addWidget(label)
        column.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)

    def restyle(self) -> None:
        """Say it anew."""
        results = self._session.results
        for button in self.buttons.values():
            button.setVisible(not results.is_joined)  # a report is of one
        self.methods.setText(str(results.raw.get("methods") or "No methods are kept with this result."))
        self.flow.setText(flow_text(results.rows("flow")) or "No flow of cases is kept with this result.")
        folds, versions = results.part("folds"), results.part("versions")
        lines = [", ".join(f"{name} {value}" for name, value in versions.items())]
        if folds.get("digest"):
            lines.append(f"Folds: {folds.get('k')} by {folds.get('repeats') or 1}, {folds.get('scheme') or ''}, digest "
                         f"{folds['digest']}")
        self.versions.setText("\n".join(line for line in lines if line) or "Not known.")


def flow_text(rows: Sequence[Any]) -> str:
    """Write the flow of cases, a step a line."""
    return "\n".join(f"{int(row['cases'] or 0):>6,}  {row['what']}" for row in rows)


def sites_words(session: ResultSession) -> str:
    """Say what the sites allow, and how unlike they are."""
    advice, imbalance = session.results.part("advice"), session.results.part("imbalance")
    told = [str(advice.get("recommendation") or advice.get("sentence") or "")]
    told += [str(caution) for caution in advice.get("cautions") or ()]
    if imbalance.get("message"):
        told.append(str(imbalance["message"]))
    return " ".join(each for each in told if each)

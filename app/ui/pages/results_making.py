"""Which figure stands on which tab of the results."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.ui.pages.results_cases import CasesPart
from app.ui.pages.results_network import NetworkPart
from app.ui.pages.results_parts import CalibrationPart, FigurePart, ReportPart, RocPart, sites_words
from app.ui.result_session import ResultSession
from app.ui.widgets.audit_panel import AuditPanel
from app.ui.widgets.decision_plot import DecisionPlot
from app.ui.widgets.forest_plot import ForestPlot
from app.ui.widgets.importance_plot import ImportancePlot
from app.ui.widgets.learning_plot import LearningPlot
from app.ui.widgets.metric_table import MetricTable


def make_part(title: str, session: ResultSession) -> QWidget:
    """Make what stands on a tab."""
    if title == "ROC":
        return RocPart(session)
    if title == "Calibration":
        return CalibrationPart(session)
    if title == "Cases":
        return CasesPart(session)
    if title == "Audit":
        return AuditPanel(session)
    if title == "Network":
        return NetworkPart(session)
    if title == "Metrics":
        return MetricTable(session)
    if title == "Report":
        return ReportPart(session)
    return _make_figure(title, session)


def _make_figure(title: str, session: ResultSession) -> FigurePart:
    if title == "Decision":
        return FigurePart(session, DecisionPlot(session), lambda _now: "",
                          "The single answers that a decision curve needs are not kept with this result.",
                          lambda now: now.results.of("decision", now.model))
    if title == "Sites":
        return FigurePart(session, ForestPlot(session), sites_words,
                          "The cases have no sites, or their table did not name them.",
                          lambda now: now.results.rows("sites") or now.results.rows("subgroups"))
    if title == "Features":
        return FigurePart(session, ImportancePlot(session), lambda _now: "",
                          "What each fold leaned on is not kept with this result.",
                          lambda now: now.results.of("importance", now.model))
    learning = LearningPlot(session)
    return FigurePart(session, learning, lambda _now: learning.sentence(),
                      "No learning curve was asked for. Ask for it when training: it says whether more patients would "
                      "help.", lambda now: now.results.raw.get("learning_curve"))

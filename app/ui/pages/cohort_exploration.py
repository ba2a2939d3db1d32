"""Exploration of a feature table: correlations, features alone, maps, slices and histograms, to be exported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.core.requests import ExploreRequest, TableRequest
from app.ui.calls import Call
from app.ui.class_names import class_title
from app.ui.cohort import Cohort
from app.ui.table_columns import TableColumns, is_plain, read_columns, read_values, told_columns, told_values
from app.ui.widgets.box_plot import BoxPlot
from app.ui.widgets.case_histograms import CaseHistograms
from app.ui.widgets.exploration_form import ExplorationForm
from app.ui.widgets.feature_statistics import FeatureStatistics
from app.ui.widgets.figure_tab import FigureTab
from app.ui.widgets.flag_list import FlagList
from app.ui.widgets.invitation import Invitation
from app.ui.widgets.map_plot import MapPlot
from app.ui.widgets.matrix_plot import MatrixPlot
from app.ui.widgets.run_bar import RunBar

_CORRELATION = ("Correlation of every feature with every other, like features side by side (hierarchical "
                "clustering). Dark is \N{MINUS SIGN}1, light is +1.")
_FEATURES = ("Each feature alone. AUC with its 95 % interval, Mann-Whitney p, times the number of tests (Bonferroni) "
             "and as a false discovery rate (q). A surrogate mostly says how large the tumour is.")
_MAPS = ("Every case by all its features, without knowing its group. Points that lie together are alike; distances "
         "between clusters, their sizes and the axes mean nothing, and clusters appear in noise too.")
_SLICES = ("Slices per scan: box from quartile to quartile, line at the median, whiskers to the furthest scan within "
           "one and a half boxes.")
_HISTOGRAMS = "Grey values of every image as stored, and after each normalisation."
_CAPTIONS = {"Correlation": (_CORRELATION, ("correlation_pearson", "correlation_spearman"), 0),
             "Features": (_FEATURES, ("univariate", "volume", "label"), 0), "Maps": (_MAPS, ("tsne", "umap"), 0),
             "Slices": (_SLICES, ("slices",), 1), "Histograms": (_HISTOGRAMS, ("histograms",), 1)}
LOW, CAUTIONS = 720, 84


class ExplorationPage(QWidget):
    """A form above, figures below.

    Signals
    -------
    opened(str)
        The reader wants to see this case in the viewer.
    noticed(Failure)
        Something to be said.
    """

    opened = Signal(str)
    noticed = Signal(object)

    def __init__(self, cohort: Cohort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cohort = cohort
        self._call = Call(cohort.jobs, "explore", "train", self)
        self._reading = Call(cohort.jobs, "describe_table", parent=self)
        self._told: Mapping[str, Any] = {}
        self.form, self.run = ExplorationForm(), RunBar("Explore", self._call)
        self.cautions, self.room = FlagList(CAUTIONS), QStackedWidget()
        self.matrix, self.statistics, self.maps = MatrixPlot(), FeatureStatistics(), MapPlot()
        self.slices, self.histograms = BoxPlot("Slices per scan"), CaseHistograms()
        choose = QPushButton("Choose a feature table…")
        choose.clicked.connect(self.form.table.ask)
        self.invitation = Invitation("Drop a feature table, or measure a cohort on the page Features",
                                     "Choose which columns name the label and the site, then explore.", (choose,))
        self.tabs = QTabWidget()
        self.tabs.tabBar().setAccessibleName("Figures")
        self.figures: dict[str, FigureTab] = {}
        parts = (self.matrix, self.statistics, self.maps, self.slices, self.histograms)
        for (title, settings), part in zip(_CAPTIONS.items(), parts, strict=True):
            figure = self.figures[title] = FigureTab(part, *settings)
            figure.said.connect(self.run.say)
            figure.failed.connect(self.noticed)
            self.tabs.addTab(figure, title)
        self.room.addWidget(self.invitation)
        self.room.addWidget(self.tabs)
        top = QHBoxLayout()
        top.addWidget(self.run)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 0, 0)
        column.setSpacing(8)
        above = QVBoxLayout()
        above.setContentsMargins(0, 0, 16, 0)
        above.setSpacing(8)
        above.addWidget(self.form)
        above.addLayout(top)
        column.addLayout(above)
        column.addWidget(self.cautions)
        column.addWidget(self.room, 1)
        self._bind()
        self.cautions.show_flags(())
        self.show_result(None)
        features = str(cohort.recall("features", ""))
        if features and Path(features).is_file():
            self.take(features)
        else:
            self._offer()

    def _bind(self) -> None:
        self.form.table_chosen.connect(self.take)
        self.form.changed.connect(self._remember)
        self.run.start_requested.connect(self.explore)
        self._call.finished.connect(self.show_result)
        self._call.failed.connect(self.noticed)
        self._reading.finished.connect(self._take_columns)
        self._reading.failed.connect(self.noticed)
        self.maps.opened.connect(self.opened)
        self.histograms.opened.connect(self.opened)
        self._cohort.measured.connect(lambda result: self.take(str(result["written"])))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Leave the room of a low window to the figures."""
        super().resizeEvent(event)
        self.cautions.limit(CAUTIONS if event.size().height() >= LOW else CAUTIONS // 2)

    def take(self, path: str) -> None:
        """Take a feature table; what is remembered of its columns is chosen again."""
        if not path:
            return
        if path != self.form.table.path:
            self.show_result(None)
        self.form.table.show_path(path)
        self._cohort.remember("features", path)
        self._told = {}
        self._reading.cancel()
        if not is_plain(path) and Path(path).is_file():
            self._reading.start(TableRequest(table=path).model_dump(mode="json"), "Reading the table's columns")
        self._offer_columns(read_columns(path))
        self._offer()

    def _take_columns(self, told: Mapping[str, Any]) -> None:
        self._told = told
        self._offer_columns(told_columns(self.form.table.path, told))

    def _offer_columns(self, columns: TableColumns) -> None:
        self.form.offer(columns)
        for role, name in self._roles(columns).items():
            self.form.choose(role, name)
        self._offer_values()

    def explore(self) -> None:
        """Look at the chosen table."""
        path = self.form.table.path
        if not path or self._call.running:
            return
        source = self._cohort.source
        table = Path(path)
        request = ExploreRequest(
            features=path, out=str(table.with_name(f"{table.stem}-exploration")),
            images=source if source and Path(source).exists() and str(table) != source else None,
            embeddings=self.form.maps.isChecked(),
            **{role: self.form.chosen(role) for role in ("label", "positive", "patient", "site", "vendor")})
        self._call.start(request.model_dump(mode="json"), "Exploring the features")

    def show_result(self, result: Mapping[str, Any] | None) -> None:
        """Show what was found; None invites."""
        found = result or {}
        self.room.setCurrentWidget(self.tabs if result is not None else self.invitation)
        patients = [str(patient) for patient in found.get("patients") or ()]
        self.matrix.show_matrix(found.get("matrix"))
        self.statistics.show_features(found.get("table") or ())
        self.maps.show_maps(found.get("embeddings") or {}, found.get("groups") or {}, patients, self._call.request)
        self.slices.show_groups((found.get("slices") or {}).get("groups"))
        self.histograms.show_histograms(found.get("histograms"), patients)
        for figure in self.figures.values():
            figure.offer(found.get("figures") or ())
        self.cautions.show_flags([_as_flag(each) for each in found.get("cautions") or ()])
        if result is not None:
            self.run.say(f"{int(result['rows']):,} cases, {len(result['features']):,} features"
                         f"{_classes(result.get('label'))}. Files in {Path(self._call.request.get('out', '')).name}.")

    def restyle(self) -> None:
        """Follow another theme."""
        for part in (self.matrix, self.statistics, self.maps, self.slices, self.histograms):
            part.restyle()

    def _offer(self) -> None:
        self.run.button.setEnabled(bool(self.form.table.path))

    def _offer_values(self) -> None:
        path, label = self.form.table.path, self.form.chosen("label")
        self.form.offer_values(())

        def show(values: Sequence[str]) -> None:
            if (path, label) == (self.form.table.path, self.form.chosen("label")):
                self.form.offer_values(tuple(values))
                self.form.choose("positive", str(self._cohort.recall("roles", {}).get("positive", "")) or "-")

        if label and self._told:
            show(told_values(self._told, label))
        elif label and is_plain(path):
            self._cohort.state.in_background(lambda: read_values(path, label), show)

    def _roles(self, columns: TableColumns) -> dict[str, str]:
        kept: Mapping[str, str] = self._cohort.recall("roles", {})
        return {role: name for role, name in kept.items() if role != "positive" and name in columns.names}

    def _remember(self, role: str) -> None:
        kept: dict[str, str] = self._cohort.recall("roles", {})
        self._cohort.remember("roles", {**kept, role: self.form.chosen(role) or ""})
        if role == "label":
            self._offer_values()


def _classes(label: Mapping[str, Any] | None) -> str:
    """Say which cases were compared with which."""
    if not label or not label.get("positive") or len(label.get("counts") or ()) != 2:
        return ""
    others, sought = label["counts"]
    title = class_title(str(label["column"]), str(label["positive"]))
    return f", {sought:,} with {title} against {others:,} others"


def _as_flag(caution: Any) -> dict[str, Any]:
    words = caution.get("message", "") if isinstance(caution, Mapping) else str(caution)
    return {"code": "", "message": words, "severity": "caution"}

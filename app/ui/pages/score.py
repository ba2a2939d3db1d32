"""The page where cases are read: worklist, picture, finding. It binds to the session and owns none of it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabWidget, QVBoxLayout, QWidget

from app.core.errors import Failure
from app.ui.attention import Attention
from app.ui.caliper import Caliper
from app.ui.case_files import series_key, shown_side
from app.ui.messages import is_choice, words_for
from app.ui.pages.steering import Steering
from app.ui.reading import Reading
from app.ui.widgets.case_bar import CaseBar
from app.ui.widgets.case_questions import ChoiceCard, PairingCard, SideBar
from app.ui.widgets.drop_zone import DropZone
from app.ui.widgets.failure_card import FailureCard
from app.ui.widgets.histogram import HistogramPlot
from app.ui.widgets.keymap import Keymap
from app.ui.widgets.notices import Notices
from app.ui.widgets.result_side import ResultSide
from app.ui.widgets.series_card import ask_sequences, ask_series
from app.ui.widgets.trace_table import TraceTable
from app.ui.widgets.view_case import ViewCase
from app.ui.widgets.viewer import Viewer
from app.ui.widgets.worklist import Worklist
from app.ui.words import per_cent

_SIDES = {"las": "radiological: stored from the patient's right to left",
          "ras": "neurological: stored from the patient's left to right"}


class _Pages(QStackedWidget):
    """Pages of which only the one on screen claims room."""

    def __init__(self) -> None:
        super().__init__()
        self.currentChanged.connect(lambda _page: self.updateGeometry())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else super().minimumSizeHint()


class ScorePage(QWidget):
    """Worklist left, picture in the middle, finding right; on an upright monitor the finding moves below.

    Signals
    -------
    open_requested()
        The reader wants to choose files.
    """

    open_requested = Signal()

    def __init__(self, reading: Reading, keymap: Keymap, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.reading = reading
        self.worklist = Worklist(reading.worklist)
        self.histogram, self.trace, self.fourth = HistogramPlot(), TraceTable(), QTabWidget()
        self.fourth.addTab(self.histogram, "Histogram")
        self.fourth.addTab(self.trace, "Steps")
        self.fourth.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.viewer = Viewer(fourth=self.fourth, keymap=keymap)
        self.histogram.bind(self.viewer.state, self.viewer.windows)
        self.caliper = Caliper(reading.jobs, self.viewer.state, self)
        self.drop_zone, self.bar, self.result = DropZone(), CaseBar(), ResultSide()
        self.attention = Attention(reading, self.viewer.state, self.result.panel.attention, keymap, self)
        self.notices, self._asked = Notices(), None
        self._centre = self._build_centre()
        self._inner, self._outer = QSplitter(Qt.Orientation.Horizontal), QSplitter(Qt.Orientation.Horizontal)
        self._inner.addWidget(self._centre)
        self._inner.addWidget(self.result)
        self._inner.setStretchFactor(0, 1)
        self._outer.addWidget(self.worklist)
        self._outer.addWidget(self._inner)
        self._outer.setStretchFactor(1, 1)
        for splitter in (self._inner, self._outer):
            splitter.setChildrenCollapsible(False)
            splitter.setHandleWidth(4)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._outer)
        self._wanted = {"worklist": True, "result": True, **reading.state["splitters"].get("shown", {})}
        self._bind()
        self._restore_sizes()
        self.show_first()

    def _build_centre(self) -> QWidget:
        self._stack = _Pages()
        self._stack.addWidget(self.drop_zone)
        self._stack.addWidget(self.viewer)
        self.steering = Steering(self.reading, self._stack, self.viewer, self.bar, self._apply_folds)
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.bar)
        column.addWidget(self.notices)
        column.addWidget(self._stack, 1)
        return centre

    def _bind(self) -> None:
        reading, state, viewer = self.reading, self.reading.state, self.viewer
        self.worklist.chosen.connect(self._choose)
        self.worklist.removed.connect(reading.remove)
        self.worklist.open_requested.connect(self.open_requested)
        self.drop_zone.open_requested.connect(self.open_requested)
        self.drop_zone.demo_requested.connect(reading.open_demo)
        for signal in (reading.worklist.rowsInserted, reading.worklist.rowsRemoved):
            signal.connect(lambda *_: self.drop_zone.offer_worklist(reading.worklist.rowCount()))
        reading.chosen.connect(self._show_choice)
        reading.pictured.connect(self._show_view)
        reading.standing.connect(lambda key: key == reading.current and self.refresh())
        self._recount = QTimer(self)  # a queue ends many scores a second; the offer may follow a moment later
        self._recount.setSingleShot(True)
        self._recount.setInterval(250)
        self._recount.timeout.connect(lambda: self.result.offer_all(reading.worklist.others))
        reading.standing.connect(lambda _key: self._recount.isActive() or self._recount.start())
        reading.unpaired.connect(self._ask_pairing)
        reading.sequences.offered.connect(self._offer_sequences)
        reading.noticed.connect(self.notice)
        reading.scoring.models_listed.connect(self._offer_models)
        reading.scoring.described.connect(self.refresh)
        self.bar.sequence_chosen.connect(viewer.set_sequence)
        self.bar.preparation_chosen.connect(self._prepare)
        self.bar.compared.connect(viewer.set_prepared)
        self.bar.choose_preparation(state["prep"])
        for signal in (viewer.state.sequence_changed, viewer.state.prepared_changed, viewer.state.case_changed):
            signal.connect(self._follow_viewer)
        viewer.windows.remember(state["windows"])
        viewer.windows.preset_remembered.connect(
            lambda sequence, name: state.choose("windows", {**state["windows"], sequence: name}))
        viewer.state.set_text_mode(state["text_overlays"])
        viewer.state.set_opacity(state["opacity"])
        viewer.state.display_changed.connect(lambda: state.choose("opacity", viewer.state.opacity))
        reading.worklist.choose_model(state["model"])
        self.result.anonymise.setChecked(bool(state["anonymise"]))
        self.result.anonymise_chosen.connect(lambda on: state.choose("anonymise", on))
        state.changed.connect(lambda name, value: self.result.anonymise.setChecked(bool(value)) if name == "anonymise"
                              else None)
        self.result.score_requested.connect(lambda: reading.score())
        self.result.all_requested.connect(reading.score_all)
        self.result.retry_requested.connect(reading.retry)
        self.result.dismissed.connect(lambda: reading.dismiss(reading.current))
        self.result.choices_changed.connect(self._take_choices)
        self.result.choices.choose(error_rate=state["error_rate"])
        self.result.panel.prevalence_changed.connect(lambda value: state.choose("prevalence", value))

    # What is on the page

    def show_first(self) -> None:
        """Show the invitation and nothing else."""
        self.bar.hide()
        self.worklist.hide()
        self.result.hide()
        self._stack.setCurrentWidget(self.drop_zone)

    def fold(self, side: str) -> None:
        """Fold the 'worklist' or the 'result' away, or back."""
        self._wanted[side] = not self._wanted[side]
        self._apply_folds()
        self.save_sizes()

    def _apply_folds(self) -> None:
        reading = self._stack.currentWidget() is self.viewer
        self.worklist.setVisible(self._wanted["worklist"] and reading)
        self.result.setVisible(self._wanted["result"] and reading)

    def _choose(self, key: str) -> None:
        if key != self.reading.current:
            self.reading.choose(key)

    def _show_choice(self, key: str) -> None:
        entry = self.reading.worklist.entry(key)
        if entry is None:
            self.steering.show_choice("")
            self.viewer.clear()
            self._asked = None
            for name in ("case", "side", "sequences"):
                self.notices.drop(name)
            self.show_first()
            return
        self.notices.drop("sequences")
        self.steering.show_choice(key)
        self.worklist.select(key)
        if self.reading.view is None:
            self.viewer.clear()
            self.bar.show_title(entry.title)
        if self.drop_zone.isAncestorOf(self.focusWidget() or self):
            self.worklist.list.setFocus()
        self.refresh()

    def _show_view(self, view: dict[str, Any]) -> None:
        case = ViewCase.from_json(view)
        before = self.viewer.state
        place = (before.sequence, before.world) if before.case is not None and before.case.id == case.id else None
        self.viewer.show_case(case)
        self.caliper.show_view(view)
        if place is not None:  # the same case, prepared: the reader stays where they were
            self.viewer.set_sequence(place[0])
            before.set_world(place[1])
        self.bar.show_view(view)
        self.viewer.set_prepared(self.reading.state["prep"] != "stored")
        self._follow_viewer()
        self.steering.show_view(view)
        self.attention.follow()

    def _follow_viewer(self, *_: object) -> None:
        state = self.viewer.state
        if state.case is not None:
            self.bar.show_state(state.sequence, prepared=state.prepared, can_compare=state.can_compare)

    def refresh(self) -> None:
        """Show how the current case stands."""
        reading = self.reading
        entry = reading.worklist.entry(reading.current)
        if entry is None:
            self.attention.follow()
            return
        failure = reading.failure(entry.key)
        self._show_questions(failure)
        self.result.offer_all(reading.worklist.others)
        if entry.status == "scored" and entry.score:
            used = reading.state["prevalence"] or entry.score["prevalence"]["used"]
            self.result.show_score(reading.scoring.with_definitions(entry.score), used, self._difference(entry.score),
                                   reading.scoring.data_of(str(entry.score.get("model"))))
        elif failure is not None and is_choice(failure):
            self.result.show_quiet("One question is open; it stands above the picture.")
        elif failure is not None:
            self.result.show_problem(words_for(failure, f"reading {entry.title}"))
        elif entry.status in ("waiting", "scoring"):
            self.result.show_quiet("Being scored." if entry.status == "scoring" else "Waiting for its turn.")
        elif not entry.files.get("mask"):
            self.result.show_quiet("This case has no outline yet. Drop the outline anywhere on the window.")
        else:
            self.result.show_quiet("Not scored.", can_score=True)
        trace = (reading.view or {}).get("trace") or ()
        score = entry.score or {}
        self.trace.show_trace([*trace, *(score.get("trace") or ())], score.get("timings"))
        self.attention.follow()  # last: the map on screen has a share of its own

    def _difference(self, score: dict[str, Any]) -> str:
        state = self.reading.state
        if score.get("model") == state["model"] and abs(score.get("error_rate", 0) - state["error_rate"]) < 1e-9:
            return ""
        return (f"Scored with {score.get('model')} at the error rate {per_cent(score.get('error_rate', 0))}. "
                "Choose again below to score anew.")

    # Questions and notices

    def _show_questions(self, failure: Failure | None) -> None:
        """Ask what only the reader can answer about the case; a question that stands is left as it is."""
        reading, asked = self.reading, None
        if failure is not None and (is_choice(failure) or self.result.isHidden() or self.result.shows_score):
            asked = (reading.current, failure)
        if asked != self._asked:
            self._asked = asked
            self.notices.drop("case")
            if asked is not None and failure is not None:
                self.notices.put("case", self._card_for(failure), first=True)
        if not (reading.view or {}).get("orientation_question"):
            self.notices.drop("side")
        elif self.notices.card("side") is None:
            side = SideBar(_SIDES[shown_side(reading.view or {})])
            side.confirmed.connect(lambda yes: reading.confirm_side(as_shown=yes))
            self.notices.put("side", side, first=True)

    def _card_for(self, failure: Failure) -> QWidget:
        reading = self.reading
        about = str(failure.extra.get("about", ""))
        entry = reading.worklist.entry(reading.current)
        if is_choice(failure) and failure.extra.get("field") == "series" and entry is not None \
                and series_key(entry.files, about) != "mask":
            series = ask_series(failure)
            series.chosen.connect(lambda chosen: reading.take_sequences(chosen, about))
            return series
        if is_choice(failure):
            question = ChoiceCard(failure)
            question.answered.connect(reading.answer)
            return question
        problem = FailureCard(words_for(failure))
        problem.retry_requested.connect(reading.retry)
        problem.closed.connect(lambda: reading.dismiss(reading.current))
        return problem

    def _offer_sequences(self, key: str, images: list[dict[str, Any]]) -> None:
        entry = self.reading.worklist.entry(key)
        if entry is None or key != self.reading.current:
            return
        card = ask_sequences(images, entry.files)
        card.chosen.connect(lambda chosen: (self.notices.drop("sequences"), self.reading.take_sequences(chosen)))
        card.declined.connect(lambda: self.notices.drop("sequences"))
        self.notices.put("sequences", card, first=True)

    def notice(self, failure: Failure) -> None:
        """Say something that belongs to no case."""
        name = f"notice: {failure.message} {failure.extra.get('issues', '')}"
        said = FailureCard(words_for(failure), retry=False)
        said.closed.connect(lambda: self.notices.drop(name))
        self.notices.put(name, said)

    def _ask_pairing(self, sources: list[dict[str, Any]]) -> None:
        if not sources:
            self.notices.drop("pairing")
            return
        question = PairingCard(sources)
        question.paired.connect(self.reading.pair)
        question.declined.connect(self.reading.decline_pairing)
        self.notices.put("pairing", question, first=True)

    # Choices

    def _offer_models(self, models: list[dict[str, Any]]) -> None:
        state = self.reading.state
        names = [model["name"] for model in models if model.get("verified", True)]
        if names and state["model"] not in names:
            state.choose("model", names[0])
        self.result.choices.offer_models(models, state["model"])
        self.result.choices.choose(error_rate=state["error_rate"], threshold=self.reading.scoring.threshold())

    def _take_choices(self) -> None:
        choices, state = self.result.choices, self.reading.state
        model, rate, threshold = choices.model or state["model"], choices.error_rate, choices.threshold
        if model == state["model"]:
            state.choose("thresholds", {**state["thresholds"], model: threshold})
        if model != state["model"]:
            self.reading.scoring.choose_model(model)
        state.choose("error_rate", rate)
        choices.choose(error_rate=rate, threshold=self.reading.scoring.threshold())
        self.reading.score()

    def follow_choices(self) -> None:
        """Show the session's choices, after they were changed elsewhere."""
        state = self.reading.state
        self.reading.worklist.choose_model(state["model"])
        self.result.choices.offer_models(self.reading.scoring.models, state["model"])
        self.result.choices.choose(error_rate=state["error_rate"], threshold=self.reading.scoring.threshold())
        self.refresh()

    def _prepare(self, name: str) -> None:
        self.reading.prepare_view(name)
        if name == "own" and self.reading.preparation() is None:
            self.steering.open()
        if self.reading.preparation() is None:
            self.viewer.set_prepared(False)

    # Room

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Put the finding below the picture where the window is upright."""
        super().resizeEvent(event)
        self.notices.limit(event.size().height())
        upright = event.size().height() > event.size().width()
        self._inner.setOrientation(Qt.Orientation.Vertical if upright else Qt.Orientation.Horizontal)
        self.result.lay_wide(wide=upright)

    def save_sizes(self) -> None:
        """Remember how the room is divided."""
        sizes = {"outer": self._outer.sizes(), "inner": self._inner.sizes(), "shown": dict(self._wanted)}
        if not self.worklist.isVisible() or not self.result.isVisible():
            kept = self.reading.state["splitters"]
            sizes |= {name: kept[name] for name in ("outer", "inner") if name in kept}
        self.reading.state.choose("splitters", sizes)

    def _restore_sizes(self) -> None:
        kept = self.reading.state["splitters"]
        self._outer.setSizes(kept.get("outer") or [232, 1200])
        self._inner.setSizes(kept.get("inner") or [900, 336])

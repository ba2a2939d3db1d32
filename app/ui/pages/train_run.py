"""Step 6: the run. Progress in all and by model, curves as folds are finished, the log; paused, stopped, taken up."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_draft import looks_at_pictures, subject
from app.ui.training_words import estimate_words, with_title
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.live_epochs import LiveEpochs
from app.ui.widgets.live_roc import LiveRoc
from app.ui.words import left_words

IMAGES = ""
_MEASURING = re.compile(r"(Measuring|Cutting pictures of) case (\d+) of (\d+)")
_COLUMNS = ("Step", "Finished", "", "Mean AUC")
_SAID = {"paused": "Paused. Finished folds are kept: it goes on where it was.",
         "stopped": "Stopped. Finished folds are kept until other settings are run.",
         "failed": "It could not be finished. What was finished is kept; put the reason right and go on.",
         "done": "Done. The model is in your library."}


class RunStep(Step):
    """Buttons, progress, and what is finished so far.

    Signals
    -------
    scoring_requested()
        The reader wants to score cases meanwhile.
    """

    scoring_requested = Signal()

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.start, self.pause, self.stop = QPushButton("Train"), QPushButton("Pause"), QPushButton("Cancel")
        self.leave, self.show_log = QPushButton("Score cases meanwhile"), QPushButton("Log")
        self.start.setProperty("role", "primary")
        self.start.setEnabled(False)
        self.show_log.setCheckable(True)
        self.pause.setToolTip("Finished folds are kept, also if the program is closed")
        self.bar, self.message, self.left = QProgressBar(), ElidedLabel(), QLabel()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the training")
        self.left.setProperty("role", "dim")
        self.plan, self.said = wrapped(role="dim"), wrapped()
        self.models, self.roc, self.log = QTableWidget(0, len(_COLUMNS)), LiveRoc(), QPlainTextEdit()
        self.epochs = LiveEpochs(training.epochs)
        self._build()
        self.start.clicked.connect(training.start)
        self.pause.clicked.connect(training.pause)
        self.stop.clicked.connect(training.stop)
        self.leave.clicked.connect(self.scoring_requested)
        self.show_log.toggled.connect(self.log.setVisible)
        self.models.currentCellChanged.connect(lambda *_: self._draw())
        training.folds.changed.connect(lambda: self.isVisible() and self._show_folds())
        training.epochs.changed.connect(lambda: self.isVisible() and self._show_epochs())
        training.progressed.connect(lambda *_: self.isVisible() and self._show_progress())
        training.logged.connect(self.log.appendPlainText)

    def _build(self) -> None:
        row, line = QHBoxLayout(), QHBoxLayout()
        row.setSpacing(8)
        for button in (self.start, self.pause, self.stop, self.leave):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.show_log)
        line.addWidget(self.message)
        line.addStretch(1)
        line.addWidget(self.left)
        self.models.setHorizontalHeaderLabels(_COLUMNS)
        self.models.setAccessibleName("Models and their finished folds")
        self.models.verticalHeader().hide()
        self.models.setShowGrid(False)
        self.models.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.models.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.models.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.models.setTabKeyNavigation(False)
        header = self.models.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, width in enumerate((260, 110, 220)):
            self.models.setColumnWidth(place, width)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        self.log.setReadOnly(True)
        self.log.setAccessibleName("Log of the run")
        self.log.setFixedHeight(130)
        self.log.setVisible(False)
        self.column.addWidget(self.plan)
        self.column.addLayout(row)
        self.column.addWidget(self.said)
        self.column.addWidget(self.bar)
        self.column.addLayout(line)
        add_heading(self.column, "Models and their folds")
        self.column.addWidget(self.models)
        self.column.addWidget(self.epochs, 1)
        self.column.addWidget(self.roc, 1)
        self.column.addWidget(self.log)
        self.column.addStretch(0)  # takes the room of what is not shown

    def enter(self) -> None:
        """Show the folds of the last run too."""
        self.training.watch()
        self.log.setPlainText("\n".join(self.training.log))
        super().enter()
        self._show_epochs()

    def refresh(self) -> None:
        """Show what can be done now."""
        training, draft = self.training, self.training.draft
        busy, state = training.is_running, str(draft.run.get("state") or "")
        same = training.is_as_run
        again = same and state in ("paused", "stopped", "failed")
        self.start.setVisible(not busy and not (state == "done" and same))
        self.start.setText("Go on" if again else "Train")
        self.start.setEnabled(bool(training.found) and bool(draft.models))
        for button in (self.pause, self.stop, self.leave):
            button.setVisible(busy)
        for widget in (self.bar, self.message, self.left):
            widget.setVisible(busy)
        self.epochs.name_models(self._titles())
        self.plan.setText(self._plan())
        told = "" if busy else _SAID.get(state, "") if same else (
            "The settings have changed since the last run." if state else "")
        self.said.setText(told)
        self.said.setVisible(bool(told))
        if busy:
            self._show_progress()
        self._list_models()

    def _plan(self) -> str:
        draft, found = self.training.draft, self.training.found
        folds = min(draft.folds, int(found.get("most_folds") or draft.folds))
        count = len(draft.models)
        trainings = f"{folds} folds, {draft.repeats} repeat{'s' * (draft.repeats != 1)}"
        parts = [f"{count} model{'s' * (count != 1)}", f"{trainings}: {folds * draft.repeats * count:,} trainings"]
        if draft.harmonise == "combat":
            parts.append("with and without ComBat")
        if draft.audit:
            parts.append("audit")
        if draft.external:
            parts.append("external cases at the end")
        if draft.learning_curve:
            parts.append("learning curve")
        estimate = estimate_words(self.training.estimate(), audit=draft.audit, learning_curve=draft.learning_curve,
                                  images=bool(found.get("holds_images")))
        what = ""
        if found:
            told = subject(found, draft)
            measured = any(not looks_at_pictures(recipe) for recipe in map(self.training.recipes.recipe, draft.models)
                           if recipe is not None)
            features = f", {found['features']:,} features" if found["features"] and measured else ""
            what = f"{told[:1].upper()}{told[1:]}, {found['cases']:,} cases{features}: "
        return f"{what}{', '.join(parts)}." + (f" {estimate[:1].upper()}{estimate[1:]}." if estimate else "")

    def _show_progress(self) -> None:
        fraction, message, left = self.training.progress
        self.bar.setValue(int(fraction * 1000))
        self.message.setText(with_title(message, self._titles()) or f"{self.training.standing}.")
        self.left.setText(left_words(left))
        if self.training.found.get("holds_images") and self.models.item(0, 1) is not None:
            self._show_line(0, *self._measured(current=True), "")

    def _titles(self) -> dict[str, str]:
        return {each["name"]: str(each.get("title") or each["name"]) for each in self.training.recipes.for_models}

    def _shown_models(self) -> tuple[str, ...]:
        run = self.training.draft.run.get("request") or {}
        ran = tuple(recipe["name"] for recipe in run.get("recipes") or ())
        return ran if ran and (self.training.is_running or self.training.is_as_run) else self.training.draft.models

    def _lines(self) -> tuple[str, ...]:
        """What the list shows: the images where they are measured first, then the models."""
        return (IMAGES, *self._shown_models()) if self.training.found.get("holds_images") else self._shown_models()

    def _list_models(self) -> None:
        names, titles = self._lines(), {**self._titles(), IMAGES: "Images, prepared first"}
        if self.models.rowCount() != len(names) or any(
                self.models.item(row, 0).data(Qt.ItemDataRole.UserRole) != name for row, name in enumerate(names)):
            self.models.setRowCount(len(names))
            for row, name in enumerate(names):
                is_primary = name == self.training.draft.declared and len(self._shown_models()) > 1
                primary = "  (primary)" if is_primary else ""
                item = QTableWidgetItem(f"{titles.get(name, name)}{primary}")
                item.setData(Qt.ItemDataRole.UserRole, name)
                self.models.setItem(row, 0, item)
                for place in (1, 3):
                    self.models.setItem(row, place, QTableWidgetItem(""))
                self.models.setCellWidget(row, 2, _thin_bar(titles.get(name, name)))
            self.models.setFixedHeight(34 + 30 * max(1, len(names)))
            self.models.setCurrentCell(len(names) - len(self._shown_models()), 0)
        self._show_folds()

    def _show_folds(self) -> None:
        folds, draft = self.training.folds, self.training.draft
        current = self.training.is_running or self.training.is_as_run
        asked = (draft.run.get("request") or {}) if current else {}
        most = int(self.training.found.get("most_folds") or draft.folds)
        total = int(asked.get("folds") or min(draft.folds, most)) * int(asked.get("repeats") or draft.repeats)
        for row, name in enumerate(self._lines()):
            if self.models.item(row, 1) is None:
                continue
            if name == IMAGES:
                self._show_line(row, *self._measured(current=current), "")
                continue
            done, values = (folds.count(name), folds.aucs(name)) if current else (0, [])
            mean = f"{sum(values) / len(values):.3f}" if values else ""
            self._show_line(row, f"{done} of {total}", done, total, mean)
        self._draw()

    def _show_epochs(self) -> None:
        self.epochs.follow()
        self._draw()

    def _show_line(self, row: int, told: str, done: int, total: int, mean: str) -> None:
        self.models.item(row, 1).setText(told)
        bar = self.models.cellWidget(row, 2)
        inner = bar.findChild(QProgressBar) if bar is not None else None
        if inner is not None:
            inner.setRange(0, max(total, 1))
            inner.setValue(min(done, total))
        self.models.item(row, 3).setText(mean)

    def _measured(self, *, current: bool) -> tuple[str, int, int]:
        """How many images are measured, in words; of how many cases."""
        training, total = self.training, int(self.training.found.get("cases") or 0)
        found = _MEASURING.match(training.progress[1]) if training.is_running else None
        if found is not None:
            what = "case" if found[1] == "Measuring" else "cutting"
            return f"{what} {found[2]} of {found[3]}", int(found[2]) - 1, int(found[3])
        begun = current and any(training.folds.count(name) for name in self._shown_models())
        done = begun or (training.is_running and bool(training.progress[1]) and training.progress[0] > 0)
        return ("done", total, total) if done else (f"0 of {total:,}", 0, total)

    def _draw(self) -> None:
        names = self._shown_models()
        row = min(max(self.models.currentRow() - (len(self._lines()) - len(names)), 0), len(names) - 1)
        current = self.training.is_running or self.training.is_as_run
        shown = current and any(self.training.folds.count(name) for name in names)
        self.roc.setVisible(shown or (self.training.is_running and self.epochs.course is None))
        if names and self.roc.isVisible():
            self.roc.show_folds(self.training.folds, names, names[row], self._titles())

    def restyle(self) -> None:
        """Follow another theme."""
        self.roc.restyle()
        self.epochs.restyle()


def _thin_bar(name: str) -> QWidget:
    holder, bar = QWidget(), QProgressBar()
    holder.setStyleSheet("background: transparent")
    bar.setTextVisible(False)
    bar.setAccessibleName(f"Finished folds of {name}")
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(4, 0, 12, 0)
    layout.addWidget(bar, 0, Qt.AlignmentFlag.AlignVCenter)
    return holder

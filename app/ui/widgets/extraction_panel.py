"""The column beside the cases: recipe, processes, output, the run with its time left, and what came of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.ui.cohort import DEFAULT_RECIPE, Cohort
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.file_choice import FileChoice
from app.ui.widgets.recipe_choice import RecipeChoice
from app.ui.widgets.result_panel import heading
from app.ui.widgets.written_files import WrittenFiles
from app.ui.words import duration, left_words

WIDTH, PADDING = 360, 6
KINDS = "Table (*.csv *.xlsx *.parquet)"
SHOWN_FAILURES = 6


class ExtractionPanel(QScrollArea):
    """What is measured, where it goes, and how far it is.

    Signals
    -------
    edit_requested(str)
        The reader wants this recipe's form.
    quality_requested(), explore_requested()
        Go on with the measured cohort.
    """

    edit_requested = Signal(str)
    quality_requested = Signal()
    explore_requested = Signal()

    def __init__(self, cohort: Cohort, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cohort = cohort
        self.recipe = RecipeChoice(cohort.recipes, str(cohort.recall("recipe", DEFAULT_RECIPE)))
        self.jobs, self.out = QSpinBox(), FileChoice("Feature table", KINDS, save=True)
        most = os.cpu_count() or 1
        self.jobs.setRange(1, most)
        self.jobs.setValue(min(int(cohort.recall("jobs", max(1, most - 1))), most))
        self.jobs.setAccessibleName("Processes")
        self.jobs.lineEdit().setTextMargins(PADDING, 0, 0, 0)  # in line with the fields' texts
        self.jobs.setToolTip(f"Cases measured at the same time; this machine has {most} cores")
        self.replaced, self.problem = wrapped(role="dim"), wrapped(role="warning")
        self.run = QPushButton()
        self.run.setProperty("role", "primary")
        self.bar, self.step, self.left = QProgressBar(), wrapped(), QLabel()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the cohort")
        self.left.setProperty("role", "dim")
        self.result, self.failures, self.files = wrapped(), wrapped(role="warning"), WrittenFiles()
        self.quality, self.explore = QPushButton("Check quality"), QPushButton("Explore")
        self._build()
        self._bind()
        self._take_recipe(self.recipe.name)
        self.follow()

    def _build(self) -> None:
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 4, 16, 16)
        column.setSpacing(8)
        row, count, again = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        label = QLabel("Processes")
        label.setBuddy(self.jobs)
        count.addWidget(label)
        count.addWidget(self.jobs)
        count.addStretch(1)
        row.addWidget(self.step, 1)
        row.addWidget(self.left, 0, Qt.AlignmentFlag.AlignTop)
        again.addWidget(self.quality)
        again.addWidget(self.explore)
        again.addStretch(1)
        column.addWidget(heading("Recipe"))
        column.addWidget(self.recipe)
        column.addSpacing(8)
        column.addWidget(heading("Feature table"))
        column.addWidget(self.out)
        column.addWidget(self.replaced)
        column.addLayout(count)
        column.addSpacing(8)
        column.addWidget(self.run, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.problem)
        column.addWidget(self.bar)
        column.addLayout(row)
        column.addWidget(self.result)
        column.addWidget(self.failures)
        column.addWidget(self.files)
        column.addLayout(again)
        column.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFixedWidth(WIDTH)

    def _bind(self) -> None:
        cohort = self._cohort
        self.recipe.chosen.connect(self._take_recipe)
        self.recipe.edit_requested.connect(self.edit_requested)
        self.out.chosen.connect(self._take_out)
        self.jobs.valueChanged.connect(lambda count: cohort.remember("jobs", count))
        self.run.clicked.connect(self._press)
        self.quality.clicked.connect(self.quality_requested)
        self.explore.clicked.connect(self.explore_requested)
        cohort.listed.connect(lambda: self._take_recipe(self.recipe.name))
        cohort.model.checked_changed.connect(self.follow)
        cohort.measuring_changed.connect(self.follow)
        cohort.progressed.connect(self._progress)

    def follow(self) -> None:
        """Show what can be done now, and what came of the last run."""
        cohort = self._cohort
        count, busy, result = len(cohort.chosen()), cohort.is_measuring, cohort.result
        self.run.setText("Cancel" if busy else f"Extract from {count:,} case{'s' if count != 1 else ''}")
        self.run.setEnabled(busy or (count > 0 and bool(self.recipe.name) and bool(self.out.path)))
        for widget in (self.recipe, self.jobs, self.out):
            widget.setEnabled(not busy)
        for widget in (self.bar, self.step, self.left):
            widget.setVisible(busy)
        if busy:
            self.bar.setValue(0)
            self.left.setText("")
            self.step.setText(f"{cohort.standing}.")
        self.problem.setText("" if busy or count or cohort.is_reading else "No case is both ticked and ready.")
        self.problem.setVisible(bool(self.problem.text()) and bool(cohort.model.records()))
        self._show_result(None if busy else result)
        self._warn()

    def _press(self) -> None:
        recipe = self.recipe.recipe
        if self._cohort.is_measuring:
            self._cohort.cancel()
        elif recipe is not None and self.out.path:
            self._cohort.measure(recipe, self.out.path, self.jobs.value())

    def _take_recipe(self, name: str) -> None:
        if not name:
            return
        self._cohort.remember("recipe", name)
        outs: Mapping[str, str] = self._cohort.recall("outs", {})
        self.out.show_path(outs.get(f"{self._cohort.source} {name}") or self._cohort.default_out(name))
        self.follow()

    def _take_out(self, path: str) -> None:
        outs: dict[str, str] = self._cohort.recall("outs", {})
        self._cohort.remember("outs", {**outs, f"{self._cohort.source} {self.recipe.name}": path})
        self.follow()

    def _warn(self) -> None:
        there = bool(self.out.path) and Path(self.out.path).is_file() and not self._cohort.is_measuring
        self.replaced.setText("A file of this name is there and will be replaced." if there else "")
        self.replaced.setVisible(there and self._cohort.result is None)

    def _progress(self, fraction: float, message: str, left: float) -> None:
        self.bar.setValue(int(fraction * 1000))
        before = self._cohort.before
        again = f" {before:,} {'was' if before == 1 else 'were'} measured before." if before else ""
        self.step.setText(f"{message}.{again}")
        self.left.setText(left_words(left))

    def _show_result(self, result: Mapping[str, Any] | None) -> None:
        failed = list((result or {}).get("failed") or ())
        self.result.setText(result_text(result) if result is not None else "")
        self.result.setVisible(result is not None)
        lines = [f"{each['case']}: {each['message']}" for each in failed[:SHOWN_FAILURES]]
        if len(failed) > SHOWN_FAILURES:
            lines.append(f"and {len(failed) - SHOWN_FAILURES:,} more, in the table.")
        self.failures.setText("\n".join(lines))
        self.failures.setVisible(bool(lines))
        written = [str(path) for path in ((result or {}).get(key) for key in ("written", "errors", "roles")) if path]
        self.files.show_files(written)
        for button in (self.quality, self.explore):
            button.setVisible(result is not None)


def result_text(result: Mapping[str, Any]) -> str:
    """Say what a run has done, as in '30 of 32 cases measured, 12 of them before; 2 failed'."""
    total, reused, failed = int(result["cases"]), int(result.get("reused") or 0), len(result.get("failed") or ())
    words = f"{total - failed:,} of {total:,} cases measured" if failed else f"All {total:,} cases measured"
    words += f", {reused:,} of them before" if reused else ""
    words += f"; {failed:,} failed" if failed else ""
    words += f". {int(result['features']):,} features each, in {duration(float(result.get('seconds') or 0))}"
    pace = float(result.get("seconds_per_case") or 0)
    return words + (f" ({pace:.1f} s a case)." if pace else ".")

"""Drives the real window through the training wizard as a reader would, and times what they wait for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QComboBox

from app.core.store import Store
from app.ui.window import MainWindow

PATIENCE = 300.0
RUN = 5


class WizardDriver:
    """The window on its Train page, with a clock.

    Parameters
    ----------
    qtbot : QtBot
        What waits.
    folder : path
        Where the store is kept.
    """

    def __init__(self, qtbot: Any, folder: Path) -> None:
        self.qtbot, self.times = qtbot, list[tuple[str, float]]()
        self.window = MainWindow(Store(folder / "store.sqlite3"))
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        with self.timed("Train page shown"):
            self.window.show_named("Train")
            self.wait(lambda: self.page.is_made)
        self.training = self.page.training

    @property
    def page(self) -> Any:
        """The wizard."""
        return self.window.train_page

    def wait(self, holds: Callable[[], object], seconds: float = PATIENCE) -> None:
        """Let the window live until a condition holds."""
        self.qtbot.waitUntil(lambda: bool(holds()), timeout=int(seconds * 1000))

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Note how long a reader waits."""
        began = time.perf_counter()
        yield
        QApplication.processEvents()  # until it can be seen
        self.times.append((what, time.perf_counter() - began))

    def drop(self, path: str | Path) -> None:
        """Drop a file or a folder in the middle of the window."""
        files = QMimeData()
        files.setUrls([QUrl.fromLocalFile(str(path))])
        where, how = self.window.rect().center(), (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton,
                                                   Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(self.window, QDragEnterEvent(where, *how))
        QApplication.sendEvent(self.window, QDropEvent(QPointF(where), *how))

    def drop_cases(self, path: Path) -> None:
        """Drop a table, until its columns are shown."""
        with self.timed("drop -> columns shown"):
            self.drop(path)
            self.wait(lambda: self.training.found and self.training.recipes.known)

    def pick(self, box: QComboBox, value: str) -> None:
        """Choose a value of a box, as a click on it does."""
        row = box.findData(value)
        assert row >= 0, f"{value!r} is not among {[box.itemText(each) for each in range(box.count())]}"
        box.setCurrentIndex(row)
        box.activated.emit(row)

    def choose_column(self, role: str, column: str) -> None:
        """Name the column of a role, until the table was looked at again."""
        with self.timed(f"{role} = {column} -> shown"):
            self.pick(self.page.cases.boxes[role], column)
            self.wait(lambda: self.training.found.get("chosen", {}).get(role) == column
                      and not self.training.is_looking)

    def go_on(self) -> None:
        """Click Next."""
        step = self.training.draft.step
        assert not self.page.blocker(step), self.page.blocker(step)
        with self.timed(f"step {step + 1} -> {step + 2}"):
            self.page.next.click()
            self.wait(lambda: self.page.stack.currentIndex() == step + 1)

    def train(self, folds: int, model: str = "logistic") -> None:
        """From the step of the models to the end of the run: one model, every patient tested once."""
        page, training = self.page, self.training
        page.models.models[model].button.click()
        page.models.models["default"].button.click()
        page.models.efforts["quick"].click()
        with self.timed("time of the models measured"):
            self.wait(lambda: training.estimate() is not None)
        self.go_on()
        page.validation.folds.setValue(folds)
        self.go_on()
        assert training.draft.step == RUN
        with self.timed("run: Train -> first fold"):
            page.run.start.click()
            self.wait(lambda: training.folds.count(model) or training.draft.run["state"] != "running")
        with self.timed("run: first fold -> model in the library"):
            self.wait(lambda: training.draft.run["state"] != "running")
        assert training.draft.run["state"] == "done", training.log
        assert page.run.models.item(0, 1).text() == "done"  # the images, measured first
        assert page.run.models.item(1, 1).text() == f"{folds} of {folds}"

    def look_at_results(self, learned: str = "Features") -> Any:
        """Read the headline, then every figure on the page of results."""
        self.go_on()
        assert self.page.results.headline.text().startswith("AUC 0.")
        results = self.window.results_page
        with self.timed("all results shown"):
            self.page.results.open.click()
            self.wait(lambda: not results.session.is_empty)
        for title in ("Calibration", "Decision", "Cases", "Sites", learned, "Metrics"):
            with self.timed(f"results: {title}"):
                results.show_tab(title)
        self.window.show_named("Train")
        return results

    def save(self, title: str) -> str:
        """Name the model and use it for scoring; its name in the library."""
        self.go_on()
        with self.timed("card prefilled"):
            self.wait(lambda: self.page.save.save.isEnabled())
        self.page.save.title.setText(title)
        assert self.page.save.use.isChecked()
        with self.timed("save -> used for scoring"):
            self.page.save.save.click()
            self.wait(lambda: self.training.draft.run.get("saved"))
        name = Path(self.training.model).name
        assert self.window.state["model"] == name
        with self.timed("listed in the library"):
            self.wait(lambda: any(each["name"] == name for each in self.window.reading.scoring.models))
        return name

    def score(self, folder: Path) -> Any:
        """Drop a case on the Score page; the panel with its finding."""
        self.window.show_named("Score")
        page = self.window.score_page
        with self.timed("case dropped -> picture"):
            self.drop(folder)
            self.wait(lambda: page.viewer.state.case is not None)
        with self.timed("picture -> score"):
            self.wait(lambda: page.result.shows_score)
        return page.result.panel

    def assert_scored(self, panel: Any, model: str) -> None:
        """The case on the page has a probability, and it is this model's."""
        score = self.window.reading.worklist.entries()[-1].score
        assert 0.0 <= score["probability"] <= 1.0
        assert float(panel.trained.text()) == pytest.approx(score["probability"], abs=0.005)
        assert score["model"] == model
        assert model in self.window.score_page.result.model_line.text()

    def close(self) -> None:
        """Close the window, and say how long everything took (seen with -s)."""
        self.window.close()
        sys.stdout.write("\n" + "".join(f"{seconds:8.2f} s  {what}\n" for what, seconds in self.times))

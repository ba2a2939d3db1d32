"""The wizard with the real engines: a dropped table becomes a saved model; a run is stopped, and one is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.core.bundle import Bundle
from app.core.paths import data_folder
from app.core.store import Store
from app.ui.window import MainWindow
from tests.core.small_cohorts import write_features


@pytest.fixture
def table(tmp_path):
    return write_features(tmp_path / "features.csv", 60, site=[f"S{index % 3}" for index in range(60)])


@pytest.fixture
def window(qtbot, tmp_path):
    window = MainWindow(Store(tmp_path / "store.sqlite3"))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    window.show_named("Train")
    yield window
    window.close()


def prepare(window, qtbot, table):
    """Go from a dropped table to the run: one logistic model, five folds, twice."""
    page = window.train_page
    training = page.training
    page.take([str(table)])
    qtbot.waitUntil(lambda: bool(training.found) and bool(training.recipes.known), timeout=60_000)
    assert not page.blocker(0)
    while training.draft.step < 3:
        page.next.click()
    page.models.models["logistic"].button.click()
    page.models.models["default"].button.click()
    qtbot.waitUntil(lambda: training.estimate() is not None, timeout=60_000)
    page.next.click()
    page.validation.folds.setValue(5)
    page.validation.repeats.setValue(2)
    page.next.click()
    assert training.draft.step == 5
    return page, training


@pytest.mark.slow
def test_wizard_makes_a_model_that_scores(window, qtbot, table):
    page, training = prepare(window, qtbot, table)
    page.run.start.click()
    qtbot.waitUntil(lambda: training.folds.count("logistic") >= 2, timeout=120_000)
    page.run.pause.click()
    qtbot.waitUntil(lambda: not training.is_running, timeout=20_000)
    kept = {path.name: path.stat().st_mtime_ns for path in
            (training.folds._folder / "logistic").glob("*.json")}
    assert page.run.start.text() == "Go on"

    page.run.start.click()
    qtbot.waitUntil(lambda: training.draft.run["state"] == "done", timeout=180_000)
    now = {path.name: path.stat().st_mtime_ns for path in (training.folds._folder / "logistic").glob("*.json")}
    assert len(now) == 10
    assert kept.items() <= now.items()  # folds that were finished were not fitted again
    assert page.run.models.item(0, 1).text() == "10 of 10"

    page.next.click()
    assert page.results.headline.text().startswith("AUC 0.")
    page.next.click()
    qtbot.waitUntil(lambda: bool(page.save.known), timeout=60_000)
    page.save.title.setText("Small cohort")
    page.save.curve.take(0.4)
    page.save.curve.chosen.emit(0.4)
    page.save.save.click()
    qtbot.waitUntil(lambda: window.state["model"] == "alt-or-lipoma-logistic", timeout=60_000)
    bundle = Bundle.load(data_folder() / "models" / "alt-or-lipoma-logistic")
    assert bundle.specification.title == "Small cohort"
    assert bundle.specification.default_threshold.threshold == pytest.approx(0.4)
    assert "never the only reason for a decision" in bundle.card()


@pytest.mark.slow
def test_wizard_goes_on_after_its_engine_was_killed(window, qtbot, table):
    page, training = prepare(window, qtbot, table)
    page.run.start.click()
    qtbot.waitUntil(lambda: training.folds.count("logistic") >= 1, timeout=120_000)
    for engine in psutil.Process().children():
        if "resource_tracker" not in " ".join(engine.cmdline()):
            os.kill(engine.pid, signal.SIGKILL)
    qtbot.waitUntil(lambda: not training.is_running, timeout=60_000)
    assert training.draft.run["state"] == "failed"
    assert page.run.start.text() == "Go on"
    page.run.start.click()
    qtbot.waitUntil(lambda: training.draft.run["state"] == "done", timeout=180_000)
    assert training.folds.count("logistic") == 10


PROGRAM = """
import sys
from pathlib import Path
from PySide6.QtWidgets import QApplication
from app.core.store import Store
from app.ui.window import MainWindow

if __name__ == "__main__":
    application = QApplication([])
    window = MainWindow(Store(Path(sys.argv[1])))
    window.show()
    window.show_named("Train")
    training = window.train_page.training
    training.choose(models=("logistic",), folds=5, repeats=4, step=5, furthest=5)
    def begin():
        if training.found and training.recipes.known and not training.is_running:
            training.choose(models=("logistic",), folds=5, repeats=4, step=5, furthest=5)
            training.start()
    training.changed.connect(begin)
    training.open([sys.argv[2]])
    application.exec()
"""


@pytest.mark.slow
def test_wizard_goes_on_after_the_program_was_killed(qtbot, tmp_path, table):
    script, store, root = tmp_path / "program.py", tmp_path / "store.sqlite3", Path(__file__).resolve().parents[2]
    script.write_text(PROGRAM)
    with subprocess.Popen([sys.executable, str(script), str(store), str(table)],
                          env={**os.environ, "PYTHONPATH": str(root)}) as program:
        folder, deadline = data_folder() / "training", time.monotonic() + 120
        while len(list(folder.glob("*/logistic/*.json"))) < 2 and time.monotonic() < deadline:
            assert program.poll() is None
            time.sleep(0.05)
        program.kill()
    time.sleep(1.0)  # the engine ends by itself once its window is gone
    kept = {path.name: path.stat().st_mtime_ns for path in folder.glob("*/logistic/*.json")}
    assert 2 <= len(kept) < 20
    window = MainWindow(Store(store))
    qtbot.addWidget(window)
    window.show()
    window.show_named("Train")
    page, training = window.train_page, window.train_page.training
    qtbot.waitUntil(lambda: bool(training.found) and bool(training.recipes.known), timeout=60_000)
    assert training.draft.step == 5
    assert page.run.start.text() == "Go on"
    assert page.run.models.item(0, 1).text() == f"{len(kept)} of 20"
    page.run.start.click()
    qtbot.waitUntil(lambda: training.draft.run["state"] == "done", timeout=180_000)
    now = {path.name: path.stat().st_mtime_ns for path in folder.glob("*/logistic/*.json")}
    assert len(now) == 20
    assert kept.items() <= now.items()
    window.close()

"""The last steps of the wizard: the run, its results, the saved model; with an engine that answers when told."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from train_answers import RECIPES, finishing, looked, write_fold
from window_fixtures import RecordedJobs

from app.core.errors import Failure
from app.core.store import Store
from app.ui.window import MainWindow


def test_a_run_shows_its_folds_pauses_and_goes_on(wizard, qtbot):
    wizard.open()
    request = wizard.train()
    step, keep = wizard.page.run, Path(request.keep)
    assert Path(request.out).name == "alt-or-lipoma-default"
    assert request.folds == 9
    assert step.pause.isVisible()
    assert not step.start.isVisible()
    assert not wizard.page.next.isEnabled()
    wizard.jobs.progress.emit(wizard.jobs.last("train"), 0.3, "default: fold 1 of 45", 90.0)
    assert step.message.text() == "Default: fold 1 of 45"
    assert "01:30 left" in step.left.text()
    assert "fold 1 of 45" in step.log.toPlainText()
    for fold in (1, 2):
        write_fold(keep, "default", 1, fold)
    wizard.training.folds.read()
    assert step.models.item(0, 1).text() == "2 of 45"
    assert step.models.item(0, 3).text() == "0.750"
    assert step.roc.isVisible()
    assert "(2 folds)" in step.roc.said.text()
    wizard.page.go_to(3)
    assert not wizard.page.models.body.isEnabled()
    assert "cannot be changed" in wizard.page.why.text()
    wizard.page.go_to(5)
    step.pause.click()
    assert wizard.training.draft.run["state"] == "paused"
    assert step.start.text() == "Go on"
    step.start.click()
    assert wizard.jobs.request("train") == request.model_dump(mode="json")  # the same: kept folds count
    step.leave.click()
    assert wizard.window.pages.currentWidget() is wizard.window.score_page


def test_images_are_a_line_of_their_own(wizard):
    wizard.open(holds_images=True, features=109)
    wizard.train()
    step, job = wizard.page.run, wizard.jobs.last("train")
    assert step.models.item(0, 0).text() == "Images, prepared first"
    assert step.models.item(0, 1).text() == "0 of 60"
    assert step.models.currentRow() == 1
    wizard.jobs.progress.emit(job, 0.02, "Measuring case 3 of 60", 90.0)
    assert step.models.item(0, 1).text() == "case 3 of 60"
    wizard.jobs.progress.emit(job, 0.5, "default: fold 1 of 45", 90.0)
    assert step.models.item(0, 1).text() == "done"
    assert step.models.item(1, 1).text() == "0 of 45"


def test_escape_does_not_end_a_training(wizard):
    wizard.open()
    wizard.train()
    wizard.jobs.started.emit(wizard.jobs.last("train"), "train", "Training")
    wizard.window._escape()
    assert wizard.training.is_running
    assert "goes on" in wizard.window.line.note.text()


def test_a_killed_run_is_taken_up_again(wizard, tmp_path, qtbot):
    wizard.open()
    request = wizard.train()
    write_fold(Path(request.keep), "default", 1, 1)
    kept = wizard.training.draft.as_json()
    assert kept["run"]["state"] == "running"
    wizard.window.state.close()
    wizard.window.jobs.shutdown()
    store = Store(tmp_path / "other.sqlite3")
    store.set_setting("training", json.loads(json.dumps(kept)))
    jobs = RecordedJobs()
    again = MainWindow(store, jobs)
    qtbot.addWidget(again)
    again.show()
    again.show_named("Train")
    qtbot.waitUntil(lambda: again.train_page.is_made and again.train_page.stack.isVisible())
    jobs.answer("list_recipes", {"recipes": RECIPES, "problems": []})
    jobs.answer("preview_training", looked(str(wizard.table)))
    step = again.train_page.run
    assert step.start.text() == "Go on"
    assert step.models.item(0, 1).text() == "1 of 45"
    step.start.click()
    assert jobs.request("train")["keep"] == request.keep
    again.close()


def test_other_settings_are_another_run(wizard, qtbot):
    wizard.open()
    first = wizard.train()
    write_fold(Path(first.keep), "default", 1, 1)
    wizard.page.run.stop.click()
    wizard.page.go_to(4)
    wizard.page.validation.repeats.setValue(2)
    wizard.page.go_to(5)
    assert "settings have changed" in wizard.page.run.said.text()
    wizard.page.run.start.click()
    assert wizard.jobs.request("train")["keep"] != first.keep
    qtbot.waitUntil(lambda: not Path(first.keep).exists())  # folds of other settings are of no use


def test_a_run_that_fails_says_why_and_can_go_on(wizard):
    wizard.open()
    wizard.train()
    wizard.jobs.failed.emit(wizard.jobs.last("train"), Failure("cohort", "Row 7 cannot be read.", "Correct it."))
    assert wizard.page.run.start.text() == "Go on"
    assert "Row 7 cannot be read." in wizard.page.notices.card().sentence.text()


def test_results_lead_on_to_their_page(wizard, qtbot):
    wizard.open()
    request = wizard.finish()
    assert wizard.page.next.isEnabled()
    assert not wizard.page.run.start.isVisible()
    wizard.go(6)
    assert wizard.page.results.headline.text() == (
        "AUC 0.81 (0.70–0.90) for new patients of the same sites. It adds to volume.")
    with qtbot.waitSignal(wizard.page.results_requested) as asked:
        wizard.page.results.open.click()
    assert asked.args == [request.out]


def test_external_cases_are_tested_at_the_end(wizard, tmp_path, qtbot):
    wizard.open()
    wizard.training.choose(external=str(tmp_path / "elsewhere.csv"))
    request = wizard.finish()
    asked = wizard.jobs.request("evaluate")
    assert asked["bundle"] == request.out
    assert asked["table"].endswith("elsewhere.csv")
    wizard.go(6)
    step = wizard.page.results
    assert step.external.text() == "The external cases are being tested."
    wizard.jobs.answer("evaluate", {"cases": 40, "auc": {"mean": 0.7, "interval": [0.5, 0.9]}, "cautions": [],
                                    "written": ["/out/evaluation.json", "/out/predictions.csv"]})
    assert step.external.text().strip() == (
        "On 40 external cases: AUC 0.70 (0.50–0.90).")
    with qtbot.waitSignal(wizard.page.external_requested) as wanted:
        step.test.click()
    assert wanted.args == ["/out/evaluation.json"]


def test_the_model_is_saved_with_its_texts_and_point_and_used(wizard, qtbot):
    wizard.open()
    request = wizard.finish()
    wizard.go(7)
    step = wizard.page.save
    assert not step.save.isEnabled()
    wizard.jobs.answer("describe_finish", finishing())
    assert step.title.text() == "ALT or lipoma, default"
    assert step.limits.toPlainText() == "L1.\nL2."
    assert step.threshold == 0.2
    step.points.setCurrentIndex(1)
    step.points.activated.emit(1)
    assert step.threshold == 0.5
    assert "finds 80 of 100 ALT and clears 70 of 100 lipoma" in step.curve.said.text()
    qtbot.keyClick(step.curve.plot, Qt.Key.Key_Right)
    assert step.threshold == pytest.approx(0.51)
    assert step.points.currentText() == "Where the line stands"
    step.rates[0.1].button.click()
    step.title.setText("Thighs")
    step.save.click()
    asked = wizard.jobs.request("finish_model")
    assert asked == {"model": request.out, "title": "Thighs", "purpose": step.purpose.toPlainText(),
                     "limits": ["L1.", "L2."], "threshold": pytest.approx(0.51)}
    wizard.jobs.answer("finish_model", {"model": request.out, "name": "alt-or-lipoma-default"})
    assert wizard.window.state["model"] == "alt-or-lipoma-default"
    assert wizard.window.state["error_rate"] == 0.1
    assert "Saved in your library" in step.said.text()
    assert wizard.page.list.item(7).data(Qt.ItemDataRole.UserRole).done


def test_a_model_without_a_name_is_not_saved(wizard):
    wizard.open()
    wizard.finish()
    wizard.go(7)
    wizard.jobs.answer("describe_finish", finishing())
    wizard.page.save.title.setText(" ")
    wizard.page.save.save.click()
    assert wizard.jobs.count("finish_model") == 0
    assert "a name" in wizard.page.notices.card().sentence.text()


def test_both_themes_are_worn_by_every_step(wizard):
    wizard.open()
    wizard.finish()
    wizard.go(7)
    wizard.jobs.answer("describe_finish", finishing())
    for theme in ("light", "dark"):
        wizard.window.state.choose("theme", theme)
        for step in range(8):
            wizard.page.go_to(step)
            assert not wizard.page.grab().isNull()


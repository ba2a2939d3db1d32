"""The window, driven by hand with a recorded engine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QComboBox, QLineEdit
from window_fixtures import SCORE, case_files

from app.core.errors import Failure
from app.ui.widgets.worklist_model import Entry

HEAVY = ("torch", "monai", "ants", "radiomics", "SimpleITK", "sklearn", "scipy", "pandas", "nibabel", "pydicom",
         "matplotlib")


def test_the_window_process_imports_nothing_heavy():
    code = f"import sys, app.ui.launch, app.ui.window; print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_empty_window_shows_the_invitation_and_nothing_else(driver):
    assert driver.page.drop_zone.isVisible()
    assert "Drop a case" in driver.page.drop_zone.invitation.text()
    for absent in (driver.page.worklist, driver.page.result, driver.page.bar, driver.page.viewer):
        assert not absent.isVisible()
    assert [button.text() for button in driver.window.tabs.buttons()] == ["Score", "Cohort", "Train", "Results",
                                                                         "Library", "Settings"]


def test_a_drop_anywhere_is_identified_shown_and_scored(driver, tmp_path):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile("/data/b"), QUrl.fromLocalFile("/data/a")])
    event = QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    driver.window.dropEvent(event)
    assert driver.jobs.request("identify_drop")["paths"] == ["/data/b", "/data/a"]
    driver.jobs.answer("identify_drop", {"cases": [case_files()], "unpaired": [], "tables": [], "notes": []})
    driver.qtbot.waitUntil(lambda: driver.jobs.count("score_case") == 1)
    driver.show()
    assert driver.page.viewer.isVisible()
    assert driver.page.viewer.state.case is not None
    assert "T1, fat suppressed" in driver.page.bar.single.text()
    driver.jobs.answer("score_case", SCORE)
    panel = driver.page.result.panel
    assert panel.trained.text() == "0.84"
    assert panel.word.text() == "Looks like ALT/WDL"
    assert panel.mark.shape == "triangle"
    assert "found 98\N{NO-BREAK SPACE}% of ALT/WDL and cleared 32" in panel.threshold.text()
    assert panel.cautions.heading.text() == "Cautions (1)"
    assert "Research use only" in driver.page.result.model_line.text()
    assert driver.page.trace.topLevelItem(0).text(0) == "n4"


def test_a_second_drop_while_the_first_is_sorted_loses_nothing(driver):
    driver.window.open(["/data/a"])
    driver.window.open(["/data/b"])
    assert driver.jobs.request("identify_drop")["paths"] == ["/data/a", "/data/b"]


def test_thirty_two_cases_queue_and_the_first_is_shown(driver):
    driver.open(*[case_files(f"P{n:02d}") for n in range(32)])
    assert driver.reading.worklist.rowCount() == 32
    assert driver.entry.title == "P00"
    assert driver.jobs.count("score_case") == 32
    assert driver.page.worklist.filter.isVisible()


def test_both_probabilities_follow_the_prevalence_at_once_and_it_is_remembered(driver):
    driver.open(case_files())
    driver.jobs.answer("score_case", SCORE)
    panel = driver.page.result.panel
    panel.prevalence.setValue(1.0)
    # 0.84 / 0.16 * (0.01 / 0.99) = 0.053030; 0.053030 / 1.053030 = 0.050360
    assert panel.clinic.text() == "0.050"
    assert "about 5 of 100" in panel.clinic_words.text()
    scored = driver.jobs.count("score_case")
    panel.prevalence.setValue(50.0)
    assert panel.clinic.text() == "0.84"
    assert driver.jobs.count("score_case") == scored
    driver.qtbot.waitUntil(lambda: driver.window.state.store.setting("prevalence") == 0.5)


def test_the_error_rate_scores_again(driver):
    driver.open(case_files())
    driver.jobs.answer("score_case", SCORE)
    choices = driver.page.result.choices
    choices.rates.setCurrentIndex(choices.rates.findData(0.2))
    choices.rates.activated.emit(choices.rates.currentIndex())
    assert driver.jobs.request("score_case")["error_rate"] == 0.2


def test_a_choice_is_asked_beside_the_picture_and_restarts(driver):
    driver.open(case_files())
    option = {"title": "GTV", "details": {"thickness": "5 mm"}, "thumbnail": [[0, 255], [128, 3]]}
    failure = Failure("choice", "Which region?", "", extra={"field": "roi", "about": "mask", "options": [
        {"value": "GTV 1", **option}, {"value": "GTV 2", **option}]})
    driver.jobs.failed.emit(driver.jobs.last("view_case"), failure)
    card = driver.page.notices.card()
    assert "thickness 5 mm" in card.buttons[0].text()
    driver.qtbot.mouseClick(card.buttons[1], Qt.MouseButton.LeftButton)
    assert driver.jobs.request("view_case")["case"]["roi"] == "GTV 2"
    assert driver.jobs.request("score_case")["case"]["roi"] == "GTV 2"


def test_unpaired_things_are_asked_about_once(driver):
    driver.window.open(["/x/one.nii", "/x/two.nii"])
    loose = [{"path": "/x/one.nii", "title": "one.nii", "role_hint": "mask"},
             {"path": "/x/two.nii", "title": "two.nii", "role_hint": "image"}]
    driver.jobs.answer("identify_drop", {"cases": [], "unpaired": loose, "tables": [], "notes": []})
    card = driver.page.notices.card()
    assert card.images.currentText() == "two.nii"
    driver.qtbot.mouseClick(card.add, Qt.MouseButton.LeftButton)
    driver.qtbot.waitUntil(lambda: driver.jobs.count("score_case") == 1)
    case = driver.jobs.request("score_case")["case"]
    assert (case["images"], case["mask"]) == ({"image": "/x/two.nii"}, "/x/one.nii")


@pytest.mark.parametrize(("yes", "orientation"), [(True, "las"), (False, "ras")])
def test_the_side_of_an_analyze_file_is_asked(driver, yes, orientation):
    driver.open(case_files())
    driver.show(orientation_question=True)
    bar = driver.page.notices.card()
    assert "does not say which side is left" in bar.question.text()
    driver.qtbot.mouseClick(bar.yes if yes else bar.no, Qt.MouseButton.LeftButton)
    assert driver.jobs.request("view_case")["case"]["orientation"] == orientation


def test_a_failure_is_words_with_a_way_on(driver):
    driver.open(case_files())
    driver.jobs.failed.emit(driver.jobs.last("score_case"),
                            Failure("geometry", "The outline is 256 x 256 x 24.", "Choose the outline of this series."))
    assert driver.entry.shape == "exclamation"
    card = driver.page.result._problem.itemAt(0).widget()
    assert card.sentence.text() == "The outline is 256 x 256 x 24."
    driver.qtbot.mouseClick(card.retry, Qt.MouseButton.LeftButton)
    assert driver.jobs.count("score_case") == 2


def test_a_fault_of_ours_shows_no_exception_but_can_be_copied(driver):
    driver.open(case_files())
    driver.jobs.failed.emit(driver.jobs.last("score_case"), Failure("unexpected", "boom", "", "KeyError: 'x'"))
    card = driver.page.result._problem.itemAt(0).widget()
    assert "KeyError" not in card.sentence.text() + card.remedy.text()
    driver.qtbot.mouseClick(card.copy, Qt.MouseButton.LeftButton)
    assert "KeyError" in QGuiApplication.clipboard().text()


def test_delete_asks_nothing_and_undo_brings_back(driver):
    driver.open(case_files("A"), case_files("B"))
    key = driver.reading.current
    driver.page.worklist.list.setFocus()
    driver.qtbot.keyClick(driver.page.worklist.list, Qt.Key.Key_Delete)
    assert [entry.title for entry in driver.reading.worklist.entries()] == ["B"]
    driver.reading.undo()
    assert [entry.title for entry in driver.reading.worklist.entries()] == ["A", "B"]
    assert driver.reading.current == key


def test_page_keys_change_the_case(driver):
    driver.open(case_files("A"), case_files("B"))
    driver.page.worklist.list.setFocus()
    driver.qtbot.keyClick(driver.page.worklist.list, Qt.Key.Key_PageDown)
    assert driver.entry.title == "B"


def test_escape_calls_off_what_runs(driver):
    driver.open(case_files())
    job = driver.jobs.last("score_case")
    driver.jobs.started.emit(job, "score", "STS_003")
    assert driver.entry.status == "scoring"
    driver.window.stop()
    assert job in driver.jobs.stopped
    assert driver.entry.status == "new"
    assert driver.page.result.score_button.isVisible()


def test_waits_are_shown_after_half_a_second_with_time_left(driver):
    driver.open(case_files())
    job = driver.jobs.last("score_case")
    driver.jobs.started.emit(job, "score", "STS_003")
    driver.jobs.progress.emit(job, 0.5, "N4 level 2/4", 61.0)
    assert not driver.window.line.step.isVisible()
    driver.qtbot.waitUntil(driver.window.line.step.isVisible, timeout=2000)
    assert "N4 level 2/4" in driver.window.line.step.text()
    assert driver.window.line.left.text() == "01:01 left"


def test_scores_survive_a_restart(driver, qtbot, tmp_path):
    driver.open(case_files())
    driver.jobs.answer("score_case", SCORE)
    stored = driver.window.state.store.worklist()
    assert stored[0].score.score["probability"] == 0.84
    assert json.dumps(stored[0].score.score).count("Doe") == 0


def test_preparation_asks_for_the_prepared_picture(driver):
    driver.open(case_files())
    driver.show()
    driver.page._prepare("n4_zscore")
    assert driver.jobs.request("view_case")["prep"] == {"n4": {}, "normalise": {"method": "zscore"}}


def test_superseded_arrays_are_removed(driver):
    driver.open(case_files("A"), case_files("B"))
    first = driver.jobs.request("view_case")["folder"]
    Path(first).mkdir(parents=True)
    driver.show("A")
    driver.page.worklist.step(1)
    driver.show("B")
    driver.qtbot.waitUntil(lambda: not Path(first).exists())


def test_the_whole_finding_is_copied_in_words(driver):
    driver.open(case_files())
    driver.jobs.answer("score_case", SCORE)
    driver.page.result.panel.copy_sentence()
    assert QGuiApplication.clipboard().text().startswith(
        "Looks like ALT/WDL: 0.84 among tumours like those it was trained on, half of them malignant "
        "(0.71\N{EN DASH}0.92 if the outline were drawn slightly differently and the model fitted on other patients). "
        "Where 1 in 100 is malignant, about 5 of 100 such tumours would be. The score is at or above the threshold")
    assert "Tumour volume alone says 0.58." in QGuiApplication.clipboard().text()


def test_demonstration_is_said_wherever_the_score_is(driver):
    driver.open(case_files())
    driver.jobs.answer("score_case", {**SCORE, "demonstration": True})
    panel = driver.page.result.panel
    assert panel.word.text() == "Demo: looks like ALT/WDL"
    assert all(label.isVisible() for label in (panel.demonstration, *panel.demo_words))
    assert "demonstration, synthetic data" in driver.page.result.model_line.text()
    assert driver.entry.summary == "demo 0.84"


def test_theme_and_folds_are_remembered(driver):
    driver.open(case_files())
    driver.window.state.choose("theme", "light")
    driver.page.fold("worklist")
    assert not driver.page.worklist.isVisible()
    store = driver.window.state.store
    driver.qtbot.waitUntil(lambda: store.setting("theme") == "light")
    driver.qtbot.waitUntil(lambda: store.setting("splitters", {}).get("shown", {}).get("worklist") is False)
    driver.window.state.choose("theme", "dark")


def test_an_upright_window_moves_the_result_below(driver):
    driver.open(case_files())
    driver.window.resize(760, 1200)
    driver.qtbot.waitUntil(lambda: driver.page._inner.orientation() == Qt.Orientation.Vertical)


def test_ten_thousand_rows_come_in_at_once(driver):
    inserted = []
    driver.reading.worklist.rowsInserted.connect(lambda _parent, first, last: inserted.append(last - first + 1))
    driver.reading.worklist.add([Entry(str(n), case_files(f"P{n}"), "new") for n in range(10_000)])
    assert inserted == [10_000]
    driver.page.worklist.filter.setText("P999")
    assert driver.page.worklist._proxy.rowCount() == 11


def test_pictures_leave_without_identity_unless_ticked(driver, tmp_path):
    driver.open(case_files())
    driver.show()
    driver.jobs.answer("score_case", SCORE)
    asked = []
    driver.page.viewer.grab_picture = lambda **options: asked.append(options) or driver.window.grab().toImage()
    driver.window.exporting.write("html", str(tmp_path / "a.html"))
    assert asked[0]["identity"] is False
    request = driver.jobs.request("export_report")
    assert "identity" not in request
    assert "Doe" not in json.dumps(request)
    assert request["pictures"]
    driver.window.exporting.write("html", str(tmp_path / "b.html"), identity=True)
    assert driver.jobs.request("export_report")["identity"]["patient_name"] == "Doe^Jane"
    driver.window.exporting.write("json", str(tmp_path / "b.json"), identity=True)
    assert "identity" not in driver.jobs.request("export_report")


def test_everything_focusable_has_a_name(driver):
    driver.open(case_files())
    driver.show()
    driver.jobs.answer("score_case", SCORE)
    for kind in (QComboBox, QAbstractSpinBox, QAbstractButton, QLineEdit):
        for widget in driver.page.findChildren(kind):
            if widget.isVisible() and widget.focusPolicy() != Qt.FocusPolicy.NoFocus \
                    and widget.objectName() != "qt_spinbox_lineedit":
                assert widget.accessibleName() or getattr(widget, "text", str)(), widget


def test_a_queue_of_quick_scores_still_shows_that_it_works(driver):
    driver.open(*[case_files(f"P{n}") for n in range(40)])
    jobs = [job for job, _lane, name, _request in driver.jobs.asked if name == "score_case"]
    for job in jobs[:9]:
        driver.jobs.started.emit(job, "score", "P")
        driver.qtbot.wait(80)
        driver.jobs.finished.emit(job, SCORE)
    assert driver.window.line.step.isVisible()
    assert "still" in driver.window.line.step.text()

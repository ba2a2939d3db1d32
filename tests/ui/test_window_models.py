"""Changing the model: everything scored again at a word, called off at another, and each model's threshold kept."""


import pytest
from PySide6.QtCore import Qt
from window_fixtures import SCORE, Driver, case_files

from app.ui.widgets.worklist_model import OTHER_ROLE, Entry

FIGURES = {"sensitivity": 0.9, "specificity": 0.5}
POINTS = [{"threshold": 0.61, "name": "youden", "default": True, **FIGURES},
          {"threshold": 0.174, "name": "sensitivity 98%", **FIGURES}]
MODELS = [{"name": "lipoma-size", "title": "Size", "verified": True, "thresholds": POINTS},
          {"name": "radiomics", "title": "Radiomics", "verified": True,
           "thresholds": [{"threshold": 0.3, "name": "", **FIGURES}]}]


@pytest.fixture
def scored(driver):
    driver.jobs.answer("list_models", {"models": MODELS})
    driver.open(case_files("A"), case_files("B"), case_files("C"))
    for job in [job for job, _lane, name, _request in driver.jobs.asked if name == "score_case"]:
        driver.jobs.finished.emit(job, SCORE)
    return driver


def requests(driver):
    return [request for _job, _lane, name, request in driver.jobs.asked if name == "score_case"]


def pick(box, value):
    box.setCurrentIndex(box.findData(value))
    box.activated.emit(box.currentIndex())


def test_everything_is_scored_again_with_the_new_model(scored):
    page, before = scored.page, len(requests(scored))
    assert not page.result.all_button.isVisible()
    pick(page.result.choices.models, "radiomics")
    assert [request["model"] for request in requests(scored)[before:]] == ["radiomics"]  # the case on screen
    scored.qtbot.waitUntil(page.result.all_button.isVisible)
    assert "2 of another" in page.result.all_button.text()
    before = len(requests(scored))
    scored.qtbot.mouseClick(page.result.all_button, Qt.MouseButton.LeftButton)
    assert [(request["case"]["id"], request["model"]) for request in requests(scored)[before:]] == [
        ("A", "radiomics"), ("B", "radiomics"), ("C", "radiomics")]
    for job in [job for job, _lane, name, _r in scored.jobs.asked if name == "score_case"][-3:]:
        scored.jobs.finished.emit(job, {**SCORE, "model": "radiomics"})
    scored.qtbot.waitUntil(lambda: not page.result.all_button.isVisible())


def test_calling_it_off_leaves_the_old_scores(scored):
    scored.reading.score_all()
    assert [entry.status for entry in scored.reading.worklist.entries()] == ["waiting"] * 3
    scored.jobs.started.emit(scored.jobs.last("score_case"), "score", "C")
    scored.window.stop()
    assert [(entry.status, entry.score["model"]) for entry in scored.reading.worklist.entries()] == [
        ("scored", "lipoma-size")] * 3


def test_rows_of_another_model_say_so(scored):
    model = scored.reading.worklist
    scored.window.state.choose("model", "radiomics")
    assert model.index(0).data(OTHER_ROLE)
    assert model.index(0).data(Qt.ItemDataRole.ToolTipRole).endswith("scored with lipoma-size")
    scored.window.state.choose("model", "lipoma-size")
    assert not model.index(0).data(OTHER_ROLE)


def test_ten_thousand_cases_are_queued_again_with_one_change_each(driver):
    worklist, told = driver.reading.worklist, []
    worklist.add([Entry(str(n), case_files(f"P{n}"), "scored", SCORE) for n in range(10_000)])
    worklist.dataChanged.connect(lambda first, last: told.append(last.row() - first.row() + 1))
    driver.reading.score_all()
    assert driver.reading.scoring.waiting == 10_000
    assert sum(told) <= 20_000


def test_each_models_threshold_is_remembered_across_restarts(scored, qtbot, tmp_path):
    choices = scored.page.result.choices
    pick(choices.thresholds, 0.174)
    assert requests(scored)[-1]["threshold"] == 0.174
    pick(choices.models, "radiomics")
    assert requests(scored)[-1]["threshold"] is None
    pick(choices.models, "lipoma-size")
    assert requests(scored)[-1]["threshold"] == 0.174
    assert choices.thresholds.currentData() == 0.174
    scored.window.close()
    again = Driver(qtbot, tmp_path)
    again.jobs.answer("list_models", {"models": MODELS})
    assert again.page.result.choices.thresholds.currentData() == 0.174
    qtbot.waitUntil(lambda: again.reading.worklist.rowCount() == 3)
    again.open(case_files("D"))
    assert requests(again)[-1]["threshold"] == 0.174
    again.window.close()


def test_a_threshold_that_the_model_no_longer_has_is_let_go(driver):
    driver.window.state.choose("thresholds", {"lipoma-size": 0.5})
    driver.jobs.answer("list_models", {"models": MODELS})
    driver.open(case_files())
    assert requests(driver)[-1]["threshold"] is None

"""The empty window: where the focus starts, and the worklist of the last session, one press away."""

import pytest
from PySide6.QtCore import Qt
from window_fixtures import SCORE, Driver, case_files

from app.core.requests import CaseFiles
from app.core.store import Store
from app.ui.widgets.worklist_model import ENTRY_ROLE


@pytest.fixture
def reopen(qtbot, tmp_path):
    """Fill a store and open a window on it."""
    opened = []

    def open_with(*names, scored=(), last=""):
        store = Store(tmp_path / "store.sqlite3")
        cases = {name: CaseFiles.model_validate(case_files(name)) for name in names}
        for name, key in zip(names, store.add_cases(list(cases.values())), strict=True):
            if name in scored:
                store.add_score(key, {**SCORE, "case": name})
        if last:
            store.remember_case(cases[last])
        store.close()
        opened.append(Driver(qtbot, tmp_path))
        qtbot.waitUntil(lambda: opened[-1].reading.worklist.rowCount() == len(names))
        return opened[-1]

    yield open_with
    for driver in opened:
        driver.window.close()


def test_without_a_worklist_the_demo_is_the_main_button_and_has_the_focus(driver):
    zone = driver.page.drop_zone
    assert not zone.worklist_button.isVisible()
    assert zone.demo_button.property("role") == "primary"
    assert driver.window.focusWidget() is zone.demo_button


def test_the_worklist_of_the_last_session_is_offered_and_shown_with_its_scores(reopen):
    driver = reopen("A", "B", "C", scored=("B",))
    zone, page = driver.page.drop_zone, driver.page
    assert zone.worklist_button.isVisible()
    assert zone.worklist_button.text() == "Continue with the worklist (3 cases)"
    assert (zone.worklist_button.property("role"), zone.demo_button.property("role")) == ("primary", "")
    assert driver.window.focusWidget() is zone.worklist_button
    assert not page.worklist.isVisible()
    driver.qtbot.mouseClick(zone.worklist_button, Qt.MouseButton.LeftButton)
    assert page.worklist.isVisible()
    assert page.viewer.isVisible()
    rows = page.worklist.list.model()
    entries = [rows.index(row, 0).data(ENTRY_ROLE) for row in range(rows.rowCount())]
    assert [(entry.title, entry.summary) for entry in entries] == [("A", ""), ("B", "0.84"), ("C", "")]
    assert driver.entry.title == "A"
    assert driver.jobs.request("view_case")["case"]["id"] == "A"
    page.worklist.step(1)
    assert page.result.panel.trained.text() == "0.84"
    assert driver.jobs.count("score_case") == 0


def test_it_goes_on_with_the_case_opened_last(reopen):
    driver = reopen("A", "B", "C", last="C")
    driver.page.drop_zone.worklist_button.click()
    assert driver.entry.title == "C"
    assert driver.page.worklist.current_key() == driver.reading.current


def test_one_case_is_said_in_the_singular(reopen):
    driver = reopen("A")
    assert driver.page.drop_zone.worklist_button.text() == "Continue with the worklist (1 case)"


def test_an_emptied_worklist_is_offered_no_more(reopen):
    driver = reopen("A")
    driver.page.drop_zone.worklist_button.click()
    driver.reading.remove([driver.reading.current])
    assert driver.page.drop_zone.isVisible()
    assert not driver.page.drop_zone.worklist_button.isVisible()
    assert driver.page.drop_zone.primary is driver.page.drop_zone.demo_button


def test_the_score_engine_warms_up_once_after_the_first_picture(driver):
    warmed = []
    driver.jobs.warm_up = lambda lane, _modules=None: warmed.append(lane)
    driver.open(case_files("A"), case_files("B"))
    assert warmed == []
    driver.show("A")
    assert warmed == ["score"]
    driver.page.worklist.step(1)
    driver.show("B")
    assert warmed == ["score"]

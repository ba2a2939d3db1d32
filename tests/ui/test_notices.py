"""Two open questions are asked one after the other, with a count, and leave the picture its room."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from window_fixtures import SCORE, case_files

from app.core.errors import Failure
from app.ui.widgets.notices import Notices

OPTION = {"title": "T1", "details": {"thickness": "5 mm"}, "thumbnail": None}
REGION = Failure("choice", "Which region?", "", extra={"field": "roi", "about": "mask", "options": [
    {"value": "GTV", **OPTION}, {"value": "Oedema", **OPTION}]})
LOOSE = [{"path": "/x/one.nii", "title": "one.nii", "role_hint": "mask"},
         {"path": "/x/two.nii", "title": "two.nii", "role_hint": "image"}]


@pytest.fixture
def notices(qtbot):
    notices = Notices()
    qtbot.addWidget(notices)
    notices.resize(400, 200)
    notices.show()
    return notices


def test_one_card_is_on_screen_and_the_rest_are_counted(notices):
    first, second = QLabel("first"), QLabel("second")
    notices.put("a", first)
    assert not notices.count.isVisible()
    notices.put("b", second)
    assert (first.isVisible(), second.isVisible(), notices.count.text()) == (True, False, "1 of 2")
    notices.step()
    assert (first.isVisible(), second.isVisible(), notices.count.text()) == (False, True, "2 of 2")
    notices.drop("b")
    assert first.isVisible()
    assert not notices.count.isVisible()
    notices.drop("a")
    assert not notices.isVisible()


def test_a_card_of_the_same_name_takes_its_place(notices):
    notices.put("a", QLabel("old"))
    notices.put("b", QLabel("other"))
    new = QLabel("new")
    notices.put("a", new)
    assert new.isVisible()
    assert notices.names() == ("a", "b")
    assert notices.count.text() == "1 of 2"


def test_a_tall_card_scrolls_in_its_part_of_the_room(notices, qtbot):
    tall = QLabel("\n".join("line" for _ in range(200)))
    notices.limit(600)
    notices.put("a", tall)
    qtbot.waitUntil(lambda: notices.height() <= 0.45 * 600 + 8 or notices.sizeHint().height() <= 0.45 * 600 + 8)
    assert notices._room.height() == 270


def test_questions_of_a_drop_and_of_a_case_wait_for_each_other(driver):
    driver.open(case_files())
    driver.jobs.failed.emit(driver.jobs.last("view_case"), REGION)
    driver.window.open(["/x/one.nii", "/x/two.nii"])
    driver.jobs.answer("identify_drop", {"cases": [], "unpaired": LOOSE, "tables": [], "notes": ["A note."]})
    notices = driver.page.notices
    assert notices.count.text() == "1 of 3"
    assert driver.page.viewer.height() >= 0.45 * driver.page.height()
    driver.qtbot.mouseClick(notices.card().buttons[0], Qt.MouseButton.LeftButton)
    assert driver.entry.files["roi"] == "GTV"
    assert notices.count.text() == "1 of 2"
    assert "case" not in notices.names()


def test_a_question_that_stands_is_not_asked_anew(driver):
    driver.open(case_files())
    driver.jobs.failed.emit(driver.jobs.last("view_case"), REGION)
    card = driver.page.notices.card("case")
    driver.page.refresh()
    assert driver.page.notices.card("case") is card
    driver.open(case_files("B"))
    assert driver.page.notices.card("case") is None


def test_a_note_and_a_side_question_stand_together(driver):
    driver.open(case_files())
    driver.show(orientation_question=True)
    driver.jobs.answer("score_case", SCORE)
    driver.page.notice(Failure("input", "Something.", ""))
    assert driver.page.notices.names()[0] == "side"
    assert driver.page.notices.count.text() == "1 of 2"


def test_questions_come_before_messages(notices):
    message, question = QLabel("message"), QLabel("question")
    notices.put("m", message)
    notices.put("q", question, first=True)
    assert question.isVisible()
    assert notices.names() == ("q", "m")
    assert notices.count.text() == "1 of 2"


def test_outlines_alone_are_told_and_not_asked_about(driver):
    driver.window.open(["/x/one.nii"])
    driver.jobs.answer("identify_drop", {"cases": [], "unpaired": LOOSE[:1], "tables": [],
                                         "notes": ["one.nii is an outline without its image."]})
    assert driver.page.notices.card("pairing") is None
    assert "one.nii is an outline without its image." in driver.page.notices.card().points.text()


def test_what_a_question_asks_is_not_told_as_well(driver):
    driver.window.open(["/x"])
    driver.jobs.answer("identify_drop", {"cases": [], "unpaired": LOOSE, "tables": [],
                                         "notes": ["one.nii is an outline without its image."]})
    assert driver.page.notices.names() == ("pairing",)

"""The switch is one wherever it stands, is remembered, and goes with every export."""

import numpy as np
import pytest
from window_fixtures import SCORE, case_files

from app.ui.anonymising import AnonymousBox, anonymise_csv


@pytest.fixture
def scored(driver):
    driver.open(case_files())
    driver.show()
    driver.jobs.answer("score_case", SCORE)
    return driver


def test_every_copy_of_the_switch_shows_the_same(scored):
    window, side = scored.window, scored.window.score_page.result
    boxes = [window.settings_page.anonymise, AnonymousBox(window.state)]
    scored.qtbot.addWidget(boxes[1])
    side.identity.setChecked(True)
    side.anonymise.setChecked(True)
    assert all(box.isChecked() for box in boxes)
    assert window.state["anonymise"] is True
    assert not side.identity.isEnabled()
    assert not side.identity.isChecked()
    boxes[-1].setChecked(False)
    assert not side.anonymise.isChecked()
    assert side.identity.isEnabled()


def test_it_is_remembered(scored):
    scored.window.state.choose("anonymise", True)
    scored.window.state.in_background(lambda: None)
    scored.qtbot.waitUntil(lambda: scored.window.state.store.setting("anonymise", None) is True)


def test_a_report_goes_without_names(scored, tmp_path):
    scored.window.exporting.write("html", str(tmp_path / "a.html"))
    assert "anonymise" not in scored.jobs.request("export_report")
    scored.window.state.choose("anonymise", True)
    asked = []
    scored.page.viewer.grab_picture = lambda **options: asked.append(options) or scored.window.grab().toImage()
    scored.window.exporting.write("html", str(tmp_path / "b.html"), identity=True)
    request = scored.jobs.request("export_report")
    assert request["anonymise"] is True
    assert request["case"]["id"] == scored.reading.worklist.entry(scored.reading.current).files["id"]
    assert "identity" not in request
    assert asked == [{"overlays": True, "identity": False, "scan": False}]
    dialog = scored.window.exporting.ask("html")
    assert dialog.selectedFiles()[0].endswith("score.html")
    dialog.reject()


def test_a_picture_goes_without_words_about_the_scan(scored):
    pane = scored.page.viewer.panes["axial"]
    plain, hidden = pane.grab_image(), pane.grab_image(scan=False)
    pane._export = (True, False, True)
    assert pane.describe().top_right
    pane._export = (True, False, False)
    assert pane.describe().top_right == ()
    pane._export = None
    assert np.any(np.frombuffer(plain.constBits(), np.uint8) != np.frombuffer(hidden.constBits(), np.uint8))


def test_tables_are_numbered_row_by_row():
    text = ("Case,Truth,Site,Maker,Model,Findings\nanna,ALT,Ulm,GE,X,anna's outline\nberta,lipoma,Bonn,GE,X,\n"
            "anna,ALT,,GE,X,\n")
    assert anonymise_csv(text) == ("Case,Truth,Site\ncase-0001,ALT,site-01\ncase-0002,lipoma,site-02\n"
                                   "case-0001,ALT,\n")

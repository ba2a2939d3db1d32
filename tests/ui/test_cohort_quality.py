"""The quality page: flags in words with marks, acquisition, filters, sheets, export; stability and its recipe."""

import csv
from types import SimpleNamespace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtTest import QTest

from app.core.errors import Failure


def checked(case, *flags, sheet=None, **tags):
    return {"case": case, "sequence": "t1", "shape": [256, 256, 24], "spacing": [0.7, 0.7, 5.0], "volume_ml": 80.12,
            "acquisition": {"manufacturer": "GE", "model": "Signa", "field_strength": 1.5, "repetition_time": 517.0,
                            "echo_time": 11.5, "thickness": 4.0, **tags},
            "flags": [{"code": code, "message": message, "severity": severity} for code, message, severity in flags],
            "sheet": sheet}


@pytest.fixture
def room(cohort, tmp_path):
    sheet = tmp_path / "P2.png"
    picture = QPixmap(600, 400)
    picture.fill(QColor("grey"))
    picture.save(str(sheet))
    cohort.cohort_page.show_part(1)
    cohort.page = cohort.cohort_page.quality
    cohort.page.run.button.click()
    cohort.jobs.answer("check_quality", {
        "cases": [checked("P1"), checked("P2", ("missing", "Slice 7 is missing.", "problem"),
                                         ("spacing", "Spacing is odd, =1.", "note"), sheet=str(sheet)),
                  checked("P3", ("mixed", "Another maker.", "caution"), manufacturer="Philips")],
        "flags": [{"code": "mixed", "message": "Two makers.", "severity": "caution", "cases": ["P3", "P1"]}],
        "failed": [{"case": "X9", "message": "The image cannot be read."}], "written": []})
    return cohort


def cells(page, column):
    place = [each.title for each in page.model.columns].index(column)
    return [page.model.data(page.model.index(row, place)) for row in range(page.model.rowCount())]


def test_the_cohort_is_checked_where_it_lies(room):
    request = room.jobs.request("check_quality")
    assert request["source"] == str(room.source)
    assert [case["id"] for case in request["cases"]] == ["P1", "P2", "P3", "P4", "B1"]
    assert request["out"] == str(room.source.parent / "cases-quality")


def test_flags_are_words_with_marks_and_counted(room):
    assert cells(room.page, "Flags") == ["none", "1 problem, 1 note", "1 caution", "1 problem"]
    assert room.page.counts.text() == "4 images: 2 with problems, 1 with cautions, 1 without flags"
    marks = [room.page.model.data(room.page.model.index(row, 2), Qt.ItemDataRole.DecorationRole) for row in range(3)]
    assert [mark is not None for mark in marks] == [False, True, True]
    assert room.page.flags.sentences == ("Caution: Two makers.",)
    assert cells(room.page, "TR, ms")[0] == "517"
    assert not room.page.table.isColumnHidden(6)
    assert cells(room.page, "Spacing, mm")[0] == "0.7 × 0.7 × 5"


def test_flagged_ones_alone_and_the_cases_of_one_finding(room):
    page = room.page
    page.filter.setCurrentIndex(1)
    page.filter.activated.emit(1)
    assert cells(page, "Case") == ["P2", "P3", "X9"]
    page.flags.cases_requested.emit(["P3", "P1"])
    assert cells(page, "Case") == ["P3"]
    page.all.click()
    assert cells(page, "Case") == ["P2", "P3", "X9"]


def test_a_case_shows_its_slices_zooms_and_opens(room):
    page = room.page
    page.table.choose("P2\nt1")
    side = page.side
    assert side.title.text() == "P2, t1"
    assert side.flags.sentences == ("Problem: Slice 7 is missing.", "Note: Spacing is odd, =1.")
    assert side.sheet.has_picture
    fitted = side.sheet.zoom
    QTest.keyClicks(side.sheet, "++")
    assert side.sheet.zoom > 1.5 * fitted
    QTest.keyClicks(side.sheet, "0")
    assert side.sheet.zoom == pytest.approx(fitted)
    page.table.choose("P1\nt1")
    assert not side.sheet.has_picture
    QTest.keyClick(page.table, Qt.Key.Key_Return)
    room.qtbot.waitUntil(lambda: room.reading.worklist.rowCount() == 1)
    assert room.window.pages.currentIndex() == 0


def test_the_table_is_exported_as_it_is_shown(room, tmp_path):
    out = tmp_path / "quality.csv"
    room.page.write(str(out))
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert [row["Case"] for row in rows] == ["P1", "P2", "P3", "X9"]
    assert rows[1]["Findings"] == "Slice 7 is missing. Spacing is odd, =1."
    assert "Written" in room.page.run.step.text()
    room.page.write(str(out / "below a file.csv"))
    assert room.cohort_page.notices.card() is not None


def test_another_theme_is_followed(room):
    room.window.state.choose("theme", "light")
    assert cells(room.page, "Case")[0] == "P1"


def test_stability_is_measured_told_and_made_a_recipe(room):
    page, panel = room.page, room.page.stability
    page.tabs.setCurrentWidget(panel)
    panel.cases.setValue(12)
    panel.run.button.click()
    request = room.jobs.request("measure_stability")
    assert (request["cases_at_most"], request["recipe"]["name"]) == (12, "pyradiomics")
    features = [{"name": "volume_ml", "title": "Volume", "icc_jitter": 0.99, "low_jitter": 0.97, "icc_reader": None,
                 "low_reader": None, "stable": True},
                {"name": "original_glcm_Contrast", "title": "Contrast", "icc_jitter": 0.61, "low_jitter": 0.4,
                 "icc_reader": 0.5, "low_reader": 0.2, "stable": False}]
    room.jobs.answer("measure_stability", {"features": features, "cases": 12, "written": [], "stable": 1,
                                           "failed": [{"case": "P9", "message": "Empty."}]})
    assert panel.words.text() == "1 of 2 features are stable, measured on 12 cases."
    assert "P9" in room.cohort_page.notices.card().points.text()
    panel.only.click()
    assert [record["name"] for record in panel.model.shown()] == ["volume_ml"]
    panel.make.click()
    kept = room.jobs.request("save_recipe")["recipe"]
    assert (kept["name"], kept["features"]["names"]) == ("pyradiomics-stable", ["volume_ml"])
    room.jobs.answer("save_recipe", {"name": "pyradiomics-stable"})
    assert "is kept" in panel.run.step.text()


def test_a_failure_is_told_and_the_button_comes_back(cohort):
    cohort.cohort_page.show_part(1)
    page = cohort.cohort_page.quality
    page.run.button.click()
    assert page.run.button.text() == "Cancel"
    cohort.jobs.failed.emit(cohort.jobs.last("check_quality"), Failure("input", "No image.", "Choose another."))
    assert page.run.button.text() == "Check quality"
    assert cohort.cohort_page.notices.card().sentence.text() == "No image."


def test_a_check_behind_another_run_says_what_it_waits_for(cohort, monkeypatch):
    cohort.cohort_page.show_part(1)
    page, ahead = cohort.cohort_page.quality, SimpleNamespace(id="another", title="Measuring 4 cases")
    monkeypatch.setattr(cohort.jobs, "live_jobs", lambda _lane=None: [ahead])
    page.check()
    assert page.run.step.text() == "Waiting for: measuring 4 cases"
    monkeypatch.setattr(cohort.jobs, "live_jobs", lambda _lane=None: [SimpleNamespace(id=mine, title="")])
    mine = cohort.jobs.last("check_quality")
    cohort.jobs.started.emit(mine, "train", "Checking the cohort")
    assert page.run.step.text() == "Starting"
    cohort.jobs.progress.emit(mine, 0.5, "P1", 3.0)
    cohort.jobs.started.emit("yet another", "score", "Looking for cases")
    assert page.run.step.text() == "P1"

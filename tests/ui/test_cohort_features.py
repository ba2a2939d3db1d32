"""The cohort page's cases and the run that measures them: matched, chosen, measured, failed, cancelled, remembered."""


import pytest
from cohort_results import extraction, listing
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from window_fixtures import Driver

from app.ui.widgets.extraction_panel import result_text


@pytest.fixture
def page(cohort):
    return cohort.cohort_page.features


def cell(page, row, column):
    model = page.table.records
    return model.data(model.index(row, column))


def find_row(page, case):
    return page.table.records.row(case)


def test_the_page_is_made_when_it_is_first_seen(driver):
    assert not driver.window.cohort_page.is_made
    assert driver.jobs.count("list_recipes") == 0
    QTest.keyClick(driver.window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert driver.window.pages.currentWidget() is driver.window.cohort_page
    assert driver.window.cohort_page.is_made
    assert driver.window.cohort_page.stack.currentWidget() is driver.window.cohort_page.invitation
    for key, place in ((Qt.Key.Key_3, 2), (Qt.Key.Key_4, 3), (Qt.Key.Key_1, 0)):
        QTest.keyClick(driver.window, key, Qt.KeyboardModifier.ControlModifier)
        assert driver.window.pages.currentIndex() == place


def test_a_folder_dropped_anywhere_is_matched_and_not_opened_in_the_viewer(cohort, page):
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(cohort.source))])
    how = (Qt.DropAction.CopyAction, files, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(cohort.window, QDragEnterEvent(QPoint(5, 5), *how))
    QApplication.sendEvent(cohort.window, QDropEvent(QPointF(5, 5), *how))
    assert cohort.jobs.request("list_cohort")["source"] == str(cohort.source)
    assert cohort.jobs.count("list_cohort") == 2
    assert cohort.jobs.count("identify_drop") == 0


def test_what_was_matched_is_told_with_counts_and_reasons(cohort, page):
    assert page.counts.text() == "6 cases: 4 ready, 1 without outline, 1 problem"
    told = [cell(page, find_row(page, "P1"), column) for column in range(4)]
    assert told == ["P1", "t1 (t1.nii)", "gtv.nii", "ready"]
    assert cell(page, find_row(page, "X1, row 5"), 3) == "problem: The image cannot be read."
    assert "two outlines" in page.notes.text()
    assert "odd.nii" in page.notes.text()
    index = page.table.records.index(find_row(page, "X1, row 5"), 3)
    assert not page.table.records.data(index, Qt.ItemDataRole.DecorationRole).isNull()


def test_cases_are_filtered_by_standing_and_name(page):
    page.filter.setCurrentIndex(page.filter.findData("problem"))
    page.filter.activated.emit(page.filter.currentIndex())
    assert [record["case"] for record in page.table.records.shown()] == ["X1"]
    page.filter.setCurrentIndex(0)
    page.filter.activated.emit(0)
    page.search.setText("p2")
    assert [record["case"] for record in page.table.records.shown()] == ["P2"]


def test_the_space_bar_leaves_a_case_out_and_a_bare_one_cannot_be_ticked(cohort, page):
    page.table.choose("P2")
    QTest.keyClick(page.table, Qt.Key.Key_Space)
    assert page.counts.text().endswith("1 left out")
    assert [case.id for case in cohort.cohort.chosen()] == ["P1", "P3", "P4"]
    bare = page.table.records.index(find_row(page, "B1"), 0)
    assert not page.table.records.flags(bare) & Qt.ItemFlag.ItemIsUserCheckable
    assert page.panel.run.text() == "Extract from 3 cases"
    page.panel.run.click()
    request = cohort.jobs.request("extract")
    assert [case["id"] for case in request["cases"]] == ["P1", "P3", "P4"]
    assert request["source"] == str(cohort.source)


def test_a_run_tells_each_case_and_can_go_on_beside_scoring(cohort, page):
    panel = page.panel
    panel.jobs.setValue(1)
    panel.run.click()
    job, lane, _name, request = cohort.jobs.asked[-1]
    assert lane == "train"
    assert request["source"] == str(cohort.source)
    assert request["recipe"]["name"] == "pyradiomics"
    assert request["out"] == str(cohort.source.parent / "cases-pyradiomics.csv")
    assert cell(page, find_row(page, "P1"), 3) == "waiting"
    for number, message in enumerate(("P1 measured (1 of 4)", "P2 was measured before (2 of 4)",
                                      "P4 failed: The outline (gtv) is empty (3 of 4)"), 1):
        cohort.jobs.progress.emit(job, number / 4, message, 61.0)
    assert [cell(page, find_row(page, f"P{number}"), 3) for number in (1, 2, 3, 4)] == [
        "measured", "measured before", "waiting", "failed: The outline (gtv) is empty"]
    assert panel.bar.value() == 750
    assert panel.left.text() == "01:01 left"
    assert "1 was measured before" in panel.step.text()
    assert panel.run.text() == "Cancel"
    cohort.jobs.answer("extract", extraction())
    assert cell(page, find_row(page, "P3"), 3) == "measured"
    assert panel.failures.text() == "P4: The outline is empty."
    assert panel.files.paths == ("/data/out.csv", "/data/out.errors.csv", "/data/out.roles.json")
    assert panel.explore.isVisible()
    assert page.counts.text() == ("6 cases: 1 without outline, 1 problem, 2 measured, 1 measured before, 1 failed")


def test_a_cancelled_run_leaves_what_was_measured(cohort, page):
    page.panel.run.click()
    job = cohort.jobs.last("extract")
    cohort.jobs.progress.emit(job, 0.25, "P1 measured (1 of 4)", -1.0)
    page.panel.run.click()
    assert cohort.jobs.stopped == [job]
    assert [cell(page, find_row(page, case), 3) for case in ("P1", "P2")] == ["measured", "ready"]
    assert page.panel.run.text() == "Extract from 4 cases"


def test_a_drop_during_a_run_is_refused_in_words(cohort, page):
    page.panel.run.click()
    cohort.cohort_page.take([str(cohort.source)])
    assert cohort.jobs.count("list_cohort") == 1
    assert "being measured" in cohort.cohort_page.notices.card().sentence.text()


@pytest.mark.parametrize(("more", "words"), [
    ({"failed": []}, "All 4 cases measured, 1 of them before. 107 features each, in 00:42 (10.5 s a case)."),
    ({}, "3 of 4 cases measured, 1 of them before; 1 failed.")])
def test_the_end_is_told_in_numbers(more, words):
    assert result_text(extraction(**more)).startswith(words)


def test_a_failure_stands_above_the_page(cohort, page):
    from app.core.errors import Failure

    page.panel.run.click()
    cohort.jobs.failed.emit(cohort.jobs.last("extract"), Failure("engine", "The engine stopped.", "Try again."))
    assert cohort.cohort_page.notices.card().sentence.text() == "The engine stopped."
    assert page.panel.run.text() == "Extract from 4 cases"


def test_a_case_opens_in_the_viewer(cohort, page):
    page.table.opened.emit("P2")
    assert cohort.window.pages.currentIndex() == 0
    cohort.qtbot.waitUntil(lambda: cohort.reading.worklist.rowCount() == 1)
    assert cohort.reading.worklist.entries()[0].title == "P2"
    cohort.cohort_page.open_case("unknown")
    assert "unknown" in cohort.cohort_page.notices.card().sentence.text()


def test_source_recipe_and_output_are_remembered(cohort, page, qtbot, tmp_path):
    page.panel.recipe.choose("ibsi")
    page.panel.out.text.setText("/data/elsewhere.csv")
    page.panel.out.text.editingFinished.emit()
    cohort.window.close()
    again = Driver(qtbot, tmp_path)
    again.window.show_page(1)
    again.jobs.answer("list_recipes", {"recipes": []})
    assert again.jobs.request("list_cohort")["source"] == str(cohort.source)
    from cohort_results import IBSI, SHIPPED

    recipes = again.window.cohort_page.cohort.recipes
    recipes.load()
    again.jobs.answer("list_recipes", {"recipes": [SHIPPED, IBSI]})
    panel = again.window.cohort_page.features.panel
    assert panel.recipe.name == "ibsi"
    assert panel.out.path == "/data/elsewhere.csv"
    again.window.close()


def test_thousands_of_cases_are_listed_at_once_and_told_row_by_row(cohort, page):
    cohort.cohort.read()
    records, listed, told = page.table.records, [], []
    records.modelReset.connect(lambda: listed.append(records.rowCount()))
    records.layoutChanged.connect(lambda: listed.append(records.rowCount()))
    records.dataChanged.connect(lambda first, last: told.append(last.row() - first.row() + 1))
    cohort.jobs.answer("list_cohort", listing(ready=8000))
    page.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    page.search.setText("P79")
    assert records.rowCount() == 111
    page.search.setText("")
    assert len(listed) <= 6, "the whole table is arranged for an answer, a sorting, a search; never for a row"
    page.panel.run.click()
    job = cohort.jobs.last("extract")
    arranged, before = len(listed), sum(told)
    for number in range(1, 1001):
        cohort.jobs.progress.emit(job, number / 8000, f"P{number} measured ({number} of 8000)", 1.0)
    assert len(listed) == arranged
    assert sum(told) - before == 1000


def test_leaving_cases_out_and_deleting_a_recipe_are_taken_back_in_order(cohort, page):
    model = page.table.records
    model.check(["P1"], on=False)
    model.check(["P2", "P3"], on=False)
    assert page.panel.run.text() == "Extract from 1 case"
    undo = (cohort.window, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    cohort.cohort.recipes.deleted.emit("gone")  # nothing of it is left to bring back
    QTest.keyClick(*undo)
    assert model.unchecked == {"P1"}
    assert page.panel.run.text() == "Extract from 3 cases"
    QTest.keyClick(*undo)
    assert model.unchecked == set()
    QTest.keyClick(*undo)
    assert model.unchecked == set()
    model.check(["P1"], on=False)
    model.show_records(model.records())
    QTest.keyClick(*undo)  # ticks of a former cohort are not brought back
    assert model.unchecked == set()

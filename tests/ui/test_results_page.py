"""The results page: headline first, figures when looked at, a threshold that moves everything, ways to the images."""

import csv

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtTest import QTest
from result_fixtures import external, training
from window_fixtures import SCORE

from app.core.errors import Failure
from app.ui.pages.results import TABS
from app.ui.theme import set_theme, theme
from app.ui.widgets.case_features import place_in_range
from app.ui.widgets.curve_style import look_of
from app.ui.window import PAGES


@pytest.fixture
def room(driver):
    """The window with the results of a training run."""
    driver.window.resize(1280, 800)
    driver.window.show_named("Results")
    driver.results = driver.window.results_page
    driver.results.show_model("lipoma-2024")
    driver.jobs.answer("view_results", training())
    driver.session = driver.results.session
    return driver


def column(table, title):
    place = [each.title for each in table.records.columns].index(title)
    return [table.records.data(table.records.index(row, place)) for row in range(table.records.rowCount())]


def test_an_empty_page_invites(driver):
    driver.window.show_named("Results")
    page = driver.window.results_page
    assert page.stack.currentWidget() is page.invitation
    assert "No results yet" in page.invitation.sentence.text()
    assert driver.jobs.count("view_results") == 0


def test_pages_stand_in_order():
    assert PAGES == ("Score", "Cohort", "Train", "Results", "Library", "Settings")


def test_the_headline_says_figure_gain_and_trust(room):
    head = room.results.head
    assert head.figure.text() == "0.92"
    assert head.difference.text().startswith("The model adds to tumour volume alone")
    assert "85 cases of 12 sites" in head.trust.text()
    assert room.results.cautions.sentences[0].startswith("Caution: The share of positive cases differs")


def test_every_tab_is_made_when_it_is_looked_at(room):
    assert [part is not None for part in room.results._parts] == [True] + [False] * 10
    for title in TABS:
        if title == "Network":  # this model has none
            assert not room.results.tabs.isTabVisible(TABS.index(title))
            continue
        room.results.show_tab(title)
        room.qtbot.waitUntil(room.results.part(title).isVisible)


def test_every_figure_is_exported_three_ways(room, tmp_path):
    for title in ("ROC", "Calibration", "Decision", "Sites", "Features", "Audit", "Learning"):
        room.results.show_tab(title)
        figure = room.results.part(title).figure
        for kind in ("png", "svg", "csv"):
            figure.write(str(tmp_path / f"{title}.{kind}"))
        assert QImage(str(tmp_path / f"{title}.png")).width() >= 1790
        assert QSvgRenderer(str(tmp_path / f"{title}.svg")).isValid()
        rows = list(csv.reader((tmp_path / f"{title}.csv").read_text(encoding="utf-8").splitlines()))
        assert len(rows) > 2
        assert len({len(row) for row in rows}) == 1


def test_paper_is_white_in_a_dark_room_and_the_room_stays_dark(room):
    figure = room.results.part("ROC").figure
    before = figure.plot.grab().toImage().pixelColor(3, 3).lightness()
    assert figure.picture().pixelColor(3, 3).lightness() > 250
    assert figure.plot.grab().toImage().pixelColor(3, 3).lightness() == before < 40


def test_a_folder_that_cannot_be_written_is_told(room, tmp_path):
    room.results.part("ROC").figure.write(str(tmp_path / "none" / "there" / "a.png"))
    assert "could not be written" in room.results.notices.card().sentence.text()


def test_figures_and_numbers_are_copied(room):
    figure = room.results.part("ROC").figure
    figure.copy_numbers()
    assert QGuiApplication.clipboard().text().startswith("curve\tmodel\t")
    figure.copy_picture()
    assert not QGuiApplication.clipboard().image().isNull()


def test_the_handle_moves_counts_and_cases(room):
    roc = room.results.part("ROC")
    assert "chosen after" not in roc.counts.whence.text()
    assert roc.counts.shares["sensitivity"].text().endswith(")")
    roc.figure.handle.setPos(QPointF(0.0, 0.5))
    assert room.session.moved
    assert "chosen after seeing these cases" in roc.counts.whence.text()
    counts = room.session.confusion
    assert roc.counts.counts["found"].text() == str(counts.found)
    assert roc.counts.shares["sensitivity"].text() == f"{counts.sensitivity:.2f}"
    assert roc.figure.handle.pos().y() == pytest.approx(counts.sensitivity)
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    assert cases.shown.text() == f"{counts.missed + counts.alarmed} of 85 cases called wrongly"
    roc.counts.reset.click()
    assert not room.session.moved
    assert cases.strip.line.value() == pytest.approx(0.48)


def test_the_threshold_moves_by_keys(room):
    plot = room.results.part("ROC").figure.plot
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert room.session.threshold > 0.48
    QTest.keyClick(plot, Qt.Key.Key_Home)
    assert room.session.threshold == 0.48
    room.results.show_tab("Cases")
    QTest.keyClick(room.results.part("Cases").strip.plot, Qt.Key.Key_PageDown)
    assert room.session.threshold < 0.48


def test_cases_are_listed_by_what_went_wrong(room):
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    counts = room.session.confusion
    assert cases.model.rowCount() == counts.missed + counts.alarmed
    assert set(column(cases.table, "Outcome")) == {"missed", "false alarm"}
    cases.filter.setCurrentIndex(1)
    cases.filter.activated.emit(1)
    assert cases.model.rowCount() == counts.missed
    cases.strip.line.setValue(1.0)
    assert cases.model.rowCount() == 45


def test_a_misclassified_case_opens_in_the_viewer(room):
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    known = next(record for record in cases.model.shown() if record["files"])
    cases.table.choose(known["key"])
    assert cases.open.isEnabled()
    QTest.keyClick(cases.table, Qt.Key.Key_Return)
    room.qtbot.waitUntil(lambda: room.reading.worklist.rowCount() == 1)
    assert room.reading.worklist.entries()[0].files["id"] == known["case"]
    assert room.window.pages.currentWidget() is room.page


def test_a_cases_features_stand_against_the_training_cases(room):
    room.jobs.answer("describe_features", {"models": {"lipoma-2024": {
        "volume_ml": {"title": "Volume", "training_range": [10.0, 2000.0]},
        "original_shape_Sphericity": {"title": "Sphericity", "training_range": [0.2, 0.6]}}}})
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    known = next(record for record in cases.model.shown() if record["files"])
    cases.table.choose(known["key"])
    cases.measure.click()
    request = room.jobs.request("score_case")
    assert (request["model"], request["case"]["id"]) == ("lipoma-2024", known["case"])
    room.jobs.answer("score_case", {**SCORE, "model": "lipoma-2024", "case": known["case"]})
    assert column(cases.features.table, "Training cases") == ["10 to 2,000", "0.2 to 0.6"]
    assert column(cases.features.table, "In that range") == ["above all", "above all"]
    assert cases.features.words.text().startswith("2 of 2 features lie outside")
    assert "0.84" not in cases.features.words.text()
    room.session.look_at("forest")
    cases.table.choose(known["key"])
    assert not cases.measure.isEnabled()


def test_places_in_a_range():
    span = {"training_range": [10.0, 30.0]}
    assert [place_in_range({**span, "value": value}) for value in (5, 10, 15, 31, None)] == [
        "below all", "at 0 %", "at 25 %", "above all", ""]
    assert place_in_range({"value": 1.0, "training_range": None}) == ""


def test_a_case_without_files_says_why(room):
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    cases.filter.setCurrentIndex(3)
    cases.filter.activated.emit(3)
    bare = next(record for record in cases.model.shown() if not record["files"])
    cases.table.choose(bare["key"])
    assert not cases.open.isEnabled()
    cases.open_case(bare["key"])
    assert bare["case"] in room.results.notices.card().sentence.text()


def test_a_click_on_the_strip_chooses_the_case(room):
    room.results.show_tab("Cases")
    cases = room.results.part("Cases")
    right = next(place for place, record in enumerate(cases.model.records()) if record["outcome"] == "cleared")
    cases.strip.picked.emit(right)
    assert cases.table.current == str(right)
    assert cases.strip.current == right


def test_another_model_is_looked_at_and_drawn_beside(room):
    choice = room.results.choice
    choice.beside.boxes["forest"].trigger()
    assert room.session.drawn == ("logistic", "forest", "volume")
    assert len(column(room.results.part("ROC").table, "Curve")) == 3
    choice.models.setCurrentIndex(1)
    choice.models.activated.emit(1)
    assert room.session.model == "forest"
    assert list(choice.beside.boxes) == ["logistic", "volume", "longest_diameter"]
    assert room.results.head.figure.text() == f"{room.session.results.auc('forest').mean:.2f}"
    assert column(room.results.part("ROC").table, "Model less this")[1].startswith("−")


def test_metrics_are_sorted_and_copied(room, tmp_path):
    room.results.show_tab("Metrics")
    metrics = room.results.part("Metrics")
    metrics.table.sortByColumn(2, Qt.SortOrder.DescendingOrder)
    means = [float(each) for each in column(metrics.table, "Mean")]
    assert means == sorted(means, reverse=True)
    metrics.table.selectAll()
    QTest.keySequence(metrics.table, "Ctrl+C")
    assert QGuiApplication.clipboard().text().splitlines()[0].startswith("Metric\tOf\tMean\tSD")
    assert column(metrics.pairs, "AUC of") == ["logistic"]
    metrics.write(str(tmp_path / "metrics.csv"))
    assert "Paired" not in (tmp_path / "metrics.csv").read_text(encoding="utf-8")


def test_the_prevalence_moves_the_decision_curve(room):
    room.results.show_tab("Decision")
    plot = room.results.part("Decision").figure
    assert plot.prevalence == pytest.approx(45 / 85)
    told = room.session.results.of("decision", "logistic")["benefit"]
    assert plot.curve("logistic")[1].tolist() == pytest.approx(told)
    plot.slider.setValue(100)
    assert plot.prevalence == pytest.approx(0.1)
    _limits, benefit = plot.curve("logistic")
    assert np.nanmax(benefit) <= 0.1 + 1e-9
    assert plot.number.value() == pytest.approx(10)
    assert "found per 100 patients" in plot.words_at(0.2, 0)
    plot.back.click()
    assert plot.prevalence == pytest.approx(45 / 85)


def test_hovering_says_values(room):
    roc = room.results.part("ROC").figure
    assert roc.words_at(0.2, 0.9).startswith("At specificity 0.80, sensitivity: ")
    room.results.show_tab("Sites")
    assert "All cases: 45 ALT/WDL of 85 cases, AUC 0.92" in room.results.part("Sites").figure.words_at(0.5, 0)
    room.results.show_tab("Features")
    assert "kept by 100 % of folds" in room.results.part("Features").figure.words_at(0, 6)
    room.results.show_tab("Learning")
    assert room.results.part("Learning").figure.words_at(76, 0).startswith("76 patients: AUC 0.92")


@pytest.mark.parametrize("name", ["dark", "light"])
def test_curves_are_told_apart_without_colour_and_never_look_the_same(name):
    before = theme().name
    set_theme(name)
    models, rivals = [f"m{number}" for number in range(24)], ["volume", "longest_diameter", "clinical"]
    looks = [look_of(each, models, rivals) for each in (*models, *rivals)]
    set_theme(before)
    assert len(set(looks)) == len(looks)
    assert len({look.dash for look in looks[:6]} | {look.dash for look in looks[-3:]}) == 9


def test_sites_that_allow_no_area_are_one_row_but_all_in_the_table(room):
    many = training(sites=43)
    room.results.show_result(many)
    room.results.show_tab("Sites")
    figure = room.results.part("Sites").figure
    bare = [row for row in many["sites"] if row["auc"] is None]
    names = [line.name for line in figure.lines]
    assert names[-2:] == [f"{len(bare) + 1} small groups", "All cases"]
    assert figure.lines[-2].cases == sum(row["cases"] for row in bare) + 2
    assert len(figure.numbers()) == 1 + len(many["sites"]) + 2 + 1


def test_a_kernel_tells_what_was_kept_but_no_weights(room):
    kernel = training()
    kernel["importance"]["logistic"] = [{"feature": "volume_ml", "share": 0.9, "mean": None, "low": None, "high": None}]
    room.results.show_result(kernel)
    room.results.show_tab("Features")
    figure = room.results.part("Features").figure
    assert figure.words_at(0, 0) == "volume_ml: kept by 90 % of folds"
    assert not figure.picture().isNull()


def test_values_are_read_by_keys(room):
    room.results.show_tab("Sites")
    figure = room.results.part("Sites").figure
    QTest.keyClick(figure.plot, Qt.Key.Key_Down)
    assert figure.readout.text().startswith("S01: ")
    QTest.keyClick(figure.plot, Qt.Key.Key_Down)
    assert figure.readout.text().startswith("S02: ")
    room.results.show_tab("Learning")
    figure = room.results.part("Learning").figure
    for _press in range(60):
        QTest.keyClick(figure.plot, Qt.Key.Key_Right)
    assert figure.readout.text().startswith("76 patients: AUC 0.92")


def test_the_audit_says_what_it_means(room):
    room.results.show_tab("Audit")
    audit = room.results.part("Audit")
    assert "that no new patient would have confirmed" in audit.words.text()
    assert "dealt at random 99 times" in audit.words.text()
    assert audit.sides.text() == "No patient was on both sides in any of the 50 fits of logistic."
    assert audit.model.rowCount() == 50


def test_an_external_test_shows_what_it_has_and_says_what_it_lacks(room):
    room.results.show_external("/data/evaluation.json")
    assert room.jobs.request("view_results") == {"external": "/data/evaluation.json"}
    room.jobs.answer("view_results", external())
    assert "In its own cross-validation the AUC was 0.92 (0.83–0.99)." in room.results.head.trust.text()
    for title, words in (("Sites", "no sites"), ("Features", "not kept"), ("Learning", "No learning curve")):
        room.results.show_tab(title)
        assert words in room.results.part(title).sentence.text()
        assert not room.results.part(title).figure.isVisible()
    room.results.show_tab("Audit")
    assert "was not audited" in room.results.part("Audit").words.text()


def test_nothing_but_a_name_is_no_fall(room):
    bare = {"kind": "training", "title": "Bare", "classes": ["a", "b"], "models": ["m"], "roc": {}, "cases": None}
    room.results.show_result(bare)
    for title in TABS:
        room.results.show_tab(title)
    assert room.results.head.figure.text() == "no AUC"


def test_several_models_stand_side_by_side(room):
    room.results.show_models(["one", "two"])
    room.jobs.answer("view_results", {**training(1), "name": "one"})
    room.jobs.answer("view_results", {**training(2), "name": "two"})
    assert room.session.results.models == ("one", "two")
    assert room.session.drawn == ("one", "two")
    assert "no difference is claimed" in room.results.head.trust.text()
    assert room.results.head.difference.text() == ""
    for title in TABS:
        room.results.show_tab(title)


def test_what_was_looked_at_is_there_after_a_restart(room):
    assert room.window.state["results"]["model"] == "lipoma-2024"
    room.results.session.model = ""
    before = room.jobs.count("view_results")
    room.window.show_named("Library")
    room.window.show_named("Results")
    assert room.jobs.count("view_results") == before + 1


def test_waiting_for_results_is_called_off(room):
    room.results.show_model("another")
    room.window.stop()
    assert room.jobs.stopped == [room.jobs.last("view_results")]
    assert room.session.results.title == "Lipoma against ALT/WDL"


def test_a_result_that_is_gone_is_asked_for_once(driver):
    driver.window.state.choose("results", {"model": "gone"})
    driver.window.show_named("Results")
    driver.jobs.failed.emit(driver.jobs.last("view_results"), Failure("bundle", "There is no model 'gone'.", ""))
    driver.window.show_named("Library")
    driver.window.show_named("Results")
    assert driver.jobs.count("view_results") == 1
    assert driver.window.state["results"] == {}


def test_only_models_that_keep_results_are_offered(room):
    room.jobs.answer("list_models", {"models": [{"name": "run", "title": "A run", "has_results": True},
                                                {"name": "formula", "title": "A formula", "has_results": False}]})
    room.results.menu.aboutToShow.emit()
    assert [action.text() for action in room.results.menu.actions() if action.text()] == ["A run", "An external test…"]


def test_results_that_cannot_be_read_say_why(room):
    room.results.show_model("lipoma-size")
    room.jobs.failed.emit(room.jobs.last("view_results"), Failure("input", "It keeps no results.", "Evaluate it."))
    assert room.results.notices.card().sentence.text() == "It keeps no results."
    assert room.session.model == "logistic"


def test_another_theme_is_followed(room):
    before = room.results.part("ROC").figure.plot.grab().toImage().pixelColor(3, 3).lightness()
    room.window.state.choose("theme", "light")
    after = room.results.part("ROC").figure.plot.grab().toImage().pixelColor(3, 3).lightness()
    room.window.state.choose("theme", "dark")
    assert before < 40
    assert after > 200

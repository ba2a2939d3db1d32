"""The library page: badges, inside and outside figures, and what is done with models, undone or refused in words."""

import json

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from result_fixtures import external, training

from app.core.errors import Failure
from app.core.paths import data_folder
from app.ui.library import free_folder, read_tests

POINT = {"threshold": 0.61, "name": "youden", "default": True, "sensitivity": 0.9, "specificity": 0.5}


def model(name, home, **more):
    return {"name": name, "title": name.title(), "version": "1", "verified": True, "purpose": "", "home": home,
            "classes": ["lipoma", "ALT/WDL"], "demonstration": False, "thresholds": [POINT], "digest": f"d-{name}",
            "training": {"counts": {"lipoma": 40, "ALT/WDL": 45}}, "has_results": True,
            "auc": {"mean": 0.84, "sd": 0.1, "interval": [0.74, 0.91], "kind": "for new patients of the same sites"},
            **more}


MODELS = [model("lipoma-size", "shipped", has_results=False), model("mine", "own"), model("theirs", "imported"),
          model("broken", "own", verified=False, problem="The model 'broken' is damaged."),
          model("demo", "shipped", demonstration=True)]


def keep_test(name="mine", digest="d-mine", title="vienna"):
    folder = data_folder() / "evaluations" / f"{name}-{title}"
    folder.mkdir(parents=True)
    auc = {"mean": 0.71, "interval": [0.58, 0.82], "method": "DeLong"}
    (folder / "evaluation.json").write_text(json.dumps({"model": name, "model_digest": digest, "cases": 64,
                                                        "auc": auc}))
    return folder / "evaluation.json"


@pytest.fixture
def room(driver):
    driver.test = keep_test()
    driver.window.resize(1280, 800)
    driver.window.show_named("Library")
    driver.library = driver.window.library_page
    driver.jobs.answer("list_models", {"models": MODELS})
    driver.qtbot.waitUntil(lambda: bool(driver.library.library.tests))
    return driver


def choose(room, *names):
    room.library.list.clearSelection()
    for row, each in enumerate(MODELS):
        room.library.list.item(row).setSelected(each["name"] in names)


def test_where_each_model_comes_from_is_on_its_badge(room):
    told = [room.library.list.item(row).text().split("\n")[1] for row in range(5)]
    assert told == ["in use for scoring, shipped", "own", "imported", "! does not verify, own",
                    "shipped, demonstration, synthetic data"]


def test_inside_and_outside_stand_side_by_side(room):
    choose(room, "mine")
    records = room.library.model.records()
    assert [record["where"] for record in records] == ["its own training cases", "elsewhere: vienna"]
    assert [record["auc"].mean for record in records] == [0.84, 0.71]
    assert records[1]["cases"] == 64


def test_a_test_of_another_version_is_not_this_models(room):
    keep_test(digest="older", title="graz")
    assert len(read_tests()["mine"]) == 2
    room.library.library.tests = read_tests()
    assert [test["title"] for test in room.library.library.tests_of(MODELS[1])] == ["vienna"]


def test_results_open_and_external_ones_too(room):
    choose(room, "mine")
    QTest.keyClick(room.library.list, Qt.Key.Key_Return)
    assert room.jobs.request("view_results") == {"model": "mine"}
    room.window.show_named("Library")
    room.library.areas.choose(str(room.test))
    QTest.keyClick(room.library.areas, Qt.Key.Key_Return)
    assert room.jobs.request("view_results") == {"external": str(room.test)}
    assert room.window.pages.currentWidget() is room.window.results_page


def test_a_model_without_a_run_has_no_results_to_open(room):
    choose(room, "lipoma-size")
    assert not room.library.buttons["results"].isEnabled()
    assert "no results" in room.library.buttons["results"].toolTip()


def test_two_are_compared(room):
    choose(room, "mine", "theirs")
    assert "no difference is claimed" in room.library.figures.text()
    room.library.buttons["compare"].click()
    for name in ("mine", "theirs"):
        assert room.jobs.request("view_results") == {"model": name}
        room.jobs.answer("view_results", {**training(), "name": name})
    assert room.window.results_page.session.drawn == ("mine", "theirs")


def test_two_tested_on_the_same_cohort_are_compared_there(room):
    choose(room, "mine", "theirs")
    assert not room.library.buttons["outside"].isVisible()
    other = keep_test("theirs", "d-theirs")
    room.library.show_models(MODELS)
    room.qtbot.waitUntil(lambda: len(room.library.library.tests) == 2)
    choose(room, "mine", "theirs")
    room.qtbot.waitUntil(room.library.buttons["outside"].isVisible)
    assert room.library.buttons["outside"].text() == "Compare them on vienna"
    room.library.buttons["outside"].click()
    assert room.jobs.request("compare_tests") == {"external": [str(room.test), str(other)]}
    first = external()
    joined = {**first, "models": ["mine", "theirs"], "saved": "mine", "roc": {
        "mine": first["roc"]["logistic"], "theirs": first["roc"]["logistic"]}, "comparisons": [
        {"a": "mine", "b": "theirs", "mean": 0.1, "interval": [0.02, 0.18], "p_value": 0.01, "how": "DeLong"}]}
    room.jobs.answer("compare_tests", joined)
    page = room.window.results_page
    assert page.session.drawn == ("mine", "theirs")
    assert page.part("ROC").model.records()[1]["p"] == "0.01"


def test_a_damaged_model_can_only_be_removed(room):
    choose(room, "broken")
    assert room.library.standing.text() == "The model 'broken' is damaged."
    able = {name for name, button in room.library.buttons.items() if button.isEnabled()}
    assert able == {"remove", "verify", "bring"}


def test_removal_asks_nothing_and_is_undone(room):
    choose(room, "mine")
    room.window.state.choose("model", "mine")
    QTest.keyClick(room.library.list, Qt.Key.Key_Delete)
    assert room.jobs.request("remove_model") == {"model": "mine"}
    room.jobs.answer("remove_model", {"name": "mine"})
    assert room.window.state["model"] == "lipoma-size"
    assert room.jobs.count("list_models") == 2
    room.window.undo()
    assert room.jobs.request("restore_model") == {"model": "mine"}
    assert not room.library.undo()


def test_shipped_models_stay(room):
    choose(room, "demo")
    QTest.keyClick(room.library.list, Qt.Key.Key_Delete)
    assert room.jobs.count("remove_model") == 0


def test_one_is_used_for_scoring(room):
    choose(room, "mine")
    room.library.buttons["use"].click()
    assert room.window.state["model"] == "mine"
    assert not room.library.buttons["use"].isEnabled()
    assert "in use" in room.library.list.item(1).text()


def test_import_is_refused_with_the_reason(room):
    room.library.library.import_from("/data/bad.zip")
    failure = Failure("bundle", "bad.zip holds a file that no model has.", "Ask whoever sent it.")
    room.jobs.failed.emit(room.jobs.last("import_model"), failure)
    assert room.library.notices.card().sentence.text() == "bad.zip holds a file that no model has."
    assert not room.library.notices.card().retry.isVisible()


def test_a_taken_name_can_be_replaced(room):
    room.library.library.import_from("/data/mine.zip")
    room.jobs.failed.emit(room.jobs.last("import_model"), Failure(
        "input", "The library has another model named 'mine'.", "Use --replace if this one shall take its place."))
    card = room.library.notices.card()
    assert (card.retry.text(), "--" in card.remedy.text()) == ("Replace it", False)
    card.retry.click()
    assert room.jobs.request("import_model")["replace"]
    room.jobs.answer("import_model", {"name": "mine", "written": [], "cautions": []})
    assert room.jobs.count("list_models") == 2


def test_export_is_one_file(room):
    room.library.library.export("mine", "/out/mine.zip")
    asked = {"model": "mine", "out": "/out/mine.zip", "replace": False, "onnx": None}
    assert room.jobs.request("export_model") == asked


def test_a_new_cohort_is_evaluated_and_its_results_open(room, tmp_path):
    table = tmp_path / "graz.csv"
    table.write_text("id,dx\n1,0\n2,1\n")
    choose(room, "mine")
    room.library.run.button.click()
    sheet = room.library.findChildren(type(room.library.ask_cohort()))[-1]
    sheet.take(str(table))
    room.jobs.answer("describe_table", {"rows": 2, "columns": [{"name": "id", "values": None},
                                                               {"name": "dx", "values": ["0", "1"]}]})
    sheet.boxes["label"].setCurrentIndex(2)
    sheet.boxes["label"].activated.emit(2)
    sheet.boxes["positive"].setCurrentIndex(2)
    sheet.go.click()
    request = room.jobs.request("evaluate")
    assert (request["bundle"], request["label"], request["positive"], request["site"]) == ("mine", "dx", "1", None)
    assert request["out"].endswith("mine-graz")
    assert room.library.run.button.text() == "Cancel"
    room.jobs.answer("evaluate", {"written": []})
    assert room.jobs.request("view_results") == {"external": f"{request['out']}/evaluation.json"}


def test_verification_is_told(room):
    room.library.buttons["verify"].click()
    assert room.library.standing.text() == "Being verified."
    room.jobs.answer("verify_models", {"ok": False, "models": [
        {"name": "lipoma-size", "verified": False, "problem": "It was changed."}]})
    assert room.library.standing.text() == "It was changed."


def test_the_card_is_fetched_once(room):
    choose(room, "theirs")
    assert room.jobs.request("show_model") == {"model": "theirs"}
    room.jobs.answer("show_model", {"name": "theirs", "card": "# Theirs\nA card."})
    assert "A card." in room.library.card.toPlainText()
    before = room.jobs.count("show_model")
    choose(room, "theirs")
    assert room.jobs.count("show_model") == before


def test_folders_of_tests_never_meet():
    first = free_folder("mine-a b")
    assert first.name == "mine-a-b"
    first.mkdir(parents=True)
    assert free_folder("mine-a b").name == "mine-a-b-2"

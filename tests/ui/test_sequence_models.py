"""Defaults of sequences: used for new cases until a model is chosen by hand, shown on the badge, and kept."""

import pytest
from window_fixtures import case_files

from app.ui.sequence_models import default_model, sequences_of, with_default

POINTS = [{"threshold": 0.61, "name": "youden", "default": True, "sensitivity": 0.9, "specificity": 0.5}]
MODELS = [{"name": name, "title": name.title(), "verified": True, "thresholds": POINTS, "home": "own",
           "classes": ["lipoma", "ALT/WDL"]} for name in ("lipoma-size", "radiomics")]


def of(*names):
    return {"images": dict.fromkeys(names, "/a.nii")}


def test_a_default_holds_where_every_case_agrees():
    defaults = {"t1": "radiomics", "t2": "lipoma-size"}
    assert default_model([of("t1"), of("t1", "pd")], defaults, MODELS) == "radiomics"
    assert not default_model([of("t1"), of("t2")], defaults, MODELS)
    assert not default_model([of("t1", "t2")], defaults, MODELS)
    assert not default_model([of("t1"), of("pd")], defaults, MODELS)
    assert not default_model([], defaults, MODELS)


def test_a_model_that_is_gone_or_damaged_is_no_default():
    assert not default_model([of("t1")], {"t1": "gone"}, MODELS)
    assert not default_model([of("t1")], {"t1": "radiomics"}, [{**MODELS[1], "verified": False}])


def test_a_sequence_has_one_default():
    defaults = with_default({"t1": "a", "t2": "a"}, "t1", "b")
    assert sequences_of("a", defaults) == ["t2"]
    assert sequences_of("b", defaults) == ["t1"]
    assert with_default(defaults, "t1", "") == {"t2": "a"}


@pytest.fixture
def room(driver):
    driver.jobs.answer("list_models", {"models": MODELS})
    return driver


def scored_with(room):
    return [request["model"] for _job, _lane, name, request in room.jobs.asked if name == "score_case"]


def sequence_of(files):
    return next(iter(files["images"]))


def test_a_dropped_case_is_scored_with_its_sequences_default(room):
    library = room.window.library_page.library
    library.set_default(sequence_of(case_files("A")), "radiomics", on=True)
    room.open(case_files("A"))
    assert scored_with(room) == ["radiomics"]
    assert room.window.state["model"] == "radiomics"
    assert room.window.state["sequence_models"] == {sequence_of(case_files("A")): "radiomics"}


def test_a_choice_by_hand_wins(room):
    library = room.window.library_page.library
    library.set_default(sequence_of(case_files("A")), "radiomics", on=True)
    library.use("lipoma-size")
    room.open(case_files("A"))
    assert scored_with(room) == ["lipoma-size"]


def test_the_list_tells_defaults(room):
    page = room.window.library_page
    page.library.set_default("t1", "radiomics", on=True)
    assert "default for T1" in page.list.item(1).text()
    page.library.set_default("t1", "radiomics", on=False)
    assert "default" not in page.list.item(1).text()

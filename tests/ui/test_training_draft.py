"""What a training shall be: kept, taken up again, and turned into a request."""

import json

import numpy as np
import pytest
from train_answers import RECIPES, looked, write_fold

from app.core.recipe import Recipe
from app.ui.training_draft import Draft, propose_name, same_training, subject
from app.ui.training_folds import FinishedFolds, mean_roc, roc

KNOWN = {each["name"]: Recipe.parse(each["recipe"]) for each in RECIPES}


def test_a_draft_survives_the_disk():
    draft = Draft(step=3, source="/a.csv", models=("rf", "default"), positive="ALT", folds=7, audit=True,
                  run={"state": "paused", "request": {"label": "label"}}, finish={"title": "T"})
    assert Draft.from_json(json.loads(json.dumps(draft.as_json()))) == draft


def test_what_no_longer_fits_is_begun_anew():
    assert Draft.from_json({"step": "three", "source": "/a.csv", "gone": 1}) == Draft(source="/a.csv")


def test_the_single_roles_have_one_holder():
    draft = Draft(positive="ALT").with_role(("a", "b"), "ignore").with_role(("a",), "label")
    assert draft.roles == {"b": "ignore"}
    assert draft.picked == {"label": "a"}
    assert draft.positive == ""
    again = draft.with_role(("c",), "label")
    assert again.picked == {"label": "c"}
    assert draft.with_role(("a",), "feature").picked == {}


def test_only_what_was_changed_is_named_to_the_engine():
    asked = Draft(source="/a.csv").preview(KNOWN)
    assert (asked.label, asked.patient, asked.site, asked.clinical, asked.ignore) == (None, None, None, None, [])
    draft = Draft(source="/a.csv", picked={"site": ""}).with_role(("x", "y"), "ignore").with_role(("z",), "clinical")
    asked = draft.preview(KNOWN, timed=("rf", "unknown"), guessed=("age", "x"))
    assert asked.site == ""
    assert asked.ignore == ["x", "y"]
    assert asked.clinical == ["age", "z"]
    assert [recipe.name for recipe in asked.recipes] == ["rf"]


def test_the_request_says_what_was_chosen():
    draft = Draft(source="/a.csv", models=("default", "rf"), primary="rf", repeats=1, folds=10, harmonise="combat",
                  unseen="refuse", one_site_out=True, audit=True, jobs=2)
    draft = draft.with_role(("f1",), "ignore").with_role(("grade",), "feature")
    asked = draft.request(looked(), KNOWN, "/out", "/keep")
    assert (asked.positive, asked.label, asked.patient, asked.site) == ("ALT", "label", "patient", "site")
    assert asked.clinical == ["age"]
    assert asked.ignore == ["f1"]
    assert asked.confirmed == ["grade"]
    assert asked.primary == "rf"
    assert asked.recipe.name == "rf"
    assert asked.folds == 9
    assert asked.repeats == 1
    assert asked.one_site_out
    assert {(recipe.model.folds, recipe.model.repeats) for recipe in asked.recipes} == {(9, 1)}
    assert asked.harmonise.method == "combat"
    assert asked.harmonise.unseen == "refuse"
    assert asked.audit
    assert asked.jobs == 2
    assert asked.keep == "/keep"
    left = Draft(source="/a.csv").request(looked(), KNOWN, "/out", "/keep")
    assert left.harmonise is None
    assert left.recipe.features == KNOWN["default"].features


def test_images_are_measured_as_the_feature_recipe_says():
    asked = Draft(recipe="ibsi").request(looked(holds_images=True), KNOWN, "/out", "/keep")
    assert asked.recipe.features == KNOWN["ibsi"].features
    assert asked.recipe.model.kind == "logistic"


def test_where_it_is_written_does_not_make_another_training():
    one = Draft().request(looked(), KNOWN, "/out", "/keep").model_dump(mode="json")
    other = Draft(jobs=3).request(looked(), KNOWN, "/out-2", "/keep-2").model_dump(mode="json")
    assert same_training(one, other)
    assert not same_training(one, {**other, "audit": True})


def test_models_get_names_that_are_free(tmp_path):
    assert propose_name("ALT or lipoma default", tmp_path) == "alt-or-lipoma-default"
    (tmp_path / "alt-or-lipoma-default").mkdir()
    assert propose_name("ALT or lipoma default", tmp_path) == "alt-or-lipoma-default-2"
    assert subject(looked(), Draft()) == "ALT or lipoma"
    coded = looked(classes={"0": 20, "1": 12})
    assert subject(coded, Draft()) == "label"


@pytest.mark.parametrize("seed", range(3))
def test_roc_curves_have_the_area_that_ranks_give(seed):
    rng = np.random.default_rng(seed)
    labels, scores = rng.integers(0, 2, 40), rng.integers(0, 8, 40) / 8  # with ties
    fpr, tpr = roc(labels.tolist(), scores.tolist())
    positive, negative = scores[labels == 1][:, None], scores[labels == 0]
    area = np.mean((positive > negative) + 0.5 * (positive == negative))
    assert np.trapezoid(tpr, fpr) == pytest.approx(area)
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)


def test_the_mean_of_curves_lies_between_them():
    grid, mean = mean_roc([(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])),
                           (np.array([0.0, 1.0]), np.array([0.0, 1.0]))])
    assert mean[grid == 0.5][0] == pytest.approx(0.75)


def test_finished_folds_are_read_once_and_damaged_ones_let_be(qtbot, tmp_path):
    folds = FinishedFolds()
    write_fold(tmp_path, "rf", 1, 1)
    (tmp_path / "rf" / "01-02.json").write_text("{")
    with qtbot.waitSignal(folds.changed):
        folds.watch(str(tmp_path), live=False)
    assert folds.count("rf") == 1
    assert folds.aucs("rf") == [0.75]
    write_fold(tmp_path, "rf", 1, 2, auc=None)
    folds.read()
    assert folds.count("rf") == 2
    assert folds.aucs("rf") == [0.75]
    assert len(folds.curves("rf")) == 2
    folds.watch("", live=False)
    assert folds.count("rf") == 0

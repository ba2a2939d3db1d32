"""Words of waiting, of codes as classes, of sites and of checks: what a reader without a manual has to understand."""

import pytest

from app.core.workflows.class_names import name_class, value_of
from app.ui.class_names import class_title, short_class, sought_of
from app.ui.result_words import calibration_sentence, minus_signs, point_goal
from app.ui.training_draft import Draft
from app.ui.training_estimate import checking_rounds
from app.ui.training_words import estimate_words
from app.ui.widgets.audit_panel import settings_text
from app.ui.words import harmonisation_sentence, left_words


def test_what_still_runs_has_never_no_time_left():
    assert left_words(-1) == ""
    assert left_words(0.2) == "a moment left"
    assert left_words(90) == "01:30 left"
    assert left_words(5400) == "about 1.5 h left"


@pytest.mark.parametrize("value", ["1", "0", "0.0", "2"])
def test_a_code_is_named_with_its_column_and_found_again(value):
    assert name_class("lung_metastasis", value) == f"lung_metastasis = {value}" == class_title("lung_metastasis", value)
    assert value_of(name_class("lung_metastasis", value)) == value


def test_words_stay_as_they_are():
    assert name_class("label", "ALT/WDL") == "ALT/WDL" == value_of("ALT/WDL")
    assert value_of("grade = high") == "grade = high"


def test_what_is_benign_is_not_looked_for_whatever_follows():
    assert sought_of(["atypical lipomatous tumour", "benign lipoma, intramuscular"]) == "atypical lipomatous tumour"
    assert sought_of(["lipoma (superficial)", "liposarcoma"]) == "liposarcoma"


def test_long_names_keep_both_ends():
    short = short_class("atypical lipomatous tumour or well-differentiated liposarcoma")
    assert len(short) <= 30
    assert short.startswith("atypical")
    assert short.endswith("sarcoma")
    assert short_class("lipoma") == "lipoma"


def test_good_calibration_needs_a_narrow_interval():
    assert calibration_sentence({"slope": 0.81, "slope_interval": [-0.04, 1.67]}).startswith("Too few cases to tell")
    assert calibration_sentence({"slope": 1.0, "slope_interval": [0.8, 1.3]}).startswith("Its probabilities can be")
    assert "cannot be told" in calibration_sentence({"slope": 1.0})


def test_checks_are_counted_and_named():
    assert checking_rounds(Draft(audit=True)) == 21
    assert checking_rounds(Draft(learning_curve=True, folds=10, repeats=5)) == 8
    assert checking_rounds(Draft()) == 0
    assert estimate_words(240, audit=True, learning_curve=False, images=False) == "about 4 min with audit"
    assert "images are measured first" in estimate_words(240, audit=False, learning_curve=False, images=True)
    assert estimate_words(None, audit=True, learning_curve=True, images=True) == ""


def test_a_harmonised_score_says_of_which_site():
    told = harmonisation_sentence({"harmonisation": {"site": "Vienna", "policy": "left_unseen", "caution": ""}})
    assert "site Vienna" in told
    assert "left as they are" in told
    assert harmonisation_sentence({}) == ""
    assert "not stated" in harmonisation_sentence({"harmonisation": {"site": None, "policy": "left_small"}})


def test_points_and_settings_are_words():
    assert point_goal("sensitivity 95%") == "meant to find 95 of 100"
    assert point_goal("youden") == "best balance (Youden)"
    assert settings_text({"classify__C": 0.1, "classify__l1_ratio": 0.0}) == "C 0.1, l1 ratio 0"
    assert settings_text({"0": {"classify__C": 1.0}, "1": {"depth": 3}}) == "model 1: C 1; model 2: depth 3"
    assert minus_signs("AUC -0.022, 95 % interval -0.128 to +0.083; 2019-20") == (
        "AUC −0.022, 95 % interval −0.128 to +0.083; 2019-20")

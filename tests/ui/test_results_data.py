"""Results as the page reads them, against counting by hand; and what is said of them in words."""

import math

import numpy as np
import pytest
from result_fixtures import area, external, training

from app.ui.result_session import ResultSession
from app.ui.result_words import (
    auc_sentence,
    benefit_sentence,
    calibration_sentence,
    difference_sentence,
    figure_text,
    p_text,
    pair_of,
    scope_sentence,
    threshold_sentence,
    trust_sentences,
)
from app.ui.results import Confusion, Estimate, Results
from app.ui.widgets.decision_plot import carried, net_benefit
from app.ui.words import at_prevalence


@pytest.fixture
def results():
    return Results(training())


def test_counts_at_a_threshold(results):
    scores, labels = results.probabilities("logistic"), results.labels
    counts = results.confusion("logistic", 0.6)
    by_hand = [sum(1 for score, label in zip(scores, labels, strict=True) if (score >= 0.6, label) == pair)
               for pair in ((True, 1), (False, 1), (True, 0), (False, 0))]
    assert [counts.found, counts.missed, counts.alarmed, counts.cleared] == by_hand
    assert counts.cases == 85


def test_a_case_without_answer_is_counted_nowhere():
    raw = training()
    raw["cases"]["probability"]["logistic"][0] = None
    assert Results(raw).confusion("logistic", 0.5).cases == 84


def test_shares_without_cases_are_unknown():
    assert math.isnan(Confusion(0, 0, 3, 4).sensitivity)
    assert math.isnan(Confusion(0, 3, 0, 4).ppv)
    assert Confusion(9, 1, 2, 8).npv == pytest.approx(8 / 9)


def test_the_steps_hold_the_area_of_all_pairs(results):
    fpr, tpr, thresholds = results.steps("forest")
    height = np.trapezoid([0, *tpr], [0, *fpr])
    assert height == pytest.approx(area(results.labels, results.probabilities("forest")))
    for place in (0, 7, len(fpr) - 1):
        counts = results.confusion("forest", thresholds[place])
        assert (1 - counts.specificity, counts.sensitivity) == pytest.approx((fpr[place], tpr[place]))


def test_ties_are_one_step():
    raw = training()
    raw["cases"].update(label=[0, 1, 1, 0], probability={"logistic": [0.5, 0.5, 0.9, 0.1]})
    fpr, tpr, _thresholds = Results(raw).steps("logistic")
    assert fpr.tolist() == [0, 0.5, 1]
    assert tpr.tolist() == [0.5, 1, 1]


def test_the_default_point_comes_first(results):
    assert [point["name"] for point in results.points("logistic")] == ["youden", "sensitivity 98%"]
    assert results.default_threshold("logistic") == 0.48
    assert Results({"classes": ["a", "b"]}).default_threshold("any") == 0.5


def test_parts_that_are_null_are_empty():
    bare = Results({"classes": ["a", "b"], "cases": None, "audit": None, "comparisons": None, "roc": {}})
    assert bare.models == bare.comparators == ()
    assert bare.rows("comparisons") == []
    assert bare.part("audit") == {}
    assert len(bare.labels) == 0
    assert math.isnan(bare.prevalence)


def test_estimates_of_either_form():
    assert Estimate.read({"mean": 0.8, "interval": [0.7, 0.9]}) == Estimate(0.8, 0.7, 0.9)
    assert Estimate.read({"value": 0.8, "low": 0.7, "high": 0.9}) == Estimate(0.8, 0.7, 0.9)
    assert not Estimate.read({"mean": None, "interval": None}).is_known
    assert figure_text(Estimate(0.8)) == "0.80"
    assert figure_text(Estimate(-0.021, -0.1, 0.06), signed=True) == "−0.02 (−0.10 to +0.06)"


def test_the_threshold_moves_by_cases_and_returns():
    session = ResultSession()
    session.load(training())
    seen = []
    session.threshold_moved.connect(lambda: seen.append(session.threshold))
    values = np.sort(session.results.probabilities("logistic"))
    session.step_threshold(1)
    assert session.threshold == values[values > 0.48][0]
    assert session.moved
    session.step_threshold(-2)
    assert session.threshold == values[values < 0.48][-2]
    session.reset_threshold()
    assert (session.threshold, session.moved) == (0.48, False)
    assert len(seen) == 3


def test_another_model_brings_its_own_threshold():
    session = ResultSession()
    session.load(training())
    session.move_threshold(0.9)
    session.look_at("forest")
    assert (session.threshold, session.moved) == (0.48, False)
    session.look_at("volume")
    assert session.model == "forest"


def test_what_is_beside_is_in_the_order_of_the_results():
    session = ResultSession()
    session.load(training())
    assert session.drawn == ("logistic", "volume")
    session.put_beside({"longest_diameter", "forest"})
    assert session.drawn == ("logistic", "forest", "longest_diameter")


def test_sentences(results):
    assert scope_sentence(results) == ("Cross-validation: 85 cases of 12 sites (45 ALT/WDL, 40 lipoma), 10 folds "
                                       "repeated 5 times.")
    assert auc_sentence(results, "logistic").startswith("AUC 0.92, 95 % interval 0.83–0.99: of one ALT/WDL and one")
    assert difference_sentence(results, "logistic").startswith("The model adds to tumour volume alone: AUC +0.1")
    assert difference_sentence(results, "forest").startswith("It adds nothing measurable to tumour volume alone")
    trust = " ".join(trust_sentences(results, "logistic"))
    assert "Only 40 lipoma" in trust
    assert "new patients of the same sites" in trust
    assert "at sites held out whole, as a new hospital is, the AUC is 0.81 (0.62–0.92)" in trust
    assert "can only be judged by an external test" in " ".join(trust_sentences(results, "forest"))
    assert "primary" in trust


def test_an_external_test_claims_no_folds():
    results = Results(external())
    assert scope_sentence(results) == "External test: 40 cases (15 ALT/WDL, 25 lipoma)."
    assert "same sites" not in " ".join(trust_sentences(results, "logistic"))


@pytest.mark.parametrize(("slope", "interval", "words"), [
    (1.0, [0.8, 1.2], "can be taken at their word"), (0.5, [0.3, 0.7], "are more extreme"),
    (0.7, [0.51, 1.2], "may be more extreme"), (1.6, [1.2, 2.0], "are more timid"),
    (1.5, [0.8, 1.9], "may be more timid"), (0.9, [-0.1, 1.9], "Too few cases"), (1.1, [0.6, 2.6], "Too few cases")])
def test_calibration_in_words(slope, interval, words):
    assert words in calibration_sentence({"slope": slope, "slope_interval": interval})


def test_calibration_that_is_not_known_is_not_spoken_of():
    assert calibration_sentence({"slope": None}) == calibration_sentence(None) == ""


def test_a_moved_threshold_says_so(results):
    assert "chosen after seeing these cases" in threshold_sentence(results, "logistic", 0.6, moved=True)
    assert "chosen after" not in threshold_sentence(results, "logistic", 0.48, moved=False)


def test_comparisons_are_found_either_way_round(results):
    there, back = pair_of(results, "logistic", "volume"), pair_of(results, "volume", "logistic")
    assert back["mean"] == -there["mean"]
    assert back["interval"] == [-there["interval"][1], -there["interval"][0]]
    assert pair_of(results, "logistic", "nothing") is None
    assert (p_text(0.0004), p_text(0.034), p_text(None)) == ("p < 0.001", "p = 0.034", "")


def test_net_benefit_by_counting_patients():
    # of 1000 patients 100 are positive; 90 found, 180 of 900 disturbed; a threshold of 20 % weighs one found as four
    assert net_benefit(np.array([0.2]), np.array([0.9]), np.array([0.8]), 0.1)[0] == pytest.approx(0.09 - 0.18 / 4)


def test_a_threshold_is_carried_as_a_probability_is():
    # who acts from 20 % where 1 in 10 is positive acts from this probability of a cohort of halves
    at = carried(np.array([0.2]), 0.5, 0.1)[0]
    assert at_prevalence(at, 0.5, 0.1) == pytest.approx(0.2)
    assert carried(np.array([0.3]), 0.4, 0.4)[0] == pytest.approx(0.3)


def test_benefit_in_words():
    told = benefit_sentence(0.2, 0.12, 0.05, "ALT/WDL", "logistic")
    assert "weighs a missed ALT/WDL as 4 needless treatments" in told
    assert "+12.0 ALT/WDL found per 100" in told
    assert "7.0 more than treating all (+5.0)" in told
    assert "treating none" in benefit_sentence(0.5, -0.01, -0.3, "ALT/WDL", "logistic")

"""A score in words: the sentences of the specification, and Bayes' rule against an independent calculation."""

from fractions import Fraction

import pytest
from window_fixtures import SCORE

from app.core.report.score import sentences
from app.ui.messages import words_for
from app.ui.words import (
    at_prevalence,
    comparator_sentence,
    interval_text,
    of_hundred,
    per_hundred,
    prevalence_sentence,
    threshold_sentence,
    title_of,
    training_sentence,
    verdict_of,
    verdict_sentence,
    whole_sentence,
)


@pytest.mark.parametrize(("probability", "training", "used"), [(0.84, 0.5, 0.01), (0.3, 0.2, 0.6), (0.99, 0.7, 0.05)])
def test_prevalence_by_counting_tumours(probability, training, used):
    # likelihood ratio from the training mix, then counted out among 10 000 tumours of the other mix
    p, t, u = (Fraction(str(x)) for x in (probability, training, used))
    ratio = (p / (1 - p)) / (t / (1 - t))
    malignant, benign = 10_000 * u * ratio, 10_000 * (1 - u)
    assert at_prevalence(probability, training, used) == pytest.approx(float(malignant / (malignant + benign)))


def test_the_sentences_of_the_specification():
    assert prevalence_sentence(SCORE, 0.01) == "Where 1 in 100 is malignant, about 5 of 100 such tumours would be."
    assert threshold_sentence(SCORE) == (
        "The score is at or above the threshold 0.174, at which the model found 98 % of ALT/WDL and cleared 32 % of "
        "lipoma among cases held out of its fit.")
    assert verdict_sentence({**SCORE, "verdict": "uncertain"}) == (
        "Uncertain: the model cannot tell at the error rate you chose (5 %).")


@pytest.mark.parametrize(("share", "words"), [
    (0.5, "half"), (0.01, "1 in 100"), (0.001, "1 in 1000"), (0.529, "53 in 100")])
def test_shares(share, words):
    assert per_hundred(share) == words


def test_counts_never_say_none_or_all():
    assert of_hundred(0.002) == "fewer than 1 of 100"
    assert of_hundred(0.999) == "more than 99 of 100"


def test_every_verdict_has_its_own_shape():
    shapes = {verdict_of({**SCORE, "verdict": verdict}).shape
              for verdict in ("lipoma", "ALT/WDL", "uncertain", "unlike_training")}
    assert len(shapes) == 4


def test_failures_from_json_keep_their_points():
    message = words_for({"kind": "cohort", "message": "2 rows.", "remedy": "", "extra": {"issues": ["row 1", "row 2"]}})
    assert message.points == ("row 1", "row 2")


def test_the_interval_names_both_of_its_sources():
    assert interval_text(SCORE) == ("0.71\N{EN DASH}0.92 if the outline were drawn slightly differently and the model "
                                    "fitted on other patients")
    assert interval_text({**SCORE, "interval": None}) == ""


def test_window_and_report_say_the_same():
    score = {**SCORE, "comparator": {"name": "lipoma-size", "probability": 0.58, "title": "Tumour volume alone"}}
    training, clinic, operating, beside = sentences(score)
    assert training.replace("ALT/WDL", "malignant").replace("the model was", "it was").replace(" to ", "\N{EN DASH}") \
        == training_sentence(score)
    assert clinic.replace("ALT/WDL", "malignant") == prevalence_sentence(score, 0.01)
    assert operating == threshold_sentence(score)
    unsure = {**score, "verdict": "uncertain"}
    assert sentences(unsure)[2] == threshold_sentence(unsure)
    assert beside == comparator_sentence(score)


def test_uncertain_and_the_threshold_are_told_apart():
    assert threshold_sentence({**SCORE, "verdict": "uncertain", "probability": 0.1}) == (
        "Uncertain asks what can be ruled out at 5 % errors; the threshold is a separate cut: the score is below the "
        "threshold 0.174, at which the model found 98 % of ALT/WDL and cleared 32 % of lipoma among cases held out of "
        "its fit.")


def test_the_share_in_training_is_no_comparison():
    share = {**SCORE, "comparator": {"name": "prevalence", "probability": 0.53, "title": "The share in training"}}
    assert comparator_sentence(share) == ""
    assert "0.53" not in whole_sentence(share, 0.01)
    assert comparator_sentence(SCORE) == "Tumour volume alone says 0.58."


def test_a_tumour_unlike_the_training_has_its_own_sentence():
    assert verdict_sentence({**SCORE, "verdict": "unlike_training"}) == (
        "No verdict: this tumour is unlike those the model was trained on. Read the cautions before the number.")


def test_a_demonstration_cannot_be_taken_for_real():
    demo = {**SCORE, "demonstration": True}
    assert title_of(demo) == "Demo: looks like ALT/WDL"
    assert title_of({**demo, "verdict": "uncertain"}) == "Demo: uncertain"
    assert whole_sentence(demo, 0.01).startswith("Demonstration, synthetic data. Looks like")
    assert title_of(SCORE) == "Looks like ALT/WDL"


def test_another_model_names_its_own_classes():
    other = {**SCORE, "classes": ["benign", "sarcoma"], "verdict": "sarcoma"}
    assert "half of them sarcoma" in training_sentence(other)
    assert prevalence_sentence(other, 0.01).startswith("Where 1 in 100 is sarcoma,")

"""Two models on the same external cases: joined by patient, compared by DeLong as an independent calculation has it."""

import copy

import numpy as np
import pytest

from app.core.errors import InputError
from app.core.workflows.results_compared import join_tests


def test_of(name, scores, labels, patients):
    return {"name": name, "kind": "external", "models": [name], "comparators": [], "classes": ["a", "b"],
            **{part: {name: {}} for part in ("roc", "metrics", "calibration", "decision", "points", "importance",
                                             "fits")},
            "comparisons": [], "cautions": [{"code": "few", "message": "Few cases."}], "methods": "As it was.",
            "cases": {"label": labels, "case": patients, "site": [None] * len(labels), "row": list(range(len(labels))),
                      "files": [None] * len(labels), "probability": {name: scores}, "verdict": {name: list("xy" * 15)}}}


test_of.__test__ = False


@pytest.fixture
def two():
    rng = np.random.default_rng(4)
    labels = np.array([0, 1] * 15)
    scores = [rng.normal(labels * gap, 1) for gap in (1.5, 0.5)]
    patients = [f"P{number // 2}" for number in range(30)]  # two cases of each
    first = test_of("one", scores[0].tolist(), labels.tolist(), patients)
    back = np.arange(30).reshape(15, 2)[::-1].ravel()  # the other test's table had another order
    second = test_of("two", scores[1][back].tolist(), labels[back].tolist(), [patients[place] for place in back])
    return first, second, labels, scores


def placements(labels, scores):
    """Each positive's share of negatives below it, and each negative's of positives above it, ties half."""
    wins = scores[labels == 1][:, None] - scores[labels == 0][None, :]
    won = (wins > 0) + (wins == 0) / 2
    return won.mean(), won.mean(axis=1), won.mean(axis=0)


def test_cases_find_each_other_and_the_difference_is_delongs(two):
    first, second, labels, scores = two
    joined = join_tests([first, second])
    assert joined["models"] == ["one", "two"]
    assert joined["cases"]["probability"]["two"].tolist() == scores[1].tolist()
    (mean_1, pos_1, neg_1), (mean_2, pos_2, neg_2) = (placements(labels, each) for each in scores)
    error = np.sqrt(np.var(pos_1 - pos_2, ddof=1) / 15 + np.var(neg_1 - neg_2, ddof=1) / 15)
    row = joined["comparisons"][0]
    assert (row["a"], row["b"], row["how"]) == ("one", "two", "DeLong")
    assert row["mean"] == pytest.approx(mean_1 - mean_2)
    assert row["interval"] == pytest.approx([row["mean"] - 1.959964 * error, row["mean"] + 1.959964 * error], abs=1e-4)
    assert len(joined["cautions"]) == 1


def test_other_cases_are_refused_with_their_number(two):
    first, second, *_rest = two
    second["cases"]["case"][0] = "Somebody else"
    with pytest.raises(InputError, match="one was tested on 30, two on 30, and 29 are in both"):
        join_tests([first, second])


def test_other_labels_are_refused(two):
    first, second, *_rest = two
    second["cases"]["label"] = [1 - label for label in second["cases"]["label"]]
    with pytest.raises(InputError, match="other labels"):
        join_tests([first, second])


def test_one_model_is_no_comparison(two):
    first, *_rest = two
    with pytest.raises(InputError, match="two or more models"):
        join_tests([first, copy.deepcopy(first)])


def test_answers_that_are_gone_are_told(two):
    first, second, *_rest = two
    second["cases"] = None
    with pytest.raises(InputError, match="are gone"):
        join_tests([first, second])

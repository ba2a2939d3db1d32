"""What a file keeps of out-of-fold answers gives every figure again."""

import json

import numpy as np
import pytest

from app.core.evaluate.audit import list_fits
from app.core.evaluate.folds import leave_one_site_out
from app.core.evaluate.performance import measure_performance
from app.core.evaluate.restored import describe_folds, restore_answers, restore_folds
from app.core.evaluate.subgroups import measure_subgroups
from tests.core.evaluate.answered_cases import answer, draw_cohort


def keep(found, patients):
    """As a bundle keeps it, through JSON."""
    probabilities = [[None if np.isnan(each) else float(each) for each in row] for row in found.probabilities.T]
    evaluation = {"models": {"spy": {"out_of_fold": probabilities, "fits": list(list_fits(found))}},
                  "cases": {"label": found.labels.tolist(), "patient": patients},
                  "folds": describe_folds(found.folds)}
    return json.loads(json.dumps(evaluation))


def test_every_figure_is_the_same_again():
    rows, labels, patients = draw_cohort()
    found, _ = answer(rows, labels, patients)
    again = restore_answers(keep(found, patients.tolist()), "spy")
    assert again.aucs == pytest.approx(found.aucs)
    assert again.folds.digest == found.folds.digest
    assert (again.folds.ratio, again.folds.inflation) == (found.folds.ratio, found.folds.inflation)
    mine, theirs = measure_performance(again), measure_performance(found)
    for name in ("auc", "auc_pooled", "brier", "points"):
        assert mine[name] == theirs[name]
    groups = {"site": np.where(rows[:, 0] > 0, "a", "b")}
    assert [each.json for each in measure_subgroups(again, groups)] == [
        each.json for each in measure_subgroups(found, groups)]


def test_rows_stand_for_patients_where_these_are_not_kept():
    rows, labels, patients = draw_cohort()
    kept = keep(answer(rows, labels, patients)[0], patients.tolist())
    del kept["cases"]["patient"]
    assert restore_answers(kept, "spy").patients.tolist() == list(range(len(labels)))


def test_folds_by_site_keep_what_they_trained_on():
    _, labels, patients = draw_cohort()
    sites = np.where(np.arange(len(labels)) % 7 == 0, "", np.array([f"s{int(each) % 6}" for each in patients]))
    folds = leave_one_site_out(labels, patients, sites)
    told = json.loads(json.dumps(describe_folds(folds)))
    again = restore_folds(told, len(labels))
    assert again.digest == folds.digest
    assert again.ratio == folds.ratio
    assert told["scheme"] == "sites"


@pytest.mark.parametrize("lacking", ["out_of_fold", "cases", "tests"])
def test_nothing_comes_of_nothing(lacking):
    rows, labels, patients = draw_cohort()
    kept = keep(answer(rows, labels, patients)[0], patients.tolist())
    next(part for part in (kept, kept["folds"], kept["models"]["spy"]) if lacking in part).pop(lacking)
    assert restore_answers(kept, "spy") is None
    assert restore_answers(kept, "nobody") is None

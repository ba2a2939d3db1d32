"""Learning curve and subgroups of a model that tunes itself, with several cases of a patient."""

import json
from functools import partial

import numpy as np

from app.core.classify.tuned import TunedClassifier
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.evaluate.learning_curve import learning_curve
from app.core.evaluate.subgroups import measure_subgroups
from app.core.recipe import ModelRecipe
from tests.core.classify.small_tables import make_table

RECIPE = {"kind": "logistic", "search": {"folds": 3, "grid": [{"l1_ratio": [0.0], "C": [0.01, 0.1]}]}}


def test_learning_curve_and_subgroups_of_a_tuned_model():
    table, labels = make_table(80, 20, 3, signal=2.5)
    patients = np.array([f"p{row // 2}" for row in range(80)])
    table.iloc[1::2] = table.iloc[::2].to_numpy() + 0.1
    labels = labels[np.arange(80) // 2 * 2]
    make = partial(TunedClassifier, ModelRecipe.parse(RECIPE), tuple(table.columns))
    folds = make_folds(labels, patients, 5, 2, 0)
    whole = cross_validate(make, table, labels, folds, lambda _done: None, patients)
    points = learning_curve(make, table, labels, folds, lambda _done: None, patients, shares=(0.6, 1.0), whole=whole)
    assert [point.patients for point in points] == [19.0, 32.0], "patients, not rows"
    assert points[-1].auc == whole.auc
    variables = {"site": np.array(["A", "A", "B", "B", None, None, "C", "C"] * 10, dtype=object)}
    lines = measure_subgroups(whole, variables)
    assert [(line.variable, line.level) for line in lines] == [
        ("all", ""), ("site", "A"), ("site", "B"), ("site", "C"), ("site", "missing")]
    assert sum(line.positives + line.negatives for line in lines[1:]) == 40
    assert all(line.auc.low <= line.auc.value <= line.auc.high for line in lines)
    json.dumps([*(point.json for point in points), *(line.json for line in lines)], allow_nan=False)

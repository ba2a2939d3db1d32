"""Contributions: exact sums, and the reference implementation of TreeSHAP."""

import numpy as np
import pytest

from app.core.classify.effects import explain, tree_shapley
from app.core.classify.tuned import TunedClassifier
from app.core.recipe import ModelRecipe
from tests.core.classify.small_tables import make_table

MODELS = {
    "logistic": {"kind": "logistic", "select": {"correlation": 0.85}},
    "linear svm": {"kind": "svm", "select": {"method": "rfe", "numbers": [5]}},
    "components": {"kind": "svm", "select": {"method": "pca", "shares": [0.9]}},
    "forest": {"kind": "rf", "scale": "none", "search": {"grid": [{"n_estimators": [20]}]}},
    "weighted forest": {"kind": "rf", "scale": "none", "balance": "weights"},
    "boosting": {"kind": "xgb", "scale": "none", "select": {"method": "univariate", "numbers": [6]}},
    "average": {"kind": "average", "members": [{"kind": "rf", "scale": "none"}, {"kind": "logistic"}]},
}


@pytest.mark.parametrize("name", MODELS)
def test_effects_sum_to_the_difference_between_cases(name):
    """Every case's log odds less its effects is the same number, that of the average case."""
    rows, labels = make_table(60, 15, 4, signal=2.5)
    rows = rows.assign(constant=1.0)
    tuned = TunedClassifier(ModelRecipe.parse(MODELS[name]), tuple(rows.columns)).fit(rows, labels)
    cases = [rows.iloc[[place]] for place in range(6)]
    effects = [explain(tuned, case) for case in cases]
    rest = [tuned.decision_function(case)[0] - each.sum() for case, each in zip(cases, effects, strict=True)]
    assert rest == pytest.approx([rest[0]] * 6, abs=1e-4)
    assert all(each[-1] == 0 for each in effects), "a constant feature has no effect"
    assert np.ptp([each.sum() for each in effects]) > 0.1


def test_tree_shapley_equals_its_definition():
    """Against the sum over all orders in which features become known."""
    from itertools import permutations

    from sklearn.tree import DecisionTreeClassifier

    rows, labels = make_table(80, 4, 1)
    tree = DecisionTreeClassifier(max_depth=5, random_state=0).fit(rows.to_numpy(), labels).tree_
    row = rows.to_numpy()[3].astype(np.float32)

    def expected(node: int, known: set[int]) -> float:
        if tree.children_left[node] == -1:
            return float(tree.value[node, 0, 1])
        left, right = tree.children_left[node], tree.children_right[node]
        if tree.feature[node] in known:
            return expected(left if row[tree.feature[node]] <= tree.threshold[node] else right, known)
        weights = tree.weighted_n_node_samples
        return float((weights[left] * expected(left, known) + weights[right] * expected(right, known)) / weights[node])

    shares = np.zeros(4)
    for order in permutations(range(4)):
        for place, feature in enumerate(order):
            shares[feature] += (expected(0, set(order[: place + 1])) - expected(0, set(order[:place]))) / 24
    assert tree_shapley(tree, row) == pytest.approx(shares)


def test_kernels_and_networks_have_none():
    rows, labels = make_table(40, 5, 4)
    recipe = ModelRecipe.parse({"kind": "svm", "search": {"grid": [{"kernel": ["rbf"]}]}})
    assert explain(TunedClassifier(recipe).fit(rows.to_numpy(), labels), rows.to_numpy()[:1]) is None

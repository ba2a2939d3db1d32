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


SAMPLED = {
    "kernel": {"kind": "svm", "search": {"grid": [{"kernel": ["rbf"], "C": [1.0]}]}},
    "few in a kernel": {"kind": "svm", "select": {"method": "rfe", "numbers": [4]},
                        "search": {"grid": [{"kernel": ["poly"], "C": [1.0]}]}},
    "components in a kernel": {"kind": "svm", "select": {"method": "pca", "shares": [0.9]},
                               "search": {"grid": [{"kernel": ["rbf"], "C": [1.0]}]}},
    "network": {"kind": "mlp", "select": {"correlation": 0.85}, "search": {"grid": [{"layers": [[8]], "epochs": [5]}]}},
    "balanced kernel": {"kind": "svm", "balance": "weights",
                        "search": {"grid": [{"kernel": ["rbf"], "C": [1.0]}]}},
}


@pytest.mark.parametrize("name", SAMPLED)
def test_sampled_effects_sum_to_the_difference_from_the_case_that_has_every_imputed_value(name):
    rows, labels = make_table(60, 15, 4, signal=2.5)
    rows = rows.assign(constant=1.0)
    tuned = TunedClassifier(ModelRecipe.parse(SAMPLED[name]), tuple(rows.columns)).fit(rows, labels)
    nothing = tuned.decision_function(rows.iloc[[0]] * np.nan)[0]
    case = rows.iloc[[3]].assign(f2=np.nan)
    effects = explain(tuned, case)
    assert nothing + effects.sum() == pytest.approx(tuned.decision_function(case)[0], abs=1e-9)
    assert effects[2] == effects[-1] == 0, "what is missing or constant does nothing"
    assert np.ptp(effects) > 0
    assert np.array_equal(explain(tuned, case), effects), "the same every time"


def test_sampled_effects_are_near_the_exact_shapley_values():
    """Against the sum over all orders, computed plainly."""
    from itertools import permutations

    rows, labels = make_table(60, 4, 4, signal=2.5)
    tuned = TunedClassifier(ModelRecipe.parse(SAMPLED["kernel"]), tuple(rows.columns)).fit(rows, labels)
    case, average = rows.iloc[[5]].to_numpy()[0], rows.median().to_numpy()
    exact = np.zeros(4)
    for order in permutations(range(4)):
        now = average.copy()
        for feature in order:
            before = tuned.decision_function(rows.iloc[[0]].assign(**dict(zip(rows.columns, now, strict=True))))[0]
            now[feature] = case[feature]
            after = tuned.decision_function(rows.iloc[[0]].assign(**dict(zip(rows.columns, now, strict=True))))[0]
            exact[feature] += (after - before) / 24
    assert explain(tuned, rows.iloc[[5]]) == pytest.approx(exact, abs=0.1 * np.ptp(exact))

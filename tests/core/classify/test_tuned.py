"""What tunes and calibrates itself: the same every time, from its own rows alone, and the same again once saved."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from app.core.classify.averaged import pipeline_score
from app.core.classify.calibrator import fit_platt
from app.core.classify.saved import TRUSTED, is_sound
from app.core.classify.tuned import TunedClassifier
from app.core.errors import CohortError
from app.core.evaluate.folds import make_folds
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe, ModelRecipe, Recipe, SearchRecipe
from tests.core.classify.small_tables import make_table

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("default", "svm-rfe", "svm-pca", "rf", "mlp", "xgb", "logistic")


def shipped(name: str, candidates: int | None = 3) -> ModelRecipe:
    """A shipped recipe that tries a few of its candidates."""
    recipe = Recipe.parse(ROOT / "resources" / "recipes" / f"{name}.json").model
    search = recipe.search.model_copy(update={"candidates": candidates, "folds": 3})
    return recipe.model_copy(update={"search": search})


@pytest.fixture(scope="module")
def table():
    rows, labels = make_table(360, 40, 11, signal=2.5, missing=0.02)
    return rows.iloc[:60], labels[:60]


@pytest.fixture(scope="module", params=NAMES)
def tuned(request, table):
    rows, labels = table
    rows = rows.assign(site="a")
    return TunedClassifier(shipped(request.param), tuple(rows.columns[:-1]), random_state=4).fit(rows, labels)


def test_learns_what_there_is(tuned):
    rows, labels = make_table(360, 40, 11, signal=2.5, missing=0.02)
    rows, labels = rows.iloc[60:], labels[60:]
    probabilities = tuned.predict_proba(rows)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert ((probabilities[:, 1] > 0.5) == (labels == 1)).mean() > 0.65


def test_saved_and_read_it_predicts_bit_identically(tuned, table):
    rows = table[0]
    saved = skops.io.dumps(tuned)
    assert set(skops.io.get_untrusted_types(data=saved)) <= set(TRUSTED)
    again = skops.io.loads(saved, trusted=list(TRUSTED))
    assert np.array_equal(again.predict_proba(rows), tuned.predict_proba(rows))
    assert is_sound(again)
    assert again.recipe == tuned.recipe
    assert again.thresholds_ == tuned.thresholds_
    assert again.conformal_ == tuned.conformal_
    one = np.concatenate([again.predict_proba(rows.iloc[[place]]) for place in range(5)])
    assert one == pytest.approx(tuned.predict_proba(rows.iloc[:5]), abs=1e-9)


@pytest.mark.parametrize("spoiled", [0, 10**6])
def test_a_tree_that_leads_astray_is_noticed(table, spoiled):
    tuned = TunedClassifier(shipped("rf", 1)).fit(table[0], table[1])
    assert is_sound(tuned)
    tree = tuned.fitted_[-1].estimators_[3].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = spoiled
    tree.__setstate__(state)
    assert not is_sound(tuned)


def test_the_same_seed_gives_the_same_model(tuned, table):
    rows, labels = table
    again = clone(tuned).fit(rows, labels)
    assert np.array_equal(again.predict_proba(rows), tuned.predict_proba(rows))
    assert np.array_equal(again.inner_, tuned.inner_)


def test_thresholds_and_conformal_sets_come_from_inner_held_out_rows(tuned, table):
    labels = table[1]
    reached = (tuned.inner_[labels == 1] >= tuned.thresholds_["sensitivity 95%"]).mean()
    assert 0.95 <= reached < 0.99
    assert tuned.thresholds_["prior"] == pytest.approx(labels.mean())
    for rate, (negative, positive) in tuned.conformal_.items():
        assert (1 - tuned.inner_[labels == 1] <= positive).mean() >= 1 - rate
        assert (tuned.inner_[labels == 0] <= negative).mean() >= 1 - rate


def test_a_held_out_row_changes_nothing_that_was_fitted_without_it(table):
    """The inner prediction of a row does not depend on the row's own label through any step but the calibrator."""
    rows, labels = table
    recipe = ModelRecipe.parse({"kind": "logistic", "calibrate": "none", "select": {"method": "univariate"}})
    before = TunedClassifier(recipe.model_copy(update={"search": SearchRecipe(folds=3)})).fit(rows.to_numpy(), labels)
    changed = rows.to_numpy(copy=True)
    test = make_folds(labels, np.arange(60), 3, 1, 0).splits[0][1]
    changed[test[1:]] = np.random.default_rng(0).normal(size=(len(test) - 1, 40)) * 100
    after = clone(before).fit(changed, labels)
    if before.best_ == after.best_:
        assert after.inner_[test[0]] == before.inner_[test[0]]
    assert not np.array_equal(after.inner_, before.inner_)


def test_rows_of_a_patient_stay_together(table):
    """A table of rows that occur twice is known by heart unless twins are held out together."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(40) % 2, 2)
    rows = np.repeat(rng.normal(size=(40, 30)), 2, axis=0)
    recipe = ModelRecipe.parse({"kind": "extra", "scale": "none", "calibrate": "none"})
    apart = TunedClassifier(recipe).fit(rows, labels)
    together = TunedClassifier(recipe).fit(rows, labels, patients=np.arange(80) // 2)
    assert ((apart.inner_ > 0.5) == labels).mean() > 0.85
    assert ((together.inner_ > 0.5) == labels).mean() < 0.7


@pytest.mark.parametrize("balance", ["weights", "over", "under", "smote"])
@pytest.mark.parametrize("kind", ["logistic", "rf", "xgb"])
def test_unequal_classes_are_balanced_inside_and_calibrated_outside(balance, kind):
    rows, labels = make_table(140, 12, 2, signal=2.0)
    kept = np.flatnonzero((labels == 0) | (np.arange(140) % 4 == 0))
    rows, labels = rows.to_numpy()[kept], labels[kept]
    recipe = ModelRecipe.parse({"kind": kind, "balance": balance, "search": {"folds": 3}})
    tuned = TunedClassifier(recipe).fit(rows, labels)
    assert tuned.inner_.mean() == pytest.approx(labels.mean(), abs=0.04)
    assert skops.io.loads(skops.io.dumps(tuned), trusted=list(TRUSTED)).predict(rows).shape == labels.shape


@pytest.mark.parametrize("impute", ["median", "mean", "neighbours"])
def test_missing_and_infinite_values_and_empty_columns(impute):
    rows, labels = make_table(60, 10, 2, missing=0.2)
    rows = rows.assign(empty=np.nan, constant=3.0, double=rows["f0"])
    rows.loc[3, "f1"] = np.inf
    tuned = TunedClassifier(ModelRecipe.parse({"impute": impute, "select": {"correlation": 0.85}})).fit(rows, labels)
    assert np.isfinite(tuned.predict_proba(rows.assign(f0=np.nan))).all()


def test_harmonises_inside_by_a_context_column_that_is_not_learned_from():
    rows, labels = make_table(90, 12, 2, signal=2.5)
    site = np.arange(90) % 3
    shifted = rows + 6.0 * site[:, None] * (np.arange(12) % 2)
    shifted = shifted.assign(site=np.array(["a", "b", "c"])[site])
    features = tuple(rows.columns)
    recipe = ModelRecipe.parse({"kind": "logistic", "search": {"folds": 3}})
    combat = build_harmonisation(HarmoniseRecipe(method="combat"), features)
    harmonised = TunedClassifier(recipe, features, combat).fit(shifted, labels)
    by_hand = clone(combat).fit(shifted, labels).transform(shifted)
    expected = pipeline_score(TunedClassifier(recipe).fit(by_hand, labels).fitted_, by_hand)
    assert pipeline_score(harmonised.fitted_, shifted) == pytest.approx(expected)
    data = skops.io.dumps(harmonised)
    assert set(skops.io.get_untrusted_types(data=data)) <= set(TRUSTED)
    again = skops.io.loads(data, trusted=list(TRUSTED))
    assert np.array_equal(again.predict_proba(shifted), harmonised.predict_proba(shifted))
    assert np.isfinite(again.predict_proba(shifted.assign(site="elsewhere"))).all()


def test_too_few_patients_are_refused():
    rows = make_table(12, 3, 0)[0]
    with pytest.raises(CohortError):
        TunedClassifier(ModelRecipe()).fit(rows, np.array([1] + [0] * 11))


def test_platt_is_a_logistic_curve_on_smoothed_targets():
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.4).astype(int)
    scores = rng.normal(size=300) * 40 + 50 * labels
    curve = fit_platt(scores, labels)
    high, low = (labels.sum() + 1) / (labels.sum() + 2), 1 / ((labels == 0).sum() + 2)
    targets = np.where(labels == 1, high, low)
    plain = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10000).fit(
        np.concatenate([scores, scores])[:, None] / 40, np.repeat([1, 0], 300),
        sample_weight=np.concatenate([targets, 1 - targets]),
    )
    assert curve.slope * 40 == pytest.approx(plain.coef_[0, 0], rel=1e-4)
    assert curve.intercept == pytest.approx(plain.intercept_[0], rel=1e-3)


def test_scores_that_point_the_wrong_way_are_flattened_never_turned():
    labels = np.arange(80) % 2
    curve = fit_platt(-labels + np.random.default_rng(0).normal(size=80), labels)
    assert curve.slope > 0
    probabilities = 1 / (1 + np.exp(-curve.log_odds(np.array([-3.0, 3.0]))))
    assert probabilities == pytest.approx([0.5, 0.5], abs=0.02)


def test_a_network_scores_without_torch(table, tmp_path):
    tuned = TunedClassifier(shipped("mlp", 1)).fit(table[0], table[1])
    (tmp_path / "model.skops").write_bytes(skops.io.dumps(tuned))
    program = (
        "import sys; sys.modules['torch'] = None; import skops.io, numpy as np;"
        "from app.core.classify.saved import TRUSTED;"
        f"m = skops.io.load({str(tmp_path / 'model.skops')!r}, trusted=list(TRUSTED));"
        "p = m.predict_proba(np.zeros((2, 40))); assert p.shape == (2, 2)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

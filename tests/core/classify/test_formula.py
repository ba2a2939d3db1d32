"""The formula fitted on one feature, against statsmodels' unpenalised logistic regression."""

import numpy as np
import pytest

from app.core.classify.formula import fit_formula


def test_coefficients_and_covariance_equal_maximum_likelihood():
    statsmodels = pytest.importorskip("statsmodels.api")
    rng = np.random.default_rng(0)
    values = 10 ** rng.normal(2.3, 0.6, 400)
    labels = (rng.random(400) < 1 / (1 + np.exp(-(-5.0 + 2.2 * np.log10(values))))).astype(int)
    formula = fit_formula("volume_ml", values, labels)
    expected = statsmodels.Logit(labels, statsmodels.add_constant(np.log10(values))).fit(disp=0)
    assert [formula.intercept, formula.terms[0].coefficient] == pytest.approx(expected.params, rel=2e-2)
    assert np.array(formula.covariance) == pytest.approx(expected.cov_params(), rel=5e-2)
    assert formula.contributions({"volume_ml": float(np.median(values))})[0].effect == pytest.approx(0)


def test_separated_classes_stay_finite():
    values, labels = np.array([1.0, 2.0, 3.0, 400.0, 500.0, 600.0]), np.array([0, 0, 0, 1, 1, 1])
    formula = fit_formula("volume_ml", values, labels)
    assert np.isfinite([formula.intercept, *np.ravel(formula.covariance)]).all()
    assert formula.log_odds({"volume_ml": 1.0}) < 0 < formula.log_odds({"volume_ml": 600.0})

"""Advice on a cohort's sites: sizes, confounding, prevalence, and a sentence that does not oversell."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact
from scipy.stats.contingency import association

from app.core.harmonise.advisor import advise, measure_association


def cohort(sizes, prevalences, seed=0):
    rng = np.random.default_rng(seed)
    sites = np.repeat([f"s{place}" for place in range(len(sizes))], sizes)
    labels = np.concatenate([rng.permutation(size) < round(size * share)
                             for size, share in zip(sizes, prevalences, strict=True)]).astype(int)
    return sites, labels


def test_large_even_sites():
    sites, labels = cohort([30, 40, 50], [0.4, 0.4, 0.4])
    advice = advise(sites, labels)
    assert list(advice.sizes.items()) == [("s2", 50), ("s1", 40), ("s0", 30)]
    assert advice.too_few == ()
    assert advice.p_value > 0.9
    assert advice.cramers_v == 0.0
    assert advice.imbalance == 0.0
    assert advice.prevalence == pytest.approx({"s0": 0.4, "s1": 0.4, "s2": 0.4})
    assert advice.recommendation.startswith("Leave harmonisation off unless it gains")
    assert advice.cautions == ()


def test_many_tiny_sites():
    sites, labels = cohort([10, 8] + [1] * 20 + [2] * 5, [0.4, 0.5] + [0, 1] * 10 + [0.5] * 5)
    advice = advise(sites, labels)
    assert len(advice.too_few) == 25
    assert "for the 2 sites with 5 cases or more" in advice.recommendation
    assert advice.cautions[0].startswith("25 of 27 sites have fewer than 5 cases")
    alone = advise(sites[9:], labels[9:])
    assert alone.recommendation.startswith("Do not harmonise: one of 27 sites has 5 cases or more")
    assert advise(sites[18:], labels[18:]).recommendation.startswith("Do not harmonise: none of 25 sites has")


def test_confounding_is_found_and_measured():
    sites, labels = cohort([30, 30, 30], [0.1, 0.5, 0.9])
    advice = advise(sites, labels)
    assert advice.confounded
    assert advice.p_value < 0.01
    assert 0.5 < advice.cramers_v < 0.75
    assert advice.imbalance > 1.0
    assert advice.recommendation.startswith("Do not harmonise: label and site go together")
    assert "10% to 90%" in advice.cautions[-1]
    complete = advise(*cohort([30, 30], [0, 1]))
    assert complete.cramers_v == pytest.approx(1.0, abs=0.02)


def test_p_is_the_exact_one():
    sites, labels = cohort([12, 9, 7], [0.25, 0.5, 0.7])
    exact = fisher_exact(pd.crosstab(sites, labels).to_numpy(), method=None).pvalue
    assert advise(sites, labels, resamples=20000).p_value == pytest.approx(exact, abs=0.01)


def test_no_false_alarm_on_tiny_sites():
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        sites = rng.integers(0, 43, 85)
        found.append(advise(sites, rng.integers(0, 2, 85), resamples=199))
    assert sum(advice.confounded for advice in found) <= 8
    assert np.mean([advice.cramers_v for advice in found]) < 0.3


def test_association_without_the_correction_would_alarm():
    rng = np.random.default_rng(0)
    counts = pd.crosstab(rng.integers(0, 43, 85), rng.integers(0, 2, 85)).to_numpy()
    assert association(counts) > 0.5
    assert measure_association(counts) < 0.2


def test_features_that_differ_between_sites():
    sites, labels = cohort([20, 20], [0.5, 0.5])
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(size=(40, 10)), columns=[f"f{place}" for place in range(10)])
    assert advise(sites, labels, table).affected == 0.0
    table.iloc[:20, :4] += 5.0
    table["constant"], table["name"] = 1.0, "x"
    table.loc[3, "f0"] = np.nan
    assert advise(sites, labels, table).affected == pytest.approx(0.4)


def test_no_site_one_site_one_class():
    assert advise([None] * 4, [0, 1, 0, 1]).recommendation == "Do not harmonise: no site is stated."
    one = advise(["A"] * 4, [0, 1, 0, 1])
    assert (one.test, one.p_value, one.cramers_v) == ("", None, None)
    assert one.recommendation == "Do not harmonise: the cases come from one site."
    assert advise(["A"] * 5 + ["B"] * 5, [0] * 10).p_value is None
    partly = advise(["A"] * 6 + [float("nan")] * 2 + [""] + ["B"] * 6, [0, 1] * 7 + [0])
    assert partly.sizes["not stated"] == 3
    assert "3 cases state no site." in partly.cautions


def test_advice_repeats():
    sites, labels = cohort([12, 9, 7], [0.25, 0.5, 0.7])
    assert advise(sites, labels) == advise(sites, labels)

"""DeLong's variance and paired test against the figures that pROC prints for its own data."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from app.core.evaluate.delong import area_interval, compare_areas, measure_areas

MARKERS = ("wfns", "s100b", "ndka")
# pROC 1.18: roc.test(method = "delong"), Z and p
PAIRS = {("wfns", "s100b"): (2.208984, 0.0271758), ("wfns", "ndka"): (2.797776, 0.00514558),
         ("s100b", "ndka"): (1.390770, 0.164295)}


@pytest.fixture(scope="module")
def patients(shared_data):
    return pd.read_csv(shared_data / "statistics" / "aSAH.csv")


def test_areas_and_the_plain_interval(patients):
    areas = measure_areas(patients["outcome"] == "Poor", patients[list(MARKERS)])
    assert areas.values == pytest.approx([0.823679, 0.731369, 0.611958], abs=1e-6)
    half = norm.ppf(0.975) * areas.errors[2]
    assert (areas.values[2] - half, areas.values[2] + half) == pytest.approx((0.501245, 0.722671), abs=1e-6)
    assert areas.errors**2 == pytest.approx(np.diag(areas.covariance))


def test_the_interval_of_one_feature_is_wider_and_within_bounds(patients):
    areas = measure_areas(patients["outcome"] == "Poor", patients[list(MARKERS)])
    low, high = area_interval(areas)
    assert ((low > 0) & (low < areas.values) & (areas.values < high) & (high < 1)).all()
    assert low[2] < 0.501245  # no longer away from one half


@pytest.mark.parametrize("pair", PAIRS)
def test_paired_comparison(patients, pair):
    found = compare_areas(patients["outcome"] == "Poor", patients[pair[0]], patients[pair[1]])
    assert found.z == pytest.approx(PAIRS[pair][0], abs=1e-6)
    assert found.p == pytest.approx(PAIRS[pair][1], rel=1e-5)
    assert found.low < found.difference < found.high
    assert (found.low > 0) == (found.p < 0.05)

"""The training space: distances against the formula, the limit against held-out cases."""

import numpy as np
import pytest

from app.core.evaluate.folds import make_folds
from app.core.evaluate.space import measure_space

LABELS = np.arange(200) % 2


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    return rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)) + [10.0, 0.0, -5.0, 100.0]


@pytest.fixture
def folds():
    return make_folds(LABELS, np.arange(200), 10, 1, seed=0)


def test_distance_is_mahalanobis_with_a_shrunk_covariance(rows, folds):
    from scipy.spatial.distance import mahalanobis
    from sklearn.covariance import ledoit_wolf

    space = measure_space(rows, folds)
    scaled = (rows - np.median(rows, axis=0)) / rows.std(axis=0)
    precision = np.linalg.inv(ledoit_wolf(scaled, assume_centered=True)[0])
    expected = [mahalanobis(row, np.zeros(4), precision) for row in scaled]
    np.testing.assert_allclose(space.distances(rows), expected, rtol=1e-6)


def test_new_cases_of_the_same_kind_lie_within_and_others_beyond(rows, folds):
    space = measure_space(rows, folds)
    assert (space.distances(rows) > space.limit).mean() <= 0.02
    assert (space.distances(rows + 6 * rows.std(axis=0)) > space.limit).mean() > 0.9


def test_missing_counts_as_average_and_empty_columns_do_not_matter(rows, folds):
    space = measure_space(rows, folds)
    missing = rows[:1].copy()
    missing[0, 2] = np.nan
    middle = missing.copy()
    middle[0, 2] = np.median(rows[:, 2])
    assert space.distances(missing) == pytest.approx(space.distances(middle))
    with_empty = measure_space(np.column_stack([rows, np.full(200, np.nan), np.full(200, 3.0)]), folds)
    assert np.isfinite([*with_empty.centre, *with_empty.scale, with_empty.limit]).all()
    assert np.isfinite(with_empty.axes).all()
    assert np.isfinite(with_empty.rest)

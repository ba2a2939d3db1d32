"""Maps of cases: the same for the same seed, true to plain clusters, and refused where they would show nothing."""

import numpy as np
import pytest

from app.core.errors import InputError
from app.core.evaluate.embedding import embed_tsne, embed_umap, standardise

EMBEDDERS = [embed_tsne, embed_umap]


def test_standardising_fills_with_the_median_and_drops_what_does_not_vary():
    rows = np.array([[1, 5, 0.1, np.nan], [2, 5, np.nan, np.nan], [np.nan, 5, 0.3, np.nan], [4, 5, 0.2, np.nan],
                     [8, 5, 0.9, np.nan]])
    points = standardise(rows)
    assert points.shape == (5, 2)
    assert points.mean(axis=0) == pytest.approx([0, 0], abs=1e-12)
    assert points.std(axis=0) == pytest.approx([1, 1])
    assert points[2, 0] * np.std([1, 2, 3, 4, 8]) == pytest.approx(3 - 3.6)


@pytest.mark.parametrize("embed", EMBEDDERS)
@pytest.mark.parametrize("cases", [5, 8, 40])
def test_a_seed_gives_one_map(embed, cases):
    points = standardise(np.random.default_rng(0).normal(size=(cases, 12)))
    first, again, other = (embed(points, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.shape == (cases, 2)
    assert np.isfinite(first).all()
    assert (first == again).all()
    assert np.isfinite(other).all()


@pytest.mark.parametrize("embed", EMBEDDERS)
def test_far_clusters_stay_apart(embed):
    rng = np.random.default_rng(2)
    kind = np.repeat([0, 1, 2], 20)
    points = standardise(rng.normal(size=(60, 10)) + 12 * rng.normal(size=(3, 10))[kind])
    drawn = embed(points, rng)
    distance = np.linalg.norm(drawn[:, None] - drawn[None], axis=2) + 1e9 * np.eye(60)
    assert (kind[distance.argmin(axis=1)] == kind).mean() > 0.95


@pytest.mark.parametrize(("rows", "says"), [(np.ones((4, 6)), "4 cases"), (np.ones((9, 3)), "0 of the features")])
def test_too_little_is_refused_kindly(rows, says):
    with pytest.raises(InputError, match=says):
        standardise(rows)

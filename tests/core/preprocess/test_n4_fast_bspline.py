"""The separable fit against Lee's sums written out, refinement against the spline itself."""

import itertools

import numpy as np
import pytest
from scipy.interpolate import BSpline

from app.core.preprocess.n4_bspline import (
    LatticeFit,
    basis_matrix,
    contract,
    evaluate_lattice,
    expand,
    refine_lattice,
    refinement_matrix,
)


def spline_on(places, controls):
    """Uniform cubic B-splines by their recurrence, shape (places, controls)."""
    knots = np.arange(-3, controls + 1, dtype=float)
    return np.stack([BSpline.basis_element(knots[m : m + 5], extrapolate=False)(places)
                     for m in range(controls)], axis=1)


def places_of(samples, controls):
    step = (controls - 3) / (samples - 1)
    places = step * np.arange(samples)
    places[-1] -= 1e-3 * step
    return places


def scattered_fit(residual, inside, shape, controls, weights=None):
    """Lee's approximation: every sample spreads over the control points around it."""
    tables = [np.nan_to_num(spline_on(places_of(n, m), m)) for n, m in zip(shape, controls, strict=True)]
    delta, omega = np.zeros(controls), np.zeros(controls)
    for count, voxel in enumerate(np.argwhere(inside)):
        rows = [np.flatnonzero(table[at]) for table, at in zip(tables, voxel, strict=True)]
        near = {point: float(np.prod([t[at, p] for t, at, p in zip(tables, voxel, point, strict=True)]))
                for point in itertools.product(*rows)}
        squares = sum(w * w for w in near.values())
        for point, w in near.items():
            trust = 1.0 if weights is None else weights[count]
            omega[point] += trust * w * w
            delta[point] += trust * w * w * (w * residual[count] / squares)
    return np.divide(delta, omega, out=np.zeros(controls), where=omega > 0)


def blob(shape, seed=0):
    rng = np.random.default_rng(seed)
    inside = rng.random(shape) < 0.6
    inside[0] = inside[:, -1] = False
    return inside


def fit_of(inside, controls, weights=None):
    box = [slice(int(seen.min()), int(seen.max()) + 1) for seen in np.nonzero(inside)]
    return LatticeFit(inside.shape, controls, box, np.flatnonzero(inside[tuple(box)]), weights)


@pytest.mark.parametrize(("samples", "controls"), [(2, 4), (7, 4), (16, 5), (11, 11), (64, 11)])
def test_the_basis_is_the_cubic_b_spline_at_the_samples(samples, controls):
    found = basis_matrix(samples, controls)
    np.testing.assert_allclose(found, np.nan_to_num(spline_on(places_of(samples, controls), controls)), atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1)


@pytest.mark.parametrize(("shape", "controls"), [((9, 8), (4, 5)), ((7, 6, 5), (4, 5, 4)), ((6, 9, 2), (5, 4, 4)),
                                                 ((5, 4, 4, 3), (4, 4, 4, 4)), ((40,), (7,))])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_fit_is_lees_scattered_fit(shape, controls, weighted):
    inside = blob(shape) if len(shape) > 1 else np.arange(shape[0]) % 3 > 0
    rng = np.random.default_rng(1)
    residual = rng.normal(0, 1, int(inside.sum())).astype(np.float32)
    weights = rng.uniform(0.1, 2, residual.size).astype(np.float32) if weighted else None
    found = fit_of(inside, controls, weights).fit(residual)
    np.testing.assert_allclose(found, scattered_fit(residual, inside, shape, controls, weights), atol=3e-6)


def test_the_voxels_get_the_value_of_the_spline():
    inside, controls = blob((9, 8, 7)), (4, 5, 6)
    lattice = np.random.default_rng(2).normal(0, 1, controls)
    tables = [np.nan_to_num(spline_on(places_of(n, m), m)) for n, m in zip(inside.shape, controls, strict=True)]
    whole = np.einsum("abc,ia,jb,kc->ijk", lattice, *tables)
    np.testing.assert_allclose(fit_of(inside, controls).evaluate(lattice), whole[inside], atol=2e-6)
    np.testing.assert_allclose(evaluate_lattice(lattice, inside.shape), whole, atol=2e-6)


@pytest.mark.parametrize("controls", [(4,), (4, 5), (5, 4, 7)])
def test_refinement_leaves_the_spline_as_it_is(controls):
    lattice = np.random.default_rng(3).normal(0, 1, controls)
    fine = refine_lattice(lattice)
    assert fine.shape == tuple(2 * m - 3 for m in controls)
    for coarse_axis in [refinement_matrix(m) for m in controls]:
        np.testing.assert_allclose(coarse_axis.sum(axis=1), 1)
    shape = [13] * len(controls)  # the pulled-in last sample moves with the spans: look at the others
    within = tuple(slice(0, -1) for _ in controls)
    before = expand(lattice, [basis_matrix(13, m) for m in controls])
    after = expand(fine, [basis_matrix(13, m) for m in fine.shape])
    assert before.shape == tuple(shape)
    np.testing.assert_allclose(after[within], before[within], atol=1e-12)


def test_contraction_is_the_transpose_of_expansion():
    rng = np.random.default_rng(4)
    matrices = [rng.normal(size=(n, m)) for n, m in ((5, 4), (6, 7), (3, 5))]
    grid, lattice = rng.normal(size=(5, 6, 3)), rng.normal(size=(4, 7, 5))
    assert np.vdot(grid, expand(lattice, matrices)) == pytest.approx(np.vdot(contract(grid, matrices), lattice))


def test_a_control_point_that_no_voxel_sees_stays_zero():
    inside = np.zeros((40, 6), dtype=bool)
    inside[:5] = True
    found = fit_of(inside, (20, 4)).fit(np.ones(30, dtype=np.float32))
    assert (found[:4] > 0).all()
    assert not found[8:].any()

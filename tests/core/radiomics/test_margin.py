import numpy as np
import pytest

from app.core.data import Mask
from app.core.radiomics.margin import angular_deviation, enclosing_ellipsoid_volume, margin_fluctuation, measure

SIDE = 301


def curve(radius_of, count=200_000):
    """Points at equal steps along a star-shaped curve about its centroid of area, unit mean nothing assumed."""
    angle = np.linspace(0, 2 * np.pi, 400_001)
    points = radius_of(angle)[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    travelled = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.arange(count) * travelled[-1] / count
    return np.column_stack([np.interp(at, travelled, points[:, axis]) for axis in (0, 1)])


def expected_asd(radius_of) -> float:
    points = curve(radius_of)
    radius = np.hypot(*points.T)
    radius = radius / radius.mean()
    angle = np.rad2deg(np.arctan2(points[:, 1], points[:, 0])) % 360
    return float(np.mean([radius[(angle >= low) & (angle < low + 36)].std() for low in range(0, 360, 36)]))


def expected_mf(radius_of) -> float:
    radius = np.hypot(*curve(radius_of, 20_000).T)
    radius = radius / radius.mean()
    sums = np.cumsum(np.concatenate([radius, radius, radius]))
    average = (sums[20_000 + 1000:40_000 + 1000] - sums[20_000 - 1000:40_000 - 1000]) / 2000
    return float((radius - average).std())


def ellipse(a, b):
    return lambda angle: a * b / np.hypot(b * np.cos(angle), a * np.sin(angle))


def star(points, depth, radius=100.0):
    return lambda angle: radius * (1 + depth * np.cos(points * angle))


SHAPES = {"ellipse": ellipse(120.0, 60.0), "flat ellipse": ellipse(130.0, 30.0), "star of 5": star(5, 0.2),
          "star of 12": star(12, 0.15)}


def drawn(radius_of, slices=1) -> Mask:
    i, j = np.meshgrid(*[np.arange(SIDE) - SIDE // 2] * 2, indexing="ij")
    inside = np.zeros((SIDE, SIDE, slices + 2), dtype=bool)
    inside[:, :, 1:-1] = (np.hypot(i, j) <= radius_of(np.arctan2(j, i)))[:, :, None]
    return Mask(inside, np.diag([0.5, 0.5, 5.0, 1.0]))


def test_disc_has_neither_deviation_nor_fluctuation() -> None:
    found = measure(None, drawn(lambda angle: np.full(angle.shape, 120.0)), None)
    assert found["AngularStandardDeviation"] < 0.003
    assert found["MarginFluctuation"] < 0.003


@pytest.mark.parametrize("radius_of", SHAPES.values(), ids=SHAPES)
def test_drawn_shapes_measure_what_their_curves_do(radius_of) -> None:
    found = measure(None, drawn(radius_of), None)
    assert found["AngularStandardDeviation"] == pytest.approx(expected_asd(radius_of), rel=0.03, abs=0.002)
    assert found["MarginFluctuation"] == pytest.approx(expected_mf(radius_of), rel=0.05, abs=0.002)


def test_small_waves_have_the_values_of_the_formula() -> None:
    """A wave of amplitude a whose period is a fifth of a window's lies wholly off its moving average: a / sqrt 2."""
    line = curve(star(50, 0.001), 1000)
    assert margin_fluctuation(line) == pytest.approx(0.001 / np.sqrt(2), rel=0.03)
    slow = curve(star(1, 0.001), 1000)
    share = 1 - np.sin(0.1 * np.pi) / (0.1 * np.pi)
    assert margin_fluctuation(slow) == pytest.approx(0.001 / np.sqrt(2) * share, rel=0.03)
    assert angular_deviation(line) == pytest.approx(0.001 / np.sqrt(2), rel=0.03)


def test_size_place_and_pixels_do_not_matter() -> None:
    mask = drawn(SHAPES["star of 5"], 3)
    values = measure(None, mask, None)
    moved = Mask(np.roll(mask.voxels, (7, -5), axis=(0, 1)), np.diag([3.0, 3.0, 30.0, 1.0]))
    assert measure(None, moved, None) == pytest.approx(values, rel=1e-6)
    stray = np.array(mask.voxels)
    stray[2, 2, 2] = True
    assert measure(None, Mask(stray, mask.affine), None) == pytest.approx(values)


def test_ball_fills_its_ellipsoid_and_a_box_does_not() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(-42, 43)] * 3, indexing="ij"), axis=-1)
    ball = np.linalg.norm(grid, axis=-1) <= 40
    stretched = Mask(ball, np.diag([1.0, 2.0, 3.0, 1.0]))
    found = measure(None, Mask(ball, np.eye(4)), None)["EllipsoidVolumeRatio"]
    # The outermost faces lie half a voxel beyond the radius.
    assert found == pytest.approx((40 / 40.5) ** 3, rel=3e-3)
    assert measure(None, stretched, None)["EllipsoidVolumeRatio"] == pytest.approx(found, rel=1e-4)
    box = (np.abs(grid) <= (40, 30, 20)).all(axis=-1)
    ideal = 2 / (np.pi * np.sqrt(3))
    assert measure(None, Mask(box, np.eye(4)), None)["EllipsoidVolumeRatio"] == pytest.approx(ideal, rel=0.03)


def test_least_ellipsoid_of_known_points() -> None:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=float)
    cube = 4 / 3 * np.pi * 3**1.5
    assert enclosing_ellipsoid_volume(corners) == pytest.approx(cube, rel=1e-5)
    sheared = corners @ np.array([[3, 1, 0], [0, 2, 1], [0, 0, 0.2]]) + (100, 5, -60)
    assert enclosing_ellipsoid_volume(sheared) == pytest.approx(cube * 1.2, rel=1e-5)
    tetrahedron = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    assert enclosing_ellipsoid_volume(tetrahedron) == pytest.approx(np.pi * np.sqrt(3) / 4, rel=1e-5)


def test_enclosing_ellipsoid_is_not_beaten_by_another() -> None:
    """Against a search over every ellipsoid from many starts."""
    from scipy.optimize import minimize

    points = np.random.default_rng(4).normal(size=(60, 3)) @ np.diag([3.0, 1.0, 0.5])

    def log_volume(values):
        root = np.zeros((3, 3))
        root[np.tril_indices(3)] = values[:6]
        reach = np.linalg.norm((points - values[6:]) @ root, axis=1).max()
        return 3 * np.log(reach) - np.log(abs(np.linalg.det(root)) + 1e-300)

    ours = enclosing_ellipsoid_volume(points)
    best = np.inf
    for seed in range(3):
        start = np.array([1, 0, 1, 0, 0, 1, 0, 0, 0.0]) + np.random.default_rng(seed).normal(0, 0.1, 9)
        for _ in range(3):
            found = minimize(log_volume, start, method="Nelder-Mead", options={"maxiter": 4000, "maxfev": 4000})
            start = found.x
        best = min(best, found.fun)
    assert ours <= 4 / 3 * np.pi * np.exp(best) * (1 + 1e-5)
    assert ours > 0.95 * 4 / 3 * np.pi * np.exp(best)


def test_small_outlines_leave_out_what_they_do_not_allow() -> None:
    inside = np.zeros((5, 5, 5), dtype=bool)
    inside[1:3, 1:3, 1:3] = True
    assert measure(None, Mask(inside, np.eye(4)), None) == {}
    inside[1:4, 1:4, 2] = True
    assert set(measure(None, Mask(inside, np.eye(4)), None)) == {"AngularStandardDeviation", "MarginFluctuation"}

import math

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform
from scipy.spatial.transform import Rotation

from app.core.data import Mask, Volume
from app.core.radiomics.autocorrelation import spatial_autocorrelation
from app.core.radiomics.hull import enclosing_ellipsoid, hull_points, oriented_box
from app.core.radiomics.morphology import measure
from tests.core.radiomics.families_cases import lumpy_case


def ball(radius=20, spacing=(1.0, 1.0, 1.0)) -> Mask:
    reach = [math.ceil(radius / size) + 1 for size in spacing]
    steps = np.ogrid[tuple(slice(-each, each + 1) for each in reach)]
    return Mask(sum((step * size) ** 2 for step, size in zip(steps, spacing, strict=True)) <= radius**2,
                np.diag([*spacing, 1.0]))


def every_pair(volume: Volume, mask: Mask) -> tuple[float, float]:
    """Moran's I and Geary's C with the pairs listed one by one."""
    places = np.argwhere(mask.voxels) * np.asarray(mask.geometry.spacing)
    values = volume.voxels[mask.voxels].astype(np.float64)
    weights = squareform(1.0 / pdist(places))
    shifted = values - values.mean()
    scale = weights.sum() * (shifted**2).sum()
    moran = len(values) * (weights * np.outer(shifted, shifted)).sum() / scale
    geary = (len(values) - 1) * (weights * (values[:, None] - values) ** 2).sum() / (2 * scale)
    return float(moran), float(geary)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.9, 4.0)])
@pytest.mark.parametrize("shape", [(14, 13, 11), (17, 6, 8)])
def test_autocorrelation_equals_the_sum_over_every_pair(spacing, shape) -> None:
    volume, mask, _ = lumpy_case(spacing, shape)
    box = mask.box()
    found = spatial_autocorrelation(volume.voxels[box].astype(np.float64), mask.voxels[box], spacing)
    assert found == pytest.approx(every_pair(volume, mask), rel=1e-10)


def test_autocorrelation_of_a_gradient_and_of_noise() -> None:
    mask = ball(12)
    steps = np.indices(mask.voxels.shape)[0].astype(np.float32)
    noise = np.random.default_rng(1).normal(size=steps.shape)
    gradient, scattered = (measure(Volume(values, mask.affine), mask) for values in (steps, noise))
    assert gradient["MoranI"] > 0.2
    assert gradient["GearyC"] < 0.8
    assert scattered["MoranI"] == pytest.approx(0.0, abs=0.002)
    assert scattered["GearyC"] == pytest.approx(1.0, abs=0.01)


def test_ball_is_compact_and_fills_its_hull() -> None:
    mask = ball()
    measured = measure(Volume(np.ones(mask.voxels.shape), mask.affine), mask)
    # Stairs of voxels enlarge the surface by about 9 %, whatever the size.
    assert measured["SphericalDisproportion"] == pytest.approx(1.08, abs=0.02)
    assert measured["Asphericity"] == pytest.approx(measured["SphericalDisproportion"] - 1)
    assert measured["Compactness2"] == pytest.approx(measured["SphericalDisproportion"] ** -3)
    assert measured["Compactness1"] == pytest.approx(math.sqrt(measured["Compactness2"]) / (6 * math.pi))
    assert measured["VolumeDensityConvexHull"] == pytest.approx(1.0, abs=0.04)
    assert measured["VolumeDensityAlignedBox"] == pytest.approx(math.pi / 6 * (20 / 20.5) ** 3, rel=0.005)
    assert measured["VolumeDensityEnclosingEllipsoid"] == pytest.approx((5 / 4) ** 1.5, rel=0.01)
    assert measured["CentreOfMassShift"] == pytest.approx(0.0, abs=1e-9)


def test_brick_fills_its_boxes() -> None:
    inside = np.zeros((9, 8, 7), dtype=bool)
    inside[1:8, 2:6, 2:5] = True
    mask = Mask(inside, np.diag([1.0, 2.0, 3.0, 1.0]))
    points, normals, _ = hull_points(mask)
    box = oriented_box(points, normals)
    assert box.volume == pytest.approx(7 * 8 * 9)
    assert box.area == pytest.approx(2 * (7 * 8 + 8 * 9 + 7 * 9))


def test_oriented_box_turns_with_the_body() -> None:
    corners = np.array([[i, j, k] for i in (0.0, 12.0) for j in (0.0, 5.0) for k in (0.0, 3.0)])
    turn = Rotation.from_euler("xyz", (20, 35, 50), degrees=True).as_matrix()
    box = oriented_box(corners @ turn.T, np.eye(3) @ turn.T)
    assert box.volume == pytest.approx(180.0)
    assert box.area == pytest.approx(2 * (60 + 36 + 15))


def test_oriented_box_is_no_larger_than_the_aligned_one() -> None:
    volume, mask, _ = lumpy_case((1.0, 1.3, 3.0))
    measured = measure(volume, mask)
    assert measured["VolumeDensityOrientedBox"] >= measured["VolumeDensityAlignedBox"]
    assert measured["VolumeDensityConvexHull"] > measured["VolumeDensityOrientedBox"]


def test_ellipsoid_of_a_ball_is_a_ball() -> None:
    solid = enclosing_ellipsoid(ball(15))
    radius = (3 * solid.volume / (4 * math.pi)) ** (1 / 3)
    assert solid.area == pytest.approx(4 * math.pi * radius**2, rel=1e-3)
    assert radius == pytest.approx(2 / math.sqrt(5) * 15, rel=0.01)


def test_ellipsoid_of_a_plane_is_none() -> None:
    inside = np.zeros((9, 9, 3), dtype=bool)
    inside[1:8, 1:8, 1] = True
    assert enclosing_ellipsoid(Mask(inside, np.eye(4))) is None


def test_centre_of_mass_moves_towards_the_bright_side_in_mm() -> None:
    inside = np.zeros((6, 3, 3), dtype=bool)
    inside[1:5, 1, 1] = True
    mask = Mask(inside, np.diag([2.0, 1.0, 1.0, 1.0]))
    volume = Volume(np.zeros(inside.shape), mask.affine)
    values = np.array(volume.voxels)
    values[1:5, 1, 1] = (1, 1, 1, 5)
    measured = measure(volume.with_voxels(values), mask)
    # Places 0, 2, 4 and 6 mm: middle 3 mm, weighted (2 + 4 + 30) / 8 mm.
    assert measured["CentreOfMassShift"] == pytest.approx(4.5 - 3.0)
    balanced = measure(volume.with_voxels(np.where(values == 5, -3.0, values)), mask)
    assert "CentreOfMassShift" not in balanced


def test_intensities_left_out_do_not_count_but_the_outline_stays() -> None:
    volume, mask, _ = lumpy_case((1.0, 1.5, 2.0))
    counted = mask.voxels & (volume.voxels >= 250)
    whole, part = measure(volume, mask), measure(volume, mask, counted=counted[mask.box()])
    only = measure(volume, mask.with_voxels(counted))
    assert {name for name in whole if part[name] != whole[name]} == {
        "IntegratedIntensity", "CentreOfMassShift", "MoranI", "GearyC"}
    assert (part["MoranI"], part["GearyC"]) == pytest.approx((only["MoranI"], only["GearyC"]))
    assert part["IntegratedIntensity"] / whole["IntegratedIntensity"] == pytest.approx(
        volume.voxels[counted].mean() / volume.voxels[mask.voxels].mean())

import itertools

import numpy as np
import pytest

from app.core.data import Mask
from app.core.errors import EmptyMask
from app.core.radiomics.diameters import measure, recist_pair
from app.core.radiomics.outlines import enclosed_area, outer_outline, trace_outlines


def mask_of(inside, spacing=(1.0, 1.0, 4.0), turn=None) -> Mask:
    affine = np.diag([*spacing, 1.0])
    if turn is not None:
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = (10, -20, 30)
    return Mask(np.asarray(inside, dtype=bool), affine)


def disc(radii, shape=(41, 31), angle=0.0):
    i, j = np.meshgrid(*(np.arange(n) - n // 2 for n in shape), indexing="ij")
    along, across = i * np.cos(angle) + j * np.sin(angle), j * np.cos(angle) - i * np.sin(angle)
    return (along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1


def vertices(inside) -> np.ndarray:
    """Midpoints between neighbours of which one is inside, looked for pixel by pixel."""
    found = []
    for i, j in np.argwhere(inside):
        for a, b in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            x, y = i + a, j + b
            if not (0 <= x < inside.shape[0] and 0 <= y < inside.shape[1] and inside[x, y]):
                found.append((i + a / 2, j + b / 2))
    return np.array(found)


def brute_force(mask) -> float:
    spacing = np.array(mask.geometry.spacing[:2])
    longest = 0.0
    for k in range(mask.voxels.shape[2]):
        if mask.voxels[:, :, k].any():
            points = vertices(mask.voxels[:, :, k]) * spacing
            longest = max(longest, max(np.hypot(*(a - b)) for a, b in itertools.combinations(points, 2)))
    return longest


def blob(seed: int) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    noise = gaussian_filter(np.random.default_rng(seed).normal(size=(24, 20, 4)), (3, 3, 0.5))
    return noise > np.quantile(noise, 0.8)


@pytest.mark.parametrize("seed", range(4))
def test_longest_equals_comparing_every_pair(seed) -> None:
    mask = mask_of(blob(seed), (0.8, 1.1, 5.0))
    assert measure(None, mask, None)["LongestAxial"] == pytest.approx(brute_force(mask), rel=1e-12)


def test_longest_equals_pyradiomics_within_slices() -> None:
    import SimpleITK as sitk
    from radiomics import shape

    mask = mask_of(blob(9), (0.8, 0.8, 5.0))
    label = sitk.GetImageFromArray(mask.voxels.T.astype(np.uint8))
    label.SetSpacing(mask.geometry.spacing)
    theirs = shape.RadiomicsShape(label, label, label=1).getMaximum2DDiameterSliceFeatureValue()
    assert measure(None, mask, None)["LongestAxial"] == pytest.approx(theirs, rel=1e-9)


def test_ellipse_has_the_diameters_it_was_drawn_with() -> None:
    inside = np.zeros((141, 141, 3), dtype=bool)
    inside[:, :, 1] = disc((60, 25), (141, 141), np.deg2rad(30))
    found = measure(None, mask_of(inside, (0.5, 0.5, 4.0)), None)
    assert found["LongestAxial"] == pytest.approx(60, abs=0.6)
    assert found["LongestPerpendicular"] == pytest.approx(25, abs=0.6)
    assert found["Product"] == found["LongestAxial"] * found["LongestPerpendicular"]
    assert found["SliceExtent"] == 4.0
    assert found["EquivalentSphere"] == pytest.approx(np.cbrt(60 * 25 * 4 * 1.5), rel=0.01)


def test_rectangle_and_single_pixel() -> None:
    inside = np.zeros((12, 12, 3), dtype=bool)
    inside[2:10, 3:6, 1] = True
    found = measure(None, mask_of(inside), None)
    assert found["LongestAxial"] == pytest.approx(np.hypot(8, 2))
    single = np.zeros((3, 3, 3), dtype=bool)
    single[1, 1, 1] = True
    pair = recist_pair(mask_of(single, (2.0, 1.0, 5.0)))
    assert (pair.longest_mm, pair.across_mm) == pytest.approx((2.0, 1.0))


def test_perpendicular_is_the_longest_of_all_that_are() -> None:
    """Against a fine scan of lines across, each cut with every edge of the outline."""
    for seed in range(4):
        mask = mask_of(blob(seed), (0.8, 1.1, 5.0))
        pair = recist_pair(mask)
        start, end = np.array(pair.longest)
        along = (end - start)[:2] / pair.longest_mm
        lines = [line * (0.8, 1.1) + (10, -20) for line in trace_outlines(mask.voxels[:, :, pair.slice])]
        across = np.array([-along[1], along[0]])
        best = 0.0
        points = np.concatenate(lines)
        for at in np.linspace((points @ along).min(), (points @ along).max(), 4001)[1:-1]:
            heights = []
            for line in lines:
                x, y = line @ along, line @ across
                cut = np.flatnonzero((x[:-1] - at) * (x[1:] - at) < 0)
                heights += list(y[cut] + (at - x[cut]) / (x[cut + 1] - x[cut]) * (y[cut + 1] - y[cut]))
            if heights:
                best = max(best, max(heights) - min(heights))
        assert pair.across_mm >= best - 1e-9
        assert pair.across_mm == pytest.approx(best, abs=0.02)


def test_ends_lie_in_the_world_where_the_tumour_is() -> None:
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    plain, turned = blob(2), mask_of(blob(2), turn=turn)
    pair = recist_pair(turned)
    ends = np.array([*pair.longest, *pair.across])
    index = np.linalg.solve(turned.affine, np.column_stack([ends, np.ones(4)]).T)[:3].T
    assert np.allclose(index[:, 2], pair.slice)
    known = {tuple(point) for point in vertices(plain[:, :, pair.slice])}
    assert all(tuple(np.round(2 * point) / 2) in known for point in index[:2, :2])
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(pair.longest_mm)
    assert np.linalg.norm(ends[3] - ends[2]) == pytest.approx(pair.across_mm)
    assert (ends[1] - ends[0]) @ (ends[3] - ends[2]) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_follow_the_thick_axis(axis) -> None:
    inside = np.moveaxis(blob(5), 2, axis)
    spacing = np.insert([0.8, 1.1], axis, 5.0)
    straight = measure(None, mask_of(blob(5), (0.8, 1.1, 5.0)), None)
    assert measure(None, mask_of(inside, spacing), None) == pytest.approx(straight)
    assert recist_pair(mask_of(inside, spacing)).axis == axis


def test_empty_outline_is_refused() -> None:
    with pytest.raises(EmptyMask):
        recist_pair(mask_of(np.zeros((3, 3, 3))))


def test_outlines_part_corners_and_know_holes() -> None:
    inside = np.zeros((9, 9), dtype=bool)
    inside[1:6, 1:6] = True
    inside[3, 3] = False
    inside[6, 6] = True
    areas = sorted(abs(enclosed_area(line)) for line in trace_outlines(inside))
    assert areas == pytest.approx([0.5, 0.5, 24.5])
    assert abs(enclosed_area(outer_outline(inside))) == pytest.approx(24.5)


@pytest.mark.parametrize("angle", [0, 17, 45, 80])
def test_longest_equals_scikit_image(angle) -> None:
    """Its contour's longest distance exactly; its Feret diameter, of a hull drawn in pixels, within a tenth of one."""
    from scipy.spatial.distance import pdist
    from skimage.measure import find_contours, regionprops

    inside = disc((18, 7), angle=np.deg2rad(angle))
    ours = measure(None, mask_of(inside[:, :, None], (1.0, 1.0, 4.0)), None)["LongestAxial"]
    assert ours == pytest.approx(pdist(np.concatenate(find_contours(np.pad(inside, 1), 0.5))).max(), rel=1e-9)
    assert ours == pytest.approx(regionprops(inside.astype(np.uint8))[0].feret_diameter_max, abs=0.1)

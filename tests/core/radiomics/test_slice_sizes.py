import numpy as np
import pytest

from app.core.data import Mask
from app.core.radiomics.families import measure_family
from app.core.radiomics.slice_sizes import measure
from tests.core.radiomics.families_cases import lumpy_case


def cone(spacing=(0.5, 0.5, 5.0)) -> Mask:
    """Discs of the radii 10, 15 and 20 mm, with an empty slice on either side."""
    steps = (np.arange(101) - 50) * spacing[0]
    distance = np.hypot(steps[:, None], steps[None, :])
    slices = [distance < 0, *(distance <= radius for radius in (10, 15, 20)), distance < 0]
    return Mask(np.stack(slices, axis=2), np.diag([*spacing, 1.0]))


def test_discs_have_the_diameters_they_were_drawn_with() -> None:
    found = measure(None, cone(), None)
    assert found["ShortestEquivalentDisc"] == pytest.approx(20, rel=0.01)
    assert found["MeanEquivalentDisc"] == pytest.approx(30, rel=0.01)
    assert found["LongestEquivalentDisc"] == pytest.approx(40, rel=0.01)
    # Marching squares walks a circle in steps along the grid and its diagonals: 8 (root 2 - 1) / pi = 1.055 as long.
    for name, radius in (("Shortest", 10), ("Mean", 15), ("Longest", 20)):
        assert found[f"{name}Perimeter"] == pytest.approx(1.055 * 2 * np.pi * radius, rel=0.02)


def test_perimeters_equal_pyradiomics_slice_by_slice() -> None:
    import SimpleITK as sitk
    from radiomics import shape2D

    _, mask, _ = lumpy_case((0.8, 1.1, 4.0))
    theirs = []
    for k in np.flatnonzero(mask.voxels.any(axis=(0, 1))).tolist():
        label = sitk.GetImageFromArray(mask.voxels[:, :, k:k + 1].T.astype(np.uint8))
        label.SetSpacing((0.8, 1.1, 4.0))
        kind = shape2D.RadiomicsShape2D(label, label, label=1, force2D=True, force2Ddimension=0)
        theirs.append(float(kind.getPerimeterFeatureValue()))
    found = measure(None, mask, None)
    assert len(theirs) > 5
    assert found["MeanPerimeter"] == pytest.approx(np.mean(theirs), rel=1e-9)
    assert (found["ShortestPerimeter"], found["LongestPerimeter"]) == pytest.approx((min(theirs), max(theirs)))


def test_a_hole_and_a_second_piece_lengthen_the_perimeter() -> None:
    inside = np.zeros((20, 20, 1), dtype=bool)
    inside[2:10, 2:10] = True
    square = measure(None, Mask(inside, np.diag([1.0, 1.0, 3.0, 1.0])), None)["MeanPerimeter"]
    assert square == pytest.approx(4 * 7 + 4 * np.sqrt(0.5))
    inside[5, 5] = False
    inside[15, 15] = True
    both = measure(None, Mask(inside, np.diag([1.0, 1.0, 3.0, 1.0])), None)["MeanPerimeter"]
    assert both == pytest.approx(square + 2 * 4 * np.sqrt(0.5))


def test_slices_follow_the_thick_axis_and_the_world() -> None:
    mask = cone()
    expected = measure_family("slices", None, mask, None)
    turned = Mask(mask.voxels.transpose(2, 0, 1), mask.affine[:, [2, 0, 1, 3]])
    assert measure_family("slices", None, turned, None) == pytest.approx(expected)
    twice = Mask(mask.voxels, np.diag([1.0, 1.0, 10.0, 1.0]))
    doubled = {name: 2 * size for name, size in expected.items()}
    assert measure_family("slices", None, twice, None) == pytest.approx(doubled)

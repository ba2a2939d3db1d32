import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.radiomics.families import measure_family
from tests.core.radiomics.families_cases import grey_levels, lumpy_case

FAMILIES = ("morphology", "local", "statistics", "histogram", "ivh", "gldzm", "ngldm")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("axes", [(0,), (1, 2)])
def test_mirrored_case_measures_the_same(family, axes) -> None:
    volume, mask, levels = lumpy_case((0.9, 1.1, 2.5))
    mirrored = [each.with_voxels(np.flip(each.voxels, axes)) for each in (volume, mask)]
    expected = measure_family(family, volume, mask, levels)
    assert measure_family(family, *mirrored, np.flip(levels, axes)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_turned_axes_measure_the_same(family) -> None:
    volume, mask, levels = lumpy_case((0.9, 1.1, 2.5))
    order = [2, 0, 1]
    turned = [each.with_voxels(each.voxels.transpose(order), each.affine[:, [*order, 3]]) for each in (volume, mask)]
    expected = measure_family(family, volume, mask, levels)
    assert measure_family(family, *turned, levels.transpose(order)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_moving_the_grid_or_widening_the_image_changes_nothing(family) -> None:
    volume, mask, levels = lumpy_case()
    margin = ((7, 8), (9, 7), (8, 7))
    affine = np.array(volume.affine)
    affine[:3, 3] = (-512.5, 40.0, 1e3)
    wide = (Volume(np.pad(volume.voxels, margin, constant_values=np.nan), affine),
            Mask(np.pad(mask.voxels, margin), affine), np.pad(levels, margin))
    expected = measure_family(family, volume, mask, levels)
    assert measure_family(family, *wide) == pytest.approx(expected, rel=1e-9)


# How each feature follows when 1000 is added to the intensities (grey levels stay).
SHIFTED = {"local": "all", "morphology": ("IntegratedIntensity", "CentreOfMassShift"),
           "statistics": ("CoefficientOfVariation", "QuartileDispersion")}


@pytest.mark.parametrize("family", FAMILIES)
def test_brighter_image_changes_only_what_measures_brightness(family) -> None:
    volume, mask, levels = lumpy_case()
    volume = volume.with_voxels(np.round(volume.voxels) + 0.5)
    brighter = volume.with_voxels(volume.voxels + 1000)
    assert np.array_equal(grey_levels(brighter.voxels, mask.voxels), grey_levels(volume.voxels, mask.voxels))
    before, after = measure_family(family, volume, mask, levels), measure_family(family, brighter, mask, levels)
    changed = {name for name in before if after[name] != pytest.approx(before[name], rel=1e-6)}
    expected = SHIFTED.get(family, ())
    assert changed == (set(before) if expected == "all" else set(expected))
    if family == "local":
        assert after == pytest.approx({name: value + 1000 for name, value in before.items()}, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_larger_voxels_scale_only_lengths(family) -> None:
    volume, mask, levels = lumpy_case((1.0, 1.5, 3.0))
    twice = [each.with_voxels(each.voxels, np.diag([2.0, 3.0, 6.0, 1.0])) for each in (volume, mask)]
    if family == "local":
        return  # its ball has a size of its own
    before, after = measure_family(family, volume, mask, levels), measure_family(family, *twice, levels)
    powers = {"IntegratedIntensity": 8, "CentreOfMassShift": 2}
    assert after == pytest.approx({name: value * powers.get(name, 1) for name, value in before.items()}, rel=1e-9)


@pytest.mark.parametrize("family", FAMILIES)
def test_inputs_stay_as_they_are(family) -> None:
    volume, mask, levels = lumpy_case()
    levels.flags.writeable = False
    first = measure_family(family, volume, mask, levels)
    assert measure_family(family, volume, mask, levels) == first
    assert all(isinstance(value, float) and np.isfinite(value) for value in first.values())


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 1), (4, 3, 1)])
def test_small_and_uniform_outlines_are_measured_without_warnings(family, shape) -> None:
    inside = np.pad(np.ones(shape, dtype=bool), 1)
    mask = Mask(inside, np.diag([1.0, 1.0, 4.0, 1.0]))
    volume = Volume(np.full(inside.shape, 7.0), mask.affine)
    measured = measure_family(family, volume, mask, inside.astype(np.int64))
    assert all(np.isfinite(value) for value in measured.values())
    absent = {"morphology": {"MoranI", "GearyC", "VolumeDensityEnclosingEllipsoid"},
              "histogram": {"MaximumGradient"}, "ivh": {"V10", "I90"}}
    assert absent.get(family, set()).isdisjoint(measured)

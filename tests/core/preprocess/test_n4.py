import sys

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Volume
from app.core.errors import Cancelled, EmptyMask, InputError
from app.core.io.ants import from_ants, to_ants
from app.core.io.itk import from_sitk, to_sitk
from app.core.preprocess.n4 import correct_bias, shrink_factors, shrunken
from app.core.recipe import N4Recipe

SHAPE = (36, 32, 10)
QUICK = N4Recipe(engine="itk", levels=2, iterations=20, shrink=2)


def smooth_field(shape, strength=0.3):
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij")
    return np.exp(strength * (x - 0.5 * y + 0.4 * x * y + 0.2 * z))


def phantom(shape=SHAPE, strength=0.3, spacing=(1.0, 1.0, 4.0), seed=1):
    """Two tissues in air, times a known field."""
    rng = np.random.default_rng(seed)
    x, y, _ = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij")
    body = x**2 + y**2 < 0.8
    tissue = np.where((x - 0.2) ** 2 + y**2 < 0.2, 250.0, 400.0) + rng.normal(0, 6, shape)
    voxels = np.where(body, tissue * smooth_field(shape, strength), rng.uniform(1, 9, shape))
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels.astype(np.float32), affine, frame="1.2"), Mask(body, affine)


def field_error(correction, body, strength=0.3):
    found, true = correction.field.voxels[body.voxels], smooth_field(body.voxels.shape, strength)[body.voxels]
    return float(np.std(np.log(found) - np.log(true)))


def test_itk_finds_a_known_field():
    volume, body = phantom()
    correction = correct_bias(volume, QUICK)
    assert correction.cv_after < 0.85 * correction.cv_before
    assert field_error(correction, body) < 0.04  # the field itself has an SD of 0.2
    np.testing.assert_allclose(correction.volume.voxels * correction.field.voxels, volume.voxels, rtol=1e-4)
    assert correction.volume.geometry.matches(volume.geometry)
    assert correction.volume.frame == volume.frame
    assert len(correction.levels) == 2
    assert all(1 <= level["iterations"] <= 20 and level["convergence"] > 0 for level in correction.levels)
    assert correction.seconds > 0


def test_itk_equals_simpleitk_called_directly():
    volume, _ = phantom()
    image = to_sitk(volume)
    mask = sitk.OtsuThreshold(image, 0, 1, 200)
    engine = sitk.N4BiasFieldCorrectionImageFilter()
    engine.SetMaximumNumberOfIterations([20, 20])
    engine.SetConvergenceThreshold(0.001)
    engine.Execute(sitk.Shrink(image, [2, 2, 1]), sitk.Shrink(mask, [2, 2, 1]))
    expected, _ = from_sitk(sitk.Exp(engine.GetLogBiasFieldAsImage(image)))
    found = correct_bias(volume, QUICK).field.voxels
    np.testing.assert_allclose(found / found.mean(), expected / expected.mean(), rtol=2e-3)


def test_the_ants_engine_finds_a_known_field_and_says_what_it_cannot_tell():
    pytest.importorskip("ants")
    volume, body = phantom()
    told = []
    correction = correct_bias(volume, QUICK.model_copy(update={"engine": "ants"}),
                              report=lambda fraction, message: told.append((fraction, message)))
    assert correction.cv_after < 0.85 * correction.cv_before
    assert field_error(correction, body) < 0.06
    assert correction.levels == [{"iterations": 20, "convergence": None}] * 2
    assert "cancelling ends the engine" in told[0][1]
    flat = Volume(volume.voxels[:, :, 4:5].copy(), volume.affine)
    assert correct_bias(flat, N4Recipe(engine="ants", levels=1, iterations=5)).field.voxels.shape == (36, 32, 1)
    np.testing.assert_array_equal(from_ants(to_ants(volume), volume), volume.voxels)


@pytest.mark.parametrize(("settings", "words"), [({"fwhm": 0.2}, "fwhm fixed at 0.15"), ({"bins": 100}, "bins fixed"),
                                                 ({"shrink": (4, 4, 1)}, "shrinks all axes alike")])
def test_ants_refuses_what_it_cannot_honour(settings, words):
    with pytest.raises(InputError, match=words):
        correct_bias(phantom()[0], N4Recipe(engine="ants", **settings))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_is_corrected_in_its_plane(axis):
    volume, _ = phantom((36, 32, 1))
    turned = Volume(np.moveaxis(volume.voxels, 2, axis).copy(), np.eye(4))
    correction = correct_bias(turned, QUICK)
    assert correction.cv_after < 0.85 * correction.cv_before
    assert correction.field.voxels.shape == turned.voxels.shape


def test_a_drawn_mask_decides_where_the_field_is_fitted():
    volume, body = phantom()
    voxels = volume.voxels.copy()
    rubbish = np.random.default_rng(0).uniform(300, 900, int((~body.voxels).sum()))
    voxels[~body.voxels] = rubbish
    correction = correct_bias(Volume(voxels, volume.affine), QUICK, mask=body)
    assert field_error(correction, body) < 0.04


def test_progress_rises_and_a_cancel_stops_within_an_iteration(capsys):
    volume, _ = phantom()
    told = []
    correct_bias(volume, QUICK, report=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[0] == 0
    assert 0.5 < told[-1] <= 1
    calls, hook = [], sys.excepthook

    def stop(fraction, message):
        calls.append(fraction)
        if len(calls) == 3:
            raise Cancelled
    with pytest.raises(Cancelled):
        correct_bias(volume, QUICK, report=stop)
    assert len(calls) == 3
    assert sys.excepthook is hook
    assert capsys.readouterr().err == ""


def test_shrinking_spares_the_coarsest_axis_and_small_axes():
    volume = Volume(np.ones((40, 40, 20), np.float32), np.diag([1.0, 1.0, 3.0, 1]))
    assert shrink_factors(volume, 4) == (4, 4, 1)
    assert shrink_factors(Volume(volume.voxels, np.diag([5.0, 1.0, 3.0, 1])), 4) == (1, 4, 4)
    assert shrink_factors(Volume(volume.voxels, np.eye(4)), 4) == (4, 4, 1)
    assert shrink_factors(volume, (2, 3, 4)) == (2, 3, 4)
    assert shrink_factors(volume, (30, 1, 9)) == (10, 1, 5)
    with pytest.raises(InputError, match="below 1"):
        shrink_factors(volume, 0)


def test_voxels_without_a_logarithm_are_left_out_of_the_fit_and_said():
    volume, body = phantom()
    voxels = volume.voxels.copy()
    voxels[18, 16, 5] = 0
    voxels[18, 16, 6] = -4
    correction = correct_bias(Volume(voxels, volume.affine), QUICK, mask=body)
    assert "2 voxels" in {c.code: c.message for c in correction.volume.cautions}["n4_nonpositive"]
    assert field_error(correction, body) < 0.04
    assert correction.volume.voxels[18, 16, 5] == 0


def with_value(volume, value):
    voxels = volume.voxels.copy()
    voxels[3, 3, 3] = value
    return Volume(voxels, volume.affine)


def test_unusable_images_are_named():
    volume, body = phantom()
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError, match="1 voxel is undefined or infinite"):
            correct_bias(with_value(volume, bad), QUICK)
    with pytest.raises(InputError, match="the same value, 7"):
        correct_bias(volume.with_voxels(np.full(SHAPE, 7.0)), QUICK)
    with pytest.raises(InputError, match="% of the voxels in the region are negative"):
        correct_bias(volume.with_voxels(volume.voxels - 300), QUICK.model_copy(update={"mask": "whole"}))
    with pytest.raises(InputError, match="region hold the same value"):
        correct_bias(volume.with_voxels(np.where(body.voxels, 100.0, volume.voxels)), QUICK, mask=body)
    with pytest.raises(EmptyMask, match="holds no voxel"):
        correct_bias(volume, QUICK, mask=body.with_voxels(np.zeros(SHAPE, bool)))
    with pytest.raises(EmptyMask, match="no voxel above 0"):
        correct_bias(volume.with_voxels(np.where(body.voxels, 0.0, volume.voxels)), QUICK, mask=body)
    with pytest.raises(InputError, match="at least a plane"):
        correct_bias(Volume(np.arange(5.0).reshape(5, 1, 1), np.eye(4)), QUICK)


def test_a_mask_that_shrinking_misses_is_named():
    volume, body = phantom()
    speck = np.zeros(SHAPE, bool)
    speck[16, 15, 5] = speck[16, 17, 5] = True  # shrinking by 2 reads odd indices along i
    with pytest.raises(EmptyMask, match="After shrinking by"):
        correct_bias(volume, QUICK, mask=body.with_voxels(speck))


def test_the_check_of_shrunken_voxels_reads_the_voxels_that_itk_reads():
    for size in (9, 10, 11, 12, 13):
        for factor in (2, 3, 4, 5):
            row = sitk.GetImageFromArray(np.tile(np.arange(size, dtype=np.float32), (4, 1)))
            kept = sitk.GetArrayFromImage(sitk.Shrink(row, [factor, 1]))[0]
            np.testing.assert_array_equal(kept, np.arange(size)[shrunken(size, factor)])

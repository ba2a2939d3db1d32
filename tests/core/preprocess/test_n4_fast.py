"""The fast engine as a whole: known fields, what it reads, progress, refusals."""

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Volume
from app.core.errors import Cancelled, EmptyMask, GeometryMismatch, InputError, RecipeError
from app.core.io.itk import to_sitk
from app.core.preprocess import n4_fast, n4_itk
from app.core.preprocess.n4 import correct_bias, shrink_factors
from app.core.recipe import N4Recipe

SHAPE = (36, 32, 10)
QUICK = N4Recipe(levels=2, iterations=20, shrink=2)


def true_field(shape, strength=0.3):
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij")
    return np.exp(strength * (x - 0.5 * y + 0.4 * x * y + 0.2 * z))


def phantom(shape=SHAPE, strength=0.3, spacing=(1.0, 1.0, 4.0), seed=1):
    """Two tissues in air, times a known field."""
    rng = np.random.default_rng(seed)
    x, y, _ = np.meshgrid(*[np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in shape], indexing="ij")
    body = x**2 + y**2 < 0.8
    tissue = np.where((x - 0.2) ** 2 + y**2 < 0.2, 250.0, 400.0) + rng.normal(0, 6, shape)
    voxels = np.where(body, tissue * true_field(shape, strength), rng.uniform(1, 9, shape))
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels.astype(np.float32), affine, frame="1.2"), Mask(body, affine)


def rms_error(field, body, strength=0.3):
    off = np.log(field.voxels[body.voxels] / true_field(body.voxels.shape, strength)[body.voxels])
    return float(np.sqrt(((off - off.mean()) ** 2).mean()))


def normalised(field, body):
    values = field[body.voxels].astype(float)
    return values / values.mean()


def with_settings(recipe, **settings):
    return N4Recipe.parse(recipe.model_dump() | settings)


def test_fast_is_the_default():
    assert N4Recipe().engine == "fast"


@pytest.mark.parametrize("strength", [0.15, 0.3])
def test_a_known_field_is_found(strength):
    volume, body = phantom((64, 60, 12), strength)
    correction = correct_bias(volume, N4Recipe(shrink=2), mask=body)
    before = np.log(true_field(body.voxels.shape, strength)[body.voxels]).std()
    assert rms_error(correction.field, body, strength) < min(0.012, before / 8)
    assert correction.cv_after < correction.cv_before
    np.testing.assert_allclose(correction.volume.voxels * correction.field.voxels, volume.voxels, rtol=1e-4)
    assert correction.field.geometry.matches(volume.geometry)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_single_slice_is_corrected_in_its_plane(axis):
    volume, body = phantom((36, 32, 1))
    recipe = N4Recipe(levels=2, shrink=(1, 1, 1), tolerance=0.0)

    def turn(array):
        return np.ascontiguousarray(np.moveaxis(array, 2, axis))
    field = correct_bias(Volume(turn(volume.voxels), np.eye(4)), recipe, Mask(turn(body.voxels), np.eye(4))).field
    upright = correct_bias(volume, recipe, body).field
    assert field.voxels.shape == turn(volume.voxels).shape
    assert rms_error(upright, body) < 0.03
    np.testing.assert_allclose(field.voxels, turn(upright.voxels), rtol=2e-2)


def test_an_axis_that_shrinking_leaves_one_sample_of_gets_a_constant_field():
    volume, body = phantom((36, 32, 3))
    field, _ = n4_fast.estimate_field(volume, body, QUICK, (2, 2, 3), None)
    assert field.shape == (36, 32, 3)
    np.testing.assert_array_equal(field[..., 0], field[..., 2])


@pytest.mark.parametrize("shrink", [(1, 1, 1), (3, 2, 1), (4, 4, 2), (2, 5, 3)])
def test_it_reads_the_voxels_that_itk_reads(shrink):
    """The rest of the image may hold anything."""
    volume, body = phantom((37, 34, 13))
    index = np.arange(volume.voxels.size, dtype=np.float64).reshape(volume.voxels.shape)
    image = sitk.GetImageFromArray(index.T.copy())
    ours = index[tuple(n4_fast.shrunken(n, f) for n, f in zip(volume.voxels.shape, shrink, strict=True))]
    np.testing.assert_array_equal(ours, sitk.GetArrayFromImage(sitk.Shrink(image, shrink)).T)
    read = np.isin(index, ours)
    rubbish = Volume(np.where(read, volume.voxels, 7777), volume.affine)
    field, _ = n4_fast.estimate_field(volume, body, QUICK, shrink, None)
    np.testing.assert_array_equal(field, n4_fast.estimate_field(rubbish, body, QUICK, shrink, None)[0])


@pytest.mark.parametrize(("shape", "settings"), [
    ((36, 32, 10), {"shrink": (3, 2, 1)}), ((36, 32, 1), {"shrink": 1}), ((40, 20, 14), {"mesh": (2, 1, 1)}),
    ((36, 32, 10), {"iterations": (25, 5, 10), "levels": 3, "tolerance": 0.0}),
    ((36, 32, 10), {"bins": 90, "fwhm": 0.25, "noise": 0.05, "tolerance": 1e-4})])
def test_every_setting_means_what_it_means_to_itk(shape, settings):
    volume, body = phantom(shape)
    recipe = with_settings(QUICK, **settings)
    shrink = shrink_factors(volume, recipe.shrink)
    fast, levels = n4_fast.estimate_field(volume, body, recipe, shrink, None)
    itk, expected = n4_itk.estimate_field(volume, body, recipe, shrink, None)
    np.testing.assert_allclose(normalised(fast, body), normalised(itk, body), rtol=5e-3)
    assert [level["iterations"] for level in levels] == [level["iterations"] for level in expected]
    assert [level["convergence"] for level in levels] == pytest.approx([level["convergence"] for level in expected],
                                                                      rel=0.05)


def test_the_field_of_the_whole_image_is_what_simpleitk_makes_of_the_same_lattice():
    volume, body = phantom((37, 34, 11))
    shrink = (2, 2, 1)
    engine = sitk.N4BiasFieldCorrectionImageFilter()
    engine.SetMaximumNumberOfIterations([1])
    engine.SetConvergenceThreshold(0)
    image = to_sitk(volume)
    engine.Execute(sitk.Shrink(image, shrink), sitk.Shrink(to_sitk(body), shrink))
    expected = sitk.GetArrayFromImage(engine.GetLogBiasFieldAsImage(image)).T
    field, _ = n4_fast.estimate_field(volume, body, with_settings(QUICK, levels=1, iterations=1, tolerance=0.0), shrink,
                                      None)
    np.testing.assert_allclose(np.log(field), expected, atol=2e-5)


def test_weights():
    volume, body = phantom()
    left = np.where(np.arange(SHAPE[0])[:, None, None] < 18, 1, 0) * np.ones(SHAPE)
    half = body.with_voxels(body.voxels & (left > 0))
    weighted = correct_bias(volume, QUICK, mask=body, weights=Volume(left, volume.affine))
    np.testing.assert_array_equal(weighted.field.voxels, correct_bias(volume, QUICK, mask=half).field.voxels)
    alike = correct_bias(volume, QUICK, mask=body, weights=Volume(np.full(SHAPE, 0.25), volume.affine))
    np.testing.assert_allclose(alike.field.voxels, correct_bias(volume, QUICK, mask=body).field.voxels, rtol=1e-4)
    i = np.arange(SHAPE[0])[:, None, None]
    spoilt = volume.with_voxels(volume.voxels * np.exp(np.maximum(i - 22, 0) * 0.05))
    trust = Volume(np.where(i > 22, 1e-3, 1) * np.ones(SHAPE), volume.affine)
    sound = body.with_voxels(body.voxels & (i < 20))
    with_trust = rms_error(correct_bias(spoilt, QUICK, mask=body, weights=trust).field, sound)
    without = rms_error(correct_bias(spoilt, QUICK, mask=body).field, sound)
    assert with_trust < 0.8 * without


def test_weights_that_cannot_be_used_are_named():
    volume, body = phantom()
    ones = Volume(np.ones(SHAPE), volume.affine)
    with pytest.raises(GeometryMismatch, match="The weights are 36 x 32 x 10 voxels of 1 x 1 x 1 mm"):
        correct_bias(volume, QUICK, weights=Volume(np.ones(SHAPE), np.eye(4)))
    for bad in (-1.0, np.nan):
        with pytest.raises(InputError, match="negative or undefined"):
            correct_bias(volume, QUICK, weights=ones.with_voxels(np.where(body.voxels, bad, 1)))
    with pytest.raises(InputError, match="'itk' takes no weights"):
        correct_bias(volume, with_settings(QUICK, engine="itk"), weights=ones)
    with pytest.raises(EmptyMask):
        correct_bias(volume, QUICK, weights=ones.with_voxels(np.zeros(SHAPE)))


@pytest.mark.parametrize("engine", ["fast", "itk"])
def test_a_mean_of_one_changes_the_scale_alone(engine):
    volume, body = phantom()
    recipe = with_settings(QUICK, engine=engine)
    plain = correct_bias(volume, recipe, mask=body)
    scaled = correct_bias(volume, with_settings(recipe, mean_one=True), mask=body)
    assert scaled.field.voxels[body.voxels].mean(dtype=float) == pytest.approx(1, abs=1e-5)
    ratio = scaled.field.voxels / plain.field.voxels
    np.testing.assert_allclose(ratio, ratio.flat[0], rtol=1e-5)
    assert scaled.cv_after == pytest.approx(plain.cv_after, rel=1e-5)


def test_progress_rises_and_a_cancel_stops_within_an_iteration():
    volume, _ = phantom()
    told = []
    correct_bias(volume, with_settings(QUICK, iterations=(3, 20), tolerance=0.0),
                 report=lambda fraction, message: told.append((fraction, message)))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert len(told) == 1 + 3 + 20
    assert fractions[0] == 0
    assert fractions[-1] == 1
    assert told[-1][1].endswith("level 2 of 2, iteration 20")
    calls = []

    def stop(fraction, message):
        calls.append(fraction)
        if len(calls) == 3:
            raise Cancelled
    with pytest.raises(Cancelled):
        correct_bias(volume, QUICK, report=stop)
    assert len(calls) == 3


def test_zeros_in_the_region_count_as_they_do_in_itk():
    """The filter leaves values at or below 0 as they are, next to the logarithms of all others."""
    volume, body = phantom()
    voxels = volume.voxels.copy()
    voxels[10:12, 10:12, 4] = 0
    holed = Volume(voxels, volume.affine)
    fast, _ = n4_fast.estimate_field(holed, body, QUICK, (2, 2, 1), None)
    itk, _ = n4_itk.estimate_field(holed, body, QUICK, (2, 2, 1), None)
    np.testing.assert_allclose(normalised(fast, body), normalised(itk, body), rtol=5e-3)


def test_unusable_images_are_named():
    volume, body = phantom()

    def with_value(value):
        voxels = volume.voxels.copy()
        voxels[18, 16, 5] = value
        return volume.with_voxels(voxels)
    with pytest.raises(InputError, match="1 voxel is undefined"):
        correct_bias(with_value(np.nan), QUICK)
    with pytest.raises(InputError, match="the same value, 7"):
        correct_bias(volume.with_voxels(np.full(SHAPE, 7.0)), QUICK)
    with pytest.raises(InputError, match="are negative"):
        correct_bias(volume.with_voxels(-volume.voxels), QUICK, mask=body)
    with pytest.raises(EmptyMask, match="holds no voxel"):
        correct_bias(volume, QUICK, mask=body.with_voxels(np.zeros(SHAPE, bool)))
    with pytest.raises(EmptyMask, match="After shrinking"):
        n4_fast.estimate_field(volume, body.with_voxels(np.zeros(SHAPE, bool)), QUICK, (2, 2, 1), None)
    flat = volume.with_voxels(np.where(np.arange(SHAPE[0])[:, None, None] % 2, 5, volume.voxels))
    with pytest.raises(InputError, match=r"After shrinking by \(2, 2, 1\) all voxels of the region hold the same"):
        correct_bias(flat, QUICK, mask=body)


def test_settings_per_level_and_per_axis():
    assert N4Recipe(levels=2, iterations=7).iterations_per_level == (7, 7)
    assert N4Recipe(mesh=2).mesh_along == (2, 2, 2)
    recipe = N4Recipe(levels=2, iterations=(9, 4), mesh=(1, 2, 3))
    assert N4Recipe.parse(recipe.model_dump(mode="json")) == recipe
    for bad, words in (({"levels": 3, "iterations": (5, 5)}, "'iterations'.*2 numbers for 3 levels"),
                       ({"iterations": 0}, "'iterations'.*1 to 2000"), ({"mesh": 0}, "'mesh'.*1 to 64 spans")):
        with pytest.raises(RecipeError, match=words):
            N4Recipe.parse(bad)
    with pytest.raises(InputError, match="mesh fixed at 1"):
        correct_bias(phantom()[0], N4Recipe(engine="ants", mesh=2))

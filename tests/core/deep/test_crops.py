"""Pictures of a tumour: the right voxels at the right place, size and range, whatever the file's voxel order."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from app.core.data import Mask
from app.core.deep.crops import make_crops
from app.core.errors import EmptyMask, InputError, RecipeError
from app.core.network_recipe import CropRecipe
from tests.core.deep.prepared_cases import SPACING, make_prepared, standardised


def crop(**changes):
    return CropRecipe.parse({"size": 64, "margin_mm": 4.0, **changes})


def sample(volume, affine, shape):
    """Trilinear values of a volume at the pixels (z, y, x) of a picture, from its affine alone."""
    z, y, x = np.meshgrid(*map(np.arange, shape), indexing="ij")
    pixels = np.stack([x, y, z, np.ones_like(x)]).reshape(4, -1)
    voxels = np.linalg.inv(volume.affine) @ affine @ pixels
    return map_coordinates(volume.voxels.astype(float), voxels[:3], order=1, mode="nearest").reshape(shape)


def extent(outline):
    """Pixels across an outline along (x, y)."""
    return np.ptp(np.flatnonzero(outline.any(axis=0))) + 1, np.ptp(np.flatnonzero(outline.any(axis=1))) + 1


@pytest.mark.parametrize("codes", ["RAS", "SLP"])
@pytest.mark.parametrize("kind", ["slices", "volume"])
def test_every_pixel_shows_what_lies_at_its_place_in_the_world(codes, kind):
    prepared = make_prepared(codes=codes)
    crops = make_crops(prepared, crop(set=kind, depth=32))
    shown = crops.values[:, 0] if kind == "volume" else crops.values
    for values, affine in zip(shown, crops.affines, strict=True):
        there = sample(prepared.images["t1"], affine, values.shape)
        inner = (..., slice(3, -3), slice(3, -3)) if kind == "slices" else (slice(5, -5), slice(3, -3), slice(3, -3))
        slope, offset = np.polyfit(there[inner].ravel(), values[inner].ravel(), 1)
        np.testing.assert_allclose(values[inner], slope * there[inner] + offset, atol=2e-5)
        assert slope > 0


@pytest.mark.parametrize("kind", ["largest_slice", "slices", "neighbours", "volume"])
def test_the_voxel_order_of_the_file_does_not_matter(kind):
    recipe = crop(set=kind, channels=3 if kind == "neighbours" else 1, depth=16)
    wanted = make_crops(make_prepared(), recipe)
    for codes in ("LPS", "SAR", "PIL"):
        prepared = make_prepared(codes=codes)
        found = make_crops(prepared, recipe)
        np.testing.assert_array_equal(found.values, wanted.values)
        np.testing.assert_array_equal(found.outlines, wanted.outlines)
        np.testing.assert_allclose(found.affines, wanted.affines, atol=1e-9)
        across = next(place for place, code in enumerate(codes) if code in "IS")
        inside = prepared.masks["t1"].voxels.any(axis=tuple(other for other in range(3) if other != across))
        assert all(inside[position] for position in found.positions)


def test_pictures_lie_as_radiologists_look_at_them():
    affine = make_crops(make_prepared(), crop()).affines[0]
    assert affine[0, 0] < 0, "x runs to the patient's left"
    assert affine[1, 1] < 0, "y runs to the back"


def test_the_chosen_slices():
    prepared = make_prepared()
    areas = prepared.masks["t1"].voxels.sum(axis=(0, 1))
    with_tumour = set(np.flatnonzero(areas))
    largest = make_crops(prepared, crop())
    assert largest.values.shape == (1, 1, 64, 64)
    assert largest.positions == (4,)
    every = make_crops(prepared, crop(set="slices"))
    assert set(every.positions) == with_tumour
    assert len(every.values) == len(every.outlines) == len(every.affines) == 5
    large = make_crops(prepared, crop(set="slices", smallest=0.5))
    assert set(large.positions) == {k for k in with_tumour if areas[k] >= areas.max() / 2} != with_tumour
    assert sorted(make_crops(prepared, crop(set="slices", most=3)).positions) == [2, 4, 6]
    assert make_crops(prepared, crop(set="slices", most=1)).positions == (4,)
    assert make_crops(prepared, crop(set="volume", depth=16)).positions == (4,)


def test_neighbours_are_the_channels_and_repeat_at_the_end_of_the_image():
    prepared = make_prepared(centre=(19.5, 15.5, 0.0))
    crops = make_crops(prepared, crop(set="neighbours", channels=3, scale="unit"))
    place = crops.positions.index(0)
    before, own, after = crops.values[place]
    assert np.array_equal(before, own) != np.array_equal(own, after)
    inner = make_crops(make_prepared(), crop(set="neighbours", channels=3))
    volume = make_prepared().images["t1"]
    affine = np.array(inner.affines[2])
    for step, channel in zip((-1, 0, 1), inner.values[2], strict=True):
        shifted = affine.copy()
        shifted[:3, 3] += step * affine[:3, 2]
        there = sample(volume, shifted, (1, 64, 64))[0]
        assert np.corrcoef(there[3:-3, 3:-3].ravel(), channel[3:-3, 3:-3].ravel())[0, 1] > 0.999


def test_a_square_picture_keeps_the_proportions_in_mm_and_the_other_fills_itself():
    prepared = make_prepared(radii=(6.0, 12.0, 12.0))
    inside = prepared.masks["t1"].voxels[:, :, 4]
    across, down = [np.ptp(np.flatnonzero(inside.any(axis=1 - axis))) + 1 for axis in (0, 1)]
    ratio = down * SPACING[1] / (across * SPACING[0])
    square = extent(make_crops(prepared, crop(margin_mm=0)).outlines[0])
    assert square[1] == 64
    assert square[1] / square[0] == pytest.approx(ratio, rel=0.06)
    assert extent(make_crops(prepared, crop(margin_mm=0, square=False)).outlines[0]) == (64, 64)


def test_a_fixed_field_shows_the_size_and_a_margin_surrounds_it():
    for radius in (4.5, 8.5):
        prepared = make_prepared(spacing=(1.0, 1.0, 5.0), shape=(60, 60, 9), radii=(radius,) * 3)
        [diameter, _] = extent(prepared.masks["t1"].voxels[:, :, 4])
        [field, _] = extent(make_crops(prepared, crop(field_mm=32.0)).outlines[0])
        assert field == pytest.approx(64 * diameter / 32, abs=2)
        [framed, _] = extent(make_crops(prepared, crop(margin_mm=6.0)).outlines[0])
        assert framed == pytest.approx(64 * diameter / (diameter + 12), abs=2)


def test_grey_values_of_a_case_are_scaled_together():
    prepared = make_prepared()
    zscore = make_crops(prepared, crop(set="slices")).values
    assert float(zscore.mean()) == pytest.approx(0, abs=1e-5)
    assert float(zscore.std()) == pytest.approx(1, abs=1e-5)
    assert np.ptp(zscore.mean(axis=(1, 2, 3))) > 0.05, "slices stay comparable"
    unit = make_crops(prepared, crop(set="slices", scale="unit")).values
    assert (unit.min(), unit.max()) == (0, 1)
    stretched = make_crops(prepared, crop(set="slices", scale="percentile")).values
    assert (stretched.min(), stretched.max()) == (0, 1)
    low, high = np.percentile(unit, [1, 99])
    np.testing.assert_allclose(stretched, np.clip((unit - low) / (high - low), 0, 1), atol=1e-5)


def test_the_standard_histogram_is_taken_as_it_is_and_must_be_there():
    standard = make_crops(standardised(), crop(scale="nyul"))
    assert 0.05 < standard.values.mean() < 0.15, "values near 10 on a scale from 1 to 100"
    with pytest.raises(RecipeError, match="standard histogram"):
        make_crops(make_prepared(), crop(scale="nyul"))


def test_beyond_the_image_it_is_as_dark_as_it_gets_and_nothing_is_tumour():
    prepared = make_prepared(centre=(1.0, 1.0, 4.0))
    crops = make_crops(prepared, crop(margin_mm=20.0))
    assert crops.values.shape == (1, 1, 64, 64)
    corner = crops.values[0, 0, -5:, -5:]
    assert corner.min() == corner.max() == crops.values.min(), "left and back of the image's first voxel"
    assert not crops.outlines[0, -5:, -5:].any()
    assert crops.outlines.any()


def test_channels_and_shapes():
    prepared = make_prepared()
    grey = make_crops(prepared, crop())
    three = make_crops(prepared, crop(channels=3, mask_channel=True))
    assert three.values.shape == (1, *crop(channels=3, mask_channel=True).shape) == (1, 4, 64, 64)
    for channel in range(3):
        np.testing.assert_array_equal(three.values[:, channel], grey.values[:, 0])
    np.testing.assert_array_equal(three.values[:, 3], grey.outlines)
    recipe = crop(set="volume", depth=16, mask_channel=True)
    volume = make_crops(prepared, recipe)
    assert volume.values.shape == (1, *recipe.shape) == (1, 2, 16, 64, 64)
    assert volume.outlines.shape == (1, 16, 64, 64)
    assert volume.values.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        volume.values[:] = 0


def test_shrunken_pictures_are_smoothed_first():
    prepared = make_prepared(shape=(200, 200, 5), spacing=(1.0, 1.0, 5.0), radii=(80.0, 80.0, 5.0))
    noise = make_crops(prepared, crop(size=16, scale="unit")).values[0, 0, 4:12, 4:12]
    own = make_crops(prepared, crop(size=168, scale="unit")).values[0, 0, 42:126, 42:126]
    assert noise.std() / noise.mean() < 0.25 * own.std() / own.mean()


def test_what_cannot_be_cut_is_told():
    prepared = make_prepared()
    [mask] = prepared.masks.values()
    with pytest.raises(EmptyMask, match="holds no voxel"):
        make_crops(replace(prepared, masks={"t1": Mask(np.zeros_like(mask.voxels), mask.affine)}), crop())
    with pytest.raises(InputError, match="no sequence 't2'; it has t1"):
        make_crops(prepared, crop(sequence="t2"))
    both = replace(prepared, images={**prepared.images, "t2": prepared.images["t1"]}, masks={"t1": mask, "t2": mask})
    with pytest.raises(InputError, match="t1, t2"):
        make_crops(both, crop())
    assert make_crops(both, crop(sequence="t2")).values.shape == (1, 1, 64, 64)
    voxels = np.ones(mask.voxels.shape)
    voxels[0, 0, 0] = 2.0
    flat = prepared.images["t1"].with_voxels(voxels)
    with pytest.raises(InputError, match="All pixels of the pictures of case"):
        make_crops(replace(prepared, images={"t1": flat}), crop())
    broken = prepared.images["t1"].with_voxels(np.full(mask.voxels.shape, np.nan))
    with pytest.raises(InputError, match="undefined"):
        make_crops(replace(prepared, images={"t1": broken}), crop())

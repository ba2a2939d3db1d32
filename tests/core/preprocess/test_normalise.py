import json

import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError, RecipeError
from app.core.preprocess.normalise import fit_nyul, load_landmarks, normalise, reference_region, save_landmarks
from app.core.preprocess.regions import body_mask
from app.core.recipe import NormaliseRecipe

SHAPE = (24, 22, 6)


def scan(seed, gain=1.0, offset=0.0):
    rng = np.random.default_rng(seed)
    x, y, _ = np.indices(SHAPE)
    body = (x - 12) ** 2 + (y - 11) ** 2 < 90
    tissue = np.where((x - 9) ** 2 + (y - 11) ** 2 < 20, rng.normal(200, 15, SHAPE), rng.normal(500, 40, SHAPE))
    voxels = np.where(body, gain * tissue + offset, rng.uniform(0, 5, SHAPE))
    return Volume(voxels.astype(np.float32), np.diag([1.0, 1.0, 4.0, 1.0]))


def tumour():
    x, y, _ = np.indices(SHAPE)
    return Mask((x - 9) ** 2 + (y - 11) ** 2 < 20, np.diag([1.0, 1.0, 4.0, 1.0]))


def test_zscore_over_the_whole_image():
    volume = scan(0)
    found = normalise(volume, NormaliseRecipe(region="image")).voxels
    np.testing.assert_allclose(found, (volume.voxels - volume.voxels.mean()) / volume.voxels.std(), atol=1e-5)


def test_zscore_over_the_body_leaves_air_out():
    volume = scan(0)
    body = body_mask(volume).voxels
    found = normalise(volume, NormaliseRecipe(region="body")).voxels
    assert found[body].mean() == pytest.approx(0, abs=1e-4)
    assert found[body].std() == pytest.approx(1, abs=1e-4)
    assert not body[0, 0, 0]


def test_zscore_around_the_tumour_uses_tissue_near_it_only():
    volume, outline = scan(0), tumour()
    found = normalise(volume, NormaliseRecipe(region="around_tumour", margin_mm=8), outline).voxels
    ring = reference_region(volume, NormaliseRecipe(region="around_tumour", margin_mm=8), outline).voxels
    assert not (ring & outline.voxels).any()
    assert volume.voxels[ring].min() > 100  # no air
    assert found[ring].mean() == pytest.approx(0, abs=1e-4)
    assert found[outline.voxels].mean() == pytest.approx((200 - 500) / 40, rel=0.1)


def test_around_the_tumour_needs_an_outline_on_the_image():
    recipe = NormaliseRecipe(region="around_tumour")
    with pytest.raises(EmptyMask, match="needs a tumour outline"):
        normalise(scan(0), recipe)
    with pytest.raises(GeometryMismatch):
        normalise(scan(0), recipe, Mask(np.ones((2, 2, 2), bool), np.eye(4)))


def test_percentile_stretches_to_0_and_1_and_clips():
    volume = scan(1)
    found = normalise(volume, NormaliseRecipe(method="percentile", region="image", low=5, high=90)).voxels
    low, high = np.percentile(volume.voxels, [5, 90])
    np.testing.assert_allclose(found, np.clip((volume.voxels - low) / (high - low), 0, 1), atol=1e-5)
    assert (found.min(), found.max()) == (0, 1)


def test_regions_without_contrast_are_named():
    flat = np.zeros(SHAPE, np.float32)
    with pytest.raises(InputError, match="the same value"):
        normalise(Volume(flat, np.eye(4)), NormaliseRecipe())
    flat[8:16, 8:16, 1:5] = 10.0
    with pytest.raises(InputError, match="reference voxels all hold 10"):
        normalise(Volume(flat, np.eye(4)), NormaliseRecipe(region="body"))
    with pytest.raises(InputError, match="are both 0"):
        normalise(Volume(flat, np.eye(4)), NormaliseRecipe(method="percentile", region="image", low=10, high=60))
    with pytest.raises(InputError, match="percentiles coincide"):
        normalise(Volume(flat, np.eye(4)), NormaliseRecipe(method="nyul", landmarks=tuple(range(11))))


def test_nyul_equals_the_package_called_directly():
    from intensity_normalization.adapters.images import NumpyImageAdapter
    from intensity_normalization.normalizers.population.nyul import NyulNormalizer

    cohort = [scan(seed, gain, offset) for seed, gain, offset in ((0, 1, 0), (1, 2.2, 30), (2, 0.6, 10))]
    landmarks = fit_nyul(cohort)
    direct = NyulNormalizer()
    direct.fit_population([NumpyImageAdapter(v.voxels) for v in cohort],
                          [NumpyImageAdapter(body_mask(v).voxels) for v in cohort])
    np.testing.assert_allclose(landmarks, direct.standard_scale)
    new = scan(9, 1.7, 50)
    recipe = NormaliseRecipe(method="nyul", landmarks=landmarks)
    expected = direct.transform(NumpyImageAdapter(new.voxels), NumpyImageAdapter(body_mask(new).voxels)).get_data()
    np.testing.assert_allclose(normalise(new, recipe).voxels, expected, rtol=1e-5, atol=1e-4)


def test_nyul_brings_scanners_together():
    cohort = [scan(0), scan(1, 2.2, 30), scan(2, 0.6, 10)]
    recipe = NormaliseRecipe(method="nyul", landmarks=fit_nyul(cohort))
    means = [normalise(v, recipe).voxels[tumour().voxels].mean() for v in cohort]
    assert np.ptp(means) < 1.0  # of 100
    assert np.ptp([v.voxels[tumour().voxels].mean() for v in cohort]) > 300


def test_nyul_can_learn_around_the_tumour():
    recipe = NormaliseRecipe(method="nyul", region="around_tumour", margin_mm=8)
    assert fit_nyul([scan(0)], recipe, [tumour()]) != fit_nyul([scan(0)])
    with pytest.raises(EmptyMask):
        fit_nyul([scan(0)], recipe)


def test_landmarks_survive_the_disk_exactly(tmp_path):
    landmarks = fit_nyul([scan(0), scan(1)])
    path = tmp_path / "landmarks.json"
    save_landmarks(path, landmarks)
    assert load_landmarks(path) == landmarks
    assert [p.name for p in tmp_path.iterdir()] == ["landmarks.json"]
    assert json.loads(path.read_text())["percentiles"] == [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 99]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"method": "other", "percentiles": [1], "landmarks": [1]}',
                                     '{"method": "nyul", "percentiles": [1], "landmarks": ["x"]}'])
def test_files_that_hold_no_landmarks_are_named(tmp_path, content):
    path = tmp_path / "landmarks.json"
    path.write_text(content)
    with pytest.raises(RecipeError, match=r"landmarks\.json"):
        load_landmarks(path)


@pytest.mark.parametrize("landmarks", [None, (1.0, 2.0), (1.0,) * 11])
def test_nyul_needs_rising_landmarks(landmarks):
    with pytest.raises(RecipeError, match="landmarks"):
        normalise(scan(0), NormaliseRecipe(method="nyul", landmarks=landmarks))
    with pytest.raises(InputError, match="no image"):
        fit_nyul([])

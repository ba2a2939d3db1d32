import math

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Prepared, Volume
from app.core.errors import RecipeError
from app.core.io.itk import from_sitk, to_sitk
from app.core.radiomics.catalogue import describe
from app.core.radiomics.convolution import filter_log, filter_wavelet
from app.core.radiomics.extract import extract
from app.core.radiomics.filters import FILTERS, filtered_images, image_names
from app.core.radiomics.texture import load_pyradiomics
from app.core.recipe import RadiomicsRecipe

EVERY = {"Original": {}, "Square": {}, "SquareRoot": {}, "Logarithm": {}, "Exponential": {}, "Gradient": {},
         "LBP2D": {"binWidth": 1}, "LBP3D": {"binWidth": 0.1}, "LoG": {"sigma": [2.0, 3.5]}, "Wavelet": {"level": 2},
         "Mean": {"support": [3, 5]}, "Gabor": {"wavelength": [4.0], "orientations": 2}}


@pytest.fixture
def tumour() -> tuple[Volume, Mask]:
    rng = np.random.default_rng(5)
    affine = np.diag([1.0, 1.0, 2.0, 1.0])
    i, j, k = np.ogrid[:40, :36, :20]
    inside = ((i - 20) / 6) ** 2 + ((j - 17) / 5) ** 2 + ((k - 9) / 3) ** 2 < 1
    return Volume(rng.normal(100, 20, inside.shape), affine), Mask(inside, affine)


@pytest.mark.parametrize("standard", ["pyradiomics", "ibsi"])
@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("pooled", [False, True])
def test_every_filter_makes_the_images_it_names(tumour: tuple[Volume, Mask], standard: str, flat: bool,
                                                pooled: bool) -> None:
    filters = EVERY | {"Wavelet": {"level": 2, "pooled": pooled}} if standard == "ibsi" else EVERY
    recipe = RadiomicsRecipe(standard=standard, force_2d=flat, filters=filters)
    named = [image for images in image_names(recipe).values() for image in images]
    made = {name: image for name, image, _ in filtered_images(*tumour, recipe, set(named))}
    assert set(filters) == set(FILTERS)
    assert sorted(made) == sorted(named)
    for name, image in made.items():
        assert image.GetSize() == (40, 36, 20)
        assert np.isfinite(from_sitk(image)[0][tumour[1].voxels]).all(), name
        assert describe(f"{name}_firstorder_Mean").unit == "intensity"
    titles = [describe(f"{name}_firstorder_Mean").title for name in named]
    assert len(set(titles)) == len(titles)


def test_only_what_is_needed_is_made(tumour: tuple[Volume, Mask]) -> None:
    recipe = RadiomicsRecipe(standard="ibsi", filters={"LoG": {"sigma": [2.0, 4.0]}, "Mean": {"support": [3]}})
    assert [name for name, *_ in filtered_images(*tumour, recipe, {"original", "log-sigma-4-0-mm-3D"})] == [
        "log-sigma-4-0-mm-3D", "original"]


@pytest.mark.parametrize("boundary", ["zero", "nearest", "periodic", "mirror"])
@pytest.mark.parametrize("pooled", [False, True])
def test_the_tumour_s_box_is_filtered_as_the_whole_image(tumour: tuple[Volume, Mask], boundary: str,
                                                         pooled: bool) -> None:
    volume, mask = tumour
    shifted = mask.with_voxels(np.roll(mask.voxels, (-14, 0, 8), (0, 1, 2)))  # at the image's edge
    own = {"LoG": {"sigma": [1.5]}, "Wavelet": {"wavelet": "db2", "level": 2, "pooled": pooled},
           "Mean": {"support": [5]}, "Gabor": {"wavelength": [4.0], "pooled": pooled}}
    filters = {name: {**each, "boundary": boundary} for name, each in own.items()}
    recipe = RadiomicsRecipe(standard="ibsi", filters=filters)
    named = {image for images in image_names(recipe).values() for image in images}
    whole = {name: from_sitk(image)[0] for name, image, _ in
             filtered_images(volume, mask.with_voxels(np.ones_like(mask.voxels)), recipe, named)}
    for outline in (mask, shifted):
        for name, image, _ in filtered_images(volume, outline, recipe, named):
            found = from_sitk(image)[0]
            assert np.allclose(found[outline.voxels], whole[name][outline.voxels], atol=1e-4), name


def test_laplacian_of_a_paraboloid_knows_the_spacing() -> None:
    i, j, k = np.ogrid[:41, :41, :41]
    voxels = (0.5 * i) ** 2 + 2 * (0.5 * j) ** 2 + 3 * (1.0 * k) ** 2
    found = filter_log(voxels, 1.2, (0.5, 0.5, 1.0), truncate=6.0)
    assert found[20, 20, 20] == pytest.approx(2 * (1 + 2 + 3) * 0.5**2, rel=1e-4)
    assert filter_log(voxels, 1.2, (0.5, 0.5, 1.0), 6.0, axes=(0, 1))[20, 20, 20] == pytest.approx(
        2 * (1 + 2) * 0.5**2, rel=1e-4)


def test_laplacian_of_an_even_image_is_nothing_across_thick_slices() -> None:
    even = np.full((40, 40, 40), 1000.0)
    assert np.abs(filter_log(even, 2.0, (1.0, 1.0, 3.3), truncate=8.0)).max() < 1e-6


@pytest.mark.parametrize("bands", ["LLL", "LLH", "LHH", "HHH"])
@pytest.mark.parametrize("level", [1, 2])
def test_pooled_wavelets_turn_with_the_image(bands: str, level: int) -> None:
    voxels = np.random.default_rng(7).normal(size=(12, 12, 12))
    pooled = filter_wavelet(voxels, bands, "db2", level, pooled=True)
    for axes in ((0, 1), (1, 2), (0, 2)):
        turned = filter_wavelet(np.rot90(voxels, axes=axes), bands, "db2", level, pooled=True)
        assert np.allclose(turned, np.rot90(pooled, axes=axes))
    by_hand = np.zeros_like(voxels)
    for order in ((0, 1, 2), (1, 2, 0), (2, 0, 1), (1, 0, 2), (0, 2, 1), (2, 1, 0)):
        for signs in np.ndindex(2, 2, 2):
            if np.linalg.det(np.eye(3)[list(order)]) * (-1) ** sum(signs) > 0:
                flips = tuple(slice(None, None, -1 if sign else 1) for sign in signs)
                response = filter_wavelet(voxels.transpose(order)[flips], bands, "db2", level)
                by_hand += response[flips].transpose(np.argsort(order)) / 24
    assert np.allclose(pooled, by_hand)


def test_wavelets_of_a_constant_are_its_gain() -> None:
    flat = np.full((8, 8, 8), 3.0)
    assert np.allclose(filter_wavelet(flat, "LLL", "coif1", 2), 3 * math.sqrt(2) ** 6)
    assert np.allclose(filter_wavelet(flat, "LLH", "coif1"), 0, atol=1e-12)


def test_local_binary_patterns_are_scikit_image_s_and_pyradiomics(tumour: tuple[Volume, Mask]) -> None:
    from skimage.feature import local_binary_pattern

    volume, mask = tumour
    volume = volume.with_voxels(np.round(volume.voxels))
    recipe = RadiomicsRecipe(filters={"LBP2D": {}, "LBP3D": {"lbp3DLevels": 3}})
    made = {name: from_sitk(image)[0] for name, image, _ in
            filtered_images(volume, mask, recipe, {"lbp-2D", "lbp-3D-m1", "lbp-3D-m2", "lbp-3D-m3", "lbp-3D-k"})}
    assert len(made) == 5
    # pyradiomics walks the slice the other way round than our arrays run: the uniform pattern does not tell
    expected = local_binary_pattern(volume.voxels[:, :, 9].T.astype(int), P=8, R=1, method="uniform").T
    assert np.array_equal(made["lbp-2D"][:, :, 9], expected)
    assert len(np.unique(made["lbp-3D-m1"][mask.voxels])) > 3


def test_pyradiomics_filters_come_as_they_are(tumour: tuple[Volume, Mask]) -> None:
    image, label = to_sitk(tumour[0]), to_sitk(tumour[1])
    recipe = RadiomicsRecipe(filters={"LoG": {"sigma": [2.0]}, "Wavelet": {}, "Square": {}})
    named = {image_name for images in image_names(recipe).values() for image_name in images}
    ours = {name: sitk.GetArrayFromImage(found) for name, found, _ in filtered_images(*tumour, recipe, named)}
    operations = load_pyradiomics().imageoperations
    for make, settings in ((operations.getLoGImage, {"sigma": [2.0]}), (operations.getWaveletImage, {}),
                           (operations.getSquareImage, {})):
        for found, name, _ in make(image, label, **settings):
            assert np.array_equal(ours.pop(name), sitk.GetArrayFromImage(found))
    assert not ours


@pytest.mark.parametrize(("filters", "message"), [
    ({"Mean": {}}, "supports"), ({"Mean": {"support": [4]}}, "odd"), ({"Gabor": {}}, "wavelengths"),
    ({"LoG": {"sigma": 2.0}}, "sigmas"), ({"LoG": {"sigma": ["two"]}}, "sigmas"), ({"Sobel": {}}, "'Sobel'"),
    ({"Mean": {"support": ["wide"]}}, "odd"), ({"LBP3D": {"lbp3DLevels": 0}}, "lbp3DLevels 0"),
    ({"Wavelet": {"level": 0}}, "level 0, a whole number"), ({"Wavelet": {"level": 1.5}}, "level 1.5"),
    ({"Wavelet": {"wavelet": "sinc"}}, "'sinc'"), ({"LoG": {"sigma": [2.0], "boundary": "wrap"}}, "'wrap'")])
def test_settings_that_name_nothing_are_refused(filters: dict, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        image_names(RadiomicsRecipe(filters=filters))


@pytest.mark.parametrize(("settings", "message"), [
    ({"wavelet": "sinc"}, "'sinc'"), ({"boundary": "wrap"}, "'wrap'")])
def test_settings_that_cannot_be_used_are_refused(tumour: tuple[Volume, Mask], settings: dict, message: str) -> None:
    recipe = RadiomicsRecipe(standard="ibsi", filters={"Wavelet": settings})
    with pytest.raises(RecipeError, match=message):
        next(filtered_images(*tumour, recipe, {"wavelet-LLH"}))


@pytest.mark.parametrize("standard", ["pyradiomics", "ibsi"])
def test_filtered_images_are_measured(tumour: tuple[Volume, Mask], standard: str) -> None:
    volume, mask = tumour
    filters = {"Mean": {"support": [3]}, "Gabor": {"wavelength": [4.0], "binCount": 16}, "LBP2D": {"binWidth": 1.0},
               "LoG": {"sigma": [2.0]}}
    recipe = RadiomicsRecipe(standard=standard, classes=("firstorder",), filters=filters)
    row = extract(Prepared("a", {"t1": volume}, {"t1": mask}), recipe).as_dict()
    assert np.isfinite(list(row.values())).all()
    box = np.pad(volume.voxels, 1, mode="symmetric").astype(float)
    means = np.mean([box[i:i + 40, j:j + 36, k:k + 20] for i, j, k in np.ndindex(3, 3, 3)], axis=0)
    assert row["mean-3-3D_firstorder_Mean"] == pytest.approx(means[mask.voxels].mean(), rel=1e-5)


@pytest.mark.parametrize("standard", ["pyradiomics", "ibsi"])
def test_a_filter_without_response_somewhere_leaves_its_own_features_alone_missing(tumour: tuple[Volume, Mask],
                                                                                  standard: str) -> None:
    mask = tumour[1]
    flat = tumour[0].with_voxels(np.full(mask.voxels.shape, 7.0, dtype=np.float32))
    recipe = RadiomicsRecipe(standard=standard, classes=("firstorder", "glcm"), filters={"Original": {}, "LBP3D": {}})
    row = extract(Prepared("a", {"t1": flat}, {"t1": mask}), recipe).as_dict()
    assert row["original_firstorder_Mean"] == 7
    assert math.isnan(row["lbp-3D-k_firstorder_Mean"])
    assert math.isfinite(row["lbp-3D-m1_firstorder_Mean"])

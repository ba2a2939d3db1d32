import math

import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.radiomics.gabor import bank_kernel, measure, names, respond
from app.core.radiomics.texture import run_class
from app.core.recipe import GaborRecipe, RadiomicsRecipe

ROOT2 = math.sqrt(2)


@pytest.fixture
def tumour() -> tuple[Volume, Mask]:
    rng = np.random.default_rng(3)
    i, j, k = np.ogrid[:60, :50, :8]
    inside = ((i - 28) / 14) ** 2 + ((j - 24) / 11) ** 2 + ((k - 4) / 3) ** 2 < 1
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    return Volume(rng.normal(100, 20, inside.shape), affine), Mask(inside, affine)


def waves(wavelength: float, theta: float, amplitude: float = 10.0) -> np.ndarray:
    i, j = np.ogrid[:160, :160]
    across = i * math.cos(theta) + j * math.sin(theta)
    return 500 + amplitude * np.cos(2 * math.pi * across / wavelength)[:, :, np.newaxis]


@pytest.mark.parametrize("scale", range(5))
@pytest.mark.parametrize("turn", range(6))
def test_stripes_answer_at_their_own_wavelength_and_direction(scale: int, turn: int) -> None:
    thetas = [math.pi * each / 6 for each in range(6)]
    wavelength = 3 * ROOT2**scale
    answers = [response[80, 80, 0] for response in
               respond(waves(wavelength, thetas[turn]), [bank_kernel(wavelength, theta) for theta in thetas])]
    assert answers[turn] == pytest.approx(5.0, rel=0.02)  # half the amplitude
    assert answers[(turn + 3) % 6] < 0.01
    by_scale = [next(respond(waves(wavelength, thetas[turn]), [bank_kernel(3 * ROOT2**other, thetas[turn])]))[80, 80, 0]
                for other in range(5)]
    assert int(np.argmax(by_scale)) == scale


def test_kernels_of_different_sizes_are_centred() -> None:
    impulse = np.zeros((41, 43, 1))
    impulse[20, 21] = 1
    kernels = [bank_kernel(3.0, 0.4), bank_kernel(6.0, 1.1)]
    for kernel, found in zip(kernels, respond(impulse, kernels, "zero"), strict=True):
        reach = kernel.shape[0] // 2, kernel.shape[1] // 2
        around = found[20 - reach[0]:21 + reach[0], 21 - reach[1]:22 + reach[1], 0]
        assert np.allclose(around, np.abs(kernel), atol=1e-15)


def test_the_offset_of_the_image_does_not_count(tumour: tuple[Volume, Mask]) -> None:
    volume, mask = tumour
    recipe = RadiomicsRecipe(gabor=GaborRecipe())
    plain, lifted = measure(volume, mask, recipe), measure(volume.with_voxels(volume.voxels + 4096), mask, recipe)
    assert list(plain) == names(recipe)
    assert lifted == pytest.approx(plain, rel=1e-3)


@pytest.mark.parametrize("standard", ["pyradiomics", "ibsi"])
def test_features_are_pyradiomics_first_order(tumour: tuple[Volume, Mask], standard: str) -> None:
    import SimpleITK as sitk

    volume, mask = tumour
    recipe = RadiomicsRecipe(standard=standard, bin_count=32,
                             gabor=GaborRecipe(scales=2, orientations=3, keep_orientations=True))
    found = measure(volume, mask, recipe)
    (response,) = respond(volume.voxels.astype(float), [bank_kernel(3 * ROOT2, math.pi / 3)])
    label = sitk.GetImageFromArray(mask.voxels.T.astype(np.uint8))
    theirs = run_class("firstorder", sitk.GetImageFromArray(np.ascontiguousarray(response.T)), label, binCount=32)
    if standard == "ibsi":
        theirs["Kurtosis"] -= 3
    for name in ("Mean", "Variance", "Energy", "Entropy", "Skewness", "Kurtosis"):
        assert found[f"gabor-2-60_firstorder_{name}"] == pytest.approx(theirs[name], rel=1e-6), name


def test_directions_are_averaged_or_kept(tumour: tuple[Volume, Mask]) -> None:
    kept = measure(*tumour, RadiomicsRecipe(gabor=GaborRecipe(keep_orientations=True)))
    averaged = measure(*tumour, RadiomicsRecipe(gabor=GaborRecipe()))
    assert len(kept) == 5 * 6 * 6
    assert averaged["gabor-3_firstorder_Mean"] == pytest.approx(
        np.mean([kept[f"gabor-3-{angle}_firstorder_Mean"] for angle in (0, 30, 60, 90, 120, 150)]))


def test_names_hold_no_point() -> None:
    recipe = RadiomicsRecipe(gabor=GaborRecipe(scales=1, orientations=8, keep_orientations=True))
    assert names(recipe)[6] == "gabor-1-22-5_firstorder_Mean"
    assert names(RadiomicsRecipe()) == []


def test_slices_are_those_of_the_coarsest_axis(tumour: tuple[Volume, Mask]) -> None:
    volume, mask = tumour
    recipe = RadiomicsRecipe(gabor=GaborRecipe(scales=2))
    order = [2, 0, 1, 3]
    turned = measure(volume.with_voxels(volume.voxels.transpose(2, 0, 1), volume.affine[:, order]),
                     mask.with_voxels(mask.voxels.transpose(2, 0, 1), mask.affine[:, order]), recipe)
    assert turned == pytest.approx(measure(volume, mask, recipe))


def test_only_what_the_filters_reach_counts(tumour: tuple[Volume, Mask]) -> None:
    volume, mask = tumour
    recipe = RadiomicsRecipe(gabor=GaborRecipe(scales=1))
    margin = ((40, 40), (40, 40), (2, 2))
    wider = measure(volume.with_voxels(np.pad(volume.voxels, margin, constant_values=np.nan)),
                    mask.with_voxels(np.pad(mask.voxels, margin)), recipe)
    assert wider == pytest.approx(measure(volume, mask, recipe))
    assert measure(volume, mask.with_voxels(np.zeros_like(mask.voxels)), recipe) == {}

"""Filters against the consensus response maps of the Image Biomarker Standardisation Initiative, chapter 2, phase 1.

The initiative's tolerance: no voxel further from the consensus than 1 % of the map's range (Whybra et al. 2024,
10.1148/radiol.231319). The table is printed with `-s`.
"""

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.io.itk import from_sitk
from app.core.radiomics.filters import filtered_images, image_names
from app.core.recipe import RadiomicsRecipe

TOLERANCE = 0.01
# Settings of the manual's tests: phantom, filter with its settings, within slices, image.
TESTS = {
    "1_a_1": ("checkerboard", {"Mean": {"support": [15], "boundary": "zero"}}, False, "mean-15-3D"),
    "1_b_1": ("impulse", {"Mean": {"support": [15], "boundary": "zero"}}, True, "mean-15-2D"),
    "2_a": ("impulse", {"LoG": {"sigma": [3.0], "boundary": "zero"}}, False, "log-sigma-3-0-mm-3D"),
    "2_b": ("checkerboard", {"LoG": {"sigma": [5.0], "boundary": "mirror"}}, False, "log-sigma-5-0-mm-3D"),
    "2_c": ("checkerboard", {"LoG": {"sigma": [5.0], "boundary": "mirror"}}, True, "log-sigma-5-0-mm-2D"),
    "5_a_1": ("impulse", {"Wavelet": {"wavelet": "db2", "boundary": "zero"}}, False, "wavelet-LHL"),
    "5_a_2": ("impulse", {"Wavelet": {"wavelet": "db2", "boundary": "zero", "pooled": True}}, False,
              "wavelet-pooled-LLH"),
    "6_a_1": ("sphere", {"Wavelet": {"wavelet": "coif1", "boundary": "periodic"}}, False, "wavelet-HHL"),
    "7_a_1": ("checkerboard", {"Wavelet": {"wavelet": "haar", "level": 2, "boundary": "mirror", "pooled": True}}, False,
              "wavelet2-pooled-LLL"),
    "7_a_2": ("checkerboard", {"Wavelet": {"wavelet": "haar", "level": 2, "boundary": "mirror", "pooled": True}}, False,
              "wavelet2-pooled-HHH"),
}
# What pyradiomics' own filters can be set to; the factor from its normalisation to the IBSI's (its Laplacian is
# multiplied by the square of sigma, the voxels are of 2 mm); whether it is within tolerance as it is, and scaled.
# It has no mean, no Laplacian in slices, no rotation pooling and no boundary but the periodic.
PYRADIOMICS = {
    "2_a": ("LoG", {"sigma": [3.0]}, "log-sigma-3-0-mm-3D", (3.0 / 2) ** 2, False, False),
    "2_b": ("LoG", {"sigma": [5.0]}, "log-sigma-5-0-mm-3D", (5.0 / 2) ** 2, False, True),
    "5_a_1": ("Wavelet", {"wavelet": "db2"}, "wavelet-LHL", 1.0, True, True),
    "6_a_1": ("Wavelet", {"wavelet": "coif1"}, "wavelet-HHL", 1.0, True, True),
}


def phantom(shared_data: Path, name: str) -> Volume:
    image = nib.load(shared_data / "ibsi2" / "ibsi_2_digital_phantom" / "nifti" / name / "image" / f"{name}.nii.gz")
    return Volume(np.asarray(image.dataobj), image.affine)


def consensus(shared_data: Path, test: str) -> np.ndarray:
    return np.asarray(nib.load(shared_data / "ibsi2" / "reference_response_maps" / f"{test}-ValidCRM.nii").dataobj)


def everywhere(volume: Volume) -> Mask:
    return Mask(np.ones(volume.voxels.shape), volume.affine)


def compare(found: np.ndarray, expected: np.ndarray) -> tuple[float, float]:
    """Largest difference over the map's range, and the share of voxels within tolerance."""
    difference = np.abs(found - expected) / (float(expected.max()) - float(expected.min()))
    return float(difference.max()), float((difference <= TOLERANCE).mean())


@pytest.mark.parametrize("test", TESTS)
def test_response_map_is_the_consensus(shared_data: Path, test: str) -> None:
    name, filters, by_slice, image = TESTS[test]
    volume = phantom(shared_data, name)
    recipe = RadiomicsRecipe(standard="ibsi", filters=filters, force_2d=by_slice)
    (found,) = filtered_images(volume, everywhere(volume), recipe, {image})
    voxels, affine = from_sitk(found[1])
    largest, share = compare(voxels, consensus(shared_data, test))
    _tell(f"{test:6} {name:13} {image:20} largest difference {largest:.1e} of the range, {share:.2%} within 1 %")
    assert found[0] == image
    assert image in [each for names in image_names(recipe).values() for each in names]
    assert np.allclose(affine, volume.affine)
    assert largest <= TOLERANCE
    assert share == 1.0


@pytest.mark.parametrize("test", PYRADIOMICS)
def test_pyradiomics_own_filters_beside_the_consensus(shared_data: Path, test: str) -> None:
    kind, settings, image, factor, passes, passes_scaled = PYRADIOMICS[test]
    volume = phantom(shared_data, TESTS[test][0])
    recipe = RadiomicsRecipe(filters={kind: settings})
    (found,) = (from_sitk(each)[0] for name, each, _ in
                filtered_images(volume, everywhere(volume), recipe, {image}) if name == image)
    expected = consensus(shared_data, test)
    as_it_is, scaled = compare(found, expected), compare(found / factor, expected)
    _tell(f"{test:6} pyradiomics   {image:20} as it is {as_it_is[0]:.1e}, {as_it_is[1]:.2%}; "
          f"scaled {scaled[0]:.1e}, {scaled[1]:.2%}")
    assert (as_it_is[0] <= TOLERANCE, scaled[0] <= TOLERANCE) == (passes, passes_scaled)


def _tell(line: str) -> None:
    print(line)  # noqa: T201

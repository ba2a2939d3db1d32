"""Gabor filters on the phantoms of the IBSI's chapter 2, settings of its tests 4.a and 4.b, against other means.

No consensus map of these tests is at hand. The impulse answers with the kernel itself, so its response is known in
closed form; the sphere is convolved with scikit-image's Gabor kernel by scipy.
"""

import math
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy.signal import fftconvolve
from skimage.filters import gabor_kernel as gabor_of_skimage

from app.core.data import Mask, Volume
from app.core.io.itk import from_sitk
from app.core.radiomics.filters import filtered_images
from app.core.radiomics.gabor import gabor_kernel, respond
from app.core.recipe import RadiomicsRecipe

VOXEL = 2.0  # mm
# sigma and wavelength in mm, aspect, direction, boundary
IMPULSE = (10.0, 4.0, 0.5, math.pi / 3, "zero")
SPHERE = (20.0, 8.0, 2.5, 5 * math.pi / 4, "mirror")


def phantom(shared_data: Path, name: str) -> Volume:
    image = nib.load(shared_data / "ibsi2" / "ibsi_2_digital_phantom" / "nifti" / name / "image" / f"{name}.nii.gz")
    return Volume(np.asarray(image.dataobj), image.affine)


def by_skimage(sigma: float, wavelength: float, aspect: float, theta: float, deviations: float = 5.0) -> np.ndarray:
    """scikit-image's kernel along (i, j), scaled to 1 at its centre; its arrays run along (y, x)."""
    across, along = sigma / VOXEL, sigma / VOXEL / aspect
    kernel = gabor_of_skimage(VOXEL / wavelength, theta=theta, sigma_x=across, sigma_y=along, n_stds=deviations)
    return kernel.T * (2 * math.pi * across * along)


def direct(slices: np.ndarray, kernel: np.ndarray, boundary: str) -> np.ndarray:
    margin = [(length // 2,) * 2 for length in kernel.shape]
    padded = np.pad(slices, (*margin, (0, 0)), mode={"zero": "constant", "mirror": "symmetric"}[boundary])
    return np.abs(fftconvolve(padded, kernel[:, :, np.newaxis], mode="valid", axes=(0, 1)))


@pytest.mark.parametrize(("sigma", "wavelength", "aspect", "theta"), [test[:4] for test in (IMPULSE, SPHERE)])
def test_the_kernel_is_that_of_another_library(sigma: float, wavelength: float, aspect: float, theta: float) -> None:
    ours, theirs = gabor_kernel(sigma / VOXEL, wavelength / VOXEL, aspect, theta), by_skimage(sigma, wavelength, aspect,
                                                                                              theta)
    reach = [min(a, b) // 2 for a, b in zip(ours.shape, theirs.shape, strict=True)]
    middle = [kernel[tuple(slice(length // 2 - far, length // 2 + far + 1)
                           for length, far in zip(kernel.shape, reach, strict=True))] for kernel in (ours, theirs)]
    assert min(reach) > 10
    assert np.allclose(*middle, atol=1e-12)


def test_an_impulse_answers_with_the_envelope(shared_data: Path) -> None:
    sigma, wavelength, aspect, theta, boundary = IMPULSE
    volume = phantom(shared_data, "impulse")
    (found,) = respond(volume.voxels.astype(float), [gabor_kernel(sigma / VOXEL, wavelength / VOXEL, aspect, theta)],
                       boundary)
    centre = np.argwhere(volume.voxels > 0)[0]
    x, y = ((np.arange(64) - middle) * VOXEL for middle in centre[:2])
    across = x[:, np.newaxis] * math.cos(theta) + y * math.sin(theta)
    along = y * math.cos(theta) - x[:, np.newaxis] * math.sin(theta)
    expected = np.zeros(volume.voxels.shape)
    expected[:, :, centre[2]] = 255 * np.exp(-(across**2 + (aspect * along) ** 2) / (2 * sigma**2))
    assert np.abs(found - expected).max() <= 0.01 * expected.max()


def test_a_sphere_answers_as_to_another_library(shared_data: Path) -> None:
    sigma, wavelength, aspect, theta, boundary = SPHERE
    voxels = phantom(shared_data, "sphere").voxels.astype(float)
    (found,) = respond(voxels, [gabor_kernel(sigma / VOXEL, wavelength / VOXEL, aspect, theta)], boundary)
    expected = direct(voxels, by_skimage(*SPHERE[:4]), boundary)
    assert np.abs(found - expected).max() <= 0.01 * (expected.max() - expected.min())
    assert expected.max() > 100


@pytest.mark.parametrize(("name", "test", "turns"), [("impulse", IMPULSE, 4), ("sphere", SPHERE, 8)])
def test_directions_and_planes_are_averaged(shared_data: Path, name: str, test: tuple, turns: int) -> None:
    sigma, wavelength, aspect, _, boundary = test
    volume = phantom(shared_data, name)
    settings = {"wavelength": [wavelength], "sigma": sigma, "aspect": aspect, "orientations": turns, "pooled": True,
                "boundary": boundary}
    recipe = RadiomicsRecipe(standard="ibsi", filters={"Gabor": settings})
    image = f"gabor-wavelength-{wavelength:.1f}-mm-3D".replace(".", "-")
    ((found, answer, _),) = filtered_images(volume, Mask(np.ones((64, 64, 64)), volume.affine), recipe, {image})
    expected = np.zeros((64, 64, 64))
    for axis in range(3):
        for turn in range(turns):
            kernel = by_skimage(sigma, wavelength, aspect, math.pi * turn / turns, 4.0)
            across = np.moveaxis(volume.voxels.astype(float), axis, 2)
            expected += np.moveaxis(direct(across, kernel, boundary), 2, axis) / (3 * turns)
    assert found == image
    assert np.abs(from_sitk(answer)[0] - expected).max() <= 0.01 * (expected.max() - expected.min())

"""The fast N4 beside SimpleITK's on real images: the same field, the same stops.

Few voxels leave both at the mercy of a last digit (SimpleITK's field of breast1 moves by 1e-3 with its thread count),
so the bounds are those of SimpleITK against itself.
"""

import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.io.volume import load_volume
from app.core.preprocess import n4_fast, n4_itk
from app.core.preprocess.n4 import shrink_factors
from app.core.preprocess.regions import body_mask, otsu_mask
from app.core.recipe import N4Recipe


def compare(volume, region, recipe):
    shrink = shrink_factors(volume, recipe.shrink)
    region = region.with_voxels(region.voxels & (volume.voxels > 0))
    fields, variations, stops = [], [], []
    for engine in (n4_itk, n4_fast):
        field, levels = engine.estimate_field(volume, region, recipe, shrink, None)
        values = field[region.voxels].astype(float)
        fields.append(values / values.mean())
        corrected = volume.voxels[region.voxels] / values
        variations.append(corrected.std() / corrected.mean())
        stops.append([level["iterations"] for level in levels])
    return np.abs(fields[1] / fields[0] - 1), variations, stops


def thick_slice(volume, k):
    return Volume(volume.voxels[:, :, k : k + 1].copy(), volume.affine)


def brain_like():
    rng = np.random.default_rng(5)
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in (72, 80, 20)], indexing="ij")
    radius = np.sqrt(x**2 + y**2 + 0.5 * z**2)
    tissue = np.select([radius < 0.3, radius < 0.65, radius < 0.85], [180.0, 420.0, 310.0], 12.0)
    field = np.exp(0.3 * np.cos(2 * x + y) - 0.2 * z)
    voxels = np.maximum(tissue * field + rng.normal(0, 9, x.shape), 0)
    return Volume(voxels.astype(np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))


def test_brain(shared_data):
    volume = load_volume(str(shared_data / "pyradiomics" / "brain1_image.nrrd")).volume
    off, (itk, fast), (expected, found) = compare(volume, otsu_mask(volume), N4Recipe(shrink=(8, 8, 1)))
    assert found == expected
    assert off.mean() < 1e-4
    assert off.max() < 1e-3
    assert fast == pytest.approx(itk, abs=1e-4)


@pytest.mark.parametrize(("shrink", "tolerance"), [(4, 1e-3), (4, 0.0)])
def test_breast(shared_data, shrink, tolerance):
    volume = load_volume(str(shared_data / "pyradiomics" / "breast1_image.nrrd")).volume
    recipe = N4Recipe(shrink=shrink, tolerance=tolerance)
    off, (itk, fast), (expected, found) = compare(volume, otsu_mask(volume), recipe)
    assert np.abs(np.subtract(found, expected)).max() <= 1
    assert off.mean() < 2e-3
    assert fast == pytest.approx(itk, abs=5e-4)


@pytest.mark.parametrize(("tolerance", "slack"), [(1e-3, 0), (1e-4, 1), (0.0, 0)])
def test_a_brain_like_phantom(tolerance, slack):
    volume = brain_like()
    off, (itk, fast), (expected, found) = compare(volume, otsu_mask(volume), N4Recipe(tolerance=tolerance))
    assert np.abs(np.subtract(found, expected)).max() <= slack
    assert off.mean() < 1e-4
    assert fast == pytest.approx(itk, abs=1e-4)


@pytest.mark.parametrize(("patient", "region"), [("STS_041", otsu_mask), ("STS_018", body_mask)])
def test_sarcomas_and_slices_of_them(shared_data, patient, region):
    volume = load_volume(str(shared_data / "sts" / patient / "t1.nii.gz")).volume
    for part, shrink in ((volume, 5), (thick_slice(volume, volume.voxels.shape[2] // 2), 2)):
        mask: Mask = region(part)
        off, (itk, fast), (expected, found) = compare(part, mask, N4Recipe(shrink=shrink, iterations=30))
        assert found == expected
        assert off.mean() < 1e-4
        assert fast == pytest.approx(itk, abs=1e-4)

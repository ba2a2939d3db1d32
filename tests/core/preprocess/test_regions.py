import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.errors import EmptyMask, InputError
from app.core.preprocess.regions import around, body_mask, coarsest_axis, otsu_mask


def limbs(shape=(60, 40, 6)):
    """Two limbs with a dark hole each, in noisy air."""
    rng = np.random.default_rng(3)
    x, y, _ = np.indices(shape)
    first, second = (x - 17) ** 2 + (y - 20) ** 2 < 180, (x - 45) ** 2 + (y - 20) ** 2 < 90
    holes = ((x - 17) ** 2 + (y - 20) ** 2 < 20) | ((x - 45) ** 2 + (y - 20) ** 2 < 12)
    voxels = np.where((first | second) & ~holes, rng.normal(300, 20, shape), rng.uniform(0, 12, shape))
    return Volume(voxels.astype(np.float32), np.diag([1.0, 1.0, 5.0, 1.0])), first, second, holes


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_the_body_holds_both_limbs_with_their_holes_and_no_air():
    volume, first, second, _ = limbs()
    assert dice(body_mask(volume).voxels, first | second) > 0.97


def test_specks_in_the_air_are_no_body():
    volume, first, second, _ = limbs()
    voxels = volume.voxels.copy()
    voxels[2:5, 2:5, 2:5] = 400
    assert dice(body_mask(volume.with_voxels(voxels)).voxels, first | second) > 0.97


def test_otsu_takes_the_bright_voxels_only():
    volume, first, second, holes = limbs()
    np.testing.assert_array_equal(otsu_mask(volume).voxels, (first | second) & ~holes)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_body_of_a_single_slice_is_found(axis):
    volume, first, second, _ = limbs()
    turned = np.moveaxis(volume.voxels[:, :, 2:3], 2, axis)
    spacing = np.insert([1.0, 1.0], axis, 5.0)
    found = body_mask(Volume(turned, np.diag([*spacing, 1.0]))).voxels
    assert dice(np.moveaxis(found, axis, 2)[:, :, 0], (first | second)[:, :, 2]) > 0.97


def test_mostly_empty_images_still_have_a_body():
    voxels = np.zeros((50, 50, 4), np.float32)
    voxels[20:24, 20:24, 1:3] = 5
    assert body_mask(Volume(voxels, np.eye(4))).voxels.sum() == 32


@pytest.mark.parametrize("find", [otsu_mask, body_mask])
@pytest.mark.parametrize(("value", "words"), [(np.nan, "undefined or infinite"), (4.0, "the same value, 4")])
def test_images_without_contrast_or_numbers_are_named(find, value, words):
    with pytest.raises(InputError, match=words):
        find(Volume(np.full((5, 5, 5), value, np.float32), np.eye(4)))


def test_a_ring_is_measured_in_mm():
    voxels = np.zeros((21, 21, 9), bool)
    voxels[10, 10, 4] = True
    mask = Mask(voxels, np.diag([1.0, 2.0, 3.0, 1.0]))
    x, y, z = np.indices(voxels.shape)
    distance = np.sqrt((x - 10) ** 2 + (2 * (y - 10)) ** 2 + (3 * (z - 4)) ** 2)
    np.testing.assert_array_equal(around(mask, 6.0).voxels, (distance > 0) & (distance <= 6.0))


def test_a_ring_needs_an_outline_and_room():
    with pytest.raises(EmptyMask, match="nothing lies around"):
        around(Mask(np.zeros((3, 3, 3), bool), np.eye(4)), 5)
    with pytest.raises(EmptyMask, match="within 5 mm"):
        around(Mask(np.ones((3, 3, 3), bool), np.eye(4)), 5)


def test_the_coarsest_axis_is_the_last_of_equals():
    assert coarsest_axis(Volume(np.zeros((2, 2, 2)), np.diag([3.0, 1.0, 1.0, 1]))) == 0
    assert coarsest_axis(Volume(np.zeros((2, 2, 2)), np.diag([1.0, 1.0000001, 1.0, 1]))) == 2

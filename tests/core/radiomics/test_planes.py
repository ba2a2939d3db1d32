import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.radiomics.planes import crop_to_tumour, largest_slice, stack_slices, take_slice, through_plane_axis


def grid(spacing, order=(0, 1, 2)) -> np.ndarray:
    """Voxel axes of these sizes running along world axes R, A, S in `order`, the middle one backwards."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, world in enumerate(order):
        affine[world, axis] = spacing[axis] * (-1 if axis == 1 else 1)
    affine[:3, 3] = (5, -7, 11)
    return affine


def volume_on(affine) -> Volume:
    return Volume(np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6), affine)


@pytest.mark.parametrize(("spacing", "order", "expected"), [
    ((1, 1, 3), (0, 1, 2), 2), ((3, 1, 1), (0, 1, 2), 0), ((1, 4, 1), (2, 0, 1), 1),
    ((1, 1, 1), (0, 1, 2), 2), ((1, 1, 1), (2, 0, 1), 0), ((1, 1, 1.02), (0, 2, 1), 1), ((1, 1, 1.2), (0, 2, 1), 2)],
    ids=["axial", "thick i", "thick j", "cubes", "cubes turned", "nearly cubes", "not quite cubes"])
def test_slices_are_stacked_across_the_coarsest_axis_or_along_the_patient(spacing, order, expected) -> None:
    assert through_plane_axis(volume_on(grid(spacing, order)).geometry) == expected


@pytest.mark.parametrize("spacing", [(1, 1, 3), (3, 1, 1), (1, 4, 1)])
def test_stacking_moves_nothing_in_the_world(spacing) -> None:
    volume = volume_on(grid(spacing))
    stacked = stack_slices(volume)
    assert through_plane_axis(stacked.geometry) == 2
    assert sorted(stacked.voxels.shape) == [4, 5, 6]
    for index in np.ndindex(stacked.voxels.shape):
        world = stacked.affine @ (*index, 1)
        before = np.round(np.linalg.solve(volume.affine, world)[:3]).astype(int)
        assert stacked.voxels[index] == volume.voxels[tuple(before)]


def test_slices_and_boxes_stay_in_place() -> None:
    volume = volume_on(grid((1, 2, 3)))
    one = take_slice(volume, 4)
    assert np.array_equal(one.voxels[:, :, 0], volume.voxels[:, :, 4])
    assert np.allclose(one.affine @ (1, 2, 0, 1), volume.affine @ (1, 2, 4, 1))
    inside = np.zeros(volume.voxels.shape, dtype=bool)
    inside[1:3, 2:5, 3:5] = True
    cropped = crop_to_tumour(volume, Mask(inside, volume.affine))
    assert np.array_equal(cropped.voxels, volume.voxels[1:3, 2:5, 3:5])
    assert np.allclose(cropped.affine @ (1, 1, 1, 1), volume.affine @ (2, 3, 4, 1))


def test_of_slices_alike_the_middle_one_is_largest() -> None:
    inside = np.zeros((5, 5, 9), dtype=bool)
    inside[1:3, 1:3, 1:8] = True
    assert largest_slice(Mask(inside, np.eye(4))) == 4
    inside[4, 4, 6] = True
    assert largest_slice(Mask(inside, np.eye(4))) == 6

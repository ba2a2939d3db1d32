import numpy as np

from app.core.data import Mask
from app.core.segment.jitter import jitter_masks

NAMES = ["erode", "dilate", "shift +i", "shift -i", "shift +j", "shift -j", "shift +k", "shift -k"]


def block(spacing=(1.0, 1.0, 5.0), shape=(9, 9, 7), box=((2, 6), (2, 6), (2, 5))):
    voxels = np.zeros(shape, bool)
    voxels[tuple(slice(*span) for span in box)] = True
    return Mask(voxels, np.diag([*spacing, 1.0]), name="gtv")


def test_every_change_is_there_and_moves_by_one_voxel():
    mask = block()
    changed = dict(jitter_masks(mask))
    assert list(changed) == NAMES
    centre = np.argwhere(mask.voxels).mean(axis=0)
    for name, step in (("shift +i", (1, 0, 0)), ("shift -j", (0, -1, 0)), ("shift +k", (0, 0, 1))):
        np.testing.assert_allclose(np.argwhere(changed[name].voxels).mean(axis=0), centre + step)
        assert changed[name].voxels.sum() == mask.voxels.sum()
    assert all(m.name == "gtv" and m.geometry.matches(mask.geometry) for m in changed.values())


def test_eroding_and_dilating_stay_in_the_plane_of_the_finest_axes():
    for spacing, coarse in (((1, 1, 5), 2), ((5, 1, 1), 0), ((1, 6, 1), 1), ((1, 1, 1), 2)):
        changed = dict(jitter_masks(block(spacing, (9, 9, 9), ((3, 6),) * 3)))
        sizes = [span.stop - span.start for span in changed["erode"].box()]
        assert sizes == [3 if axis == coarse else 1 for axis in range(3)]
        assert changed["dilate"].voxels.sum() == 3 * (9 + 4 * 3)
        assert changed["dilate"].box()[coarse] == slice(3, 6)


def test_nothing_wraps_around_the_edges_and_empty_results_are_left_out():
    voxels = np.zeros((4, 5, 1), bool)
    voxels[3, 0, 0] = True
    changed = dict(jitter_masks(Mask(voxels, np.diag([1.0, 1.0, 0.5, 1.0]))))
    assert list(changed) == ["dilate", "shift -i", "shift +j"]
    assert np.argwhere(changed["dilate"].voxels).tolist() == [[2, 0, 0], [3, 0, 0], [3, 1, 0]]
    assert np.argwhere(changed["shift -i"].voxels).tolist() == [[2, 0, 0]]

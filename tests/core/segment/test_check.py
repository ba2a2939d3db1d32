"""Each fault of an outline is constructed, and told; a sound outline gives no flag."""

import nibabel as nib
import numpy as np
import pytest

from app.core.data import Mask
from app.core.segment.check import check_label_values, check_outline, compare_outlines

SPACING = np.diag([1.0, 1.0, 4.0, 1.0])


def ball(radius=12.0, shape=(40, 40, 15)):
    i, j, k = np.ogrid[: shape[0], : shape[1], : shape[2]]
    centre = [(count - 1) / 2 for count in shape]
    return (i - centre[0]) ** 2 + (j - centre[1]) ** 2 + (4 * (k - centre[2])) ** 2 <= radius**2


def flags(voxels, affine=SPACING):
    return {flag.code: flag for flag in check_outline(Mask(voxels, affine))}


def test_a_sound_outline_gives_no_flag():
    assert flags(ball()) == {}


def test_empty():
    found = flags(np.zeros((5, 5, 5), bool))
    assert found.keys() == {"empty_mask"}
    assert found["empty_mask"].severity == "problem"


def test_tiny():
    assert "tiny_mask" in flags(ball(4.0))


@pytest.mark.parametrize(("axis", "step", "named"), [(0, -1, "left"), (0, 1, "right"), (1, -1, "back"),
                                                     (1, 1, "front"), (2, -1, "first slice"), (2, 1, "last slice")])
def test_touching_an_edge(axis, step, named):
    moved = np.roll(ball(), step * (8 if axis < 2 else 5), axis)
    while not moved.take(0 if step < 0 else -1, axis).any():
        moved = np.roll(moved, step, axis)
    found = flags(moved)
    assert found.keys() == {"mask_touches_edge"}
    assert f"({named})" in found["mask_touches_edge"].message


def test_the_edge_is_named_as_the_body_lies():
    voxels = np.roll(ball(), -8, 0)
    assert voxels[0].any()
    flipped = np.diag([-1.0, 1.0, 4.0, 1.0])
    assert "(right)" in flags(voxels, flipped)["mask_touches_edge"].message


def test_specks_are_no_parts_and_parts_are_no_specks():
    speck = ball()
    speck[1, 1, 7] = True
    assert flags(speck).keys() == {"specks"}
    parts = np.zeros((80, 40, 15), bool)
    parts[:40], parts[40:] = ball(), ball(10.0)
    assert flags(parts).keys() == {"several_parts"}
    assert "2 separate parts" in flags(parts)["several_parts"].message


def test_holes_within_and_through():
    closed = ball()
    closed[19:22, 19:22, 7] = False
    assert "9 voxels" in flags(closed)["holes"].message
    tunnel = ball()
    tunnel[19:21, 19:21] = False
    assert flags(tunnel)["holes"].message.startswith("The outline has holes of 20 voxels")


def test_one_slice_and_skipped_slices():
    single = ball() & (np.arange(15) == 7)
    assert flags(single).keys() == {"single_slice_mask"}
    skipped = ball() & (np.arange(15) != 6)
    assert "1 slice between its first and last (7)" in flags(skipped)["slices_skipped"].message


def test_label_values(tmp_path):
    def write(values):
        path = tmp_path / "mask.nii.gz"
        nib.save(nib.Nifti1Image(values.astype(np.uint8), SPACING), path)
        return path

    assert check_label_values(write(ball()), None) == []
    assert "value 255; 1 is expected" in check_label_values(write(ball() * 255), None)[0].message
    both = ball().astype(int) + ball(6.0)
    assert "values 1, 2; 2 is used" in check_label_values(write(both), 2)[0].message


def test_two_readers():
    first = Mask(ball(), SPACING)
    assert compare_outlines(first, Mask(ball(11.0), SPACING)) == []
    assert [flag.code for flag in compare_outlines(first, Mask(ball(), SPACING))] == ["same_outline"]
    assert [flag.code for flag in compare_outlines(first, Mask(ball(6.0), SPACING))] == ["readers_differ"]

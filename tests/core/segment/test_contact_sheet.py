"""Contact sheets: the right slices, the right way round, the outline on its voxels."""

import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.segment.contact_sheet import COLUMNS, STRIP, TILE, draw_sheet

YELLOW = (240, 228, 66)


def scene(spacing=(1.0, 1.0, 4.0), shape=(120, 100, 20)):
    """Grey body, a bright spot at the patient's right front, a tumour in slices 8 to 13 (from 1)."""
    voxels = np.full(shape, 100, np.float32) + np.random.default_rng(0).normal(0, 5, shape).astype(np.float32)
    mask = np.zeros(shape, bool)
    mask[40:70, 30:60, 7:13] = True
    voxels[mask] = 150
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels, affine), Mask(mask, affine)


def tile(sheet, number):
    left, top = number % COLUMNS * (TILE + 2), number // COLUMNS * (TILE + 2)
    return np.asarray(sheet)[top: top + TILE, left: left + TILE].astype(int)


def yellow(picture):
    return (picture == YELLOW).all(axis=2)


def test_an_overview_and_each_slice_of_a_small_tumour():
    sheet = draw_sheet(*scene(), "A · t1")
    assert sheet.size == (4 * TILE + 6, 3 * TILE + 4 + STRIP)
    with_outline = [bool(yellow(tile(sheet, number)).any()) for number in range(12)]
    assert with_outline == [True] * 7 + [False] * 5, "an overview, six slices, and nothing more"
    assert tile(sheet, 8).sum() == 0


def test_the_outline_runs_along_the_edges_of_its_voxels():
    picture = yellow(tile(draw_sheet(*scene(), ""), 1))
    rows, columns = np.flatnonzero(picture.any(axis=1)), np.flatnonzero(picture.any(axis=0))
    # the field is 60 mm, the least, on 300 pixels; the tumour 30 x 30 mm in its middle
    assert abs((columns[-1] - columns[0]) - 150) <= 3
    assert abs((rows[-1] - rows[0]) - 150) <= 3
    assert abs((columns[0] + columns[-1]) / 2 - 150) <= 2


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize(("codes", "order"), [("axial", (0, 1, 2)), ("coronal", (0, 2, 1)), ("sagittal", (1, 2, 0))])
def test_radiological_display_whatever_the_files_order(codes, order, flip):
    """A bright corner at the patient's right, front, top shows where radiologists expect it."""
    world = np.full((60, 60, 60), 50, np.float32)
    # each world axis in its own voxel axis; the third file axis is the slice axis
    world[40:, 40:, 40:] = 200  # high along R, A and S
    voxels, affine = world.transpose(order), np.eye(4)[:, [*order, 3]] * [1, 1, 1, 1]
    step = np.diag([1.0, 1.0, 3.0, 1.0])
    voxels, affine = voxels[:, :, ::3], affine @ step
    if flip:
        turn = np.diag([-1.0, -1.0, -1.0, 1.0])
        turn[:3, 3] = [count - 1 for count in voxels.shape]
        voxels, affine = voxels[::-1, ::-1, ::-1], affine @ turn
    sheet = draw_sheet(Volume(np.ascontiguousarray(voxels), affine), None, "")
    tiles = [tile(sheet, number)[60:240, 40:260, 0] for number in range(12)]
    brightest = max(tiles, key=lambda each: int(each.sum()))
    height, width = brightest.shape
    quarters = {(top, left): brightest[slice(None, height // 2) if top else slice(height // 2, None),
                                       slice(None, width // 2) if left else slice(width // 2, None)].mean()
                for top in (True, False) for left in (True, False)}
    # axial: right on the left, front up; coronal: right on the left, top up; sagittal: front on the left, top up
    assert max(quarters, key=quarters.get) == (True, True), (codes, quarters)


def test_a_tumour_that_fills_the_image_needs_no_overview():
    volume, mask = scene()
    large = np.zeros_like(mask.voxels)
    large[10:110, 10:90] = True
    sheet = draw_sheet(volume, mask.with_voxels(large), "")
    assert all(yellow(tile(sheet, number)).any() for number in range(12))


def test_constant_images_and_single_slices_are_drawn():
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    draw_sheet(Volume(np.zeros((20, 20, 1), np.float32), affine), None, "x" * 400)
    one = np.zeros((20, 20, 1), bool)
    one[5, 5, 0] = True
    draw_sheet(Volume(np.zeros((20, 20, 1), np.float32), affine), Mask(one, affine), "")

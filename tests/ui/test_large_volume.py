"""What the engine counts for the viewer is what the viewer would count itself, however the file lies."""

import numpy as np
import pytest
from test_viewer_geometry import AXES

from app.core.data import Mask
from app.core.workflows.view import count_inside, write_array
from app.ui.widgets.view_case import open_image


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_the_outlines_slices_are_counted_alike(tmp_path, axes):
    inside = np.random.default_rng(5).random((7, 6, 5)) > 0.7
    inside[:2] = False
    affine = np.eye(4)
    affine[:3, :3] = axes * (1.0, 1.5, 4.0)
    written = {"array": write_array(tmp_path / "t1.npy", inside.astype(np.float32)), "affine": affine.tolist(),
               "window": [0, 1], "mask": write_array(tmp_path / "mask.npy", inside)}
    counted = open_image("t1", {**written, "profiles": count_inside(Mask(inside, affine))}).profiles
    for mine, theirs in zip(counted, open_image("t1", written).profiles, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_empty_outline_has_no_slices():
    assert count_inside(Mask(np.zeros((2, 3, 1), bool), np.eye(4))) == [[0, 0], [0, 0, 0], [0]]


@pytest.mark.parametrize("order", "CF")
def test_arrays_are_written_as_they_are(tmp_path, order):
    given = np.asarray(np.random.default_rng(2).normal(size=(5, 4, 37)), np.float32, order=order)
    found = np.load(write_array(tmp_path / "t1.npy", given), mmap_mode="r")
    np.testing.assert_array_equal(found, given)
    assert found.flags.f_contiguous

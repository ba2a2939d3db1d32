"""Diameters for the viewer: those of a block, with their ends in world millimetres."""

import numpy as np
import pytest

from app.core.errors import EmptyMask, InputError
from app.core.jobs import run_workflow


def measure(path, affine):
    request = {"mask": str(path), "affine": affine.tolist()}
    return run_workflow("app.core.workflows:measure_diameters", request, lambda _share, _words: None)


def test_the_ends_lie_where_the_block_is(tmp_path):
    voxels = np.zeros((40, 20, 6), bool)
    voxels[5:35, 8:10, 3] = True  # 30 x 2 voxels of 2 mm
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    affine[:3, 3] = (-10, 20, 30)
    np.save(tmp_path / "mask.npy", voxels)
    told = measure(tmp_path / "mask.npy", affine)
    assert (told["axis"], told["slice"]) == (2, 3)
    assert told["longest_mm"] == pytest.approx(60, abs=2.1)
    assert told["across_mm"] == pytest.approx(4, abs=2.1)
    ends = np.array(told["longest"])
    assert ends[:, 2] == pytest.approx(45)
    assert sorted(ends[:, 0]) == pytest.approx([-1, 59], abs=1.1)
    assert ends[:, 1] == pytest.approx([37, 37], abs=2.1)


def test_an_empty_or_lost_outline_is_said(tmp_path):
    np.save(tmp_path / "mask.npy", np.zeros((4, 4, 4), bool))
    with pytest.raises(EmptyMask):
        measure(tmp_path / "mask.npy", np.eye(4))
    with pytest.raises(InputError, match="gone"):
        measure(tmp_path / "lost.npy", np.eye(4))

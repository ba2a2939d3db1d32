import math

import numpy as np
import pytest

from app.core.data import Mask
from app.core.errors import EmptyMask
from app.core.radiomics.size import measure_size


def mask_of(*voxels: tuple[int, int, int], affine=None, shape=(6, 7, 8)) -> Mask:
    inside = np.zeros(shape, dtype=bool)
    for voxel in voxels:
        inside[voxel] = True
    return Mask(inside, np.eye(4) if affine is None else affine)


def test_single_voxel_measures_its_longest_side() -> None:
    size = measure_size(mask_of((0, 0, 0), affine=np.diag([0.5, 0.7, 3.0, 1.0])))
    assert size == {"volume_ml": pytest.approx(0.5 * 0.7 * 3.0 / 1000), "longest_diameter_mm": pytest.approx(3.0)}
    assert list(size) == ["volume_ml", "longest_diameter_mm"]


def test_bar_measures_its_length_from_end_to_end() -> None:
    bar = mask_of(*((i, 3, 3) for i in range(1, 5)), affine=np.diag([2.0, 1.0, 1.0, 1.0]))
    assert measure_size(bar)["longest_diameter_mm"] == pytest.approx(8.0)


def test_ball_measures_its_diameter_and_volume() -> None:
    i, j, k = np.ogrid[-20:21, -20:21, -10:11]
    ball = Mask(i**2 + j**2 + (2 * k) ** 2 <= 18**2, np.diag([1.0, 1.0, 2.0, 1.0]))
    size = measure_size(ball)
    # Half a voxel beyond the outermost centres, which lie at 18 mm; voxels are longest along k.
    assert size["longest_diameter_mm"] == pytest.approx(2 * (18.0 + 1.0))
    assert size["volume_ml"] == pytest.approx(4 / 3 * math.pi * 18**3 / 1000, rel=0.01)


def test_size_ignores_where_the_grid_lies() -> None:
    turn = np.array([[0.0, -1.0, 0.0, 50.0], [0.8, 0.0, -0.6, -9.0], [0.6, 0.0, 0.8, 1e4], [0, 0, 0, 1]])
    voxels = ((0, 0, 0), (3, 4, 5), (5, 1, 7))
    turned = measure_size(mask_of(*voxels, affine=turn @ np.diag([1.0, 2.0, 3.0, 1.0])))
    straight = measure_size(mask_of(*voxels, affine=np.diag([1.0, 2.0, 3.0, 1.0])))
    assert turned == pytest.approx(straight)


def test_empty_outline_is_refused() -> None:
    with pytest.raises(EmptyMask, match="no voxel"):
        measure_size(mask_of())

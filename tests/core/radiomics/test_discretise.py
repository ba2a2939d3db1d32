import numpy as np
import pytest

from app.core.data import Mask, Volume
from app.core.radiomics.discretise import bin_by_number, bin_by_size, bin_like_pyradiomics, equal_levels


def test_bins_of_a_size_begin_at_the_stated_origin() -> None:
    values = np.array([0.0, 9.99, 10.0, 25.0, 104.0], dtype=np.float32)
    assert bin_by_size(values, 10.0, 0.0).tolist() == [1, 1, 2, 3, 11]
    assert bin_by_size(values[2:], 10.0, 0.0).tolist() == [2, 3, 11]
    assert bin_by_size(values[2:], 10.0).tolist() == [1, 2, 10]


def test_a_number_of_bins_spans_the_range_and_closes_the_last() -> None:
    assert bin_by_number(np.array([-1.0, 0.0, 0.999, 1.0, 3.0]), 4).tolist() == [1, 2, 2, 3, 4]
    assert bin_by_number(np.full(5, 7.0), 32).tolist() == [1] * 5


def test_pyradiomics_bins_lie_on_multiples_of_the_width() -> None:
    values = np.array([12.0, 19.0, 20.0, 41.0])
    assert bin_like_pyradiomics(values, {"binWidth": 10.0, "binCount": None}).tolist() == [1, 1, 2, 4]
    assert bin_by_size(values, 10.0).tolist() == [1, 1, 1, 3]
    counted = bin_like_pyradiomics(values, {"binWidth": 10.0, "binCount": 2})
    assert counted.tolist() == [1, 1, 1, 2]


def outlined(voxels: np.ndarray, outside: tuple = ()) -> tuple[Volume, Mask]:
    inside = np.ones(voxels.shape, dtype=bool)
    if outside:
        inside[outside] = False
    return Volume(voxels, np.eye(4)), Mask(inside, np.eye(4))


@pytest.mark.parametrize("levels", [1, 2, 8, 13, 64])
def test_every_equal_level_holds_as_many_voxels(levels: int) -> None:
    volume, mask = outlined(np.random.default_rng(4).normal(size=(9, 8, 7)).astype(np.float32), (slice(0, 2),))
    found = equal_levels(volume, mask, levels)
    counts = np.bincount(found[mask.voxels], minlength=levels + 1)[1:]
    assert counts.sum() == mask.voxels.sum()
    assert counts.max() - counts.min() <= 1
    assert not found[~mask.voxels].any()
    order = np.argsort(volume.voxels[mask.voxels])
    assert (np.diff(found[mask.voxels][order]) >= 0).all()


def test_equal_intensities_share_a_level() -> None:
    voxels = np.repeat(np.array([3.0, 3.0, 3.0, 3.0, 5.0, 6.0, 6.0, 9.0], dtype=np.float32), 3).reshape(4, 3, 2)
    volume, mask = outlined(voxels)
    found = equal_levels(volume, mask, 4)
    assert {float(value): set(found[voxels == value].tolist()) for value in (3, 5, 6, 9)} == {
        3.0: {1}, 5.0: {3}, 6.0: {3}, 9.0: {4}}
    constant = equal_levels(*outlined(np.full((3, 3, 3), 2.0, dtype=np.float32)), 8)
    assert set(constant.ravel().tolist()) == {1}

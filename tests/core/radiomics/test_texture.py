import numpy as np
import pytest

from app.core.data import Mask
from app.core.radiomics.texture import TEXTURE, measure_levels

SHAPE = (8, 7, 5)


@pytest.fixture
def mask() -> Mask:
    i, j, k = np.ogrid[:8, :7, :5]
    return Mask((i - 3.5) ** 2 + (j - 3) ** 2 + 2 * (k - 2) ** 2 < 14, np.diag([1.0, 1.0, 3.0, 1.0]))


@pytest.fixture
def levels(mask: Mask) -> np.ndarray:
    return np.where(mask.voxels, np.random.default_rng(5).integers(1, 6, SHAPE), 0).astype(np.int32)


def neighbours(levels: np.ndarray, mask: Mask, direction: tuple[int, int, int]) -> list[tuple[int, int]]:
    pairs = []
    for voxel in np.argwhere(mask.voxels):
        other = voxel + direction
        if (other >= 0).all() and (other < SHAPE).all() and mask.voxels[tuple(other)]:
            one, two = int(levels[tuple(voxel)]), int(levels[tuple(other)])
            pairs += [(one, two), (two, one)]
    return pairs


DIRECTIONS = [(a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1) if (a, b, c) > (0, 0, 0)]


def joint_average(pairs: list[tuple[int, int]]) -> float:
    return float(np.mean([one for one, _ in pairs]))


def test_directions_are_averaged_or_merged(levels, mask) -> None:
    by_direction = [neighbours(levels, mask, direction) for direction in DIRECTIONS]
    averaged = measure_levels("glcm", levels, mask, ["JointAverage"])
    merged = measure_levels("glcm", levels, mask, ["JointAverage"], weightingNorm="no_weighting")
    assert averaged["JointAverage"] == pytest.approx(np.mean([joint_average(pairs) for pairs in by_direction]))
    assert merged["JointAverage"] == pytest.approx(joint_average([pair for pairs in by_direction for pair in pairs]))
    assert averaged["JointAverage"] != pytest.approx(merged["JointAverage"], rel=1e-6)


def test_slices_are_averaged_over_their_matrices(levels, mask) -> None:
    flat = [direction for direction in DIRECTIONS if direction[2] == 0]
    matrices = []
    for k in np.flatnonzero(mask.voxels.any(axis=(0, 1))):
        alone = np.zeros(SHAPE, dtype=bool)
        alone[:, :, k] = mask.voxels[:, :, k]
        matrices += [neighbours(levels, mask.with_voxels(alone), direction) for direction in flat]
    expected = np.mean([joint_average(pairs) for pairs in matrices if pairs])
    found = measure_levels("glcm", levels, mask, ["JointAverage"], by_slice=True, force2D=True)
    assert found["JointAverage"] == pytest.approx(expected)


def test_a_slice_counts_the_levels_of_the_volume(mask) -> None:
    levels = np.where(mask.voxels, 1, 0).astype(np.int32)
    levels[::2, :, 2][mask.voxels[::2, :, 2]] = 2
    levels[3, 3, 3] = 10
    only = np.zeros(SHAPE, dtype=bool)
    only[:, :, 2:4] = mask.voxels[:, :, 2:4]
    pairs = [[neighbours(levels, mask.with_voxels(only & (np.arange(5) == k)), direction)
              for direction in DIRECTIONS if direction[2] == 0] for k in (2, 3)]
    expected = np.mean([np.mean([1 / (1 + abs(one - two) / 10) for one, two in each]) for group in pairs
                        for each in group])
    found = measure_levels("glcm", levels, mask.with_voxels(only), ["Idn"], by_slice=True, force2D=True)
    assert found["Idn"] == pytest.approx(expected)


@pytest.mark.parametrize(("class_name", "emphasis"), [
    ("glcm", "JointAverage"), ("glrlm", "HighGrayLevelRunEmphasis"), ("glszm", "HighGrayLevelZoneEmphasis"),
    ("gldm", "HighGrayLevelEmphasis"), ("ngtdm", "Busyness")])
def test_levels_stay_absolute(levels, mask, class_name, emphasis) -> None:
    low = measure_levels(class_name, levels, mask)
    high = measure_levels(class_name, np.where(mask.voxels, levels + 4, 0), mask)
    assert low.keys() == high.keys()
    assert low[emphasis] != pytest.approx(high[emphasis], rel=0.05)
    variance = "SumSquares" if class_name == "glcm" else "GrayLevelVariance"
    assert high.get(variance) == (pytest.approx(low[variance]) if variance in low else None)


@pytest.mark.parametrize("by_slice", [False, True])
@pytest.mark.parametrize("class_name", TEXTURE)
def test_without_neighbours_there_is_no_texture(class_name, by_slice) -> None:
    column = np.zeros(SHAPE, dtype=bool)
    column[3, 3, 1:4] = True
    assert measure_levels(class_name, column.astype(np.int32), Mask(column, np.eye(4)), by_slice=by_slice,
                          force2D=True) == {}


@pytest.mark.parametrize(("class_name", "feature"), [("glcm", "Contrast"), ("glrlm", "RunPercentage")])
def test_a_slice_without_neighbours_does_not_count_towards_the_directions(levels, mask, class_name, feature) -> None:
    plain = mask.voxels & (np.arange(5) == 2)
    lone = plain.copy()
    lone[3, 3, 0] = True
    filled = np.where(lone, np.maximum(levels, 1), 0)
    found = [measure_levels(class_name, filled, mask.with_voxels(each), [feature], by_slice=True, force2D=True)
             for each in (lone, plain)]
    assert found[0] == pytest.approx(found[1])

import numpy as np
import pytest
from scipy import ndimage

from app.core.data import Mask, Volume
from app.core.radiomics import dependence, distance_zones
from app.core.radiomics.texture import measure_levels
from tests.core.radiomics.families_cases import lumpy_case


def listed_zones(inside: np.ndarray, levels: np.ndarray) -> list[tuple[int, int]]:
    """Grey level and distance of each zone: peeled layer by layer, labelled level by level."""
    distance = np.zeros(inside.shape, dtype=int)
    left = inside.copy()
    while left.any():
        distance[left] += 1
        left = ndimage.binary_erosion(left)
    zones = []
    for level in np.unique(levels[levels > 0]):
        found, count = ndimage.label(levels == level, np.ones((3,) * levels.ndim))
        zones += [(int(level), int(distance[found == index].min())) for index in range(1, count + 1)]
    return zones


def test_zones_are_those_of_one_level_at_a_time() -> None:
    volume, mask, levels = lumpy_case()
    zones = np.array(listed_zones(mask.voxels, levels))
    measured = distance_zones.measure(volume, mask, levels)
    grey, distance = zones.T.astype(float)
    assert distance.max() > 2
    assert measured["ZonePercentage"] == pytest.approx(len(zones) / mask.voxels.sum())
    assert measured["LargeDistanceHighGrayLevelEmphasis"] == pytest.approx((grey**2 * distance**2).mean())
    assert measured["SmallDistanceLowGrayLevelEmphasis"] == pytest.approx((grey**-2 * distance**-2).mean())
    assert measured["ZoneDistanceVariance"] == pytest.approx(distance.var())


def test_zones_of_slices() -> None:
    volume, mask, levels = lumpy_case()
    slices = [np.array(listed_zones(mask.voxels[:, :, k], levels[:, :, k]), dtype=float)
              for k in range(levels.shape[2]) if mask.voxels[:, :, k].any()]
    together = distance_zones.measure(volume, mask, levels, "2.5D")
    averaged = distance_zones.measure(volume, mask, levels, "2D")
    assert together["LargeDistanceEmphasis"] == pytest.approx((np.concatenate(slices)[:, 1] ** 2).mean())
    assert averaged["LargeDistanceEmphasis"] == pytest.approx(np.mean([(zones[:, 1] ** 2).mean() for zones in slices]))
    assert together["ZonePercentage"] == pytest.approx(sum(map(len, slices)) / mask.voxels.sum())


def test_zones_share_what_they_have_with_size_zones() -> None:
    """The rows that do not look at distance are pyradiomics' own of the size-zone matrix."""
    volume, mask, levels = lumpy_case()
    shared = ("LowGrayLevelZoneEmphasis", "HighGrayLevelZoneEmphasis", "GrayLevelNonUniformity",
              "GrayLevelNonUniformityNormalized", "ZonePercentage", "GrayLevelVariance")
    theirs = measure_levels("glszm", levels.astype(np.int32), mask, shared)
    ours = distance_zones.measure(volume, mask, levels)
    assert {name: ours[name] for name in shared} == pytest.approx(theirs)


def test_distance_runs_from_the_outline_not_from_voxels_left_out() -> None:
    inside = np.zeros((9, 9, 9), dtype=bool)
    inside[1:8, 1:8, 1:8] = True
    mask = Mask(inside, np.eye(4))
    levels = np.zeros(inside.shape, dtype=np.int64)
    levels[4, 4, 4] = 2
    measured = distance_zones.measure(Volume(levels, np.eye(4)), mask, levels)
    assert measured["LargeDistanceEmphasis"] == 16.0
    assert measured["ZonePercentage"] == 1.0


def test_edge_of_the_image_is_a_border() -> None:
    levels = np.ones((5, 5, 5), dtype=np.int64)
    levels[2, 2, 2] = 2
    measured = distance_zones.measure(Volume(levels, np.eye(4)), Mask(levels > 0, np.eye(4)), levels)
    assert measured["LargeDistanceEmphasis"] == pytest.approx((1 + 9) / 2)


@pytest.mark.parametrize(("gathering", "reach"), [("3D", (1, 1, 1)), ("2.5D", (1, 1, 0))])
def test_dependences_are_counted_one_by_one(gathering, reach) -> None:
    volume, mask, levels = lumpy_case(shape=(10, 9, 8))
    pairs: dict[tuple[int, int], int] = {}
    for place in np.argwhere(levels):
        window = tuple(slice(max(at - step, 0), at + step + 1) for at, step in zip(place, reach, strict=True))
        level = int(levels[tuple(place)])
        pair = (level, int((levels[window] == level).sum()))
        pairs[pair] = pairs.get(pair, 0) + 1
    voxels = (levels > 0).sum()
    shares = np.array(list(pairs.values())) / voxels
    measured = dependence.measure(volume, mask, levels, gathering)
    assert measured == pytest.approx({
        "DependenceCountEnergy": (shares**2).sum(), "DependenceCountPercentage": 1.0,
        "GrayLevelNonUniformityNormalized": ((np.bincount(levels[levels > 0]) / voxels) ** 2).sum()})

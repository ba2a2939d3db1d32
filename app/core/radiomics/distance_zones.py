"""Distance zones: connected patches of one grey level, and how far from the tumour's border they begin."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume

Levels = NDArray[np.int64]
Gathering = Literal["3D", "2.5D", "2D"]


def measure(_volume: Volume, mask: Mask, levels: NDArray[Any], gathering: Gathering = "3D") -> dict[str, float]:
    """Measure the grey-level distance-zone matrix.

    A zone is a patch of voxels of one grey level that touch at faces, edges or corners. Its distance is that of its
    voxel nearest to the border, counted in steps across faces, where a voxel on the border has 1; the edge of the
    image is a border.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k): the border is its border.
    levels : array of int, shape (i, j, k)
        Grey levels from 1 inside the outline, 0 outside.
    gathering : {'3D', '2.5D', '2D'}
        Zones in space; zones within the slices along k, gathered in one matrix; or a matrix for each slice, whose
        features are averaged.

    Returns
    -------
    dict of str to float
        Sixteen features.

    References
    ----------
    IBSI VMDZ; 10.1148/radiol.2020191145. Thibault et al. 2014, 10.1109/TBME.2013.2284600.
    """
    box = mask.box()
    inside, grey = mask.voxels[box], np.asarray(levels[box], dtype=np.int64)
    if gathering == "3D":
        return _describe(*_find_zones(inside, grey), int((grey > 0).sum()))
    slices = [(*zones, voxels) for zones, voxels in _by_slice(inside, grey)]
    if gathering == "2.5D":
        return _describe(np.concatenate([grey for grey, _, _ in slices]),
                         np.concatenate([distance for _, distance, _ in slices]), sum(voxels for *_, voxels in slices))
    each = [_describe(*found) for found in slices]
    return {name: float(np.mean([measured[name] for measured in each])) for name in each[0]}


def _by_slice(inside: NDArray[np.bool_], levels: Levels) -> Iterator[tuple[tuple[Levels, Levels], int]]:
    for k in range(levels.shape[2]):
        voxels = int((levels[:, :, k] > 0).sum())
        if voxels:
            yield _find_zones(inside[:, :, k], levels[:, :, k]), voxels


def _find_zones(inside: NDArray[np.bool_], levels: Levels) -> tuple[Levels, Levels]:
    """Give the grey level and the distance of each zone, in two or three dimensions."""
    import SimpleITK as sitk
    from scipy.ndimage import distance_transform_cdt

    counted = levels > 0
    labels = sitk.GetArrayFromImage(sitk.ScalarConnectedComponent(
        sitk.GetImageFromArray(levels.astype(np.int32)), sitk.GetImageFromArray(counted.astype(np.uint8)), 0.0, True))
    distances = distance_transform_cdt(np.pad(inside, 1), metric="taxicab")[(slice(1, -1),) * inside.ndim]
    _, first, zone = np.unique(labels[counted], return_index=True, return_inverse=True)
    nearest = np.full(len(first), np.iinfo(np.int64).max)
    np.minimum.at(nearest, zone, distances[counted].astype(np.int64))
    return levels[counted][first], nearest


def _describe(levels: Levels, distances: Levels, voxels: int) -> dict[str, float]:
    """Compute the features from the zones, shape (n,) each; averages over zones are sums over the matrix."""
    zones = len(levels)
    _, by_level = np.unique(levels, return_counts=True)
    _, by_distance = np.unique(distances, return_counts=True)
    _, by_both = np.unique(np.stack([levels, distances]), axis=1, return_counts=True)
    grey, distance, shares = levels.astype(np.float64) ** 2, distances.astype(np.float64) ** 2, by_both / zones
    return {
        "SmallDistanceEmphasis": float((1 / distance).mean()),
        "LargeDistanceEmphasis": float(distance.mean()),
        "LowGrayLevelZoneEmphasis": float((1 / grey).mean()),
        "HighGrayLevelZoneEmphasis": float(grey.mean()),
        "SmallDistanceLowGrayLevelEmphasis": float((1 / (grey * distance)).mean()),
        "SmallDistanceHighGrayLevelEmphasis": float((grey / distance).mean()),
        "LargeDistanceLowGrayLevelEmphasis": float((distance / grey).mean()),
        "LargeDistanceHighGrayLevelEmphasis": float((distance * grey).mean()),
        "GrayLevelNonUniformity": float((by_level**2).sum() / zones),
        "GrayLevelNonUniformityNormalized": float((by_level**2).sum() / zones**2),
        "ZoneDistanceNonUniformity": float((by_distance**2).sum() / zones),
        "ZoneDistanceNonUniformityNormalized": float((by_distance**2).sum() / zones**2),
        "ZonePercentage": zones / voxels,
        "GrayLevelVariance": float(levels.var()),
        "ZoneDistanceVariance": float(distances.var()),
        "ZoneDistanceEntropy": float(np.abs((shares * np.log2(shares)).sum())),
    }

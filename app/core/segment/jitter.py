"""The same outline as another reader might have drawn it: slightly smaller, larger or displaced."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from app.core.data import Mask, MaskArray


def jitter_masks(mask: Mask) -> list[tuple[str, Mask]]:
    """Small changes to an outline, to see how far a measurement depends on it.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    list of (str, Mask)
        'erode' and 'dilate' by one voxel in the plane of the two finest axes (across thick slices a voxel would be
        far more than readers differ), then 'shift +i', 'shift -i', ... by one voxel along each axis. What leaves the
        image is cut off; changes that would leave nothing are left out.

    References
    ----------
    Zwanenburg et al. 2019, 10.1038/s41598-018-36938-4 (perturbing outlines to judge robustness).
    """
    cross = _in_plane_cross(mask)
    changed: dict[str, MaskArray] = {
        "erode": ndimage.binary_erosion(mask.voxels, cross, border_value=1),
        "dilate": ndimage.binary_dilation(mask.voxels, cross),
    }
    for axis, letter in enumerate("ijk"):
        changed[f"shift +{letter}"] = _shift(mask.voxels, axis, 1)
        changed[f"shift -{letter}"] = _shift(mask.voxels, axis, -1)
    return [(name, mask.with_voxels(voxels)) for name, voxels in changed.items() if voxels.any()]


def _in_plane_cross(mask: Mask) -> MaskArray:
    sizes = [np.inf if count == 1 else round(size, 3)
             for count, size in zip(mask.voxels.shape, mask.geometry.spacing, strict=True)]
    plane = np.argsort(sizes, kind="stable")[:2]
    cross = np.zeros((3, 3, 3), dtype=np.bool_)
    cross[1, 1, 1] = True
    for axis in plane:
        cross[tuple(slice(None) if other == axis else 1 for other in range(3))] = True
    return cross


def _shift(voxels: MaskArray, axis: int, step: int) -> MaskArray:
    size = voxels.shape[axis]
    source, target = [slice(None)] * 3, [slice(None)] * 3
    source[axis] = slice(max(0, -step), size - max(0, step))
    target[axis] = slice(max(0, step), size - max(0, -step))
    moved = np.zeros_like(voxels)
    moved[tuple(target)] = voxels[tuple(source)]
    return moved

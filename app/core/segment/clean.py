"""Tidying an outline: stray islands removed, enclosed holes filled."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from app.core.data import Mask

_TOUCHING = np.ones((3, 3, 3), dtype=np.bool_)


def keep_largest(mask: Mask) -> Mask:
    """Keep the largest connected part.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k).

    Returns
    -------
    Mask
        Its largest part; voxels that share a face, an edge or a corner are connected. Empty stays empty.
    """
    labels, count = ndimage.label(mask.voxels, structure=_TOUCHING)
    if count < 2:
        return mask
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return mask.with_voxels(labels == int(sizes.argmax()))


def fill_holes(mask: Mask) -> Mask:
    """Fill holes that the outline encloses in all three dimensions.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k).

    Returns
    -------
    Mask
        Without enclosed holes; for a single slice, holes enclosed within it.
    """
    flat = tuple(axis for axis, size in enumerate(mask.voxels.shape) if size == 1)
    filled = ndimage.binary_fill_holes(np.squeeze(mask.voxels, axis=flat))
    return mask.with_voxels(np.expand_dims(filled, axis=flat))

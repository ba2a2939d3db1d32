"""Whether voxels were stored in the other byte order than their header says: neighbours are then strangers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution

_ROUGH = 0.05
"""Mean step between neighbours, as a share of all values in their order: 1/3 in noise, a few hundredths in a body."""
_SMOOTHER = 0.85
"""Share of that step that is left in the other order, in a picture that has been turned; in a right one it grows."""
_FEWEST_VALUES, _FEWEST_PIXELS = 64, 200
_MOST = 128
"""Pixels of a side that are looked at."""


def byte_order_cautions(name: str, voxels: NDArray[Any]) -> tuple[Caution, ...]:
    """Say when an image makes sense only with the bytes of each voxel the other way round.

    Parameters
    ----------
    name : str
        The file, for the sentence.
    voxels : array of numbers, at least two axes
        As stored; the middle slice is looked at.
    """
    if voxels.dtype.itemsize == 1 or voxels.ndim < 2:
        return ()
    middle = voxels[(slice(None), slice(None), *(length // 2 for length in voxels.shape[2:]))][:_MOST, :_MOST]
    here, there = _roughness(middle), _roughness(middle.view(middle.dtype.newbyteorder()))
    if here < _ROUGH or there > _SMOOTHER * here:
        return ()
    return (Caution("byte_order", f"The grey values of {name} make sense only in the other byte order than its header "
                                  "names; they are most likely wrong."),)


def _roughness(picture: NDArray[Any]) -> float:
    """Mean difference in rank between neighbours along both axes, as a share of the number of pixels; 0 for a mask."""
    values, places = np.unique(np.nan_to_num(picture), return_inverse=True)
    if values.size < _FEWEST_VALUES or picture.size < _FEWEST_PIXELS:
        return 0.0
    counts = np.bincount(places.ravel(), minlength=values.size)
    ranks = ((np.cumsum(counts) - counts / 2) / picture.size)[places].reshape(picture.shape)
    steps = [np.abs(np.diff(ranks, axis=axis)).mean() for axis in (0, 1) if picture.shape[axis] > 1]
    return float(np.mean(steps)) if steps else 0.0

"""From one order in memory to the other, block by block: a large image is turned as fast as memory can be read.

Files store the first axis fastest, the program the last; copied value by value, each would fetch a line of memory of
its own.
"""

from __future__ import annotations

from itertools import product
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

_BLOCK = (64, 8, 64)
_SMALL = 1 << 18


def reorder(array: NDArray[Any], dtype: DTypeLike = None, order: Literal["C", "F"] = "C") -> NDArray[Any]:
    """Return an array in a given order in memory; itself where it is so already.

    Parameters
    ----------
    array : array
        Of any shape; three axes are copied in blocks.
    dtype : data type, optional
        Of the result; by default its own.
    order : {'C', 'F'}
        Whether the last or the first axis runs fastest.

    Returns
    -------
    array
        The same values, `array.astype(dtype, order=order)`.
    """
    kind = array.dtype if dtype is None else np.dtype(dtype)
    first, last = (abs(array.strides[axis]) for axis in (0, -1)) if array.ndim else (0, 0)
    turned = first < last if order == "C" else first > last
    if array.ndim != 3 or array.size < _SMALL or not turned:
        return np.asarray(array, dtype=kind, order=order)
    result = np.empty(array.shape, kind, order=order)
    starts = (range(0, length, step) for length, step in zip(array.shape, _BLOCK, strict=True))
    for corner in product(*starts):
        block = tuple(slice(start, start + step) for start, step in zip(corner, _BLOCK, strict=True))
        result[block] = array[block]
    return result

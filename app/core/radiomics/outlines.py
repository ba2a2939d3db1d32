"""The outline of a slice as lines: marching squares, which cut halfway between a pixel inside and one outside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


def trace_outlines(inside: NDArray[np.bool_]) -> list[Points]:
    """Trace every closed outline of a slice, holes among them.

    Parameters
    ----------
    inside : array of bool, shape (i, j)
        The slice; pixel centres have whole indices.

    Returns
    -------
    list of array, shape (n, 2)
        Pixel indices; the last point repeats the first. Two pixels that only share a corner are not joined.

    References
    ----------
    Lorensen and Cline 1987, 10.1145/37402.37422.
    """
    from contourpy import contour_generator

    padded = np.pad(inside, 1).astype(np.float64)
    # At exactly 0.5 it would be chance whether corners join; a little above parts them, and rounding takes it back.
    lines = contour_generator(z=padded.T).lines(0.5 + 1e-6)
    return [np.round(2 * np.asarray(line, dtype=np.float64)) / 2 - 1.0 for line in lines]


def outer_outline(inside: NDArray[np.bool_]) -> Points:
    """Trace the outer border of the largest piece of a slice, pixels joined by their sides.

    Parameters
    ----------
    inside : array of bool, shape (i, j)
        At least one pixel.

    Returns
    -------
    array, shape (n, 2)
        As `trace_outlines`; one closed line.
    """
    return max(trace_outlines(largest_piece(inside)), key=lambda line: abs(enclosed_area(line)))


def largest_piece(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep the largest piece whose pixels or voxels touch by their sides (4- or 6-connected); not empty."""
    from scipy.ndimage import label

    pieces, count = label(inside)
    if count <= 1:
        return inside
    largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.asarray(pieces == largest)


def enclosed_area(line: Points) -> float:
    """Area that a closed line (n, 2) encloses; positive where it runs counter-clockwise."""
    x, y = line.T
    return float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2


def walk_evenly(line: Points, count: int) -> Points:
    """Put `count` points on a closed line (n, 2) at equal steps along it, shape (count, 2)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    travelled = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.arange(count) * travelled[-1] / count
    return np.column_stack([np.interp(at, travelled, line[:, axis]) for axis in range(2)])

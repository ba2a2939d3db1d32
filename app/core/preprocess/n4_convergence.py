"""How much a bias field changed between two iterations: the figure that ends a level, as ITK comes to it.

ITK accumulates mean and variance voxel by voxel in single precision. After some ten thousand voxels a further one
moves the mean by less than half its last digit and is lost, so the figure is the spread about an early mean, well
above the true one. To stop where ITK stops, that rounding is followed here; not voxel by voxel, but in runs of voxels
short enough for the mean to hardly move within one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray

_EXACT = 256
_FEW = 2048
# The rounded figure has not been seen this far below the exact one, which is cheap.
_CERTAIN = 1.2
_RUNS_PER_OCTAVE = 64
_PASSES = 8
_SETTLED = 2e-3
_UNIT = float(np.finfo(np.float32).epsneg)


class Variation:
    """Coefficient of variation (SD over mean) of values near 1, one for each of a fixed number of voxels.

    Parameters
    ----------
    voxels : int
        How many values will come.
    """

    def __init__(self, voxels: int) -> None:
        self._voxels = voxels
        self._deviation: FloatArray = np.empty(voxels, dtype=np.float32)
        self._lengths: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._starts: NDArray[np.intp] = np.empty(0, dtype=np.intp)

    def measure(self, values: FloatArray, threshold: float) -> float:
        """Coefficient of variation, with the rounding where it may decide whether the threshold is passed.

        Parameters
        ----------
        values : array of float32, shape (voxels,)
        threshold : float

        Returns
        -------
        float
        """
        figure = self.exact(values)
        # What rounding would change in few voxels is in the fourth digit.
        return figure if self._voxels < _FEW or figure > _CERTAIN * threshold else self.accumulated(values)

    def exact(self, values: FloatArray) -> float:
        """Coefficient of variation without the rounding."""
        if self._voxels < 2:
            return 0.0
        mean = np.add.reduce(values) / np.float32(self._voxels)
        deviation = np.subtract(values, mean, out=self._deviation)
        off = float(np.add.reduce(deviation)) / self._voxels
        square = float(deviation @ deviation) - self._voxels * off * off
        return math.sqrt(max(square, 0.0) / (self._voxels - 1)) / (float(mean) + off)

    def accumulated(self, values: FloatArray) -> float:
        """Coefficient of variation as accumulated in single precision, voxel after voxel in ITK's order."""
        if self._voxels <= _EXACT:
            return self.exact(values)
        if not self._lengths.size:
            self._cut_runs()
        head, tail = values[:_EXACT].astype(np.float64), values[_EXACT:]
        start, settled = float(head.mean()), _SETTLED * float(head.std() + tail.std())
        # The running mean without rounding is the first guess of the mean after each run.
        after = (_EXACT * start + np.cumsum(np.add.reduceat(tail, self._starts))) / self._until
        deviation, step = np.empty_like(tail), np.empty_like(tail)
        for _ in range(_PASSES):
            before = np.concatenate([[start], after[:-1]])
            middle = before + (after - before) * self._way
            np.subtract(tail, np.repeat(middle.astype(np.float32), self._lengths), out=deviation)
            unit = np.where(middle < 1, _UNIT, 2 * _UNIT)
            np.multiply(deviation, self._per_count, out=step)
            np.multiply(step, np.repeat((1 / unit).astype(np.float32), self._lengths), out=step)
            np.rint(step, out=step)
            moved = np.add.reduceat(step, self._starts) * unit
            # Newton's step: a mean that stood higher by x would have moved less by x times the run's share.
            wanted = (_EXACT * start + np.cumsum(moved * self._centre + middle * self._lengths)) / self._until
            change, after = float(np.abs(wanted - after).max()), wanted
            if change <= settled:
                break
        square = float(((head - start) ** 2).sum()) + float(np.multiply(deviation, deviation, out=step) @ self._kept)
        return math.sqrt(square / (self._voxels - 1)) / float(after[-1])

    def _cut_runs(self) -> None:
        octaves = np.log2(self._voxels / _EXACT)
        spread = _EXACT * 2.0 ** np.linspace(0, octaves, 2 + int(octaves * _RUNS_PER_OCTAVE))
        edges = np.unique(np.round(spread).astype(np.intp))
        self._starts, self._lengths = edges[:-1] - _EXACT, np.diff(edges)
        self._way = (self._lengths - 1) / (2 * self._lengths)
        self._until = edges[1:].astype(np.float64)
        self._centre = (edges[1:] + edges[:-1] + 1) / 2
        count = np.arange(_EXACT + 1, self._voxels + 1, dtype=np.float64)
        self._per_count = (1 / count).astype(np.float32)
        self._kept = ((count - 1) / count).astype(np.float32)

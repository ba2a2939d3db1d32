"""The triangulated surface of an outline, measured as pyradiomics does but without comparing every pair of vertices.

pyradiomics' marching cubes finds area, volume and diameters in one pass whose time grows with the square of the
surface. Area and volume are sums over cells of two voxels a side, of which there are only 256 kinds: each kind is
measured once, by pyradiomics itself, and counted. The diameters need the corners of convex hulls alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import MaskArray
from app.core.radiomics.size import find_crossings, longest_distance

Points = NDArray[np.float64]
_KINDS = np.arange(256)
_CORNERS = ((_KINDS[:, None] >> np.arange(8)) & 1).astype(bool).reshape(-1, 2, 2, 2)


def measure_surface(inside: MaskArray, spacing: tuple[float, ...]) -> tuple[float, float]:
    """Measure the mesh that pyradiomics' marching cubes lays around a mask.

    Parameters
    ----------
    inside : array of bool, three axes in any order
        With a margin of one voxel.
    spacing : tuple of float
        Along the axes of `inside`, mm.

    Returns
    -------
    area : float
        mm2.
    volume : float
        mm3.

    References
    ----------
    van Griethuysen et al. 2017, 10.1158/0008-5472.CAN-17-0339; Lorensen and Cline 1987, 10.1145/37402.37422.
    """
    areas, volumes, vectors = _measure_cells(tuple(spacing))
    kinds = np.zeros(tuple(size - 1 for size in inside.shape), dtype=np.uint8)
    for bit in range(8):
        first, second, third = bit >> 2 & 1, bit >> 1 & 1, bit & 1
        corner = inside[first:first + kinds.shape[0], second:second + kinds.shape[1], third:third + kinds.shape[2]]
        kinds |= corner.astype(np.uint8) << bit
    cells = np.nonzero((kinds > 0) & (kinds < 255))
    kind = kinds[cells]
    counts = np.bincount(kind, minlength=256)
    # A tetrahedron's signed volume is taken from the origin: moving a cell adds its surface's vector times the way.
    moved = sum(float(np.bincount(kind, weights=cells[axis], minlength=256) @ vectors[axis]) for axis in range(3))
    return float(counts @ areas), float(counts @ volumes) + moved


def measure_diameters(inside: MaskArray, spacing: tuple[float, ...]) -> list[float]:
    """Measure the mesh's diameters.

    Parameters
    ----------
    inside, spacing
        As for `measure_surface`.

    Returns
    -------
    list of float
        Greatest distance between two vertices within a plane across the first, second and third axis, and anywhere; mm.
    """
    sizes = np.asarray(spacing)
    grid = find_crossings(inside)
    return [*(_widest_plane(grid, sizes, axis) for axis in range(3)), longest_distance(grid * sizes)]


@lru_cache(maxsize=64)
def _measure_cells(spacing: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Area and volume of the surface in each kind of cell, and what a step along each axis adds to the volume."""
    from radiomics import cShape

    def measure(voxels: MaskArray) -> tuple[float, float]:
        area, volume, _ = cShape.calculate_coefficients(np.ascontiguousarray(voxels), np.asarray(spacing))
        return area, volume

    areas, volumes = (np.array(each) for each in zip(*(measure(cell) for cell in _CORNERS), strict=True))
    vectors = np.zeros((3, 256))
    for axis in range(3):
        for kind, cell in enumerate(_CORNERS):
            margin = np.zeros_like(np.take(cell, [0], axis=axis))
            before = np.concatenate([margin, np.take(cell, [0], axis=axis)], axis=axis)
            _, behind = measure(np.concatenate([margin, cell], axis=axis))
            vectors[axis, kind] = behind - measure(before)[1] - volumes[kind]
    return areas, volumes, vectors


def _widest_plane(grid: Points, spacing: Points, axis: int) -> float:
    """Greatest distance between two vertices of one plane across an axis; planes too small to matter are left out."""
    order = np.argsort(grid[:, axis], kind="stable")
    within = np.delete(grid[order] * spacing, axis, axis=1)
    planes = np.split(within, np.flatnonzero(np.diff(grid[order, axis])) + 1)
    bounds = np.array([np.hypot(*np.ptp(plane, axis=0)) for plane in planes])
    longest = 0.0
    for index in np.argsort(-bounds):
        if bounds[index] <= longest:
            break
        longest = max(longest, longest_distance(planes[index]))
    return longest


def fast_shape(kind: Any) -> Any:
    """Give pyradiomics' shape class this module's measurement of the mesh.

    Parameters
    ----------
    kind : type
        pyradiomics' own class.

    Returns
    -------
    type
    """

    def prepare(self: Any) -> None:
        import SimpleITK as sitk

        self.pixelSpacing = np.array(self.inputImage.GetSpacing()[::-1])
        self.maskArray = np.pad(sitk.GetArrayViewFromImage(self.inputMask) == self.label, 1)
        self.labelledVoxelCoordinates = np.where(self.maskArray)
        spacing = tuple(self.pixelSpacing.tolist())
        self.SurfaceArea, self.Volume = measure_surface(self.maskArray, spacing)
        self.diameters = measure_diameters(self.maskArray, spacing)
        points = np.stack(self.labelledVoxelCoordinates, axis=1) * self.pixelSpacing
        points = (points - points.mean(axis=0)) / np.sqrt(len(points))
        eigenvalues = np.linalg.eigvals(points.T.copy() @ points)
        eigenvalues[(eigenvalues < 0) & (eigenvalues > -1e-10)] = 0.0
        self.eigenValues = np.sort(eigenvalues)

    return type(kind.__name__, (kind,), {"_initSegmentBasedCalculation": prepare, "__module__": kind.__module__})

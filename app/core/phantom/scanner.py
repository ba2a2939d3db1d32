"""From tissue to picture: contrast, coil sensitivity, point spread, Rician noise, and the grid that is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.data import Acquisition, Affine
from app.core.phantom.anatomy import MUSCLE, WATER
from app.core.phantom.fields import Array, draw_field
from app.core.phantom.sites import Site

MUSCLE_SIGNAL = float(WATER[MUSCLE])


@dataclass(frozen=True, eq=False)
class Grid:
    """Voxel centres along x (left), y (back) and z (up), mm, in the slices' own frame."""

    x: Array
    y: Array
    z: Array

    @property
    def axes(self) -> tuple[Array, Array, Array]:
        """The three sets of positions."""
        return self.x, self.y, self.z

    @property
    def pixel(self) -> float:
        """In-plane voxel size, mm."""
        return float(self.x[1] - self.x[0])

    @property
    def slice_distance(self) -> float:
        """Distance between slice centres, mm."""
        return float(self.z[1] - self.z[0])


def choose_grid(site: Site, low: NDArray[np.float64], high: NDArray[np.float64], margin: tuple[int, int]) -> Grid:
    """Lay the site's matrix over a body and a tumour.

    Parameters
    ----------
    site : Site
        Matrix, slice thickness and gap.
    low, high : array, shape (3,)
        Corners of what must be seen: the body in plane, the tumour along the limb; mm.
    margin : tuple of int
        Slices below and above the tumour.
    """
    pixel = max(0.6, 1.08 * float((high - low)[:2].max()) / site.matrix)
    length = float(high[2] - low[2])
    distance = max(site.thickness + site.gap, length / (39 - sum(margin)))
    count = int(np.clip(np.ceil(length / distance) + sum(margin), 16, 40))
    offset = (np.arange(site.matrix) - (site.matrix - 1) / 2) * pixel
    middle = (low + high) / 2
    skew = (margin[1] - margin[0]) / 2
    heights = middle[2] + (np.arange(count) - (count - 1) / 2 + skew) * distance
    x, y, z = (positions.astype(np.float32) for positions in (middle[0] + offset, middle[1] + offset, heights))
    return Grid(x, y, z)


def apply_contrast(water: NDArray[np.floating], contrast: float) -> Array:
    """Stretch (above 1) or flatten (below 1) signals about muscle."""
    return (MUSCLE_SIGNAL * (water / MUSCLE_SIGNAL) ** contrast).astype(np.float32)


def acquire(water: Array, lipid: Array, site: Site, grid: Grid, rng: np.random.Generator) -> Array:
    """Take the picture that the site's scanner makes of tissue.

    Parameters
    ----------
    water : array of float32, shape (i, j, k)
        Signal of water after the site's contrast; muscle is 0.4.
    lipid : array of float32, shape (i, j, k)
        Fat fraction.
    site : Site
        The scanner.
    grid : Grid
        Voxel positions.
    rng : numpy.random.Generator
        Source of fields and noise.

    Returns
    -------
    array of float32, shape (i, j, k)
        Whole numbers, as scanners store them.
    """
    reach = float(grid.x[-1] - grid.x[0])
    knots = (0.45 * reach, 0.45 * reach, max(0.6 * float(grid.z[-1] - grid.z[0]), 20.0))
    suppression = site.residual_fat * np.exp(0.28 * draw_field(rng, grid.axes, knots))
    signal = water + suppression * lipid
    turn, fall = rng.uniform(0, 2 * np.pi), 0.6 * site.bias * rng.standard_normal()
    x, y = grid.x[:, None] - grid.x.mean(), grid.y[None, :] - grid.y.mean()
    slope = fall * 3.4 / reach * (x * np.cos(turn) + y * np.sin(turn))
    signal *= np.exp(0.8 * site.bias * draw_field(rng, grid.axes, knots) + slope[:, :, None].astype(np.float32))
    signal = _blur(signal, 0, site.blur)
    signal = _blur(signal, 1, site.blur)
    noise = np.float32(MUSCLE_SIGNAL / site.snr)
    signal += noise * rng.standard_normal(signal.shape, dtype=np.float32)
    signal = np.hypot(signal, noise * rng.standard_normal(signal.shape, dtype=np.float32))
    signal *= np.float32(site.gain * np.exp(rng.normal(0, 0.1)))
    return np.asarray(np.rint(signal), dtype=np.float32)


def store(picture: Array, mask: NDArray[np.bool_], site: Site, grid: Grid) -> tuple[Array, NDArray[np.bool_], Affine]:
    """Turn the axes as the site does, and say where the voxels lie.

    Parameters
    ----------
    picture, mask : array, shape (i, j, k)
        Axes run left, back and up.
    site : Site
        Its axis directions and obliquity.
    grid : Grid
        Voxel positions in the slices' frame.

    Returns
    -------
    picture, mask : array, shape (i, j, k)
        Flipped where the site's axes run the other way.
    affine : array of float64, shape (4, 4)
        Voxel index to world RAS+, mm.
    """
    tilt = np.deg2rad(site.obliquity)
    turn = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([-grid.pixel, -grid.pixel, grid.slice_distance])
    affine[:3, 3] = turn @ np.array([-grid.x[0], -grid.y[0], grid.z[0]], dtype=float)
    for axis, native in enumerate("LPS"):
        if site.axes[axis] != native:
            affine[:3, 3] += affine[:3, axis] * (picture.shape[axis] - 1)
            affine[:3, axis] *= -1
            picture, mask = np.flip(picture, axis), np.flip(mask, axis)
    return np.ascontiguousarray(picture), np.ascontiguousarray(mask), affine


def describe(site: Site, grid: Grid, body_part: str) -> Acquisition:
    """Fill in what the header of such a picture would tell."""
    return Acquisition(
        modality="MR", manufacturer=site.vendor, model=site.model, field_strength=site.field_strength,
        description="T1 TSE FS +Gd tra" if site.vendor == "Siemens" else "AX T1 FS POST", body_part=body_part.upper(),
        repetition_time=site.repetition_time, echo_time=site.echo_time,
        thickness=round(min(site.thickness, grid.slice_distance), 2), slice_gap=round(grid.slice_distance, 2),
        contrast_agent="gadolinium", weighting="t1", fat_suppressed=True, contrast_enhanced=True,
    )


def _blur(signal: Array, axis: int, spread: float) -> Array:
    """Three-point kernel of standard deviation `spread` voxels along an in-plane axis."""
    side = np.float32(min(spread**2 / 2, 1 / 3))
    moved = np.moveaxis(signal, axis, 0)
    result = moved * (1 - 2 * side)
    result[1:] += side * moved[:-1]
    result[:-1] += side * moved[1:]
    return np.moveaxis(result, 0, axis)

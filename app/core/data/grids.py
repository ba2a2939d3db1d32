"""Voxels with their place in the world: RAS+ mm, voxel order is the file's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from app.core.data.remarks import Caution

FloatArray = NDArray[np.float32]
MaskArray = NDArray[np.bool_]
Affine = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where a voxel grid lies.

    Parameters
    ----------
    shape : tuple of int
        Voxels along (i, j, k).
    affine : array of float64, shape (4, 4)
        Voxel index (i, j, k, 1) to world RAS+ in mm.
    """

    shape: tuple[int, int, int]
    affine: Affine

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size along (i, j, k), mm."""
        sizes = np.sqrt((self.affine[:3, :3] ** 2).sum(axis=0))
        return (float(sizes[0]), float(sizes[1]), float(sizes[2]))

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel, ml."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    @property
    def anisotropy(self) -> float:
        """Largest over smallest voxel size."""
        return max(self.spacing) / min(self.spacing)

    @property
    def axis_codes(self) -> str:
        """The world direction each voxel axis points to, closest of 'RLAPSI', e.g. 'LPS'."""
        order, signs = self.closest_axes()
        codes = [""] * 3
        for world in range(3):
            codes[order[world]] = ("LR", "PA", "IS")[world][signs[world] > 0]
        return "".join(codes)

    def closest_axes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Match voxel axes to world axes.

        Returns
        -------
        order : tuple of int
            For world axis R, A, S: the voxel axis that runs closest along it.
        signs : tuple of int
            +1 where that voxel axis points towards R, A, S; -1 where away.
        """
        directions = self.affine[:3, :3] / np.asarray(self.spacing)
        remaining_world, remaining_voxel = [0, 1, 2], [0, 1, 2]
        order, signs = [0, 0, 0], [1, 1, 1]
        while remaining_world:
            block = np.abs(directions[np.ix_(remaining_world, remaining_voxel)])
            row, column = np.unravel_index(int(block.argmax()), block.shape)
            world, voxel = remaining_world.pop(int(row)), remaining_voxel.pop(int(column))
            order[world], signs[world] = voxel, 1 if directions[world, voxel] >= 0 else -1
        return (order[0], order[1], order[2]), (signs[0], signs[1], signs[2])

    def matches(self, other: Geometry, tolerance_mm: float = 0.01) -> bool:
        """Whether both grids have the same shape and every corner within `tolerance_mm`."""
        if self.shape != other.shape:
            return False
        corners = np.array(
            [
                [i, j, k, 1]
                for i in (0, self.shape[0] - 1)
                for j in (0, self.shape[1] - 1)
                for k in (0, self.shape[2] - 1)
            ],
            dtype=float,
        )
        gap = corners @ (self.affine - other.affine).T
        return bool(np.abs(gap[:, :3]).max() <= tolerance_mm)

    def describe(self) -> str:
        """One line: shape, spacing, orientation and position."""
        size = " x ".join(str(n) for n in self.shape)
        spacing = " x ".join(f"{s:.3g}" for s in self.spacing)
        origin = ", ".join(f"{x:.1f}" for x in self.affine[:3, 3])
        return f"{size} voxels of {spacing} mm, axes {self.axis_codes}, first voxel at ({origin}) mm"


@dataclass(frozen=True, eq=False)
class Gridded:
    """Voxels with their place in the world: what an image and an outline share.

    Parameters
    ----------
    voxels : array, shape (i, j, k)
        In the file's own voxel order, of the class's `kind`; made read-only.
    affine : array of float64, shape (4, 4)
        Voxel index to world RAS+, mm.
    """

    voxels: NDArray[Any]
    affine: Affine
    kind: ClassVar[type[np.generic]]

    def __post_init__(self) -> None:
        if self.voxels.ndim != 3:
            raise ValueError(f"a {type(self).__name__.lower()} has three axes, this array has {self.voxels.ndim}")
        object.__setattr__(self, "voxels", np.asarray(self.voxels, dtype=self.kind).view())
        object.__setattr__(self, "affine", np.array(self.affine, dtype=np.float64))
        self.voxels.flags.writeable = False
        self.affine.flags.writeable = False

    @property
    def geometry(self) -> Geometry:
        """Where the grid lies."""
        shape = self.voxels.shape
        return Geometry((shape[0], shape[1], shape[2]), self.affine)

    def with_voxels(self, voxels: NDArray[Any], affine: Affine | None = None) -> Self:
        """The same thing with other voxels, and another grid if `affine` is given."""
        return replace(self, voxels=voxels, affine=self.affine if affine is None else affine)


@dataclass(frozen=True, eq=False)
class Volume(Gridded):
    """A three-dimensional image; its voxels are float32.

    Parameters
    ----------
    voxels, affine
        As for `Gridded`.
    frame : str
        DICOM FrameOfReferenceUID; empty when the format knows none.
    cautions : tuple of Caution
        What reading it brought to light.
    """

    kind: ClassVar[type[np.generic]] = np.float32
    voxels: FloatArray
    frame: str = ""
    cautions: tuple[Caution, ...] = ()


@dataclass(frozen=True, eq=False)
class Mask(Gridded):
    """A tumour outline as voxels, true inside the tumour.

    Parameters
    ----------
    voxels, affine
        As for `Gridded`.
    name : str
        The region's name or label as the file gives it.
    frame : str
        DICOM FrameOfReferenceUID; empty when the format knows none.
    cautions : tuple of Caution
        What reading or placing it brought to light.
    """

    kind: ClassVar[type[np.generic]] = np.bool_
    voxels: MaskArray
    name: str = ""
    frame: str = ""
    cautions: tuple[Caution, ...] = ()

    @property
    def volume_ml(self) -> float:
        """Mask voxels times voxel volume, ml."""
        return int(self.voxels.sum()) * self.geometry.voxel_ml

    def box(self) -> tuple[slice, slice, slice]:
        """Tightest half-open box around the mask, in voxel indices (i, j, k); the mask must not be empty."""
        spans = []
        for axis in range(3):
            hit = np.flatnonzero(self.voxels.any(axis=tuple(a for a in range(3) if a != axis)))
            spans.append(slice(int(hit[0]), int(hit[-1]) + 1))
        return spans[0], spans[1], spans[2]


@dataclass(frozen=True)
class Box:
    """A tumour's box in one slice, in voxel indices, half-open: x along i, y along j, slice along k."""

    slice: int
    x_min: int
    x_max: int
    y_min: int
    y_max: int

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the box (x, y), voxels."""
        return (self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, voxels."""
        return self.x_max - self.x_min, self.y_max - self.y_min

"""What the viewer shows: memory-mapped images turned towards the reader by array views alone, and where they lie.

A display grid runs left, posterior, inferior, so a slice's transpose is already the radiologist's picture: patient's
right on the left of the screen, anterior or superior up. World coordinates are RAS+ in mm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from app.core.data import Acquisition, Caution, Geometry, Identity
from app.core.errors import EngineError

Point = tuple[float, float, float]
ONE_IMAGE = "image"  # the key of an image that nobody has named


@dataclass(frozen=True)
class Plane:
    """One anatomical plane: which display axis is fixed, which run across and down, and the letters at its edges."""

    name: str
    title: str
    fixed: int
    across: int
    down: int
    left: str
    right: str
    top: str
    bottom: str


PLANES: dict[str, Plane] = {
    "axial": Plane("axial", "Axial", 2, 0, 1, "R", "L", "A", "P"),
    "coronal": Plane("coronal", "Coronal", 1, 0, 2, "R", "L", "S", "I"),
    "sagittal": Plane("sagittal", "Sagittal", 0, 1, 2, "A", "P", "S", "I"),
}


@dataclass(frozen=True, eq=False)
class DisplayGrid:
    """A voxel grid as the reader sees it.

    Parameters
    ----------
    shape : tuple of int
        Voxels towards left, posterior and inferior.
    affine : array of float64, shape (4, 4)
        Display index to world RAS+, mm.
    order : tuple of int
        The file's axis behind each display axis.
    flipped : tuple of bool
        Whether that axis is read backwards.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    order: tuple[int, int, int]
    flipped: tuple[bool, bool, bool]

    @classmethod
    def of(cls, geometry: Geometry) -> Self:
        """Turn a file's grid towards the reader, along the closest axes; nothing is resampled."""
        order, signs = geometry.closest_axes()
        flipped = (signs[0] > 0, signs[1] > 0, signs[2] > 0)
        to_file = np.zeros((4, 4))
        to_file[3, 3] = 1
        for axis, (source, flip) in enumerate(zip(order, flipped, strict=True)):
            to_file[source, axis] = -1 if flip else 1
            to_file[source, 3] = geometry.shape[source] - 1 if flip else 0
        shape = (geometry.shape[order[0]], geometry.shape[order[1]], geometry.shape[order[2]])
        return cls(shape, geometry.affine @ to_file, order, flipped)

    def arrange(self, array: NDArray[Any]) -> NDArray[Any]:
        """View of a file's array, shape (i, j, k), in display order; no copy."""
        steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)
        return array.transpose(self.order)[steps]

    def arrange_counts(self, counts: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], ...]:
        """Turn counts along the file's axes into counts along the display axes."""
        return tuple(np.asarray(counts[source], dtype=np.int64)[::-1 if flip else 1]
                     for source, flip in zip(self.order, self.flipped, strict=True))

    @cached_property
    def inverse(self) -> NDArray[np.float64]:
        """World RAS+ mm to display index, shape (4, 4)."""
        return np.linalg.inv(self.affine)

    @cached_property
    def spacing(self) -> Point:
        """Voxel size along the display axes, mm."""
        return Geometry(self.shape, self.affine).spacing

    @cached_property
    def oblique_degrees(self) -> float:
        """Largest angle between a voxel axis and the anatomical axis it is shown as."""
        directions = self.affine[:3, :3] / np.asarray(self.spacing)
        return float(np.degrees(np.arccos(np.clip(np.abs(np.diag(directions)), 0, 1))).max())

    def to_index(self, world: Sequence[float]) -> NDArray[np.float64]:
        """Continuous display index, shape (3,), of a world point in RAS+ mm."""
        return self.inverse[:3, :3] @ np.asarray(world, dtype=float) + self.inverse[:3, 3]

    def to_world(self, index: Sequence[float] | NDArray[np.float64]) -> Point:
        """World point in RAS+ mm of a display index."""
        x, y, z = self.affine[:3, :3] @ np.asarray(index, dtype=float) + self.affine[:3, 3]
        return float(x), float(y), float(z)

    def to_file(self, index: Sequence[int]) -> tuple[int, int, int]:
        """Voxel (i, j, k) in the file's own order of a display voxel."""
        voxel = [0, 0, 0]
        for axis, source in enumerate(self.order):
            voxel[source] = self.shape[axis] - 1 - index[axis] if self.flipped[axis] else index[axis]
        return voxel[0], voxel[1], voxel[2]

    def nearest(self, world: Sequence[float], axis: int) -> int:
        """Slice along a display axis that lies closest to a world point, kept inside the grid."""
        return int(np.clip(np.rint(self.to_index(world)[axis]), 0, self.shape[axis] - 1))

    def holds(self, index: Sequence[float] | NDArray[np.float64]) -> bool:
        """Whether a continuous display index lies inside the grid."""
        place = np.asarray(index)
        return bool(np.all(place >= -0.5) and np.all(place < np.asarray(self.shape) - 0.5))

    def edge(self, axis: int) -> float:
        """Where the first voxel begins along a display axis: mm along that axis, from the world's origin."""
        direction = self.affine[:3, axis] / self.spacing[axis]
        return float(direction @ self.affine[:3, 3]) - self.spacing[axis] / 2


@dataclass(frozen=True, eq=False)
class Layer:
    """Voxels in display order on their grid, and the window they open with."""

    voxels: NDArray[Any]
    grid: DisplayGrid
    window: tuple[float, float] = (0.0, 1.0)

    def picture(self, plane: Plane, index: int) -> NDArray[Any]:
        """One slice, shape (rows, columns), as displayed."""
        place: list[Any] = [slice(None)] * 3
        place[plane.fixed] = index
        return self.voxels[tuple(place)].T


@dataclass(frozen=True, eq=False)
class ViewImage:
    """One sequence: before and after preparation, with the outline on it."""

    name: str
    before: Layer
    after: Layer | None
    mask: Layer | None
    acquisition: Acquisition
    histogram: Mapping[str, Any] = field(default_factory=dict)
    cautions: tuple[Caution, ...] = ()
    counts: tuple[NDArray[np.int64], ...] | None = None

    def layer(self, prepared: bool) -> Layer:
        """Return what is shown; the original where there is no prepared image."""
        return self.after if prepared and self.after is not None else self.before

    @cached_property
    def acquired(self) -> str:
        """The plane that the file's slices lie in: the one across the thickest voxels, the third axis among equals."""
        spacing, order = self.before.grid.spacing, self.before.grid.order
        thickest = max(range(3), key=lambda axis: (round(spacing[axis], 2), order[axis]))
        return next(plane.name for plane in PLANES.values() if plane.fixed == thickest)

    @cached_property
    def profiles(self) -> tuple[NDArray[np.int64], ...]:
        """Tumour voxels per slice along each display axis; empty arrays without an outline."""
        if self.mask is None:
            return (np.zeros(0, dtype=np.int64),) * 3
        if self.counts is not None:
            return self.counts
        inside = self.mask.voxels
        in_plane = inside.sum(axis=2)
        return in_plane.sum(axis=1), in_plane.sum(axis=0), inside.sum(axis=(0, 1))

    def largest(self, plane: Plane) -> Point | None:
        """World point, RAS+ mm: the tumour's centre in the slice of this plane where the tumour is largest."""
        if self.mask is None or not self.profiles[plane.fixed].any():
            return None
        index = [0.0, 0.0, 0.0]
        number = int(self.profiles[plane.fixed].argmax())
        rows, columns = np.nonzero(self.mask.picture(plane, number))
        index[plane.fixed], index[plane.down], index[plane.across] = number, rows.mean(), columns.mean()
        return self.mask.grid.to_world(index)


@dataclass(frozen=True, eq=False)
class ViewCase:
    """A case in the viewer: its images by sequence name, and the lines written on them."""

    id: str
    images: Mapping[str, ViewImage]
    identity: Identity = field(default_factory=Identity)
    cautions: tuple[Caution, ...] = ()

    def name_of(self, image: ViewImage) -> str:
        """Name an image as it is written on the picture; a case's one image without a sequence's name has none."""
        return "" if len(self.images) == 1 and image.name == ONE_IMAGE else image.name

    @classmethod
    def from_json(cls, result: Mapping[str, Any]) -> Self:
        """Open what the `view_case` workflow wrote.

        Raises
        ------
        EngineError
            When a prepared array is gone or damaged.
        """
        names = list(result.get("sequences") or result["images"])
        return cls(str(result.get("case", "")), {name: open_image(name, result["images"][name]) for name in names},
                   Identity(**_known(Identity, result.get("identity"))), _cautions(result.get("cautions")))


def open_image(name: str, entry: Mapping[str, Any]) -> ViewImage:
    """Open one image of a view.

    Raises
    ------
    EngineError
        When its arrays are gone or damaged.
    """
    affine = np.asarray(entry["affine"], dtype=np.float64)
    before = _open_layer(entry["array"], affine, entry["window"])
    after = mask = None
    cautions = _cautions(entry.get("cautions"))
    if entry.get("prepared"):
        on = np.asarray(entry.get("prepared_affine") or affine, dtype=np.float64)
        after = _open_layer(entry["prepared"], on, entry.get("prepared_window") or entry["window"])
        if not entry.get("prepared_affine") and after.voxels.shape != before.voxels.shape:
            after = None
            message = "The prepared image lies on a grid that is not known; it is not shown."
            cautions += (Caution("prepared_grid", message),)
    if entry.get("mask"):
        mask = _open_layer(entry["mask"], np.asarray(entry.get("mask_affine") or affine, dtype=np.float64))
    counts = mask.grid.arrange_counts(entry["profiles"]) if mask is not None and entry.get("profiles") else None
    known = _known(Acquisition, entry.get("acquisition"))
    if known.get("window"):
        known["window"] = (float(known["window"][0]), float(known["window"][1]))
    return ViewImage(name, before, after, mask, Acquisition(**known), dict(entry.get("histogram") or {}), cautions,
                     counts)


def _open_layer(path: str, affine: NDArray[np.float64], window: Sequence[float] = (0.0, 1.0)) -> Layer:
    try:
        array = np.load(path, mmap_mode="r")
    except (OSError, ValueError) as problem:
        raise EngineError("The pictures made for the viewer are gone or damaged.", "Open the case again.") from problem
    grid = DisplayGrid.of(Geometry((array.shape[0], array.shape[1], array.shape[2]), affine))
    return Layer(grid.arrange(array), grid, (float(window[0]), float(window[1])))


def _known(kind: type, entry: Mapping[str, Any] | None) -> dict[str, Any]:
    names = {f.name for f in fields(kind)}
    return {key: value for key, value in (entry or {}).items() if key in names and value is not None}


def _cautions(entries: Sequence[Mapping[str, str]] | None) -> tuple[Caution, ...]:
    return tuple(Caution(entry.get("code", ""), entry.get("message", "")) for entry in entries or ())


def say_position(world: Sequence[float]) -> str:
    """Write a world point the way radiologists read it: 'L 34.2 P 12.0 S 80.1' (mm)."""
    return " ".join(f"{letters[value >= 0]} {abs(value):.1f}"
                    for value, letters in zip(world, ("LR", "PA", "IS"), strict=True))

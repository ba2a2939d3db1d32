"""Where a network looked: the map on the grid of its image, its colours, and the place where it is strongest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray

from app.core.data import Geometry
from app.core.errors import EngineError
from app.ui.widgets.view_case import PLANES, DisplayGrid, Layer, Plane, Point

METHODS = {"gradcam": "Grad-CAM", "occlusion": "Occlusion"}
# Perceptually uniform, told apart by colour-blind eyes, and free of the verdicts' blue and orange.
_COLOURS = {"gradcam": "magma", "occlusion": "CET-D2"}
# Of the strongest value; what is weaker fades out, so that the picture stays in sight.
_VEIL = {"gradcam": 0.25, "occlusion": 0.5}
_STEPS = 256
Span = tuple[int, int]


@dataclass(frozen=True, eq=False)
class AttentionMap:
    """One map over the slices of one image.

    Parameters
    ----------
    method : str
        'gradcam' or 'occlusion'.
    sequence : str
        The image it belongs to.
    towards : str
        The class that the places speak for.
    layer : Layer
        The map in display order, NaN where the network was given no picture.
    spans : tuple of (int, int)
        Where there is a map: first and behind the last voxel along each display axis.
    plane : Plane
        The one that the network's slices lie in.
    slices : tuple of int
        Display slices of that plane with a map.
    limits : tuple of float
        Values at the ends of the colours.
    peak : tuple of float or None
        The strongest place of the strongest slice, RAS+ mm; None where nothing speaks for the class.
    share, expected : float or None
        Of the map inside the tumour, and what an even spread would have there, 0 to 1.
    looks_elsewhere : bool
        Whether that is too little.
    """

    method: str
    sequence: str
    towards: str
    layer: Layer
    spans: tuple[Span, Span, Span]
    plane: Plane
    slices: tuple[int, ...]
    limits: tuple[float, float]
    peak: Point | None
    share: float | None
    expected: float | None
    looks_elsewhere: bool = False

    @classmethod
    def from_json(cls, told: Mapping[str, Any], image: Mapping[str, Any]) -> Self:
        """Open what `explain_case` wrote, on the grid of an image of `view_case`.

        Raises
        ------
        EngineError
            When the map is gone, damaged, or of another grid.
        """
        try:
            voxels = np.load(told["map"], mmap_mode="r")
        except (OSError, ValueError) as problem:
            raise EngineError("The map is gone or damaged.", "Switch it off and on again.") from problem
        geometry = Geometry((voxels.shape[0], voxels.shape[1], voxels.shape[2]), np.asarray(image["affine"], float))
        if voxels.shape != np.load(image["array"], mmap_mode="r").shape:
            raise EngineError("The map does not lie on the picture's voxels; it is not shown.", "Open the case again.")
        grid, axis = DisplayGrid.of(geometry), int(told["axis"])
        bounds, peak, most = _measure(voxels, axis, [int(place) for place in told["slices"]])
        spans = [_turn(bounds[source], geometry.shape[source], flip)
                 for source, flip in zip(grid.order, grid.flipped, strict=True)]
        fixed = grid.order.index(axis)
        slices = [_turn((int(k), int(k) + 1), geometry.shape[axis], grid.flipped[fixed])[0] for k in told["slices"]]
        return cls(
            str(told["method"]), str(told["sequence"]), str(told["class"]), Layer(grid.arrange(voxels), grid),
            (spans[0], spans[1], spans[2]), next(plane for plane in PLANES.values() if plane.fixed == fixed),
            tuple(sorted(slices)), (-most, most) if told["method"] == "occlusion" else (0.0, 1.0),
            _world(geometry, peak) if peak is not None else None, told.get("share"), told.get("expected"),
            bool(told.get("caution")))

    def cut(self, plane: Plane, index: int) -> tuple[NDArray[np.float32], int, int] | None:
        """Return a slice's part with a map, shape (rows, columns), and its first row and column; None without one."""
        low, high = self.spans[plane.fixed]
        if not low <= index < high:
            return None
        rows, columns = self.spans[plane.down], self.spans[plane.across]
        part = np.asarray(self.layer.picture(plane, index)[slice(*rows), slice(*columns)], dtype=np.float32)
        return part, rows[0], columns[0]

    def colour(self, part: NDArray[np.float32]) -> NDArray[np.uint32]:
        """Return premultiplied ARGB of values; nothing where they are NaN, and little where they are weak."""
        hole, (low, high) = np.isnan(part), self.limits
        level = np.clip((np.where(hole, low, part) - low) * ((_STEPS - 1) / ((high - low) or 1.0)), 0, _STEPS - 1)
        pixels = colour_table(self.method)[np.rint(level).astype(np.intp)]
        pixels[hole] = 0
        return pixels


@cache
def colour_table(method: str) -> NDArray[np.uint32]:
    """Return the colours of a map from its lowest to its highest value, premultiplied ARGB, shape (256,)."""
    red, green, blue = pg.colormap.get(_COLOURS[method]).getLookupTable(nPts=_STEPS, alpha=False).T.astype(np.float64)
    strength = np.linspace(0, 1, _STEPS) if method == "gradcam" else np.abs(np.linspace(-1, 1, _STEPS))
    alpha = np.clip(strength / _VEIL[method], 0, 1)
    parts = [np.rint(part).astype(np.uint32) for part in (255 * alpha, red * alpha, green * alpha, blue * alpha)]
    table = parts[0] << 24 | parts[1] << 16 | parts[2] << 8 | parts[3]
    table.setflags(write=False)
    return table


def _measure(voxels: NDArray[np.float32], axis: int,
             slices: list[int]) -> tuple[list[Span], tuple[int, int, int] | None, float]:
    """Find where a map lies, its strongest voxel in its strongest slice, and its largest magnitude; slice by slice."""
    others = [each for each in range(3) if each != axis]
    bounds = {axis: (min(slices), max(slices) + 1) if slices else (0, 0)}
    low, high = np.full(2, np.iinfo(np.int64).max), np.zeros(2, dtype=np.int64)
    peak, best, most = None, 0.0, 0.0
    for place in slices:
        plane = np.moveaxis(voxels, axis, 0)[place]
        known = np.isfinite(plane)
        if not known.any():
            continue
        box = [np.flatnonzero(known.any(axis=1 - each))[[0, -1]] + (0, 1) for each in (0, 1)]
        low, high = np.minimum(low, [span[0] for span in box]), np.maximum(high, [span[1] for span in box])
        inside = (slice(*box[0]), slice(*box[1]))
        values = np.where(known[inside], plane[inside], 0.0)
        most, total = max(most, float(np.abs(values).max())), float(np.maximum(values, 0).sum())
        if total > best:
            row, column = np.unravel_index(int(values.argmax()), values.shape)
            spot = [int(row + box[0][0]), int(column + box[1][0])]
            spot.insert(axis, place)
            peak, best = (spot[0], spot[1], spot[2]), total
    for each, source in enumerate(others):
        bounds[source] = (int(low[each]), int(high[each])) if high[each] else (0, 0)
    return [bounds[each] for each in range(3)], peak, most


def _turn(span: Span, length: int, flip: bool) -> Span:
    return (length - span[1], length - span[0]) if flip else span


def _world(geometry: Geometry, voxel: tuple[int, int, int]) -> Point:
    x, y, z = geometry.affine[:3, :3] @ np.asarray(voxel, dtype=float) + geometry.affine[:3, 3]
    return float(x), float(y), float(z)

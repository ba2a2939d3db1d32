"""From positions in headers to one regular grid, or a sentence that says why the images do not make one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution, Geometry
from app.core.errors import GeometryMismatch, InputError, UnreadableImage
from app.core.io.dicom.headers import Plane
from app.core.io.itk import swap_lps_ras

MISSING_SHARE = 0.25
"""Up to this share of a stack may be missing and is filled in; beyond it the stack is refused."""
_SAME_PLACE_MM = 0.01
_SAME_DIRECTION = 5e-3


@dataclass(frozen=True, eq=False)
class Grid:
    """The regular grid that a stack of images makes.

    Parameters
    ----------
    geometry : Geometry
        RAS+ mm; i along a row, j along a column, k along the slice normal.
    planes : tuple of Plane
        Ordered along the normal.
    slots : tuple of int
        The slice index k of each plane; indices that do not occur are missing slices.
    cautions : tuple of Caution
        What had to be assumed.
    """

    geometry: Geometry
    planes: tuple[Plane, ...]
    slots: tuple[int, ...]
    cautions: tuple[Caution, ...] = ()


def same_orientation(first: Plane, second: Plane) -> bool:
    """Whether two images are parallel and turned the same way, within 0.3 degrees."""
    if first.orientation is None or second.orientation is None:
        return first.orientation is second.orientation
    return bool(np.abs(np.subtract(first.orientation, second.orientation)).max() < _SAME_DIRECTION)


def same_pixels(first: Plane, second: Plane) -> bool:
    """Whether two images have the same number and size of pixels."""
    if (first.rows, first.columns) != (second.rows, second.columns):
        return False
    if first.spacing is None or second.spacing is None:
        return first.spacing is second.spacing
    return bool(np.allclose(first.spacing, second.spacing, rtol=1e-3))


def slice_normal(plane: Plane) -> NDArray[np.float64]:
    """Give the unit vector across the image, LPS+: row direction x column direction, shape (3,)."""
    row, column = np.reshape(plane.orientation or (1, 0, 0, 0, 1, 0), (2, 3)).astype(np.float64)
    normal = np.cross(row, column)
    return np.asarray(normal / (np.linalg.norm(normal) or 1.0), dtype=np.float64)


def place_key(plane: Plane) -> tuple[int, ...]:
    """Position rounded to 0.01 mm, equal for images of the same place."""
    return tuple(round(x / _SAME_PLACE_MM) for x in plane.position or ())


def plane_name(plane: Plane) -> str:
    """'axial', 'coronal' or 'sagittal', whichever is closest, 'oblique' added beyond 25 degrees."""
    normal = np.abs(slice_normal(plane))
    name = ("sagittal", "coronal", "axial")[int(normal.argmax())]
    return name if normal.max() > 0.9 else f"{name} oblique"


def arrange(planes: Sequence[Plane]) -> Grid:
    """Order images along their normal and check that they make one regular grid.

    Parameters
    ----------
    planes : sequence of Plane
        One stack, in any order.

    Returns
    -------
    Grid
        Slices missing from an otherwise regular stack leave gaps in `slots`, with a caution.

    Raises
    ------
    UnreadableImage
        No position, several images at one place, or not a volume at all.
    GeometryMismatch
        Mixed orientations or sizes, a tilted gantry, uneven distances.
    """
    _check_headers(planes)
    _check_alike(planes)
    _check_places(planes)
    normal = slice_normal(planes[0])
    places = np.array([plane.position for plane in planes], dtype=np.float64)
    heights = places @ normal
    order = np.argsort(heights, kind="stable")
    ordered = tuple(planes[n] for n in order)
    places, heights = places[order], heights[order]
    _check_shifts(places, normal, min(ordered[0].spacing or (1.0,)))
    gap, slots, cautions = _measure_gap(ordered, heights)
    return Grid(_grid_geometry(ordered[0], normal, gap, slots[-1] + 1), ordered, slots, cautions)


def _check_headers(planes: Sequence[Plane]) -> None:
    for what, missing in (("position", [p for p in planes if p.position is None]),
                          ("orientation", [p for p in planes if p.orientation is None]),
                          ("pixel spacing", [p for p in planes if not p.spacing or min(p.spacing) <= 0])):
        if missing:
            raise UnreadableImage(f"{len(missing)} of {len(planes)} images carry no {what}: where they lie is unknown.",
                                  "Export the original series from the scanner or the archive.")
    row, column = np.reshape(planes[0].orientation or (), (2, 3))
    if np.abs((row @ row - 1, column @ column - 1, row @ column)).max() > 0.02:
        raise UnreadableImage("The header's row and column directions are not at right angles, so where the images lie "
                              "is unknown.", "Export the original series from the scanner or the archive.")


def _check_alike(planes: Sequence[Plane]) -> None:
    first = planes[0]
    turned = sum(not same_orientation(first, plane) for plane in planes)
    if turned:
        raise GeometryMismatch(f"{turned} of {len(planes)} images are turned differently from the first: mixed "
                               "orientations do not make one volume.", "Choose a series with one orientation.")
    resized = next((plane for plane in planes if not same_pixels(first, plane)), None)
    if resized is not None:
        raise GeometryMismatch(f"The images differ in size: {_size(first)} and {_size(resized)}.",
                               "Choose a series whose images all have the same size.")


def _check_places(planes: Sequence[Plane]) -> None:
    counts: dict[tuple[int, ...], int] = {}
    for plane in planes:
        counts[place_key(plane)] = counts.get(place_key(plane), 0) + 1
    repeated = sum(n > 1 for n in counts.values())
    if not repeated:
        return
    if len(counts) == 1:
        raise UnreadableImage(f"All {len(planes)} images show the same slice: a single slice over time, not a volume.",
                              "Choose a series that covers the tumour slice by slice.")
    if len(set(counts.values())) == 1:
        raise UnreadableImage(f"The series holds {len(planes)} images at {len(counts)} slice positions: "
                              f"{len(planes) // len(counts)} volumes in one series, and a case needs one.",
                              "Export one time point, echo or diffusion weighting as a series of its own.")
    raise UnreadableImage(f"{repeated} of {len(counts)} slice positions hold more than one image, and nothing in the "
                          "header tells which belongs to the volume.", "Export the series again without duplicates.")


def _check_shifts(places: NDArray[np.float64], normal: NDArray[np.float64], pixel: float) -> None:
    offsets = places - places[0]
    heights = offsets @ normal
    sideways = offsets - np.outer(heights, normal)
    worst = float(np.linalg.norm(sideways, axis=1).max())
    # Rounded positions drift by hundredths of a millimetre; half a pixel over the whole stack is no shear yet.
    if worst <= max(0.5 * pixel, 0.05):
        return
    line = np.outer(heights / max(float(heights[-1]), 1e-6), sideways[-1])
    if heights[-1] > _SAME_PLACE_MM and float(np.linalg.norm(sideways - line, axis=1).max()) <= max(0.5 * pixel, 0.05):
        angle = math.degrees(math.atan2(float(np.linalg.norm(sideways[-1])), float(heights[-1])))
        raise GeometryMismatch(f"The slices are sheared: the stack runs {angle:.1f} degrees off the line at right "
                               "angles to its slices, as with a tilted CT gantry.",
                               "Use a series reconstructed without tilt.")
    raise GeometryMismatch(f"The slices are shifted sideways against each other by up to {worst:.1f} mm.",
                           "Choose a series whose slices form one straight stack.")


def _measure_gap(planes: tuple[Plane, ...], heights: NDArray[np.float64],
                 ) -> tuple[float, tuple[int, ...], tuple[Caution, ...]]:
    if len(planes) == 1:
        return _assume_gap(planes[0])
    steps = np.diff(heights)
    gap = float(np.median(steps[steps <= steps.min() * 1.1]))
    tolerance = max(0.05 * gap, 0.02)
    if float(np.abs(steps - steps.mean()).max()) <= tolerance:
        return float(steps.mean()), tuple(range(len(planes))), ()
    multiples = np.rint(steps / max(gap, _SAME_PLACE_MM)).astype(int)
    slots = np.concatenate([[0], np.cumsum(multiples)])
    missing = int(slots[-1]) + 1 - len(planes)
    irregular = gap < _SAME_PLACE_MM or float(np.abs(steps - multiples * gap).max()) > tolerance
    if irregular or missing > MISSING_SHARE * (slots[-1] + 1):
        raise GeometryMismatch(f"The distance between slices is uneven: from {steps.min():.2f} to {steps.max():.2f} mm "
                               f"over {len(planes)} slices.", "Export the complete series, or one without gaps.")
    gap = float((heights[-1] - heights[0]) / slots[-1])
    absent = sorted(set(range(int(slots[-1]) + 1)) - set(slots.tolist()))
    listed = ", ".join(str(k + 1) for k in absent[:6]) + (" ..." if len(absent) > 6 else "")
    return gap, tuple(int(k) for k in slots), (Caution("missing_slices", (
        f"{missing} of {int(slots[-1]) + 1} slices are missing (slice {listed}); they were filled in between their "
        "neighbours, and numbers measured there are not real.")),)


def _assume_gap(plane: Plane) -> tuple[float, tuple[int, ...], tuple[Caution, ...]]:
    single = Caution("single_slice", "The series is a single slice; three-dimensional features mean little.")
    known = next((size for size in (plane.gap, plane.thickness) if size and size > 0), None)
    if known is not None:
        return known, (0,), (single,)
    return 1.0, (0,), (single, Caution("thickness_assumed", "The header gives no slice thickness; 1 mm was assumed."))


def _grid_geometry(first: Plane, normal: NDArray[np.float64], gap: float, slices: int) -> Geometry:
    row, column = np.reshape(first.orientation or (), (2, 3))
    spacing = first.spacing or (1.0, 1.0)
    lps = np.eye(4)
    lps[:3, :3] = np.column_stack([row * spacing[1], column * spacing[0], normal * gap])
    lps[:3, 3] = first.position or (0.0, 0.0, 0.0)
    return Geometry((first.columns, first.rows, slices), swap_lps_ras(lps))


def _size(plane: Plane) -> str:
    spacing = " x ".join(f"{s:.3g}" for s in plane.spacing or ())
    return f"{plane.columns} x {plane.rows} pixels of {spacing} mm"


def explain(planes: Sequence[Plane]) -> tuple[Grid | None, tuple[Caution, ...]]:
    """Arrange a stack, or give the reason why not as a caution."""
    try:
        grid = arrange(planes)
    except InputError as error:
        return None, (Caution("not_a_volume", error.message),)
    return grid, grid.cautions

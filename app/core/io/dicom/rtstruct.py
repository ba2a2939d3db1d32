"""A structure set's region as voxels of the image it was drawn on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.core.data import Caution, Mask, Volume
from app.core.errors import EmptyMask, GeometryMismatch, UnreadableImage
from app.core.io.dicom.contours import fill_polygons
from app.core.io.dicom.headers import read_header
from app.core.io.dicom.multiframe import flatten
from app.core.io.dicom.reading import UNREADABLE, read_dataset, tolerate_odd_values
from app.core.io.dicom.reference import match_images, refuse
from app.core.io.dicom.regions import Region, choose_region
from app.core.io.dicom.tags import as_number
from app.core.io.source import Source

OUTSIDE_SHARE = 0.1
"""Up to this share of the contours may lie beyond the image; more, and the outline belongs to another series."""
_ON_SLICE = 0.1
_SAME_PLANE = 0.05
_EVEN, _SPIKE = 12, 6.0
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")

Contour = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class _Placed:
    """Contours of one plane: corners in voxel indices (i, j) and the plane's height in slices."""

    height: float
    polygons: tuple[Contour, ...]


def load_rtstruct(path: str | Path, roi: str | None, images: Mapping[str, Volume],
                  sources: Mapping[str, Source] | None = None) -> Mask:
    """Rasterise a region of an RTSTRUCT, even-odd, on the image it was drawn on.

    Parameters
    ----------
    path : str or pathlib.Path
        The structure set.
    roi : str or None
        The region's name, in any case; None when there is but one.
    images : mapping of str to Volume
        The case's images, by sequence (or SeriesInstanceUID).
    sources : mapping of str to Source, optional
        Where the images came from, by the same keys; lets the series the structure set names be found.

    Returns
    -------
    Mask
        On the image's grid, shape (i, j, k), RAS+ mm; a voxel is inside when its centre is.

    Raises
    ------
    UnreadableImage
        The file is damaged or no structure set.
    EmptyMask
        No closed contour, or none that encloses a pixel's centre.
    ChoiceNeeded
        Several regions, or none of that name; field 'roi'.
    GeometryMismatch
        No image matches, or the contours lie beyond or across it.
    """
    regions, contours, frame, refers_to, doubts = _read_regions(Path(path))
    region = choose_region(regions, roi, str(path), "contours")
    points = contours[region.number]
    matching, cautions = match_images(images, frame, refers_to, sources or {})
    if not matching:
        raise refuse(images, frame, _extent(points))
    image = min(matching, key=lambda volume: _distance_from_slices(points, volume))
    planes, placing = _place(points, image)
    voxels, drawing = _draw(planes, image.geometry.shape)
    if not voxels.any():
        raise EmptyMask(f"The region '{region.name}' encloses no pixel's centre of the image.",
                        "Choose a larger region, or the series it was drawn on.")
    return Mask(voxels, image.affine, name=region.name, frame=image.frame or frame,
                cautions=cautions + placing + drawing + doubts.get(region.number, ()))


def _read_regions(path: Path) -> tuple[list[Region], dict[int, list[Contour]], str, tuple[str, ...],
                                       dict[int, tuple[Caution, ...]]]:
    damaged = UnreadableImage(f"'{path.name}' is not a readable structure set (RTSTRUCT).",
                              "Export it again, or choose another outline.")
    try:
        header = read_header(path)
        if header is None or header.kind != "rtstruct":
            raise damaged
        with tolerate_odd_values():
            file = read_dataset(path)
            names = {int(item.ROINumber): str(item.get("ROIName") or "") for item in
                     file.get("StructureSetROISequence") or ()}
            contours: dict[int, list[Contour]] = {number: [] for number in names}
            doubts: dict[int, tuple[Caution, ...]] = {}
            for item in file.get("ROIContourSequence") or ():
                drawn = list(item.get("ContourSequence") or ())
                found, number = [_corners(contour) for contour in drawn], int(item.ReferencedROINumber)
                contours.setdefault(number, []).extend(c for c in found if c is not None)
                doubts[number] = doubts.get(number, ()) + _doubt(drawn, found)
    except UNREADABLE as error:
        raise damaged from error
    regions = [Region(number, names.get(number, ""), len(found)) for number, found in contours.items()]
    return regions, contours, header.frame, header.refers_to, doubts


def _doubt(drawn: Sequence[Dataset], found: Sequence[Contour | None]) -> tuple[Caution, ...]:
    """What of a region was left out, and where its numbers of corners contradict themselves."""
    cautions: tuple[Caution, ...] = ()
    left = sum(contour is None for contour in found)
    if left:
        cautions += (Caution("contours_left_out", (
            f"{left} of {len(drawn)} contours of the region are points or open lines and were left out.")),)
    stated = [as_number(flatten(contour), "NumberOfContourPoints") for contour in drawn]
    short = sum(count is not None and contour is not None and count != len(contour)
                for count, contour in zip(stated, found, strict=True))
    if short:
        cautions += (Caution("contours_doubtful", (
            f"{short} of {len(drawn)} contours have another number of corners than they state: the outline may be "
            "damaged. Check what it shows.")),)
    spiked = sum(contour is not None and _has_spike(contour) for contour in found)
    if spiked:
        cautions += (Caution("contour_spike", (
            f"{spiked} of {len(drawn)} contours have a corner far from its neighbours: a number may be damaged. Check "
            "the outline.")),)
    return cautions


def _has_spike(contour: Contour) -> bool:
    """Whether one corner stands out of an otherwise even line: far away, with neighbours that lie together."""
    before, after = np.roll(contour, 1, axis=0), np.roll(contour, -1, axis=0)
    steps = np.linalg.norm(contour - before, axis=1)
    reach = np.minimum(steps, np.linalg.norm(after - contour, axis=1))
    apart = np.linalg.norm(after - before, axis=1)
    return len(contour) >= _EVEN and bool(((reach > _SPIKE * np.median(steps)) & (reach > _SPIKE / 2 * apart)).any())


def _corners(contour: Dataset) -> Contour | None:
    """Corners of a closed contour, RAS+ mm, shape (points, 3); None for points and open lines."""
    if str(contour.get("ContourGeometricType", "CLOSED_PLANAR")) not in _CLOSED:
        return None
    points = np.asarray(contour.get("ContourData") or (), dtype=np.float64)
    if points.size % 3:
        raise UnreadableImage(f"A contour of the outline holds {points.size} numbers, three for each corner are "
                              "expected.",
                              "Export the outline again.")
    if points.size < 9:
        return None
    return points.reshape(-1, 3) * (-1.0, -1.0, 1.0)


def _to_voxels(points: Sequence[Contour], image: Volume) -> list[Contour]:
    inverse = np.linalg.inv(image.affine)
    return [contour @ inverse[:3, :3].T + inverse[:3, 3] for contour in points]


def _distance_from_slices(points: Sequence[Contour], image: Volume) -> float:
    """Mean distance of the corners from the image's slices, mm; corners beyond the image count in full."""
    heights = np.concatenate([contour[:, 2] for contour in _to_voxels(points, image)])
    nearest = np.rint(heights).clip(0, image.geometry.shape[2] - 1)
    return float(np.abs(heights - nearest).mean()) * image.geometry.spacing[2]


def _place(points: Sequence[Contour], image: Volume) -> tuple[list[_Placed], tuple[Caution, ...]]:
    placed = _to_voxels(points, image)
    across = sum(float(np.ptp(contour[:, 2])) > 1.0 for contour in placed)
    if across:
        raise GeometryMismatch(f"{across} of {len(placed)} contours run across the slices of the image: the outline "
                               "was drawn on another orientation.", "Choose the series the outline was drawn on.")
    heights = [float(contour[:, 2].mean()) for contour in placed]
    slices, columns, rows = image.geometry.shape[2], *image.geometry.shape[:2]
    outside = sum(not -0.5 <= height < slices - 0.5 or not _overlaps(contour, columns, rows)
                  for contour, height in zip(placed, heights, strict=True))
    if outside > OUTSIDE_SHARE * len(placed):
        raise GeometryMismatch(f"{outside} of {len(placed)} contours lie beyond the image: the outline is at "
                               f"{_extent(points)}, the image has {image.geometry.describe()}.",
                               "Choose the complete series the outline was drawn on.")
    cautions: tuple[Caution, ...] = ()
    if outside:
        cautions += (Caution("contours_outside", (
            f"{outside} of {len(placed)} contours lie beyond the image and were left out.")),)
    gap = image.geometry.spacing[2]
    distances = [abs(height - round(height)) * gap for height in heights]
    between = [distance for distance in distances if distance > max(_ON_SLICE * gap, 0.01)]
    if between:
        cautions += (Caution("contours_between_slices", (
            f"{len(between)} of {len(placed)} contours lie between slices, up to {max(between):.1f} mm off, and were "
            "moved to the nearest.")),)
    return _gather_planes(placed, heights), cautions


def _gather_planes(placed: Sequence[Contour], heights: Sequence[float]) -> list[_Placed]:
    """Gather the contours of one plane: they are filled together, but two planes must not cancel each other out."""
    planes: list[list[int]] = []
    for n in np.argsort(heights, kind="stable"):
        if planes and heights[n] - heights[planes[-1][-1]] < _SAME_PLANE:
            planes[-1].append(int(n))
        else:
            planes.append([int(n)])
    return [_Placed(heights[members[0]], tuple(placed[n][:, :2] for n in members)) for members in planes]


def _overlaps(contour: Contour, columns: int, rows: int) -> bool:
    low, high = contour[:, :2].min(axis=0), contour[:, :2].max(axis=0)
    return bool((high >= -0.5).all() and low[0] <= columns - 0.5 and low[1] <= rows - 0.5)


def _draw(planes: Sequence[_Placed], shape: tuple[int, int, int]) -> tuple[NDArray[np.bool_], tuple[Caution, ...]]:
    nearest: dict[int, _Placed] = {}
    for plane in planes:
        k = round(plane.height)
        if 0 <= k < shape[2] and (k not in nearest or abs(plane.height - k) < abs(nearest[k].height - k)):
            nearest[k] = plane
    voxels = np.zeros(shape, dtype=np.bool_)
    for k, plane in nearest.items():
        voxels[:, :, k] = fill_polygons(plane.polygons, shape[:2])
    cautions: tuple[Caution, ...] = ()
    skipped = max(nearest, default=0) - min(nearest, default=0) + 1 - len(nearest) if nearest else 0
    if skipped:
        cautions += (Caution("slices_skipped", (
            f"The outline skips {skipped} slice{'s' * (skipped > 1)} between its first and its last contour; they were "
            "left empty.")),)
    dropped = sum(0 <= round(plane.height) < shape[2] for plane in planes) - len(nearest)
    if dropped:
        cautions += (Caution("planes_merged", (
            f"{dropped} contour planes lie closer together than the slices; of each slice's, the nearest was used.")),)
    return voxels, cautions


def _extent(points: Sequence[Contour]) -> str:
    corners = np.concatenate(list(points))
    spans = [f"{axis} {low:.0f} to {high:.0f}" for axis, low, high in
             zip("RAS", corners.min(axis=0), corners.max(axis=0), strict=True)]
    return f"{', '.join(spans)} mm"

"""A DICOM segmentation's segment as voxels of its own grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Affine, Caution, Mask, Volume
from app.core.errors import EmptyMask, UnreadableImage
from app.core.io.dicom.headers import Plane, read_header
from app.core.io.dicom.multiframe import list_frames
from app.core.io.dicom.reading import UNREADABLE, holds_more, open_bounded, read_dataset, tolerate_odd_values
from app.core.io.dicom.reference import match_images, refuse
from app.core.io.dicom.regions import Region, choose_region
from app.core.io.dicom.tags import as_number
from app.core.io.itk import swap_lps_ras
from app.core.io.source import Source
from app.core.io.stored import check_announced

FRACTION = 0.5
"""From this occupancy or probability on, a voxel of a FRACTIONAL segmentation is inside."""


def load_seg(path: str | Path, roi: str | None, images: Mapping[str, Volume],
             sources: Mapping[str, Source] | None = None) -> Mask:
    """Read one segment.

    Parameters
    ----------
    path : str or pathlib.Path
        The segmentation.
    roi : str or None
        The segment's label, in any case; None when there is but one.
    images : mapping of str to Volume
        The case's images, by sequence; empty when only the mask is wanted.
    sources : mapping of str to Source, optional
        Where the images came from, by the same keys.

    Returns
    -------
    Mask
        On the segmentation's own grid, shape (i, j, k), k along the slice normal, RAS+ mm.

    Raises
    ------
    UnreadableImage
        The file is damaged, no segmentation, or not on a regular grid.
    EmptyMask
        The segment holds no voxel.
    ChoiceNeeded
        Several segments, or none of that name; field 'roi'.
    GeometryMismatch
        None of the images shares its frame of reference.
    """
    path = Path(path)
    damaged = UnreadableImage(f"'{path.name}' is not a readable segmentation (DICOM SEG).",
                              "Export it again, or choose another outline.")
    try:
        header = read_header(path)
        if header is None or header.kind != "seg":
            raise damaged
        check_announced(path.name, (len(header.planes), *_largest(header.planes)), np.uint8)
        segmentation, regions = _read_segments(path)
        surplus = _surplus_cautions(path)
    except UNREADABLE as error:
        raise damaged from error
    region = choose_region(regions, roi, str(path), "slices")
    try:
        voxels, affine = _read_segment(segmentation, region.number)
    except UNREADABLE as error:
        raise UnreadableImage(f"The segment '{region.name}' is not on a regular grid, or its pixels are damaged.",
                              "Export it again, or choose another outline.") from error
    if not voxels.any():
        raise EmptyMask(f"The segment '{region.name}' holds no voxel.", "Choose another segment.")
    mask = Mask(voxels, affine, name=region.name, frame=header.frame, cautions=surplus)
    if not images:
        return mask
    matching, cautions = match_images(images, header.frame, header.refers_to, sources or {})
    if not matching:
        raise refuse(images, header.frame, mask.geometry.describe())
    frame = header.frame if any(volume.frame == header.frame for volume in matching) else matching[0].frame
    return Mask(voxels, affine, name=region.name, frame=frame, cautions=surplus + cautions)


def _largest(planes: Sequence[Plane]) -> tuple[int, int]:
    return max(plane.rows for plane in planes), max(plane.columns for plane in planes)


def _surplus_cautions(path: Path) -> tuple[Caution, ...]:
    with tolerate_odd_values():
        if not holds_more(read_dataset(path, pixels=True), path):
            return ()
    return (Caution("longer_than_stated", (f"{path.name} holds more than its header says: the outline may be damaged "
                                           "or displaced. Check what it shows.")),)


def _read_segments(path: Path) -> tuple[Any, list[Region]]:
    import highdicom.seg

    with tolerate_odd_values(), open_bounded(path) as stream:
        segmentation = highdicom.seg.segread(stream)
        held = [as_number(tags, "ReferencedSegmentNumber") for tags in list_frames(segmentation)]
        labelmap = str(segmentation.SegmentationType) == "LABELMAP"
        return segmentation, [
            Region(number, str(segmentation.get_segment_description(number).segment_label),
                   len(held) if labelmap else held.count(number))
            for number in segmentation.segment_numbers if number > 0]


def _read_segment(segmentation: Any, number: int) -> tuple[NDArray[np.bool_], Affine]:
    with tolerate_odd_values():
        volume = segmentation.get_volume(segment_numbers=[number])
    # highdicom counts (slice, row, column) with slices down the normal; ours run (column, row, slice) up it.
    inside = (np.asarray(volume.array)[..., 0] >= FRACTION)[::-1].transpose(2, 1, 0)
    affine = np.asarray(volume.affine, dtype=np.float64)
    origin = affine @ (volume.array.shape[0] - 1, 0, 0, 1)
    lps = np.column_stack([affine[:, 2], affine[:, 1], -affine[:, 0], origin])
    return np.ascontiguousarray(inside), swap_lps_ras(lps)

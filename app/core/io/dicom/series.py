"""A series, or one stack of it, as a volume."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution, Volume
from app.core.errors import UnreadableImage
from app.core.io.dicom.geometry import Grid, arrange
from app.core.io.dicom.grouping import MOSAIC, describe_stack, read_headers
from app.core.io.dicom.multiframe import flatten
from app.core.io.dicom.pixels import DamagedFile, read_pixels
from app.core.io.dicom.preview import series_choice
from app.core.io.dicom.reading import read_dataset, tolerate_odd_values
from app.core.io.dicom.stacks import Stack, series_uid, sort_stacks
from app.core.io.dicom.tags import read_acquisition, read_identity
from app.core.io.source import LoadedImage, Source
from app.core.io.stored import check_announced

_IDENTITY = ["PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "InstitutionName",
             "SpecificCharacterSet"]


def load_series(source: Source) -> LoadedImage:
    """Read a series.

    Parameters
    ----------
    source : Source
        As `find_sources` gave it; its files are sorted again, so a source that only lists files will do.

    Returns
    -------
    LoadedImage
        Voxels of shape (i, j, k): i along a row, j along a column, k along the slice normal; affine to RAS+ mm.

    Raises
    ------
    UnreadableImage
        Files or pixels damaged or missing, a mosaic, colour pictures, no volume.
    GeometryMismatch
        The slices do not make a regular grid.
    ChoiceNeeded
        The series holds several stacks and the source does not say which.
    """
    stack, damaged = _find_stack(source)
    if stack.header.mosaic:
        raise UnreadableImage(MOSAIC, "Convert the mosaic to NIfTI, or export the series without mosaic.")
    if stack.header.colour:
        raise UnreadableImage("The series holds colour pictures, not grey values of a scan.",
                              "Choose the original series instead of a screenshot or a colour map.")
    grid = arrange(stack.planes)
    check_announced("The series", grid.geometry.shape, np.int16)
    surplus: list[str] = []
    voxels = _read_voxels(grid, surplus)
    cautions = (*_tell_surplus(len(surplus)), *grid.cautions, *stack.cautions, *_tell_lossy(stack),
                *_tell_damaged(damaged, len(source.files)))
    told = {caution.code for caution in cautions}
    cautions += tuple(caution for caution in source.cautions if caution.code not in told)
    middle = grid.planes[len(grid.planes) // 2]
    with tolerate_odd_values():
        gap = grid.geometry.spacing[2] if len(grid.planes) > 1 else None
        acquisition = read_acquisition(middle.tags, gap)
        identity = read_identity(flatten(read_dataset(middle.file, keywords=_IDENTITY)))
    volume = Volume(voxels, grid.geometry.affine, stack.header.frame, cautions)
    return LoadedImage(volume, acquisition, identity)


def _find_stack(source: Source) -> tuple[Stack, int]:
    headers, damaged = read_headers([Path(file) for file in source.files])
    wanted = series_uid(source.series)
    images = [h for h in headers if h.kind == "dicom" and (not wanted or h.series == wanted)]
    if not images:
        raise UnreadableImage(f"None of the {len(source.files)} files holds an image of this series.",
                              "Choose the folder or the files of a scan.")
    stacks = [stack for series in dict.fromkeys(h.series for h in images)
              for stack in sort_stacks(h for h in images if h.series == series)]
    if len(stacks) == 1:
        return stacks[0], len(damaged)
    for stack in stacks:
        if stack.series == source.series and stack.name:
            return stack, len(damaged)
    raise series_choice([describe_stack(stack) for stack in stacks])


def _read_voxels(grid: Grid, surplus: list[str]) -> NDArray[np.float32]:
    columns, rows, slices = grid.geometry.shape
    stored = np.empty((slices, rows, columns), dtype=np.float32)
    damaged: dict[str, str] = {}
    for slot, (plane, pixels) in zip(grid.slots, read_pixels(grid.planes, surplus), strict=True):
        if isinstance(pixels, DamagedFile):
            damaged[plane.file] = pixels.reason
        else:
            stored[slot] = pixels
    if damaged:
        files = len({plane.file for plane in grid.planes})
        raise UnreadableImage(f"{len(damaged)} of {files} files of the series hold no readable pixels.",
                              "Export the series again; the copy is incomplete or damaged.")
    _fill_missing(stored, grid.slots)
    return stored.transpose(2, 1, 0)


def _fill_missing(stored: NDArray[np.float32], slots: tuple[int, ...]) -> None:
    for before, after in pairwise(slots):
        for slot in range(before + 1, after):
            share = (slot - before) / (after - before)
            stored[slot] = (1 - share) * stored[before] + share * stored[after]


def _tell_lossy(stack: Stack) -> tuple[Caution, ...]:
    if not stack.header.lossy:
        return ()
    return (Caution("lossy", "The image was compressed with loss: texture features are altered."),)


def _tell_surplus(files: int) -> tuple[Caution, ...]:
    if not files:
        return ()
    return (Caution("longer_than_stated", (
        f"{files} file{'s' if files > 1 else ''} of the series hold{'' if files > 1 else 's'} more than the header "
        "says: what was read may be damaged or displaced. Check what it shows.")),)


def _tell_damaged(damaged: int, files: int) -> tuple[Caution, ...]:
    if not damaged:
        return ()
    return (Caution("unreadable_files", f"{damaged} of {files} files cannot be read and were left out."),)

"""The question which series is meant, with a small picture of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.errors import Choice, ChoiceNeeded
from app.core.io.dicom.grouping import read_headers
from app.core.io.dicom.headers import Plane
from app.core.io.dicom.pixels import DamagedFile, read_pixels
from app.core.io.dicom.stacks import series_uid, sort_stacks
from app.core.io.source import Source

THUMBNAIL = 64
"""Longest side, pixels."""


def series_choice(sources: Sequence[Source]) -> ChoiceNeeded:
    """Ask which of several series or stacks is the image.

    Parameters
    ----------
    sources : sequence of Source
        Images of one folder; those that make a volume are offered, all of them if none does.

    Returns
    -------
    ChoiceNeeded
        With field 'series'; an option's value is its source's `series`. To be raised by the caller.
    """
    offered = [source for source in sources if source.geometry is not None] or list(sources)
    one_series = len({series_uid(source.series) for source in offered}) == 1
    if one_series:
        stacks = ", ".join(source.details.get("stack", source.title) for source in offered)
        message = f"The series holds {len(offered)} stacks of slices ({stacks}), and the image is one of them."
    else:
        message = f"The folder holds {len(offered)} series, and the image is one of them."
    remedy = "Choose it; on the command line, name it with --series SEQ=UID (SEQ is 'image' for the first)."
    return ChoiceNeeded(message, remedy, "series", [
        Choice(source.series, source.title, dict(source.details), draw_thumbnail(source)) for source in offered])


def draw_thumbnail(source: Source) -> list[list[int]] | None:
    """Draw the middle slice.

    Parameters
    ----------
    source : Source
        A DICOM image.

    Returns
    -------
    list of list of int or None
        Grey, 0 to 255, shape (rows, columns) with the longest side 64 and square pixels, rows and columns as stored;
        None where the pixels cannot be read.
    """
    middle = _middle_plane(source)
    if middle is None:
        return None
    _, pixels = next(read_pixels([middle]))
    if isinstance(pixels, DamagedFile):
        return None
    return _shrink(pixels, middle.spacing or (1.0, 1.0))


def _middle_plane(source: Source) -> Plane | None:
    if len(source.files) > 1:
        headers, _ = read_headers([Path(source.files[len(source.files) // 2])])
    else:
        headers, _ = read_headers([Path(file) for file in source.files])
    stacks = sort_stacks(headers) if headers else []
    stack = next((stack for stack in stacks if stack.series == source.series), stacks[0] if stacks else None)
    return stack.planes[len(stack.planes) // 2] if stack else None


def _shrink(pixels: NDArray[np.float32], spacing: tuple[float, ...]) -> list[list[int]]:
    height, width = pixels.shape[0] * spacing[0], pixels.shape[1] * spacing[1]
    scale = THUMBNAIL / max(height, width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    small = _average(_average(pixels.astype(np.float64), rows).T, columns).T
    low, high = np.percentile(small, (1, 99))
    grey = (small - low) / (high - low if high > low else 1.0) * 255
    return [[int(value) for value in row] for row in np.clip(np.rint(grey), 0, 255)]


def _average(pixels: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    edges = np.arange(rows + 1) * pixels.shape[0] / rows
    sums = np.vstack([np.zeros(pixels.shape[1]), np.cumsum(pixels, axis=0)])
    at_edges = np.array([np.interp(edges, np.arange(len(sums)), column) for column in sums.T]).T
    return np.asarray(np.diff(at_edges, axis=0) / np.diff(edges)[:, np.newaxis], dtype=np.float64)

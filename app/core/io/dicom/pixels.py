"""Pixels of images that were found by their headers, in real values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.core.io.dicom.codestreams import prepare_decoding
from app.core.io.dicom.headers import Plane
from app.core.io.dicom.reading import UNREADABLE, holds_more, read_dataset, tolerate_odd_values
from app.core.io.stored import MOST_BYTES


@dataclass(frozen=True, eq=False)
class DamagedFile:
    """A file whose pixels are missing, cut off, or packed in a way that no decoder here reads."""

    file: str
    reason: str


def read_pixels(planes: Sequence[Plane], surplus: list[str] | None = None,
                ) -> Iterator[tuple[Plane, NDArray[np.float32] | DamagedFile]]:
    """Read images one after the other, each file once where its frames follow each other.

    Parameters
    ----------
    planes : sequence of Plane
        In the order wanted.
    surplus : list of str, optional
        Filled with the files that hold more than they should.

    Yields
    ------
    plane : Plane
        The image.
    pixels : array of float32, shape (rows, columns), or DamagedFile
        Stored values with the rescale slope and intercept applied, as the header's plane says.
    """
    for file, group in groupby(planes, key=lambda plane: plane.file):
        frames = _decode(file, surplus)
        for plane in group:
            if isinstance(frames, DamagedFile):
                yield plane, frames
            elif plane.index >= len(frames) or frames[plane.index].shape != (plane.rows, plane.columns):
                yield plane, DamagedFile(file, "the pixels do not fill the image")
            else:
                real = frames[plane.index].astype(np.float64) * plane.slope + plane.intercept
                yield plane, real.astype(np.float32)


def _decode(file: str, surplus: list[str] | None) -> NDArray[Any] | DamagedFile:
    with tolerate_odd_values():
        try:
            found = read_dataset(file, pixels=True)
            if surplus is not None and holds_more(found, file):
                surplus.append(file)
            _check_size(found)
            prepare_decoding(found)
            pixels: NDArray[Any] = found.pixel_array
        except UNREADABLE as error:
            return DamagedFile(file, str(error))
    return pixels[np.newaxis] if pixels.ndim == 2 else pixels


def _check_size(found: Dataset) -> None:
    """Refuse an image whose stated size no memory is taken for; a decoder would take it before it looks."""
    voxels = (int(found.get("Rows") or 0) * int(found.get("Columns") or 0) * int(found.get("NumberOfFrames") or 1)
              * int(found.get("SamplesPerPixel") or 1))
    if voxels * (4 + int(found.get("BitsAllocated") or 16) / 8) > MOST_BYTES:
        raise ValueError(f"{voxels} pixels are announced")

"""What a file holds against what its header announces: weighed before any memory is taken."""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.core.data import Caution
from app.core.errors import UnreadableImage
from app.core.io import damage

MOST_BYTES = 7 * 2**29
"""Of an image as stored and as the program keeps it, four bytes a voxel: 1024 x 1024 x 400 in any common type."""
_PIECE = 2**20
_BEYOND = 2**24
"""Of what follows the voxels in a compressed file, so much is unpacked to find its checksum, and no more."""

Packing = Literal["zlib", "gzip", "bzip2"]


def check_announced(name: str, shape: tuple[int, ...], dtype: DTypeLike) -> int:
    """Refuse a header that announces more voxels than the program reads.

    Parameters
    ----------
    name : str
        The file, for the sentence.
    shape : tuple of int
        As the header gives it.
    dtype : data type
        Of the stored voxels.

    Returns
    -------
    int
        Bytes of the stored voxels.

    Raises
    ------
    UnreadableImage
        They and their four-byte copies would take more than `MOST_BYTES`.
    """
    voxels = math.prod(shape)
    size = voxels * np.dtype(dtype).itemsize
    if size + 4 * voxels > MOST_BYTES:
        told = " x ".join(str(length) for length in shape)
        needed = (size + 4 * voxels) / 2**30
        raise UnreadableImage(f"{name} announces {told} voxels, which would take {needed:.3g} GB; up to "
                              f"{MOST_BYTES / 2**30:.1f} GB are read.",
                              "Check the file, its header may be damaged; or crop the image and choose that.")
    return size


def compare_size(name: str, held: int, announced: int) -> tuple[Caution, ...]:
    """Compare the bytes of voxels that a file holds with those that its header announces.

    Raises
    ------
    UnreadableImage
        There are fewer.
    """
    if held < announced:
        raise damage.truncated(name)
    if held == announced:
        return ()
    return (Caution("longer_than_stated", (f"{name} is longer than its header says: it may be damaged, and its voxels "
                                           "displaced. Check what it shows.")),)


def unpack(path: Path, announced: int, offset: int = 0) -> tuple[NDArray[np.uint8], bool]:
    """Unpack a gzipped file's bytes as far as its header announces, and to its checksum where that is near.

    Parameters
    ----------
    path : Path
        A '.gz' file.
    announced : int
        Bytes that are wanted after `offset`.
    offset : int
        Bytes to pass over.

    Returns
    -------
    content : array of uint8, shape (announced,)
    longer : bool
        Whether more follows.

    Raises
    ------
    UnreadableImage
        It ends before, or is damaged.
    """
    try:
        with gzip.open(path) as stream:
            _skip(stream, offset)
            content = np.empty(announced, np.uint8)
            filled = 0
            while filled < announced and (count := stream.readinto(content[filled: filled + _PIECE].data)):
                filled += count
            beyond = _skip(stream, _BEYOND) if filled == announced else 0
    except EOFError as error:
        raise damage.truncated(path.name) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise damage.corrupt(path.name) from error
    if filled < announced:
        raise damage.truncated(path.name)
    return content, beyond > 0


def measure_packed(path: Path, offset: int, packing: Packing, most: int) -> int:
    """Count the bytes that a compressed part of a file unpacks to, its checksum included, without keeping them.

    Parameters
    ----------
    path : Path
        The file.
    offset : int
        Where the compressed part begins.
    packing : {'zlib', 'gzip', 'bzip2'}
        How it is packed; zlib and gzip are told apart by their own headers.
    most : int
        Counting stops soon after.

    Returns
    -------
    int

    Raises
    ------
    UnreadableImage
        It is damaged, or cut off.
    """
    count = 0
    try:
        with path.open("rb") as stream:
            stream.seek(offset)
            for piece in _pieces(stream, packing):
                count += piece
                if count > most + _BEYOND:
                    return count
    except EOFError as error:
        raise damage.truncated(path.name) from error
    except (zlib.error, OSError, ValueError) as error:
        raise damage.corrupt(path.name) from error
    return count


def _pieces(stream: BinaryIO, packing: Packing) -> Iterator[int]:
    """Lengths of what is unpacked, piece by piece."""
    if packing == "bzip2":
        with bz2.open(stream) as unpacked:
            while piece := unpacked.read(_PIECE):
                yield len(piece)
        return
    unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip, as its header says
    packed = stream.read(_PIECE)
    while packed and not unpacker.eof:
        yield len(unpacker.decompress(packed, _PIECE))
        packed = unpacker.unconsumed_tail or stream.read(_PIECE)
    if not unpacker.eof:
        raise EOFError("the compressed part has no end")


def _skip(stream: gzip.GzipFile, count: int) -> int:
    """Read on without keeping; how many bytes there were."""
    left = count
    while left and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
    return count - left

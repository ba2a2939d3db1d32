"""The voxels of a NIfTI or Analyze image: as many as announced, scaled slice by slice, never unpacked without bound."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution
from app.core.errors import UnreadableImage
from app.core.io.byte_order import byte_order_cautions
from app.core.io.stored import check_announced, compare_size, unpack

_MOST_BEFORE = 2**26
"""Bytes of header and extensions: more would be unpacked and kept before a voxel is seen."""
_OFFSETS = {348: (108, "f"), 540: (168, "q")}
_BITS = {348: 72, 540: 14}


def check_beginning(path: Path) -> None:
    """Refuse a header whose voxels begin impossibly late, before anything is read up to there.

    Raises
    ------
    UnreadableImage
        They begin later than any header is long.
    """
    head, order, size = _read_head(path)
    if size:
        offset = struct.unpack_from(order + _OFFSETS[size][1], head, _OFFSETS[size][0])[0]
        if not -1 < offset < _MOST_BEFORE:
            raise UnreadableImage(f"{path.name} says that its voxels begin at byte {offset:g}, which cannot be.",
                                  "Copy or export it again and choose the new file.")


def _read_head(path: Path) -> tuple[bytes, str, int]:
    """Read a header's first bytes, their order ('<' or '>') and its size; the size is 0 where it is none."""
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            head = stream.read(540)
    except (EOFError, zlib.error, OSError):
        return b"", "<", 0  # what reads the whole header has a sentence for it
    for order in "<>":
        size = struct.unpack_from(f"{order}i", head)[0] if len(head) >= 348 else 0
        if size in _OFFSETS and len(head) >= size:
            return head, order, size
    return head, "<", 0


def load_voxels(image: Any, name: str) -> tuple[NDArray[Any], tuple[Caution, ...]]:
    """Read an image's voxels.

    Parameters
    ----------
    image : nibabel image
        As `nibabel.load` gave it: its header, and where its voxels are.
    name : str
        The file, for the sentences.

    Returns
    -------
    voxels : array
        In the file's own number type and axes, mapped where they lie unpacked; float32 where the header scales them.
    cautions : tuple of Caution
        Where the file holds more than it announces, or its values in another order of bytes.

    Raises
    ------
    UnreadableImage
        It holds less, is damaged, or announces more than is read.
    """
    dtype, shape, offset = image.dataobj.dtype, image.shape, int(image.dataobj.offset)
    announced = check_announced(name, shape, dtype)
    path = Path(image.file_map["image"].filename)
    stored: NDArray[Any]
    if path.name.lower().endswith(".gz"):
        content, longer = unpack(path, announced, offset)
        cautions = compare_size(name, announced + longer, announced)
        stored = content.view(dtype).reshape(shape, order="F")
    else:
        cautions = compare_size(name, path.stat().st_size - offset, announced)
        stored = np.memmap(path, dtype, "r", offset, shape, order="F")
    cautions += byte_order_cautions(name, stored)
    slope, inter = float(image.dataobj.slope), float(image.dataobj.inter)
    return (stored if (slope, inter) == (1.0, 0.0) else _scale(stored, slope, inter)), cautions


def check_type(image: Any, name: str) -> tuple[Caution, ...]:
    """Say when the header's two statements of the number type, `datatype` and `bitpix`, contradict each other."""
    holder = image.file_map.get("header") or image.file_map["image"]
    head, order, size = _read_head(Path(holder.filename))  # as it was: the library has put it right by now
    bits = 8 * image.get_data_dtype().itemsize
    stated = struct.unpack_from(f"{order}h", head, _BITS[size])[0] if size else bits
    if stated in (bits, 0):
        return ()
    return (Caution("type_ambiguous", (f"{name} says that a voxel has {stated} bits and names a number type of {bits}: "
                                       "its header may be damaged, and its grey values wrong.")),)


def check_header(path: Path) -> None:
    """Unpack a compressed header's file to tell one that is damaged; the voxels' own file is read anyway."""
    if path.name.lower().endswith(".gz"):
        unpack(path, 0)


def _scale(stored: NDArray[Any], slope: float, inter: float) -> NDArray[np.float32]:
    scaled = np.empty(stored.shape, np.float32, order="F")
    flat_in, flat_out = stored.reshape(-1, order="F"), scaled.reshape(-1, order="F")
    step = max(1, math.prod(stored.shape[:2]))
    with np.errstate(over="ignore", invalid="ignore"):  # what is no number then is told with its place
        for start in range(0, flat_in.size, step):
            flat_out[start: start + step] = flat_in[start: start + step] * slope + inter
    return scaled


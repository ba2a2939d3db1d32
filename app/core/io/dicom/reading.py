"""Opening DICOM files as hospitals write them: without a preamble, with values longer than the standard allows."""

from __future__ import annotations

import io
import sqlite3
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

UNREADABLE = (InvalidDicomError, BytesLengthException, OSError, EOFError, ValueError, KeyError, AttributeError,
              TypeError, IndexError, NotImplementedError, RuntimeError, ArithmeticError, AssertionError, struct.error,
              zlib.error, sqlite3.Error)
"""What pydicom, highdicom and their decoders raise on a damaged file."""
MOST_UNPACKED = 2**29
"""Bytes of a file in the deflated transfer syntax; it is unpacked as a whole before anything of it is seen."""
_BOMB_BYTES, _BOMB_RATIO = 2**24, 100
_LARGE = 2**20
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_MAY_FOLLOW = (b"\xfc\xff\xfc\xff", b"\xfa\xff\xfa\xff")


class _BoundedReader(io.BufferedReader):
    """A file of which no more is asked than it holds: memory is taken for what is asked."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _LARGE:
            at = self.tell()
            size = max(0, min(size, self.seek(0, io.SEEK_END) - at))
            self.seek(at)
        return super().read(size)


def open_bounded(path: str | Path) -> io.BufferedReader:
    """Open a file for pydicom, which believes whatever length an element states."""
    return _BoundedReader(io.FileIO(path))


@contextmanager
def tolerate_odd_values() -> Iterator[None]:
    """Read values that break the standard's form (too long, odd characters, padded pixels) without a warning."""
    with config.disable_value_validation(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning)
        yield


def is_dicom(path: str | Path) -> bool:
    """Whether a file is DICOM, with or without its 128-byte preamble.

    Parameters
    ----------
    path : str or pathlib.Path
        Any file.

    Returns
    -------
    bool
        False for a folder, an unreadable file, and anything else.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            start = stream.read(132)
    except OSError:
        return False
    if start[128:132] == b"DICM":
        return True
    # A data set without preamble begins with an element of group 2 or 8.
    if start[:2] not in (b"\x02\x00", b"\x08\x00"):
        return False
    try:
        check_unpacked(file)
        with tolerate_odd_values(), open_bounded(file) as stream:
            found = pydicom.dcmread(stream, force=True, stop_before_pixels=True, specific_tags=["SOPClassUID"])
            return str(found.get("SOPClassUID", "")).startswith("1.2.840.10008.")
    except UNREADABLE:
        return False


def read_dataset(path: str | Path, *, keywords: list[Any] | None = None, pixels: bool = False) -> Dataset:
    """Read one file.

    Parameters
    ----------
    path : str or pathlib.Path
        A DICOM file.
    keywords : list of str, optional
        Only these elements, which is faster.
    pixels : bool
        Whether the pixel data are wanted.

    Returns
    -------
    pydicom.dataset.Dataset
        Its values are converted on access, so access them under `tolerate_odd_values` too.

    Raises
    ------
    UNREADABLE
        Whatever pydicom says about a damaged file.
    """
    check_unpacked(path)
    with tolerate_odd_values(), open_bounded(path) as stream:
        found = pydicom.dcmread(stream, force=True, stop_before_pixels=not pixels, specific_tags=keywords)
        if "TransferSyntaxUID" not in found.file_meta:
            implicit, little = found.original_encoding
            found.file_meta.TransferSyntaxUID = (
                pydicom.uid.ExplicitVRBigEndian if little is False
                else pydicom.uid.ExplicitVRLittleEndian if implicit is False else pydicom.uid.ImplicitVRLittleEndian)
        return found


def check_unpacked(path: str | Path) -> None:
    """Refuse a deflated file that unpacks to more than any scan has, or so far that nothing can be in it.

    Raises
    ------
    OSError
        It does.
    """
    with Path(path).open("rb") as stream:
        head = stream.read(2048)
        if _DEFLATED not in head:
            return
        stream.seek(_end_of_meta(head))
        unpacker, count = zlib.decompressobj(-zlib.MAX_WBITS), 0
        packed = stream.read(1 << 16)
        while packed and not unpacker.eof:
            count += len(unpacker.decompress(packed, 1 << 20))
            taken = stream.tell() - len(unpacker.unconsumed_tail)
            if count > MOST_UNPACKED or count > max(_BOMB_BYTES, _BOMB_RATIO * taken):
                raise OSError(f"it unpacks to more than {MOST_UNPACKED >> 20} MB")
            packed = unpacker.unconsumed_tail or stream.read(1 << 16)


def holds_more(found: Dataset, path: str | Path) -> bool:
    """Whether something follows the pixels that is no element, or the pixels are more than the image's size says.

    Parameters
    ----------
    found : pydicom.dataset.Dataset
        As `read_dataset` gave it with pixels; they have not been looked at yet.
    path : str or pathlib.Path
        Its file.
    """
    pixels = found.get_item("PixelData") if "PixelData" in found else None
    start, length = getattr(pixels, "value_tell", None), getattr(pixels, "length", None)
    deflated = str(found.file_meta.get("TransferSyntaxUID", "")).encode() == _DEFLATED
    if start is None or length is None or length == 0xFFFFFFFF or deflated:
        return False
    bits = (int(found.get("Rows") or 0) * int(found.get("Columns") or 0) * int(found.get("NumberOfFrames") or 1)
            * int(found.get("SamplesPerPixel") or 1) * int(found.get("BitsAllocated") or 16))
    if length > (bits + 7) // 8 + 1:
        return True
    with Path(path).open("rb") as stream:
        stream.seek(start + length)
        rest = stream.read(4)
    return bool(rest) and rest not in _MAY_FOLLOW


def _end_of_meta(head: bytes) -> int:
    """Where the file's own elements end, from their stated length."""
    start = 132 if head[128:132] == b"DICM" else 0
    if head[start:start + 4] != b"\x02\x00\x00\x00":
        return start
    return start + 12 + int(struct.unpack_from("<I", head, start + 8)[0])

"""Opening DICOM files as hospitals write them: without a preamble, with values longer than the standard allows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pydicom
from pydicom import config
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

UNREADABLE = (InvalidDicomError, BytesLengthException, OSError, EOFError, ValueError, KeyError, AttributeError,
              TypeError, IndexError, NotImplementedError, RuntimeError)
"""What pydicom and its decoders raise on a damaged file."""


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
        with tolerate_odd_values():
            found = pydicom.dcmread(file, force=True, stop_before_pixels=True, specific_tags=["SOPClassUID"])
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
    with tolerate_odd_values():
        found = pydicom.dcmread(path, force=True, stop_before_pixels=not pixels, specific_tags=keywords)
        if "TransferSyntaxUID" not in found.file_meta:
            implicit, little = found.original_encoding
            found.file_meta.TransferSyntaxUID = (
                pydicom.uid.ExplicitVRBigEndian if little is False
                else pydicom.uid.ExplicitVRLittleEndian if implicit is False else pydicom.uid.ImplicitVRLittleEndian)
        return found

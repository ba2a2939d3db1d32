"""Which reader a file's ending calls for; every format but DICOM."""

from __future__ import annotations

from pathlib import Path

from app.core.io import damage, itk, nifti
from app.core.io.source import SUFFIXES, Header, Orientation, RawVoxels, suffix_of

_NIBABEL = ("nifti", "analyze")
_ITK = ("nrrd", "metaimage")
IMAGE_KINDS = (*_NIBABEL, *_ITK)


def read_voxels(path: str | Path, orientation: Orientation | None = None) -> RawVoxels:
    """Read an image file (not DICOM) in its own number type; `UnreadableImage` as for `load_volume`."""
    kind = SUFFIXES.get(suffix_of(path))
    if kind in _NIBABEL:
        return nifti.read_nifti(path, orientation)
    if kind in _ITK:
        return itk.read_itk(path)
    raise damage.unknown_format(Path(path).name, "an image this program reads")


def read_header(path: str | Path, orientation: Orientation | None = None) -> Header:
    """Read an image file's header (not DICOM); `UnreadableImage` as for `load_volume`."""
    kind = SUFFIXES.get(suffix_of(path))
    if kind in _NIBABEL:
        return nifti.read_header(path, orientation)
    if kind in _ITK:
        return itk.read_header(path)
    raise damage.unknown_format(Path(path).name, "an image this program reads")

"""NIfTI and Analyze 7.5 through nibabel: doubts about left and right are said aloud, writing is atomic."""

from __future__ import annotations

import gzip
import logging
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from app.core.data import Affine, Caution, Geometry, Mask, Volume
from app.core.errors import InputError
from app.core.files import staged_file
from app.core.io import damage
from app.core.io.nifti_voxels import check_beginning, check_header, check_type, load_voxels
from app.core.io.source import Header, Orientation, RawVoxels, suffix_of

# nibabel writes trivia about headers straight to standard error; what matters becomes a caution here.
nib.imageglobals.logger.setLevel(logging.CRITICAL)

_LABEL_INTENT = 1002
_NOT_UNDERSTOOD = (ImageFileError, HeaderDataError, ValueError, KeyError, TypeError, OverflowError)
_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}
_CONVENTIONS = {
    "las": "LAS (radiological: stored from the patient's right to left)",
    "ras": "RAS (neurological: stored from the patient's left to right)",
}


def read_header(path: str | Path, orientation: Orientation | None = None) -> Header:
    """Read where a NIfTI or Analyze image lies, not its voxels.

    Parameters
    ----------
    path : str or Path
        '.nii', '.nii.gz', or either half of a pair ('.hdr', '.img', also gzipped).
    orientation : {'las', 'ras'}, optional
        Which side an Analyze 7.5 file stores first; 'las', the format's default, when not given.

    Returns
    -------
    Header
        RAS+, mm.

    Raises
    ------
    UnreadableImage
        With a sentence for each kind of damage.
    """
    return _describe(_open(Path(path)), Path(path).name, orientation)


def read_nifti(path: str | Path, orientation: Orientation | None = None) -> RawVoxels:
    """Read a NIfTI or Analyze image; parameters and errors as for `read_header`.

    Returns
    -------
    RawVoxels
        Shape (i, j, k), scaled as the header says, RAS+ mm.
    """
    path = Path(path)
    image = _open(path)
    header = _describe(image, path.name, orientation)
    try:
        if "header" in image.file_map:
            check_header(Path(image.file_map["header"].filename))
        voxels, cautions = load_voxels(image, path.name)
    except (OSError, ValueError) as error:
        raise damage.truncated(path.name) from error
    except MemoryError as error:
        raise damage.too_large(path.name, image.shape) from error
    header = replace(header, cautions=header.cautions + cautions, intercept=float(image.dataobj.inter))
    return RawVoxels(voxels.reshape(header.geometry.shape), header)


def check_nifti_name(path: str | Path) -> None:
    """Refuse a name that `write_nifti` could not use, before there is anything to write.

    Raises
    ------
    InputError
        It does not end in '.nii' or '.nii.gz'.
    """
    if suffix_of(path) not in (".nii", ".nii.gz"):
        raise InputError(f"'{Path(path).name}' does not end in .nii or .nii.gz.", "Choose a name that does.")


def write_nifti(path: str | Path, image: Volume | Mask) -> Path:
    """Write a NIfTI-1 file that appears whole or not at all.

    Parameters
    ----------
    path : str or Path
        Ends in '.nii' or '.nii.gz'; its folder is made if needed.
    image : Volume or Mask
        Shape (i, j, k), RAS+ mm; stored as float32, or uint8 with 1 inside a mask.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        The name has another ending.
    """
    path = Path(path)
    check_nifti_name(path)
    stored = nib.Nifti1Image(image.voxels.astype(np.uint8 if isinstance(image, Mask) else np.float32), image.affine)
    stored.set_sform(image.affine, code=1)
    # A sheared grid has no quaternion: only the sform can say where it lies.
    stored.set_qform(image.affine, code=1 if _is_orthogonal(image.affine) else 0)
    stored.header.set_xyzt_units("mm")
    with staged_file(path) as unfinished:
        nib.save(stored, unfinished)
    return path


def pair_of(path: str | Path) -> tuple[Path, Path]:
    """Name both halves of an Analyze or NIfTI pair: (header, voxels)."""
    path = Path(path)
    ending = suffix_of(path)
    own = path.name[len(path.name) - len(ending):]
    swap = {"h": "i", "d": "m", "r": "g", "i": "h", "m": "d", "g": "r"}
    letters = [swap[c] if c.islower() else swap[c.lower()].upper() for c in own[1:4]]
    twin = path.with_name(path.name[: len(path.name) - len(ending)] + "." + "".join(letters) + own[4:])
    return (path, twin) if ending.startswith(".hdr") else (twin, path)


def _open(path: Path) -> Any:
    if not path.is_file():
        raise damage.missing_file(path.name)
    if suffix_of(path).startswith((".hdr", ".img")):
        header, voxels = pair_of(path)
        for half, other in ((header, voxels), (voxels, header)):
            if not half.is_file():
                raise damage.missing_companion(other.name, half.name)
        path = header
    try:
        if path.stat().st_size == 0:
            raise damage.empty_file(path.name)
        check_beginning(path)
        return nib.load(path)
    except EOFError as error:
        raise damage.truncated(path.name) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise damage.corrupt(path.name) from error
    except _NOT_UNDERSTOOD as error:
        _check_compression(path)
        raise damage.unknown_format(path.name, "a NIfTI or Analyze image") from error
    except OSError as error:
        raise damage.not_readable(path.name, error.strerror or "it cannot be read") from error


def _check_compression(path: Path) -> None:
    """Tell a compressed file whose beginning is already damaged from one of another format."""
    if not path.name.lower().endswith(".gz"):
        return
    with path.open("rb") as stream:
        if stream.read(2) != b"\x1f\x8b":
            return
    try:
        with gzip.open(path) as stream:
            stream.read(1 << 24)
    except EOFError as error:
        raise damage.truncated(path.name) from error
    except (zlib.error, gzip.BadGzipFile) as error:
        raise damage.corrupt(path.name) from error


def _describe(image: Any, name: str, orientation: Orientation | None) -> Header:
    shape = damage.check_shape(name, tuple(int(length) for length in image.shape))
    dtype = image.get_data_dtype()
    damage.check_numbers(name, dtype)
    convention, is_labels = "", False
    try:
        if isinstance(image, nib.Nifti1Pair):
            affine, cautions = _nifti_position(image, name)
            is_labels = int(image.header["intent_code"]) == _LABEL_INTENT
        else:
            affine, cautions, convention = _analyze_position(image, name, orientation)
    except _NOT_UNDERSTOOD as error:
        raise damage.unknown_format(name, "a NIfTI or Analyze image") from error
    damage.check_affine(name, affine)
    cautions += check_type(image, name)
    return Header(Geometry(shape, affine), np.dtype(dtype).name, cautions, convention, is_labels)


def _nifti_position(image: Any, name: str) -> tuple[Affine, tuple[Caution, ...]]:
    header = image.header
    affine = np.array(image.affine, dtype=np.float64)
    sform, qform = int(header["sform_code"]) > 0, int(header["qform_code"]) > 0
    cautions = damage.position_cautions(name, affine, known=sform or qform)
    if sform and qform and not _agrees_with_qform(image, affine):
        cautions += (Caution("position_ambiguous", f"{name} holds two positions that differ; the sform is used."),)
    unit = header.get_xyzt_units()[0]
    factor = _MM_PER_UNIT.get(unit, 1.0)
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0)) * factor
    # A header that says metres over voxels of 1 is wrong about the unit, not about the voxels.
    if factor != 1.0 and (sizes > 0.01).all() and (sizes < 50).all():
        affine[:3] *= factor
        cautions += (Caution("units_converted", f"{name} is in {unit}s; its voxel size was converted to mm."),)
    return affine, cautions


def _agrees_with_qform(image: Any, affine: Affine) -> bool:
    shape = image.shape[:3]
    try:
        other = image.header.get_qform()
    except ValueError:  # a quaternion that is none
        return False
    return bool(np.isfinite(other).all()) and Geometry(shape, affine).matches(Geometry(shape, other), tolerance_mm=1.0)


def _analyze_position(image: Any, name: str, side: Orientation | None) -> tuple[Affine, tuple[Caution, ...], str]:
    chosen = side or "las"
    header = image.header.copy()
    header.default_x_flip = chosen == "las"
    affine = np.array(header.get_best_affine(), dtype=np.float64)
    convention = f"Analyze 7.5 read as {_CONVENTIONS[chosen]}"
    if side is not None:
        return affine, (), convention
    sentence = f"{name} does not say which side is left: {convention}. Confirm the side."
    return affine, (Caution("orientation_assumed", sentence),), convention


def _is_orthogonal(affine: Affine) -> bool:
    axes = affine[:3, :3] / np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return bool(np.allclose(axes.T @ axes, np.eye(3), atol=1e-4))

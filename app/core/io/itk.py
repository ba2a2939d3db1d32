"""SimpleITK images and ours, NRRD and MetaImage files: the one place where LPS becomes RAS and (k, j, i) (i, j, k)."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from app.core.data import Affine, Caution, Geometry, Mask, Volume
from app.core.errors import UnreadableImage
from app.core.io import damage
from app.core.io.byte_order import byte_order_cautions
from app.core.io.source import Header, RawVoxels, suffix_of
from app.core.io.stored import check_announced, compare_size, measure_packed
from app.core.io.text_header import EXPECTED, TextHeader, read_text_header

_WIDEST = 8
"""Bytes of the widest number type."""
_FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def swap_lps_ras(affine: Affine) -> Affine:
    """Re-express a voxel-to-world matrix in the other world convention.

    Parameters
    ----------
    affine : array of float64, shape (4, 4)
        Voxel index (i, j, k, 1) to world LPS+ or RAS+, mm.

    Returns
    -------
    array of float64, shape (4, 4)
        The same grid in RAS+ or LPS+, mm; applying it twice gives the input.
    """
    return np.asarray(_FLIP @ affine, dtype=np.float64)


def to_sitk(image: Volume | Mask) -> sitk.Image:
    """Convert to SimpleITK, with its geometry.

    Parameters
    ----------
    image : Volume or Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    SimpleITK.Image
        Size (i, j, k), LPS+ mm; float32 for a volume, uint8 for a mask.
    """
    voxels = image.voxels.astype(np.uint8) if isinstance(image, Mask) else image.voxels
    result = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    lps = swap_lps_ras(image.affine)
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    result.SetSpacing(spacing.tolist())
    result.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    result.SetOrigin(lps[:3, 3].tolist())
    return result


def from_sitk(image: sitk.Image) -> tuple[NDArray[Any], Affine]:
    """Convert from SimpleITK.

    Parameters
    ----------
    image : SimpleITK.Image
        Three-dimensional with one value per voxel, LPS+ mm.

    Returns
    -------
    voxels : array, shape (i, j, k)
        A copy, in the image's own number type.
    affine : array of float64, shape (4, 4)
        Voxel index to world RAS+, mm.
    """
    voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
    return voxels, affine_from_itk(image.GetSpacing(), image.GetDirection(), image.GetOrigin())


def affine_from_itk(spacing: tuple[float, ...], direction: tuple[float, ...], origin: tuple[float, ...]) -> Affine:
    """Voxel-to-world matrix from ITK's three geometry fields.

    Parameters
    ----------
    spacing : tuple of float, length 3
        Along (i, j, k), mm.
    direction : tuple of float, length 9
        Row-major cosines, LPS+.
    origin : tuple of float, length 3
        Centre of the first voxel, LPS+ mm.

    Returns
    -------
    array of float64, shape (4, 4)
        Voxel index to world RAS+, mm.
    """
    lps = np.eye(4)
    lps[:3, :3] = np.asarray(direction, dtype=np.float64).reshape(3, 3) * np.asarray(spacing, dtype=np.float64)
    lps[:3, 3] = origin
    return swap_lps_ras(lps)


def read_header(path: str | Path) -> Header:
    """Read where an NRRD or MetaImage file lies, not its voxels.

    Parameters
    ----------
    path : str or Path
        '.nrrd', '.nhdr', '.mha' or '.mhd'.

    Returns
    -------
    Header
        RAS+, mm.

    Raises
    ------
    UnreadableImage
        With a sentence for each kind of damage.
    """
    path = Path(path)
    return _describe(_open(path)[0], path.name)


def read_itk(path: str | Path) -> RawVoxels:
    """Read an NRRD or MetaImage file; parameters and errors as for `read_header`.

    Returns
    -------
    RawVoxels
        Shape (i, j, k), RAS+ mm.
    """
    path = Path(path)
    reader, text = _open(path)
    header = _describe(reader, path.name)
    cautions = _compare_size(path.name, text, check_announced(path.name, reader.GetSize(), header.dtype))
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise damage.truncated(path.name) from error
    voxels = sitk.GetArrayFromImage(image).T
    if text.packing in ("raw", "zlib", "bzip2"):
        cautions += byte_order_cautions(path.name, voxels)
    return RawVoxels(voxels.reshape(header.geometry.shape), replace(header, cautions=header.cautions + cautions))


def _open(path: Path) -> tuple[sitk.ImageFileReader, TextHeader]:
    """Look at a file's text first: the library that reads it trusts what it finds there."""
    if not path.is_file():
        raise damage.missing_file(path.name)
    try:
        if path.stat().st_size == 0:
            raise damage.empty_file(path.name)
        text = read_text_header(path)
    except OSError as error:
        raise damage.not_readable(path.name, error.strerror or "it cannot be read") from error
    reader = sitk.ImageFileReader()
    reader.SetImageIO("MetaImageIO" if suffix_of(path) in (".mha", ".mhd") else "NrrdImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise damage.unknown_format(path.name, EXPECTED) from error
    return reader, text


def _compare_size(name: str, text: TextHeader, announced: int) -> tuple[Caution, ...]:
    """Weigh what the files hold: the library takes memory for what is announced before it looks."""
    held = sum(file.stat().st_size - max(text.offset, 0) for file in text.files)
    if text.packing in ("zlib", "bzip2"):
        held = sum(measure_packed(file, max(text.offset, 0), text.packing, announced) for file in text.files)
    elif text.packing == "hex":
        held //= 2
    elif text.packing == "text":
        announced = min(announced // _WIDEST, held)  # at least a figure and a gap for each number
    cautions = compare_size(name, held, announced)
    return cautions if text.packing in ("raw", "zlib", "bzip2") and text.offset >= 0 else ()


def _describe(reader: sitk.ImageFileReader, name: str) -> Header:
    shape = damage.check_shape(name, tuple(int(length) for length in reader.GetSize()))
    channels = reader.GetNumberOfComponents()
    if channels > 1:
        raise UnreadableImage(f"{name} holds {channels} values per voxel; one is needed.",
                              "Save the one to be read as an image of its own and choose that.")
    tags = _read_tags(reader)
    dimension = reader.GetDimension()
    direction = np.asarray(reader.GetDirection()).reshape(dimension, dimension)[:3, :3]
    affine = affine_from_itk(reader.GetSpacing()[:3], tuple(direction.ravel()), reader.GetOrigin()[:3])
    damage.check_affine(name, affine)
    stated = "NRRD_space" in tags if tags.get("ITK_InputFilterName") == "NrrdImageIO" else True
    bare = np.array_equal(swap_lps_ras(affine), np.eye(4))
    labels = {int(tags[f"Segment{n}_LabelValue"]): tags.get(f"Segment{n}_Name", "")
              for n in range(256) if tags.get(f"Segment{n}_LabelValue", "").isdigit()}
    dtype = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    cautions = damage.position_cautions(name, affine, known=stated and not bare)
    return Header(Geometry(shape, affine), _numpy_name(dtype), cautions, is_labels=bool(labels), label_names=labels)


def _read_tags(reader: sitk.ImageFileReader) -> dict[str, str]:
    """Read the further fields; one whose text is none is left out."""
    tags: dict[str, str] = {}
    for key in reader.GetMetaDataKeys():
        with suppress(TypeError, UnicodeError):
            tags[key] = reader.GetMetaData(key)
    return tags


def _numpy_name(pixel: str) -> str:
    bits = re.search(r"\d+", pixel)
    kind = "float" if "float" in pixel else "uint" if "unsigned" in pixel else "int"
    return f"{kind}{bits.group()}" if bits else pixel

"""SimpleITK images and ours, NRRD and MetaImage files: the one place where LPS becomes RAS and (k, j, i) (i, j, k)."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from app.core.data import Affine, Geometry, Mask, Volume
from app.core.errors import UnreadableImage
from app.core.io import damage
from app.core.io.source import Header, RawVoxels, suffix_of

_DATA_FILE = {".mhd": rb"(?im)^ElementDataFile\s*=\s*(.+?)\s*$", ".nhdr": rb"(?im)^data ?file:\s*(.+?)\s*$"}
_COMPRESSED = re.compile(rb"(?im)^CompressedData\s*=\s*True\s*$")
_INLINE = re.compile(rb"(?im)^ElementDataFile\s*=\s*LOCAL[^\n]*\n")
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
    if not path.is_file():
        raise damage.missing_file(path.name)
    if path.stat().st_size == 0:
        raise damage.empty_file(path.name)
    detached = data_file(path)
    if detached is not None and not detached.is_file():
        raise damage.missing_companion(path.name, detached.name)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise damage.unknown_format(path.name, "an NRRD or MetaImage file") from error
    return _describe(reader, path.name)


def read_itk(path: str | Path) -> RawVoxels:
    """Read an NRRD or MetaImage file; parameters and errors as for `read_header`.

    Returns
    -------
    RawVoxels
        Shape (i, j, k), RAS+ mm.
    """
    path = Path(path)
    header = read_header(path)
    _check_compression(path)
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise damage.truncated(path.name) from error
    return RawVoxels(sitk.GetArrayFromImage(image).T.reshape(header.geometry.shape), header)


def data_file(path: str | Path) -> Path | None:
    """Name the file that holds the voxels of a detached header; None when they are in the file itself or in several."""
    path = Path(path)
    pattern = _DATA_FILE.get(suffix_of(path))
    if pattern is None:
        return None
    with path.open("rb") as stream:
        found = re.search(pattern, stream.read(65536))
    name = found.group(1).decode("utf-8", "replace") if found else ""
    return path.parent / name if name and not re.match(r"(?i)^(LOCAL|LIST)\b|.*%\d*d", name) else None


def _check_compression(path: Path) -> None:
    """Unpack a MetaImage's voxels to their checksum: the library only prints that they are damaged, and goes on."""
    if suffix_of(path) not in (".mha", ".mhd"):
        return
    with path.open("rb") as stream:
        head = stream.read(65536)
    inline = _INLINE.search(head)
    if not _COMPRESSED.search(head[: inline.end()] if inline else head):
        return
    voxels = path if inline else data_file(path)
    if voxels is None:
        return
    unpacker = zlib.decompressobj(wbits=47)  # zlib or gzip, as its header says
    with voxels.open("rb") as stream:
        stream.seek(inline.end() if inline else 0)
        try:
            while not unpacker.eof and (packed := stream.read(1 << 20)):
                unpacker.decompress(packed)
        except zlib.error as error:
            raise damage.corrupt(path.name) from error
    if not unpacker.eof:
        raise damage.truncated(path.name)


def _describe(reader: sitk.ImageFileReader, name: str) -> Header:
    shape = damage.check_shape(name, tuple(int(length) for length in reader.GetSize()))
    channels = reader.GetNumberOfComponents()
    if channels > 1:
        raise UnreadableImage(f"{name} holds {channels} values per voxel; one is needed.",
                              "Save the one to be read as an image of its own and choose that.")
    tags = {key: reader.GetMetaData(key) for key in reader.GetMetaDataKeys()}
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


def _numpy_name(pixel: str) -> str:
    bits = re.search(r"\d+", pixel)
    kind = "float" if "float" in pixel else "uint" if "unsigned" in pixel else "int"
    return f"{kind}{bits.group()}" if bits else pixel

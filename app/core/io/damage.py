"""What can be wrong with an image file, each with its own sentence."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike, NDArray

from app.core.data import Affine, Caution
from app.core.errors import UnreadableImage

_COPY_AGAIN = "Copy or export it again and choose the new file."


def missing_file(name: str) -> UnreadableImage:
    """Say that nothing lies at the path."""
    return UnreadableImage(f"There is no file or folder '{name}'.", "Check where it was moved to and choose it again.")


def missing_companion(name: str, companion: str) -> UnreadableImage:
    """Say that one half of a two-file format is absent."""
    return UnreadableImage(f"{name} needs {companion} beside it, which is not there.",
                           f"Put both files, {name} and {companion}, in one folder.")


def empty_file(name: str) -> UnreadableImage:
    """Say that a file has zero bytes."""
    return UnreadableImage(f"{name} is an empty file (0 bytes).", _COPY_AGAIN)


def unknown_format(name: str, expected: str) -> UnreadableImage:
    """Say that the header is not what the file's name promises."""
    return UnreadableImage(f"{name} is not {expected}: its header cannot be understood.",
                           "Choose a NIfTI, Analyze, NRRD, MetaImage or DICOM image.")


def truncated(name: str) -> UnreadableImage:
    """Say that the voxels end before the header says they do."""
    return UnreadableImage(f"{name} is cut short: it ends before all of its voxels.", _COPY_AGAIN)


def corrupt(name: str) -> UnreadableImage:
    """Say that the compressed data contradicts its checksum or its grammar."""
    return UnreadableImage(f"{name} is damaged: its compressed data cannot be unpacked.", _COPY_AGAIN)


def too_large(name: str, shape: tuple[int, ...]) -> UnreadableImage:
    """Say that there are more voxels than fit in memory."""
    return UnreadableImage(f"{name} announces {_size(shape)} voxels, more than this computer's memory holds.",
                           "Check the file; its header may be damaged.")


def not_readable(name: str, reason: str) -> UnreadableImage:
    """Say that the operating system refused."""
    return UnreadableImage(f"{name} cannot be opened ({reason}).", "Check that you may read it and choose it again.")


def check_shape(name: str, shape: tuple[int, ...]) -> tuple[int, int, int]:
    """Reduce a file's shape to three axes, dropping further axes of length one.

    Parameters
    ----------
    name : str
        The file, for the sentence.
    shape : tuple of int
        As the header gives it.

    Returns
    -------
    tuple of int, length 3

    Raises
    ------
    UnreadableImage
        A flat picture, several volumes, or no voxels.
    """
    if any(length <= 0 for length in shape) or not shape:
        raise UnreadableImage(f"{name} holds no voxels (its size is {_size(shape) or 'not given'}).", _COPY_AGAIN)
    if len(shape) < 3:
        raise UnreadableImage(f"{name} is a flat picture of {_size(shape)}; a volume of slices is needed.",
                              "Choose the three-dimensional image, or the folder with all slices.")
    volumes = int(np.prod(shape[3:], dtype=np.int64))
    if volumes > 1:
        raise UnreadableImage(f"{name} holds {volumes} volumes of {_size(shape[:3])} voxels; one is needed.",
                              "Save the one volume to be read as a 3D image and choose that.")
    return shape[0], shape[1], shape[2]


def check_numbers(name: str, dtype: DTypeLike) -> None:
    """Refuse voxels that are not single real numbers."""
    kind = np.dtype(dtype)
    if kind.fields is not None or kind.subdtype is not None:
        raise UnreadableImage(f"{name} is a colour image; one grey value per voxel is needed.",
                              "Choose the grey image it was made from.")
    if kind.kind == "c":
        raise UnreadableImage(f"{name} holds complex numbers; one grey value per voxel is needed.",
                              "Choose the magnitude image.")


def check_affine(name: str, affine: Affine) -> None:
    """Refuse a voxel-to-world matrix, shape (4, 4) in mm, that flattens space or is not finite."""
    if not np.isfinite(affine).all():
        raise UnreadableImage(f"{name} has a position matrix with entries that are not numbers.", _COPY_AGAIN)
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    if not sizes.all() or abs(np.linalg.det(affine[:3, :3] / sizes)) < 1e-4:
        shown = " x ".join(f"{size:.3g}" for size in sizes)
        raise UnreadableImage(f"{name} has a position matrix that flattens space (voxels of {shown} mm).",
                              "Export it again with its voxel size and orientation.")


def check_finite(name: str, voxels: NDArray[np.floating]) -> None:
    """Refuse voxels, shape (i, j, k), with NaN or infinity anywhere: no value could stand in for them unseen."""
    with np.errstate(invalid="ignore"):
        if not voxels.size or (np.isfinite(voxels.min()) and np.isfinite(voxels.max())):  # what is no number passes on
            return
    finite = np.isfinite(voxels)
    bad = int(finite.size - np.count_nonzero(finite))
    first = ", ".join(str(index) for index in np.argwhere(~finite)[0])
    raise UnreadableImage(f"{name} has {bad} of {finite.size} voxels that are not finite numbers, first at ({first}).",
                          "Export it again; save a blank background as zero.")


def position_cautions(name: str, affine: Affine, known: bool) -> tuple[Caution, ...]:
    """Say when a file does not tell where it lies: no position stored, or the bare identity matrix."""
    if known and not np.array_equal(affine, np.eye(4)):
        return ()
    return (Caution("position_unknown", f"{name} does not say where in the body it lies; left and right are assumed."),)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(str(length) for length in shape)

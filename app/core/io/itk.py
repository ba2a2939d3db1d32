"""SimpleITK images and ours: the one place where LPS becomes RAS and (k, j, i) becomes (i, j, k)."""

from __future__ import annotations

from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from app.core.data import Affine, Mask, Volume

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

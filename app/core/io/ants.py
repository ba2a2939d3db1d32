"""ANTs images and ours. ANTs takes seconds to load, so only the functions that need it import it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.io.itk import swap_lps_ras

if TYPE_CHECKING:
    import ants


def to_ants(image: Volume | Mask) -> ants.ANTsImage:
    """Convert to ANTs, with its geometry.

    Parameters
    ----------
    image : Volume or Mask
        Shape (i, j, k), RAS+ mm. An axis of one voxel is dropped: ANTs treats a single slice as a plane.

    Returns
    -------
    ants.ANTsImage
        Shape (i, j, k), LPS+ mm; float32.
    """
    import ants

    lps = swap_lps_ras(image.affine)
    spacing = np.sqrt((lps[:3, :3] ** 2).sum(axis=0))
    converted = ants.from_numpy(image.voxels.astype(np.float32), origin=lps[:3, 3].tolist(),
                                spacing=spacing.tolist(), direction=lps[:3, :3] / spacing)
    flat = [axis for axis, size in enumerate(image.voxels.shape) if size == 1]
    return ants.slice_image(converted, axis=flat[0], idx=0, collapse_strategy=2) if flat else converted


def from_ants(image: ants.ANTsImage, like: Volume) -> NDArray[np.float32]:
    """Give the voxels of an ANTs image on the grid of the volume it was made from.

    Parameters
    ----------
    image : ants.ANTsImage
        On the grid that `to_ants` gave.
    like : Volume
        Shape (i, j, k).

    Returns
    -------
    array of float32, shape (i, j, k)
        A copy.
    """
    voxels: NDArray[Any] = image.numpy()
    return np.asarray(voxels.reshape(like.voxels.shape), dtype=np.float32)

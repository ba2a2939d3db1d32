"""Resampling an image to another voxel size, and a mask onto another grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from app.core.data import Affine, Geometry, Mask, MaskArray, Volume
from app.core.errors import InputError
from app.core.recipe import ResampleRecipe

MOST_VOXELS = 1_000_000_000
_TIE = 1e-4
_ROUNDING = 1e-6
_ORDER = {"linear": 1, "bspline": 3}


def target_geometry(geometry: Geometry, spacing: tuple[float, float, float]) -> Geometry:
    """Lay a grid of another spacing over the same field of view, centre on centre.

    Parameters
    ----------
    geometry : Geometry
        The grid as it is.
    spacing : tuple of float
        New voxel size along (i, j, k), mm; 0 keeps an axis. An axis of one voxel is kept too: there is nothing to
        interpolate along it.

    Returns
    -------
    Geometry
        ceil(n * old / new) voxels per axis; both grids share their centre.

    Raises
    ------
    InputError
        A spacing is negative, or the grid would be too large to hold.

    References
    ----------
    IBSI reference manual, 'Interpolation', align to grid centre; 10.1148/radiol.2020191145.
    """
    if min(spacing) < 0 or not np.isfinite(spacing).all():
        raise InputError(f"The voxel size {spacing} mm has a negative or undefined value.",
                         "Give sizes above 0, or 0 to keep an axis as it is.")
    old_spacing, old_shape = np.asarray(geometry.spacing), np.asarray(geometry.shape)
    kept = (np.asarray(spacing) == 0) | (old_shape == 1)
    ratio = np.where(kept, 1.0, np.asarray(spacing) / old_spacing)
    shape = np.maximum(1, np.ceil(old_shape / ratio - 1e-6)).astype(int)
    if np.prod(shape.astype(float)) > MOST_VOXELS:
        raise InputError(f"A voxel size of {spacing} mm would need {' x '.join(str(n) for n in shape)} voxels.",
                         "Choose a larger voxel size.")
    step = np.eye(4)
    step[:3, :3] = np.diag(ratio)
    step[:3, 3] = (old_shape - 1) / 2 - ratio * (shape - 1) / 2
    return Geometry((int(shape[0]), int(shape[1]), int(shape[2])), geometry.affine @ step)


def resample(volume: Volume, recipe: ResampleRecipe) -> Volume:
    """Interpolate an image at another voxel size.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    recipe : ResampleRecipe
        Voxel size in mm and interpolation; no smoothing precedes coarsening.

    Returns
    -------
    Volume
        On the grid of `target_geometry`, the same frame of reference.

    Raises
    ------
    InputError
        See `target_geometry`.
    """
    target = target_geometry(volume.geometry, recipe.spacing)
    if target.matches(volume.geometry):
        return volume
    to_source = _index_map(volume.affine, target.affine)
    voxels = ndimage.affine_transform(volume.voxels, to_source, output_shape=target.shape,
                                      order=_ORDER[recipe.interpolation], mode="mirror", output=np.float32)
    return volume.with_voxels(voxels, target.affine)


def resample_mask(mask: Mask, geometry: Geometry, *, keep_ties: bool = False) -> Mask:
    """Put an outline on another grid: linear interpolation, kept where at least one half.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.
    geometry : Geometry
        The wanted grid; any shape, spacing and direction.
    keep_ties : bool
        Whether a voxel centre that lies exactly on the surface is always inside, as the IBSI says; otherwise it is on
        one side only, so that an outline that is moved by half a voxel keeps its volume.

    Returns
    -------
    Mask
        On `geometry`. Half is where the surface runs, so the volume in ml stays about the same; beyond the faces of
        the old grid's voxels there is no tumour. May be empty: a tumour smaller than the new voxels can fall between
        them.

    References
    ----------
    IBSI reference manual, 'Interpolation', partially masked voxels; 10.1148/radiol.2020191145.
    """
    if mask.geometry.matches(geometry):
        return replace(mask, affine=geometry.affine)
    kept = np.zeros(geometry.shape, dtype=np.bool_)
    window = _reach(mask, geometry)
    if window is not None:
        shift = np.eye(4)
        shift[:3, 3] = [span.start for span in window]
        kept[window] = _interpolate(mask, _index_map(mask.affine, geometry.affine) @ shift,
                                    tuple(span.stop - span.start for span in window), keep_ties)
    return mask.with_voxels(kept, geometry.affine)


def _interpolate(mask: Mask, to_source: Affine, shape: tuple[int, ...], keep_ties: bool) -> MaskArray:
    # An exact half on two opposite faces would be kept twice or lost twice; sampling this little to one side keeps it
    # once, as half-open intervals do.
    to_source = to_source.copy()
    if not keep_ties:
        to_source[:3, 3] += _TIE
    partial = ndimage.affine_transform(mask.voxels.astype(np.float32), to_source, output_shape=shape, order=1,
                                       mode="nearest", prefilter=False)
    # Rounding must not lose a half to 0.49999.
    kept = partial >= 0.5 - (_ROUNDING if keep_ties else 0.0)
    i, j, k = np.ogrid[:shape[0], :shape[1], :shape[2]]
    for row, size in zip(to_source[:3], mask.voxels.shape, strict=True):
        at = row[0] * i + row[1] * j + row[2] * k + row[3]
        slack = _ROUNDING if keep_ties else 0.0
        kept &= (at >= -0.5 - slack) & (at <= size - 0.5 + slack)
    return np.asarray(kept, dtype=np.bool_)


def _index_map(source: Affine, target: Affine) -> Affine:
    """Target voxel index to source voxel index, shape (4, 4)."""
    return np.asarray(np.linalg.solve(source, target), dtype=np.float64)


def _reach(mask: Mask, geometry: Geometry) -> tuple[slice, slice, slice] | None:
    """Find the part of the new grid that the outline can touch: interpolating elsewhere would be wasted time."""
    if not mask.voxels.any():
        return None
    faces = [(span.start - 1, span.stop) for span in mask.box()]
    corners = np.array([[i, j, k, 1] for i in faces[0] for j in faces[1] for k in faces[2]], dtype=float)
    found = corners @ _index_map(geometry.affine, mask.affine).T
    low = np.maximum(np.floor(found[:, :3].min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(found[:, :3].max(axis=0)).astype(int) + 1, geometry.shape)
    if (low >= high).any():
        return None
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])), slice(int(low[2]), int(high[2]))

"""Morphology: how compact the tumour is, how it fills the bodies laid around it, how its intensities lie within it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, MaskArray, Volume
from app.core.radiomics.autocorrelation import spatial_autocorrelation
from app.core.radiomics.hull import Solid, aligned_box, enclosing_ellipsoid, hull_points, oriented_box, surface


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None = None,
            counted: MaskArray | None = None) -> dict[str, float]:
    """Measure the morphology of a tumour, as far as pyradiomics' shape does not.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.
    counted : array of bool, shape of the outline's box, optional
        Its voxels whose intensities count; by default all. Surfaces and volumes are the whole outline's.

    Returns
    -------
    dict of str to float
        Volumes and areas are those of the triangulated surface. Left out where undefined: the ellipsoid's densities
        for an outline within one plane, the centre of mass shift where the intensities sum to 0, Moran's I and
        Geary's C for a single voxel or intensity.

    References
    ----------
    IBSI HCUG; 10.1148/radiol.2020191145.
    """
    body = surface(mask)
    inside = mask.voxels[mask.box()] if counted is None else counted
    return _compactness(body) | _densities(body, mask) | _intensities(body, volume, mask, inside)


def _compactness(body: Solid) -> dict[str, float]:
    ratio = 36.0 * np.pi * body.volume**2 / body.area**3
    return {"Compactness1": body.volume / (np.sqrt(np.pi) * body.area**1.5), "Compactness2": ratio,
            "SphericalDisproportion": ratio ** (-1.0 / 3.0), "Asphericity": ratio ** (-1.0 / 3.0) - 1.0}


def _densities(body: Solid, mask: Mask) -> dict[str, float]:
    points, normals, hull = hull_points(mask)
    around = {"AlignedBox": aligned_box(points), "OrientedBox": oriented_box(points, normals),
              "EnclosingEllipsoid": enclosing_ellipsoid(mask), "ConvexHull": hull}
    measured = {}
    for name, solid in around.items():
        if solid is not None:
            measured[f"VolumeDensity{name}"] = body.volume / solid.volume
            measured[f"AreaDensity{name}"] = body.area / solid.area
    return measured


def _intensities(body: Solid, volume: Volume, mask: Mask, counted: MaskArray) -> dict[str, float]:
    box, spacing = mask.box(), mask.geometry.spacing
    values = volume.voxels[box].astype(np.float64)
    intensities = values[counted]
    measured = {"IntegratedIntensity": body.volume * float(intensities.mean())}
    total = float(intensities.sum())
    if total != 0:
        middle = np.argwhere(mask.voxels[box]).mean(axis=0)
        shift = (intensities @ np.argwhere(counted) / total - middle) * np.asarray(spacing)
        measured["CentreOfMassShift"] = float(np.linalg.norm(shift))
    correlation = spatial_autocorrelation(values, counted, spacing)
    if correlation is not None:
        measured["MoranI"], measured["GearyC"] = correlation
    return measured

"""Morphology: how compact the tumour is, how it fills the bodies laid around it, how its intensities lie within it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.autocorrelation import spatial_autocorrelation
from app.core.radiomics.hull import Solid, aligned_box, enclosing_ellipsoid, hull_points, oriented_box, surface


def measure(volume: Volume, mask: Mask, _levels: NDArray[Any] | None = None) -> dict[str, float]:
    """Measure the morphology of a tumour, as far as pyradiomics' shape does not.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.

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
    return _compactness(body) | _densities(body, mask) | _intensities(body, volume, mask)


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


def _intensities(body: Solid, volume: Volume, mask: Mask) -> dict[str, float]:
    box = mask.box()
    inside, spacing = mask.voxels[box], mask.geometry.spacing
    values = volume.voxels[box].astype(np.float64)
    intensities, places = values[inside], np.argwhere(inside) * np.asarray(spacing)
    measured = {"IntegratedIntensity": body.volume * float(intensities.mean())}
    total = float(intensities.sum())
    if total != 0:
        bright = intensities @ places / total
        measured["CentreOfMassShift"] = float(np.linalg.norm(places.mean(axis=0) - bright))
    correlation = spatial_autocorrelation(values, inside, spacing)
    if correlation is not None:
        measured["MoranI"], measured["GearyC"] = correlation
    return measured

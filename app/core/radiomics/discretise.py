"""Grey levels from intensities, and pyradiomics' texture matrices measured on grey levels as they are."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume

Levels = NDArray[np.int32]


def equal_levels(volume: Volume, mask: Mask, levels: int) -> Levels:
    """Quantise with equal probability: every grey level holds the same number of voxels, as far as ties allow.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k).
    levels : int
        Number of grey levels, 1 or more.

    Returns
    -------
    array of int32, shape (i, j, k)
        1 to `levels` inside the outline, 0 outside. Without ties the counts differ by one at most. Equal intensities
        always share a level, the one their first belongs to: some levels may then stay empty, and one intensity
        throughout is level 1.
    """
    found = np.zeros(mask.voxels.shape, dtype=np.int32)
    inside = volume.voxels[mask.voxels]
    ordered = np.sort(inside)
    # Level q ends with the intensity below or at which q of `levels` parts of the voxels lie.
    last = -(-np.arange(1, levels) * inside.size // levels) - 1
    found[mask.voxels] = np.searchsorted(ordered[np.maximum(last, 0)], inside, side="left") + 1
    return found


def measure_levels(class_name: str, levels: Levels, mask: Mask, features: Iterable[str] | None = None,
                   **settings: Any) -> dict[str, float]:
    """Measure one of pyradiomics' texture classes on grey levels as they are.

    Parameters
    ----------
    class_name : str
        'glcm', 'glrlm', 'glszm', 'gldm' or 'ngtdm'.
    levels : array of int, shape (i, j, k)
        From 1 inside the outline.
    mask : Mask
        Of the same shape; its affine gives the spacing.
    features : iterable of str, optional
        pyradiomics' names; by default all of the class.
    **settings
        pyradiomics' own, e.g. ``force2D=True`` for neighbours within a slice or ``weightingNorm="no_weighting"`` to
        merge directions.

    Returns
    -------
    dict of str to float
        By feature; one that the outline does not allow is left out.
    """
    return run_class(class_name, *_as_images(levels, mask), features, levels=_cropped(levels, mask), **settings)


def run_class(class_name: str, image: Any, label: Any, features: Iterable[str] | None = None,
              levels: Levels | None = None, **settings: Any) -> dict[str, float]:
    """Run a pyradiomics class on SimpleITK images, binning anew unless grey levels are given.

    Parameters
    ----------
    class_name : str
        As pyradiomics names it.
    image, label : SimpleITK.Image
        Cropped to the tumour.
    features : iterable of str, optional
        By default all of the class.
    levels : array of int, optional
        Grey levels in the images' own array order (k, j, i).
    **settings
        pyradiomics' own.

    Returns
    -------
    dict of str to float
        Finite values by feature.
    """
    kind = load_pyradiomics().getFeatureClasses()[class_name]
    if levels is not None:
        kind = _keeping(kind, levels)
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # Where no two voxels touch, pyradiomics averages over no direction; the NaN that results is our answer.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        calculator = kind(image, label, **settings)
        for feature in features or ():
            calculator.enableFeatureByName(feature)
        values = {feature: float(value) for feature, value in calculator.execute().items()}
    return {feature: value for feature, value in values.items() if math.isfinite(value)}


def _keeping(kind: Any, levels: Levels) -> Any:
    """A pyradiomics class that takes grey levels as they are; absolute levels stay absolute."""

    def apply_binning(self: Any, _: NDArray[Any]) -> Levels:
        present = np.unique(levels[self.maskArray])
        self.coefficients |= {"grayLevels": present, "Ng": int(present[-1])}
        return levels

    return type(kind.__name__, (kind,), {"_applyBinning": apply_binning, "__module__": kind.__module__})


def _cropped(levels: Levels, mask: Mask) -> Levels:
    return np.ascontiguousarray(np.where(mask.voxels, levels, 0)[mask.box()].T, dtype=np.int32)


def _as_images(levels: Levels, mask: Mask) -> tuple[Any, Any]:
    import SimpleITK as sitk

    arrays = _cropped(levels, mask), mask.voxels[mask.box()].T.astype(np.uint8)
    images = [sitk.GetImageFromArray(np.ascontiguousarray(array)) for array in arrays]
    for image in images:
        image.SetSpacing(mask.geometry.spacing)
    return images[0], images[1]


def load_pyradiomics() -> Any:
    """Import pyradiomics with its own log handler silent: it prints tracebacks for values that are merely NaN."""
    import radiomics
    from radiomics import imageoperations  # noqa: F401

    radiomics.setVerbosity(logging.CRITICAL + 10)
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    return radiomics

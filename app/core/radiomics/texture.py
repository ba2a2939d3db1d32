"""pyradiomics' feature classes run on grey levels as they are: made once, kept absolute, by volume or by slice."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask
from app.core.radiomics.mesh import fast_shape

Levels = NDArray[np.int32]
TEXTURE = ("glcm", "glrlm", "glszm", "gldm", "ngtdm")


def measure_levels(class_name: str, levels: Levels, mask: Mask, features: Iterable[str] | None = None,
                   by_slice: bool = False, **settings: Any) -> dict[str, float]:
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
    by_slice : bool
        Measure every slice along k on its own and average over all matrices; the IBSI's 2D, not 2.5D.
    **settings
        pyradiomics' own, e.g. ``force2D=True`` for neighbours within a slice or ``weightingNorm="no_weighting"`` to
        merge directions.

    Returns
    -------
    dict of str to float
        By feature; one that the outline does not allow is left out.
    """
    import SimpleITK as sitk

    box = mask.box()
    inside = np.ascontiguousarray(mask.voxels[box].T)
    cropped = np.where(inside, levels[box].T, 0).astype(np.int32)
    image, label = sitk.GetImageFromArray(cropped), sitk.GetImageFromArray(inside.astype(np.uint8))
    for each in (image, label):
        each.SetSpacing(mask.geometry.spacing)
    return run_class(class_name, image, label, features, levels=cropped, by_slice=by_slice, **settings)


def run_class(class_name: str, image: Any, label: Any, /, features: Iterable[str] | None = None,
              levels: Levels | None = None, by_slice: bool = False, **settings: Any) -> dict[str, float]:
    """Run a pyradiomics class on SimpleITK images.

    Parameters
    ----------
    class_name : str
        As pyradiomics names it.
    image, label : SimpleITK.Image
        Cropped to the tumour; the label is 1 inside.
    features : iterable of str, optional
        By default all of the class.
    levels : array of int, shape (k, j, i), optional
        Grey levels, for the classes that need them.
    by_slice : bool
        See `measure_levels`.
    **settings
        pyradiomics' own.

    Returns
    -------
    dict of str to float
        Finite values by feature; no texture where no voxel can have a neighbour.
    """
    if class_name in TEXTURE and max(image.GetSize()[:2 if settings.get("force2D") else 3]) == 1:
        return {}
    kind = load_pyradiomics().getFeatureClasses()[class_name]
    if class_name == "shape":
        kind = fast_shape(kind)
    wanted = list(features or ())
    if levels is not None:
        # A copy: pyradiomics' C code trusts the strides, also those of axes of one voxel, which numpy leaves open.
        levels = np.array(levels, dtype=np.int32, order="C")
    if not by_slice or levels is None:
        found, _ = _calculate(_keeping(kind, levels), image, label, wanted, settings)
        return {feature: value for feature, value in found.items() if math.isfinite(value)}
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for one_image, one_label, one_level in _slices(image, label, levels):
        # The number of grey levels is the volume's, also where a slice holds fewer.
        one_kind = _keeping(kind, one_level, int(levels.max()))
        found, matrices = _calculate(one_kind, one_image, one_label, wanted, settings)
        for feature, value in found.items():
            if math.isfinite(value):
                sums[feature] = sums.get(feature, 0.0) + matrices * value
                counts[feature] = counts.get(feature, 0) + matrices
    return {feature: total / counts[feature] for feature, total in sums.items() if counts[feature]}


def _calculate(kind: Any, image: Any, label: Any, features: list[str],
               settings: dict[str, Any]) -> tuple[dict[str, float], int]:
    """Values by feature, and from how many matrices they were averaged."""
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        # Where no two voxels touch, pyradiomics averages over no direction; the NaN that results is our answer.
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        calculator = kind(image, label, **settings)
        for feature in features:
            calculator.enableFeatureByName(feature)
        values = {feature: float(value) for feature, value in calculator.execute().items()}
    matrix = getattr(calculator, f"P_{kind.__module__.rsplit('.', 1)[-1]}", None)
    return values, matrix.shape[3] if matrix is not None and matrix.ndim == 4 else 1


def _keeping(kind: Any, levels: Levels | None, highest: int | None = None) -> Any:
    """A pyradiomics class that takes grey levels as they are, so that absolute levels stay absolute."""
    if levels is None:
        return kind

    def apply_binning(self: Any, _: NDArray[Any]) -> Levels:
        present = np.unique(levels[self.maskArray])
        self.coefficients |= {"grayLevels": present, "Ng": highest or int(present[-1])}
        return levels

    return type(kind.__name__, (kind,), {"_applyBinning": apply_binning, "__module__": kind.__module__})


def _slices(image: Any, label: Any, levels: Levels) -> Iterator[tuple[Any, Any, Levels]]:
    import SimpleITK as sitk

    for k in np.flatnonzero(sitk.GetArrayViewFromImage(label).any(axis=(1, 2))).tolist():
        yield image[:, :, k:k + 1], label[:, :, k:k + 1], levels[k:k + 1]


def load_pyradiomics() -> Any:
    """Import pyradiomics with its own log handler silent: it prints tracebacks for values that are merely NaN."""
    import radiomics
    from radiomics import imageoperations  # noqa: F401

    radiomics.setVerbosity(logging.CRITICAL + 10)
    logging.getLogger("radiomics").setLevel(logging.CRITICAL)
    return radiomics

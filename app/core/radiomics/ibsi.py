"""The extractor on the digital phantom of the Image Biomarker Standardisation Initiative, against its consensus."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from typing import Any

from app.core.data import Mask, Prepared, Volume
from app.core.paths import program_folder
from app.core.radiomics.catalogue import CATALOGUE
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe

_MERGED = {"Original": {"weightingNorm": "no_weighting"}}
# How IBSI names the four ways of gathering directions and slices that pyradiomics offers.
_AGGREGATIONS = {
    "3D_avg": RadiomicsRecipe(bin_width=1.0),
    "3D_comb": RadiomicsRecipe(bin_width=1.0, filters=_MERGED),
    "2_5D_avg": RadiomicsRecipe(bin_width=1.0, force_2d=True),
    "2_5D_comb": RadiomicsRecipe(bin_width=1.0, force_2d=True, filters=_MERGED),
}
_AXES = ("the covariance of n voxels is divided by n, IBSI's by n - 1", lambda value, n: value * math.sqrt(n / (n - 1)))
# Where pyradiomics and IBSI define a feature differently, by an exact relation: said in the row, and undone.
_CONVERSIONS: dict[str, tuple[str, Callable[[float, int], float]]] = {
    "stat_kurt": ("kurtosis is 3 for a normal distribution, IBSI's is 0", lambda value, _: value - 3.0),
    "morph_pca_maj_axis": _AXES, "morph_pca_min_axis": _AXES, "morph_pca_least_axis": _AXES,
}


def compare_with_ibsi() -> list[dict[str, Any]]:
    """Measure the phantom and set each consensus value beside ours.

    Returns
    -------
    list of dict
        One row per consensus value, in the table's order: `code` (IBSI's tag with its aggregation), `ibsi` (the
        manual's code), `name` (ours; None where not implemented), `value`, `expected`, `tolerance`, `state`
        ('within', 'outside' or 'not_implemented') and `conversion`: how pyradiomics' definition differs where `value`
        has been converted to IBSI's, else empty.

    References
    ----------
    Zwanenburg et al. 2020, 10.1148/radiol.2020191145.
    """
    measured = _measure_phantom()
    rows = []
    with (program_folder() / "resources" / "ibsi" / "consensus.csv").open(encoding="utf-8", newline="") as file:
        for entry in csv.DictReader(file, delimiter=";"):
            if not entry["reference value"]:
                continue
            expected, tolerance = float(entry["reference value"]), float(entry["tolerance"])
            name, value, conversion = measured.get(entry["tag"], (None, None, ""))
            rows.append({"code": entry["tag"], "ibsi": CATALOGUE[name].ibsi if name else "", "name": name,
                         "value": value, "expected": expected, "tolerance": tolerance,
                         "state": _judge(value, expected, tolerance), "conversion": conversion})
    return rows


def _judge(value: float | None, expected: float, tolerance: float) -> str:
    if value is None:
        return "not_implemented"
    return "within" if abs(value - expected) <= tolerance + _half_last_digit(expected) else "outside"


def _half_last_digit(expected: float) -> float:
    """Half of the third significant digit: the consensus is printed with three."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(expected))) - 2) * (1 + 1e-9)


def _measure_phantom() -> dict[str, tuple[str, float, str]]:
    """By IBSI's tag: our name, the value by IBSI's definition, and what was converted."""
    phantom = _load_phantom()
    voxels = int(phantom.masks["image"].voxels.sum())
    measured: dict[str, tuple[str, float, str]] = {}
    for aggregation, recipe in _AGGREGATIONS.items():
        for name, value in extract(phantom, recipe).as_dict().items():
            for tag in CATALOGUE[name].tags:
                words, convert = _CONVERSIONS.get(tag, ("", lambda value, _: value))
                for code in _codes(tag, aggregation):
                    measured[code] = (name, convert(value, voxels), words)
    return measured


def _codes(tag: str, aggregation: str) -> list[str]:
    """Name the rows of the table that this feature, so gathered, answers."""
    family = tag.split("_")[0]
    if family in ("cm", "rlm"):
        return [f"{tag}_{aggregation}"]
    if not aggregation.endswith("avg"):
        return []
    if family in ("szm", "ngt", "ngl"):
        return [f"{tag}_{aggregation.removesuffix('_avg')}"]
    return [tag] if aggregation == "3D_avg" else []


def _load_phantom() -> Prepared:
    import SimpleITK as sitk

    from app.core.io.itk import from_sitk

    folder = program_folder() / "resources" / "ibsi"
    voxels, affine = from_sitk(sitk.ReadImage(str(folder / "phantom.nii.gz")))
    inside, mask_affine = from_sitk(sitk.ReadImage(str(folder / "mask.nii.gz")))
    return Prepared("ibsi", {"image": Volume(voxels, affine)}, {"image": Mask(inside == 1, mask_affine)})

"""The extractor on the digital phantom of the Image Biomarker Standardisation Initiative, against its consensus."""

from __future__ import annotations

import csv
import math
from typing import Any

from app.core.data import Mask, Prepared, Volume
from app.core.paths import program_folder
from app.core.radiomics.catalogue import CATALOGUE
from app.core.radiomics.extract import extract
from app.core.recipe import RadiomicsRecipe

# The IBSI's ways of gathering directions and slices, and how a recipe says them.
_GATHERINGS: dict[str, dict[str, Any]] = {
    "3D_avg": {}, "3D_comb": {"aggregation": "merge"},
    "2_5D_avg": {"force_2d": True}, "2_5D_comb": {"force_2d": True, "aggregation": "merge"},
    "2D_avg": {"force_2d": True, "slices": "average"},
    "2D_comb": {"force_2d": True, "slices": "average", "aggregation": "merge"},
}
_BY_DIRECTION = ("cm", "rlm")
_BY_VOLUME = ("szm", "dzm", "ngt", "ngl")


def compare_with_ibsi() -> list[dict[str, Any]]:
    """Measure the phantom and set each consensus value beside ours.

    Returns
    -------
    list of dict
        One row per consensus value, in the table's order: `code` (IBSI's tag with its aggregation), `ibsi` (the
        manual's code), `name` (ours; None where not implemented), `value`, `expected`, `tolerance` and `state`
        ('within', 'outside' or 'not_implemented').

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
            name, value = measured.get(entry["tag"], (None, None))
            rows.append({"code": entry["tag"], "ibsi": CATALOGUE[name].ibsi if name else "", "name": name,
                         "value": value, "expected": expected, "tolerance": tolerance,
                         "state": _judge(value, expected, tolerance)})
    return rows


def _judge(value: float | None, expected: float, tolerance: float) -> str:
    if value is None:
        return "not_implemented"
    return "within" if abs(value - expected) <= tolerance + _half_last_digit(expected) else "outside"


def _half_last_digit(expected: float) -> float:
    """Half of the third significant digit: the consensus is printed with three."""
    return 0.5 * 10.0 ** (math.floor(math.log10(abs(expected))) - 2) * (1 + 1e-9) if expected else 0.0


def _measure_phantom() -> dict[str, tuple[str, float]]:
    """By IBSI's tag: our name and the value; bins of 1 from the lowest grey level leave the phantom as it is."""
    phantom = _load_phantom()
    tagged = {name: entry for name, entry in CATALOGUE.items() if entry.tags}
    families = {name.split("_")[1]: entry.tags[0].split("_")[0] for name, entry in tagged.items()}
    measured: dict[str, tuple[str, float]] = {}
    for gathering, settings in _GATHERINGS.items():
        classes = [name for name, family in families.items()
                   if gathering == "3D_avg" or family in (*_BY_DIRECTION, *_BY_VOLUME)]
        recipe = RadiomicsRecipe(standard="ibsi", classes=tuple(classes), bin_width=1.0, **settings)
        for name, value in extract(phantom, recipe).as_dict().items():
            for tag in tagged[name].tags if name in tagged and math.isfinite(value) else ():
                code = _code(tag, gathering)
                if code:
                    measured.setdefault(code, (name, value))
    return measured


def _code(tag: str, gathering: str) -> str:
    """Name the row of the table that this feature, so gathered, answers; empty if none."""
    family = tag.split("_")[0]
    if family in _BY_DIRECTION:
        return f"{tag}_{gathering}"
    if not gathering.endswith("avg"):
        return ""
    if family in _BY_VOLUME:
        return f"{tag}_{gathering.removesuffix('_avg')}"
    return tag if gathering == "3D_avg" else ""


def _load_phantom() -> Prepared:
    import SimpleITK as sitk

    from app.core.io.itk import from_sitk

    folder = program_folder() / "resources" / "ibsi"
    voxels, affine = from_sitk(sitk.ReadImage(str(folder / "phantom.nii.gz")))
    inside, mask_affine = from_sitk(sitk.ReadImage(str(folder / "mask.nii.gz")))
    return Prepared("ibsi", {"image": Volume(voxels, affine)}, {"image": Mask(inside == 1, mask_affine)})

"""Our own feature classes on the IBSI digital phantom, each called by itself, against the consensus."""

import csv
import math
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.data import Mask, Volume
from app.core.io.itk import from_sitk
from app.core.paths import program_folder
from app.core.radiomics.catalogue import CATALOGUE
from app.core.radiomics.families import measure_family

FOLDER = program_folder() / "resources" / "ibsi"
FAMILIES = ("morphology", "local", "statistics", "histogram", "ivh", "gldzm", "ngldm")
GATHERED = {"gldzm": ("2D", "2.5D", "3D"), "ngldm": ("2D", "2.5D", "3D")}


@pytest.fixture(scope="module")
def phantom() -> tuple[Volume, Mask, np.ndarray]:
    voxels, affine = from_sitk(sitk.ReadImage(str(FOLDER / "phantom.nii.gz")))
    inside, mask_affine = from_sitk(sitk.ReadImage(str(FOLDER / "mask.nii.gz")))
    return Volume(voxels, affine), Mask(inside == 1, mask_affine), np.where(inside == 1, voxels, 0).astype(np.int64)


@pytest.fixture(scope="module")
def consensus() -> dict[str, tuple[float, float]]:
    """By tag: value, and how far off its printed digits and the tolerance let us be."""
    with (FOLDER / "consensus.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["reference value"]]
    known = {}
    for row in rows:
        value = float(row["reference value"])
        digit = 10.0 ** (math.floor(math.log10(abs(value))) - 2) if value else 0.0
        known[row["tag"]] = (value, float(row["tolerance"]) + 0.5001 * digit)
    return known


def measured_by_tag(phantom, family: str) -> dict[str, float]:
    tags = {name.removeprefix(f"original_{family}_"): entry.tags[0] for name, entry in CATALOGUE.items()
            if name.startswith(f"original_{family}_")}
    found = {}
    for gathering in GATHERED.get(family, ("",)):
        suffix = "_" + gathering.replace(".", "_") if gathering else ""
        settings = {"gathering": gathering} if gathering else {}
        measured = measure_family(family, *phantom, **settings)
        assert set(measured) == set(tags), "the catalogue lists what the class measures"
        found |= {tags[name] + suffix: value for name, value in measured.items()}
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_every_value_lies_within_the_consensus(phantom, consensus, family) -> None:
    found = measured_by_tag(phantom, family)
    outside = {tag: (value, consensus[tag]) for tag, value in found.items()
               if tag in consensus and abs(value - consensus[tag][0]) > consensus[tag][1]}
    assert outside == {}


def test_all_rows_of_these_families_are_answered(phantom, consensus) -> None:
    found = {tag: value for family in FAMILIES for tag, value in measured_by_tag(phantom, family).items()}
    assert Counter(tag.split("_")[0] for tag in found if tag in consensus) == {
        "dzm": 48, "ih": 23, "morph": 14, "ngl": 9, "ivh": 6, "stat": 4, "loc": 2}
    # Boxes turned at will are the only features here on which the teams did not agree.
    assert set(found) - set(consensus) == {"morph_vol_dens_ombb", "morph_area_dens_ombb"}

"""The extractor on the IBSI digital phantom, against the consensus."""

import csv
import hashlib
import re
from collections import Counter

import numpy as np
import pytest
import SimpleITK as sitk

from app.core.paths import program_folder
from app.core.radiomics.catalogue import CATALOGUE
from app.core.radiomics.ibsi import compare_with_ibsi

FOLDER = program_folder() / "resources" / "ibsi"


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return compare_with_ibsi()


def test_every_consensus_value_has_its_row(rows) -> None:
    with (FOLDER / "consensus.csv").open(newline="") as file:
        values = [(row["tag"], float(row["reference value"])) for row in csv.DictReader(file, delimiter=";")
                  if row["reference value"]]
    assert [(row["code"], row["expected"]) for row in rows] == values


def test_nothing_lies_outside(rows) -> None:
    assert [row for row in rows if row["state"] == "outside"] == []
    assert sum(row["state"] == "within" for row in rows) == len(rows)


def test_states_follow_from_the_numbers(rows) -> None:
    for row in rows:
        if row["state"] == "within":
            digit = 10.0 ** (np.floor(np.log10(abs(row["expected"]))) - 2) if row["expected"] else 0.0
            assert row["value"] == pytest.approx(row["expected"], abs=row["tolerance"] + 0.51 * digit, rel=0)
        else:
            assert (row["state"], row["value"], row["name"]) == ("not_implemented", None, None)


def test_every_feature_with_a_reference_is_compared(rows) -> None:
    compared = {row["name"] for row in rows if row["name"]}
    stems = {tag for row in rows for tag in (row["code"], re.sub(r"(_2D|_2_5D|_3D)(_avg|_comb)?$", "", row["code"]))}
    answered = {tag for name in compared for tag in CATALOGUE[name].tags}
    for name, entry in CATALOGUE.items():
        assert stems.isdisjoint(entry.tags) or name in compared or set(entry.tags) <= answered, name


def test_every_way_of_gathering_is_compared(rows) -> None:
    """By family: how many of the consensus values, of every gathering, lie within."""
    counted = Counter(row["code"].split("_")[0] for row in rows if row["state"] == "within")
    assert counted == Counter({"cm": 150, "rlm": 96, "szm": 48, "dzm": 48, "ngl": 51, "ih": 23, "morph": 25, "stat": 18,
                               "ngt": 15, "ivh": 6, "loc": 2})


def test_known_values_from_the_manual(rows) -> None:
    values = {row["code"]: row["value"] for row in rows}
    voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(FOLDER / "phantom.nii.gz")))
    inside = sitk.GetArrayFromImage(sitk.ReadImage(str(FOLDER / "mask.nii.gz"))) == 1
    assert inside.sum() == 74
    assert values["morph_vol_approx"] == pytest.approx(74 * 8.0)
    assert values["stat_mean"] == pytest.approx(voxels[inside].mean())
    assert values["cm_joint_avg_3D_comb"] != values["cm_joint_avg_3D_avg"]


def test_shipped_phantom_is_the_published_one(shared_data) -> None:
    published = shared_data / "ibsi1"
    pairs = {"phantom.nii.gz": "ibsi_1_digital_phantom/nifti/image/phantom.nii.gz",
             "mask.nii.gz": "ibsi_1_digital_phantom/nifti/mask/mask.nii.gz", "consensus.csv": "ibsi_1_dig_phantom.csv"}
    for ours, theirs in pairs.items():
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (FOLDER / ours, published / theirs)]
        assert digests[0] == digests[1]
    assert "CC BY 4.0" in (FOLDER / "NOTICE.md").read_text(encoding="utf-8")

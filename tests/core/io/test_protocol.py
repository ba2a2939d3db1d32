"""What differs in the making of a cohort's images is told, with the cases; a uniform cohort gives no flag."""

from dataclasses import replace

import numpy as np
import pytest
from dicom_phantoms import image, stack, write

from app.core.data import Acquisition, Geometry
from app.core.io.dicom import find_sources
from app.core.io.dicom.mixture import check_series
from app.core.io.protocol import Scan, check_protocol, compare_protocols, compare_spacing, scan_plane

KNOWN = Acquisition(modality="MR", manufacturer="SIEMENS", model="Aera", field_strength=1.5, repetition_time=600.0,
                    echo_time=12.0, thickness=4.0, slice_gap=4.4, weighting="t1")


def scan(case="A", sequence="t1", spacing=(1.0, 1.0, 4.4), shape=(256, 256, 30), order=(0, 1, 2), **tags):
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, list(order)] * spacing
    return Scan(case, sequence, Geometry(shape, affine), replace(KNOWN, **tags))


def codes(**changes):
    return [flag.code for flag in check_protocol(scan(**changes))]


def test_a_sound_image_gives_no_flag():
    assert codes() == []
    assert codes(sequence="image", thickness=None, slice_gap=None, weighting="", modality="") == []


@pytest.mark.parametrize(("changes", "code"), [
    ({"modality": "CT"}, "not_mr"), ({"weighting": "t2"}, "sequence_differs"),
    ({"thickness": 6.0}, "overlapping_slices"), ({"slice_gap": 8.0}, "wide_gaps"),
    ({"spacing": (0.5, 0.5, 4.4)}, "anisotropy"), ({"spacing": (1.0, 1.2, 4.4)}, "oblong_pixels"),
    ({"shape": (256, 256, 3)}, "few_slices")])
def test_one_image(changes, code):
    assert codes(**changes) == [code]


def test_the_sentence_holds_found_and_expected():
    [overlap] = check_protocol(scan(thickness=6.0))
    assert overlap.message == "Slices overlap: they are 6 mm thick and 4.4 mm apart."
    [differs] = check_protocol(scan(weighting="t2", fat_suppressed=True))
    assert differs.message == "The image is kept as t1, its header describes t2_fs."
    assert differs.severity == "problem"


def test_planes():
    assert [scan_plane(scan(order=order).geometry) for order in ((0, 1, 2), (0, 2, 1), (1, 2, 0))] == [
        "axial", "coronal", "sagittal"]
    assert scan_plane(scan(spacing=(1, 1, 1), shape=(100, 100, 90)).geometry) == ""
    assert scan_plane(scan(spacing=(1, 1, 1), shape=(100, 100, 9)).geometry) == "axial"


def test_odd_spacing_against_the_cohorts_median():
    scans = [scan("A"), scan("B"), scan("C", spacing=(0.45, 0.45, 4.4)), scan("D", spacing=(1.0, 1.0, 9.0)),
             scan("E", "t2", spacing=(0.3, 0.3, 9.0)), scan("F")]
    found = compare_spacing(scans)
    assert [[flag.code for flag in flags] for flags in found] == [[], [], ["odd_spacing"], ["odd_spacing"], [], []]
    assert "0.45 mm wide" in found[2][0].message
    assert "median is 1 and 4.4 mm" in found[2][0].message
    assert compare_spacing(scans[1:3]) == [[], []], "two images have no median to speak of"


def test_a_uniform_cohort_gives_no_flag():
    assert compare_protocols([scan(case) for case in "ABCD"]) == []


@pytest.mark.parametrize(("changes", "code", "severity"), [
    ({"weighting": "t2"}, "mixed_sequences", "problem"), ({"fat_suppressed": True}, "mixed_sequences", "problem"),
    ({"order": (0, 2, 1)}, "mixed_planes", "caution"), ({"manufacturer": "Philips Medical"}, "several_vendors", "note"),
    ({"field_strength": 3.0}, "several_fields", "note"),
    ({"repetition_time": 2500.0}, "odd_repetition_time", "caution"), ({"echo_time": 80.0}, "odd_echo_time", "caution")])
def test_one_case_unlike_the_others(changes, code, severity):
    flags = compare_protocols([scan("A"), scan("B"), scan("C", **changes), scan("D")])
    assert [(flag.code, flag.severity, flag.cases) for flag in flags] == [(code, severity, ("C",))]


def test_unknown_tags_are_no_difference_and_keys_stay_apart():
    nothing = {"manufacturer": "", "field_strength": None, "weighting": "", "repetition_time": None, "echo_time": None}
    assert compare_protocols([scan("A"), scan("B", **nothing), scan("C"), scan("D")]) == []
    assert compare_protocols([scan("A"), scan("A", "t2", weighting="t2"), scan("B"), scan("B", "t2", weighting="t2")]
                             ) == []
    kernels = compare_protocols([scan("A", kernel="B30"), scan("B", kernel="B60"), scan("C", kernel="B30")])
    assert [(flag.code, flag.cases) for flag in kernels] == [("several_kernels", ("B",))]


@pytest.mark.parametrize(("tags", "told"), [
    ({"RepetitionTime": 2000.0}, "repetition time 600 to 2000"), ({"EchoTime": 40.0}, "echo time 10 to 40"),
    ({"ManufacturerModelName": "Other"}, "scanner: Aera and Other"), ({"SliceThickness": 8.0}, "thickness 3 to 8")])
def test_slices_of_one_image_that_were_not_made_alike(tmp_path, tags, told):
    usual = {"RepetitionTime": 600.0, "EchoTime": 10.0, "ManufacturerModelName": "Aera"}
    slices = stack([0, 3, 6, 9, 12], **usual)
    write(tmp_path / "sound", slices)
    [sound] = find_sources(list((tmp_path / "sound").iterdir()))
    assert check_series(sound) == []
    slices[-1] = image((10, 20, 42), 9, **{**usual, **tags})
    write(tmp_path / "mixed", slices)
    [mixed] = find_sources(list((tmp_path / "mixed").iterdir()))
    [flag] = check_series(mixed)
    assert (flag.code, flag.severity) == ("mixed_slices", "problem")
    assert told in flag.message

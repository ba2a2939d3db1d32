"""The guessed sequence: from names that scanners write, and from timing where the name says nothing."""

import pytest

from app.core.io.dicom.tags import read_acquisition


@pytest.mark.parametrize(("description", "expected"), [
    ("T1 TSE cor", "t1"), ("t2_tse_fs_tra", "t2_fs"), ("AX T1 FS +C", "t1_fs_gd"), ("Sag T1 post GD", "t1_gd"),
    ("t1_vibe_dixon_tra_W", "t1_fs"), ("t1_vibe_dixon_tra_in", "t1"), ("STIR cor", "t2_fs"),
    ("t2_tirm_cor_fs", "t2_fs"),
    ("PD FS sag", "pd_fs"), ("pd_tse_sag", "pd"), ("T1 -GD", "t1"), ("T1-GD", "t1_gd"), ("T1 pre contrast", "t1"),
    ("t1_fl3d_ohne KM", "t1"), ("T1 mit KM", "t1_gd"), ("T1 SPIR Gado", "t1_fs_gd"), ("t1 tse no fs", "t1"),
    ("IBSI_1_STS_002_MR_T1_image", "t1"), ("ep2d_diff_b50_800", "image"), ("T2 map", "image"), ("T2* GRE", "image"),
    ("ADC", "image"), ("T1w_FFE", "t1"), ("T2W_TSE", "t2"), ("FLAIR", "t2"), ("thigh left", "image")])
def test_description_is_read(description, expected):
    assert read_acquisition({"Modality": "MR", "SeriesDescription": description}).sequence == expected


@pytest.mark.parametrize(("timing", "expected"), [
    ({"ScanningSequence": "SE", "RepetitionTime": 550, "EchoTime": 12}, "t1"),
    ({"ScanningSequence": "SE", "RepetitionTime": 4000, "EchoTime": 90}, "t2"),
    ({"ScanningSequence": "SE", "RepetitionTime": 3000, "EchoTime": 25}, "pd"),
    ({"ScanningSequence": ["SE", "IR"], "RepetitionTime": 4000, "EchoTime": 40, "InversionTime": 160}, "t2_fs"),
    ({"ScanningSequence": ["SE", "IR"], "RepetitionTime": 9000, "EchoTime": 90, "InversionTime": 2500}, "t2"),
    ({"ScanningSequence": "GR", "SequenceVariant": ["SP", "SS"], "RepetitionTime": 9, "EchoTime": 3}, "t1"),
    ({"ScanningSequence": "EP", "RepetitionTime": 4000, "EchoTime": 90}, "image"),
    ({"ScanningSequence": "SE", "RepetitionTime": 550, "EchoTime": 12, "ScanOptions": ["FS", "PFF"]}, "t1_fs"),
    ({"ScanningSequence": "SE", "RepetitionTime": 550, "EchoTime": 12, "ContrastBolusAgent": "GADOVIST"}, "t1_gd"),
    ({"ScanningSequence": "SE", "RepetitionTime": 550, "EchoTime": 12, "ContrastBolusAgent": "NONE"}, "t1"),
    ({"EchoPulseSequence": "SPIN", "RepetitionTime": 550, "EffectiveEchoTime": 12}, "t1"),
    ({"AcquisitionContrast": "PROTON_DENSITY", "SpectrallySelectedSuppression": "FAT"}, "pd_fs"),
    ({"Modality": "CT", "RepetitionTime": 550, "EchoTime": 12, "ScanningSequence": "SE"}, "image"), ({}, "image")])
def test_timing_is_read_where_the_name_says_nothing(timing, expected):
    assert read_acquisition({"Modality": "MR", **timing}).sequence == expected


def test_unknown_is_not_no():
    acquisition = read_acquisition({"Modality": "MR", "SeriesDescription": "T1"})
    assert acquisition.fat_suppressed is None
    assert acquisition.contrast_enhanced is None
    assert acquisition.window is None


def test_units_and_lists():
    acquisition = read_acquisition({"MagneticFieldStrength": 15000, "WindowCenter": [300, 40], "WindowWidth": [400, 80],
                                    "EchoTime": "not a number", "SliceThickness": "3.5", "SpacingBetweenSlices": 4})
    assert acquisition.field_strength == 1.5
    assert acquisition.window == (100, 500)
    assert acquisition.echo_time is None
    assert (acquisition.thickness, acquisition.slice_gap) == (3.5, 4)

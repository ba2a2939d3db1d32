import shutil

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import UnreadableImage
from app.core.io.identify import identify, list_ignored
from app.core.io.names import read_name
from app.core.io.pairing import pair

GRID = np.diag([1.0, 1.0, 3.0, 1.0])
OTHER = np.diag([2.0, 2.0, 2.0, 1.0])


def put(folder, *names, affine=GRID, dtype=np.float32, kind=nib.Nifti1Image):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nib.save(kind(np.zeros((3, 4, 5), dtype), affine), path)


def found(*paths):
    result = pair(identify(paths))
    short = {case.id: ({key: value.split("/")[-1] for key, value in case.images.items()},
                       case.mask.split("/")[-1] if case.mask else None) for case in result.cases}
    return short, result


@pytest.mark.parametrize(("image", "mask", "name"), [
    ("x.nii.gz", "x_mask.nii.gz", "x"), ("x.nii", "x_seg.nii.gz", "x"), ("x.nii.gz", "x-label.nii.gz", "x"),
    ("x.nii.gz", "x_tumour.nii.gz", "x"), ("brain1_image.nii", "brain1_label.nii", "brain1"),
    ("P-01_T1w.nii.gz", "P-01_GTV.nii.gz", "P-01"), ("scan7.nii.gz", "mask.nii.gz", "scan7"),
    ("P7 T1 fs.nii", "P7 ROI1.nii", "P7"), ("lesion_04_t2.nii.gz", "lesion_04_mask.nii.gz", "04"),
])
def test_two_loose_files_find_each_other_by_name(tmp_path, image, mask, name):
    put(tmp_path, image, mask)
    for paths in ([tmp_path / image, tmp_path / mask], [tmp_path / mask, tmp_path / image], [tmp_path]):
        short, result = found(*paths)
        assert short == {name: ({"image": image}, mask)}
        assert not result.unpaired
        assert not result.notes


def test_many_patients_in_one_folder(tmp_path):
    put(tmp_path, *(f"P{number:02}_{what}.nii.gz" for number in range(12) for what in ("t1", "mask")))
    short, _ = found(tmp_path)
    assert list(short) == [f"P{number:02}" for number in range(12)]
    assert all(mask == f"{name}_mask.nii.gz" for name, (_, mask) in short.items())


def test_images_and_labels_in_folders_of_their_own(tmp_path):
    put(tmp_path, *(f"{folder}/case{number}.nii.gz" for number in range(3) for folder in ("imagesTr", "labelsTr")))
    short, result = found(tmp_path)
    assert list(short) == ["case0", "case1", "case2"]
    assert all("labelsTr" in case.mask and "imagesTr" in case.images["image"] for case in result.cases)


def test_several_sequences_of_a_patient_are_one_case(tmp_path):
    put(tmp_path, "P7/t1.nii.gz", "P7/ax_T2_fs.nii.gz", "P7/T1_gd.nii.gz", "P7/mask.nii.gz")
    short, _ = found(tmp_path / "P7")
    images, mask = short["P7"]
    assert images == {"t1": "t1.nii.gz", "t2_fs": "ax_T2_fs.nii.gz", "t1_gd": "T1_gd.nii.gz"}
    assert mask == "mask.nii.gz"


def test_patients_with_the_same_file_names_are_named_by_folder(tmp_path):
    put(tmp_path, *(f"{patient}/{name}" for patient in ("A", "B", "C") for name in ("knee.nii.gz", "knee_mask.nii.gz")))
    assert list(found(tmp_path)[0]) == ["A", "B", "C"]
    put(tmp_path, "deep/A/knee.nii.gz", "deep/A/knee_mask.nii.gz")
    assert len(set(found(tmp_path)[0])) == 4


def test_geometry_decides_where_names_do_not(tmp_path):
    put(tmp_path, "a/head.nii.gz")
    put(tmp_path, "a/thigh.nii.gz", affine=OTHER)
    put(tmp_path, "b/final_outline.nii.gz", affine=OTHER, dtype=np.uint8)
    short, result = found(tmp_path)
    assert short["thigh"] == ({"image": "thigh.nii.gz"}, "final_outline.nii.gz")
    assert short["head"] == ({"image": "head.nii.gz"}, None)
    assert result.notes == ("head has no outline yet.",)


def test_an_unnamed_byte_image_on_the_same_grid_is_the_outline(tmp_path):
    put(tmp_path, "one.nii.gz")
    put(tmp_path, "two.nii.gz", dtype=np.uint8)
    assert found(tmp_path)[0] == {"one": ({"image": "one.nii.gz"}, "two.nii.gz")}


def test_what_has_no_partner_is_reported(tmp_path):
    put(tmp_path, "a/P1_mask.nii.gz", "a/P2_mask.nii.gz", "a/P3.nii.gz")
    short, result = found(tmp_path)
    assert short == {"P3": ({"image": "P3.nii.gz"}, None)}
    assert [source.title for source in result.unpaired] == ["P1_mask.nii.gz", "P2_mask.nii.gz"]
    assert "P1_mask.nii.gz is an outline without its image." in result.notes


def test_a_second_outline_is_left_out_with_a_note(tmp_path):
    put(tmp_path, "P/t1.nii.gz", "P/mask.nii.gz", "P/mask_old.nii.gz")
    short, result = found(tmp_path / "P")
    assert short == {"P": ({"image": "t1.nii.gz"}, "mask.nii.gz")}
    assert len(result.unpaired) == 1
    assert any("2 outlines" in note for note in result.notes)


def test_an_outline_named_after_its_place_belongs_to_the_only_image(tmp_path):
    put(tmp_path, "P/t1.nii.gz", "P/tumour_left.nii.gz")
    assert found(tmp_path / "P")[0] == {"P": ({"image": "t1.nii.gz"}, "tumour_left.nii.gz")}


def test_a_damaged_image_does_not_hide_a_good_one_and_a_lone_one_is_kept(tmp_path):
    put(tmp_path, "P/t1.nii.gz", "P/mask.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros((3, 4, 5, 6)), GRID), tmp_path / "P" / "t2.nii.gz")
    short, result = found(tmp_path / "P")
    assert short == {"P": ({"image": "t1.nii.gz"}, "mask.nii.gz")}
    assert any("holds 6 volumes" in note for note in result.notes)
    (tmp_path / "P" / "t1.nii.gz").unlink()
    assert found(tmp_path / "P")[0] == {"P": ({"image": "t2.nii.gz"}, "mask.nii.gz")}


def test_pairs_hidden_files_and_repeats(tmp_path):
    put(tmp_path, "a.img", kind=nib.AnalyzeImage)
    put(tmp_path, "._b.nii.gz", "b.nii.gz")
    (tmp_path / "notes.txt").write_text("hello")
    sources = identify([tmp_path, tmp_path / "a.img", tmp_path / "b.nii.gz", tmp_path])
    assert [(source.kind, source.title) for source in sources] == [("analyze", "a.hdr"), ("nifti", "b.nii.gz")]
    assert len(sources[0].files) == 2
    assert "LAS" in sources[0].acquisition.convention
    assert list_ignored([tmp_path / "notes.txt", tmp_path / "a.img"], sources) == [
        "notes.txt is not an image, an outline or a table and was left out."]


def test_half_a_pair_brings_the_other_half(tmp_path):
    put(tmp_path, "a.img", kind=nib.AnalyzeImage)
    for half in ("a.img", "a.hdr"):
        (source,) = identify([tmp_path / half])
        assert source.path.endswith("a.hdr")
        assert source.geometry is not None


def test_nothing_readable_is_said(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UnreadableImage, match=r"Nothing readable was found in 'notes\.txt'"):
        identify([tmp_path / "notes.txt"])
    with pytest.raises(UnreadableImage, match="no file or folder 'gone'"):
        identify([tmp_path / "gone"])


@pytest.mark.parametrize(("stem", "role", "sequence", "subject"), [
    ("t1", "image", "t1", ""), ("gtv", "mask", "", ""), ("STS_002", "either", "", "STS_002"),
    ("P01_T1w_fs_gd", "image", "t1_fs_gd", "P01"), ("P01-T1ce", "image", "t1_gd", "P01"),
    ("stir", "image", "t2_fs", ""),
    ("brainMask", "mask", "", "brain"), ("Patient12Mask", "mask", "", "Patient12"), ("roissy", "either", "", "roissy"),
])
def test_names_are_taken_apart(stem, role, sequence, subject):
    name = read_name(stem)
    assert (name.role, name.sequence, name.subject) == (role, sequence, subject)


@pytest.mark.shared
def test_thirty_two_patient_folders_in_any_order(shared_data):
    folders = sorted((shared_data / "sts").glob("STS_*"))
    folders = [folders[index] for index in np.random.default_rng(5).permutation(len(folders))]
    short, result = found(*folders)
    assert list(short) == sorted(folder.name for folder in folders)
    assert len(short) == 32
    assert all(files == ({"image": "t1.nii.gz"}, "gtv.nii.gz") for files in short.values())
    assert all(case.id in case.mask and case.id in case.images["image"] for case in result.cases)
    assert not result.unpaired


@pytest.mark.shared
def test_a_table_wins_over_the_folders_it_lists(shared_data, tmp_path):
    _, alone = found(shared_data / "sts" / "cohort.csv")
    _, whole = found(shared_data / "sts")
    for result in (alone, whole):
        assert [path.split("/")[-1] for path in result.tables] == ["cohort.csv"]
        assert not result.cases
        assert not result.unpaired
    for patient in ("STS_002", "STS_003"):
        shutil.copytree(shared_data / "sts" / patient, tmp_path / patient)
    (tmp_path / "cohort.csv").write_text("patient,image,mask\nSTS_002,STS_002/t1.nii.gz,STS_002/gtv.nii.gz\n")
    short, result = found(tmp_path)
    assert list(short) == ["STS_003"]
    assert len(result.tables) == 1


@pytest.mark.shared
def test_dicom_series_and_structure_set_are_one_case_each(shared_data):
    short, result = found(shared_data / "sts_dicom")
    assert short == {name: ({"image": "image"}, "RS.dcm") for name in ("STS_002", "STS_008")}
    assert all(case.series["image"] for case in result.cases)
    one, _ = found(shared_data / "sts_dicom" / "STS_002" / "MR_T1" / "mask" / "RS.dcm",
                   shared_data / "sts_dicom" / "STS_002" / "MR_T1" / "image")
    assert one == {"STS_002": ({"image": "image"}, "RS.dcm")}


@pytest.mark.shared
def test_a_dicom_series_takes_a_nifti_outline(shared_data):
    short, _ = found(shared_data / "sts_dicom" / "STS_002" / "MR_T1" / "image",
                     shared_data / "sts" / "STS_002" / "gtv.nii.gz")
    assert short == {"STS_002": ({"image": "image"}, "gtv.nii.gz")}


@pytest.mark.shared
def test_nrrd_twins_and_segmentations(shared_data):
    short, _ = found(*(shared_data / "pyradiomics").glob("*.nrrd"))
    assert short == {name: ({"image": f"{name}_image.nrrd"}, f"{name}_label.nrrd") for name in ("brain1", "breast1")}
    short, result = found(shared_data / "dicom_seg")
    assert short["ct-3slice"] == ({"image": "ct-3slice"}, "liver.dcm")
    assert {source.title for source in result.unpaired} == {"label.nrrd", "liver_seg.nrrd"}


@pytest.mark.parametrize(("names", "first", "second"), [
    (("P1_t1", "P1_mask", "P1_mask_2"), "P1_mask", "P1_mask_2"),
    (("P1_t1", "P1_mask_1", "P1_mask_2"), "P1_mask_1", "P1_mask_2"),
    (("P1_t1", "P1_gtv_reader2", "P1_gtv_reader1"), "P1_gtv_reader1", "P1_gtv_reader2"),
    (("P1/t1", "P1/gtv_second", "P1/gtv"), "gtv", "gtv_second"),
    (("P1/t1", "P1/mask", "P1/mask_2"), "mask", "mask_2"),
])
def test_a_second_readers_outline_is_kept_beside_the_first(tmp_path, names, first, second):
    put(tmp_path, *(f"{name}.nii.gz" for name in names), "P2_t1.nii.gz", "P2_mask.nii.gz")
    _, result = found(tmp_path)
    case, other = result.cases
    assert (case.id, other.id, other.mask_2) == ("P1", "P2", None)
    assert case.mask.endswith(f"/{first}.nii.gz")
    assert case.mask_2.endswith(f"/{second}.nii.gz")
    assert not result.unpaired
    assert result.notes == (f"P1: {second}.nii.gz is taken as a second reader's outline.",)


def test_a_number_that_tells_cases_apart_is_no_second_reader(tmp_path):
    put(tmp_path, *(f"{what}_{number}.nii.gz" for number in (1, 2, 3) for what in ("image", "mask")))
    _, result = found(tmp_path)
    assert [(case.id, case.mask.rsplit("_", 1)[1], case.mask_2) for case in result.cases] == [
        (str(number), f"{number}.nii.gz", None) for number in (1, 2, 3)]

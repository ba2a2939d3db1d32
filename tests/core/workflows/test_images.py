"""Work on image files: conversion of a file, a folder and a tree, boxes, bias correction."""

import csv
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import AppError, CohortError, InputError, UnreadableImage
from app.core.workflows import convert, correct_image, tumour_boxes
from tests.core.small_cohorts import quiet, write_ball


def world_sum(path):
    """Intensity-weighted centre in world millimetres: blind to voxel order, not to place."""
    image = nib.load(path)
    values = image.get_fdata()
    index = np.array([np.average(np.arange(n), weights=values.sum(axis=tuple({0, 1, 2} - {axis})))
                      for axis, n in enumerate(values.shape)])
    return image.affine[:3, :3] @ index + image.affine[:3, 3]


@pytest.mark.parametrize("name", ["brain1_image", "brain1_label"])
def test_one_file(shared_data, tmp_path, name):
    import SimpleITK as sitk

    source = shared_data / "pyradiomics" / f"{name}.nrrd"
    result = convert({"source": str(source), "target": str(tmp_path / "out.nii.gz")}, quiet)
    assert result["written"] == [str(tmp_path / "out.nii.gz")]
    reference = sitk.ReadImage(str(source))
    written = nib.load(tmp_path / "out.nii.gz")
    np.testing.assert_array_equal(written.get_fdata(), sitk.GetArrayFromImage(reference).T)
    corner = np.array(reference.TransformIndexToPhysicalPoint([3, 5, 7])) * [-1, -1, 1]
    np.testing.assert_allclose(written.affine @ [3, 5, 7, 1], [*corner, 1], atol=1e-4)


def test_dicom_folder_and_its_outline(shared_data, tmp_path):
    folder, nifti = shared_data / "sts_dicom" / "STS_002" / "MR_T1", shared_data / "sts" / "STS_002"
    convert({"source": str(folder / "image"), "target": str(tmp_path / "t1.nii")}, quiet)
    np.testing.assert_allclose(world_sum(tmp_path / "t1.nii"), world_sum(nifti / "t1.nii.gz"), atol=1e-3)
    result = convert({"source": str(folder), "target": str(tmp_path / "both")}, quiet)
    assert result["failed"] == []
    outline = next(path for path in result["written"] if "mask" in path)
    np.testing.assert_allclose(world_sum(outline), world_sum(nifti / "gtv.nii.gz"), atol=1e-3)
    assert nib.load(outline).get_fdata().sum() == nib.load(nifti / "gtv.nii.gz").get_fdata().astype(bool).sum()


def test_tree_keeps_its_folders_and_goes_on(tmp_path):
    for patient in ("A", "B"):
        write_ball(tmp_path / "in" / patient, 10, (3, 3, 3))
    (tmp_path / "in" / "B" / "t2.nii.gz").write_bytes(b"\x1f\x8bnonsense")
    (tmp_path / "in" / "readme.txt").write_text("hello")
    told = []
    result = convert({"source": str(tmp_path / "in"), "target": str(tmp_path / "out")},
                     lambda fraction, _message: told.append(fraction))
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.nii.gz"))
    assert written == ["A/mask.nii.gz", "A/t1.nii.gz", "B/mask.nii.gz", "B/t1.nii.gz"]
    assert sorted(result["written"]) == [str(tmp_path / "out" / name) for name in written]
    assert [Path(each["path"]).name for each in result["failed"]] == ["t2.nii.gz"]
    assert all(Path(each["path"]).exists() for each in result["failed"])
    assert told == sorted(told)
    assert told[-1] == 1.0
    np.testing.assert_array_equal(nib.load(tmp_path / "out/A/t1.nii.gz").get_fdata(),
                                  nib.load(tmp_path / "in/A/t1.nii.gz").get_fdata())


def test_several_images_do_not_fit_one_file(tmp_path):
    write_ball(tmp_path / "in", 10, (3, 3, 3))
    with pytest.raises(InputError, match=r"holds 2 images .* one\.nii\.gz is one file"):
        convert({"source": str(tmp_path / "in"), "target": str(tmp_path / "one.nii.gz")}, quiet)
    assert not (tmp_path / "one.nii.gz").exists()


def test_nothing_to_convert(tmp_path):
    with pytest.raises(InputError, match=r"nothing at gone\.nii"):
        convert({"source": str(tmp_path / "gone.nii"), "target": str(tmp_path / "x")}, quiet)
    (tmp_path / "note.txt").write_text("x")
    with pytest.raises((InputError, UnreadableImage)):
        convert({"source": str(tmp_path / "note.txt"), "target": str(tmp_path / "x")}, quiet)


def test_broken_single_file_is_the_error(tmp_path):
    (tmp_path / "t1.nii.gz").write_bytes(b"\x1f\x8bnonsense")
    with pytest.raises(AppError) as caught:
        convert({"source": str(tmp_path / "t1.nii.gz"), "target": str(tmp_path / "out")}, quiet)
    assert "t1.nii.gz" in str(caught.value)


def test_analyze_orientation_is_asked_for(shared_data, tmp_path):
    folder = tmp_path / "anlz"
    shutil.copytree(shared_data / "analyze" / "anlz", folder)
    centres = {}
    for side in ("las", "ras"):
        convert({"source": str(folder), "target": str(tmp_path / f"{side}.nii.gz"), "orientation": side}, quiet)
        centres[side] = nib.load(tmp_path / f"{side}.nii.gz")
    assert nib.aff2axcodes(centres["las"].affine)[0] == "L"
    assert nib.aff2axcodes(centres["ras"].affine)[0] == "R"
    np.testing.assert_array_equal(centres["las"].get_fdata(), centres["ras"].get_fdata())
    said = convert({"source": str(folder), "target": str(tmp_path / "unsaid.nii.gz")}, quiet)["cautions"]
    assert said


def test_boxes_of_a_cohort(tmp_path):
    expected = {}
    rows = ["patient,image,mask"]
    for name, radius in (("p1", 12.0), ("p2", 21.0)):
        _, mask = write_ball(tmp_path / name, radius, (3, 3, 4))
        voxels = nib.load(mask).get_fdata() > 0
        for k in np.flatnonzero(voxels.any(axis=(0, 1))):
            i, j = np.nonzero(voxels[:, :, k])
            expected[name, int(k)] = [i.min(), i.max() + 1, j.min(), j.max() + 1]
        rows.append(f"{name},{name}/t1.nii.gz,{name}/mask.nii.gz")
    rows.append("p3,p1/t1.nii.gz,absent.nii.gz")
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    result = tumour_boxes({"table": str(tmp_path / "cohort.csv"), "out": str(tmp_path / "boxes.csv")}, quiet)
    with (tmp_path / "boxes.csv").open(newline="") as file:
        written = list(csv.DictReader(file))
    found = {(row["patient"], int(row["slice"])): [int(row[name]) for name in ("x_min", "x_max", "y_min", "y_max")]
             for row in written}
    assert found == expected
    assert result["rows"] == len(expected)
    assert [each["case"] for each in result["failed"]] == ["p3"]
    row = written[0]
    assert float(row["centre_x"]) == (int(row["x_min"]) + int(row["x_max"])) / 2
    assert int(row["width"]) == int(row["x_max"]) - int(row["x_min"])


def test_boxes_of_a_table_that_is_none(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    with pytest.raises(CohortError, match="not a table of cases"):
        tumour_boxes({"table": str(tmp_path / "t.csv"), "out": str(tmp_path / "boxes.csv")}, quiet)


def test_bias_correction_takes_a_field_away(tmp_path):
    rng = np.random.default_rng(0)
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, n) for n in (40, 40, 12)), indexing="ij")
    field = np.exp(0.5 * i + 0.2 * j * k)
    body = i**2 + j**2 < 0.9
    values = np.where(body, 300 + 10 * rng.normal(size=field.shape), 0) * field
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    nib.save(nib.Nifti1Image(values.astype(np.float32), affine), tmp_path / "in.nii.gz")
    result = correct_image({"image": str(tmp_path / "in.nii.gz"), "out": str(tmp_path / "out.nii.gz"),
                            "field": str(tmp_path / "field.nii.gz"), "settings": {"engine": "itk", "shrink": 2}}, quiet)
    assert result["written"] == [str(tmp_path / "out.nii.gz"), str(tmp_path / "field.nii.gz")]
    assert result["cv_after"] < 0.35 * result["cv_before"]
    assert result["engine"] == "itk"
    assert len(result["levels"]) == 4
    assert result["seconds"] > 0
    corrected, found = (nib.load(tmp_path / name).get_fdata() for name in ("out.nii.gz", "field.nii.gz"))
    assert found.shape == field.shape
    np.testing.assert_allclose((corrected * found)[body], values[body], rtol=1e-4)
    assert np.corrcoef(np.log(found[body]), np.log(field[body]))[0, 1] > 0.98

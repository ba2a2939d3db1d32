"""Looking: what was dropped, and arrays for the viewer that equal the files."""

import json

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import AppError
from app.core.workflows import identify_drop, view_case
from tests.core.small_cohorts import quiet, write_ball


@pytest.fixture
def ball(tmp_path):
    return write_ball(tmp_path / "ball", 20, (2, 2, 4))


def look(tmp_path, images, mask, **settings):
    files = {"id": "case", "images": {name: str(path) for name, path in images.items()},
             "mask": str(mask) if mask else None}
    result = view_case({"case": files, "folder": str(tmp_path / "arrays"), **settings}, quiet)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    return result


def test_thirty_two_patient_folders(shared_data):
    folders = sorted(path for path in (shared_data / "sts").iterdir() if path.is_dir())
    result = identify_drop({"paths": [str(path) for path in reversed(folders)]}, quiet)
    found = {case["id"]: case for case in result["cases"]}
    assert sorted(found) == [folder.name for folder in folders]
    assert len(found) == 32
    assert result["unpaired"] == []
    for folder in folders:
        assert found[folder.name]["images"] == {"image": str(folder / "t1.nii.gz")}
        assert found[folder.name]["mask"] == str(folder / "gtv.nii.gz")


def test_dropping_their_parent_with_its_table_is_no_double_count(shared_data):
    result = identify_drop({"paths": [str(shared_data / "sts")]}, quiet)
    assert len(result["cases"]) == len({case["mask"] for case in result["cases"]}) == 32
    assert [path.rpartition("/")[2] for path in result["tables"]] == ["cohort.csv"]


def test_lonely_image_and_bad_table_rows_are_told(tmp_path, ball):
    image, mask = ball
    mask.unlink()
    (tmp_path / "rows.csv").write_text(f"patient,image,mask\nx,{image},none.nii.gz\ny,{image},{image}\n")
    result = identify_drop({"paths": [str(tmp_path)]}, quiet)
    assert any("none.nii.gz" in note for note in result["notes"])
    assert "y" in {case["id"] for case in result["cases"]}


def test_arrays_equal_the_file(shared_data, tmp_path):
    folder = shared_data / "sts" / "STS_003"
    result = look(tmp_path, {"image": folder / "t1.nii.gz"}, folder / "gtv.nii.gz")
    shown, image, mask = result["images"]["image"], nib.load(folder / "t1.nii.gz"), nib.load(folder / "gtv.nii.gz")
    array = np.load(shown["array"], mmap_mode="r")
    assert array.dtype == np.float32
    assert array.flags.f_contiguous, "a slice of the last axis lies in one piece"
    np.testing.assert_array_equal(array, image.get_fdata(dtype=np.float32))
    np.testing.assert_allclose(shown["affine"], image.affine, atol=1e-6)
    outline = np.load(shown["mask"])
    assert outline.dtype == np.bool_
    np.testing.assert_array_equal(outline, mask.get_fdata() > 0)
    assert shown["largest_slice"] == int((mask.get_fdata() > 0).sum(axis=(0, 1)).argmax())
    assert result["mask"]["volume_ml"] == pytest.approx(80.12, abs=0.005)
    assert result["mask_problem"] is None
    assert shown["prepared"] is None
    assert result["sequences"] == ["image"]
    low, high = shown["window"]
    nonzero = image.get_fdata()[image.get_fdata() != 0]
    assert (low, high) == pytest.approx(tuple(np.percentile(nonzero, (1, 99.5))), rel=0.05)


def test_prepared_arrays_and_both_histograms(tmp_path, ball):
    prep = {"normalise": {"method": "zscore", "region": "image"}, "resample": {}, "crop_margin_mm": 5}
    result = look(tmp_path, {"t1": ball[0]}, ball[1], prep=prep)
    shown, values = result["images"]["t1"], nib.load(ball[0]).get_fdata()
    prepared = np.load(shown["prepared"])
    assert prepared.shape == values.shape, "before and after lie on each other"
    slope = np.polyfit(values.ravel(), prepared.ravel(), 1)[0]
    assert slope == pytest.approx(1 / values.std(), rel=0.2)
    np.testing.assert_allclose(prepared, slope * (values - values.mean()) + prepared.mean(), atol=1e-3)
    histogram = shown["histogram"]
    for edges, name in (("edges", "before"), ("after_edges", "after"), ("edges", "tumour_before")):
        assert len(histogram[edges]) == len(histogram[name]) + 1
        assert sum(histogram[name]) == pytest.approx(1.0)
    tumour = values[nib.load(ball[1]).get_fdata() > 0]
    middles = (np.array(histogram["edges"][1:]) + histogram["edges"][:-1]) / 2
    assert np.average(middles, weights=histogram["tumour_before"]) == pytest.approx(tumour.mean(), rel=0.02)
    assert [step["step"] for step in result["trace"]][-1] == "normalise t1"
    assert shown["prepared_window"][0] < shown["prepared_window"][1]


def test_without_an_outline_images_show(tmp_path, ball):
    result = look(tmp_path, {"t1": ball[0]}, None, prep={"normalise": {"method": "zscore"}})
    shown = result["images"]["t1"]
    assert result["mask"] is None
    assert result["mask_problem"] is None
    assert shown["mask"] is None
    assert shown["largest_slice"] is None
    assert shown["prepared"] is not None
    assert shown["histogram"]["tumour_before"] is None


@pytest.mark.parametrize(("spoil", "kind"), [("empty", "empty_mask"), ("far", "geometry"), ("broken", "unreadable")])
def test_outline_that_does_not_fit_is_a_problem_not_an_end(tmp_path, ball, spoil, kind):
    image, mask = ball
    loaded = nib.load(mask)
    affine, voxels = loaded.affine.copy(), np.asarray(loaded.dataobj).copy()
    if spoil == "far":
        affine[:3, 3] += 400
    elif spoil == "empty":
        voxels[:] = 0
    nib.save(nib.Nifti1Image(voxels, affine), mask)
    if spoil == "broken":
        mask.write_bytes(b"broken")
    result = look(tmp_path, {"t1": image}, mask)
    assert result["mask_problem"]["kind"] == kind
    assert result["mask_problem"]["message"].endswith(".")
    assert result["images"]["t1"]["mask"] is None
    np.testing.assert_array_equal(np.load(result["images"]["t1"]["array"]), nib.load(image).get_fdata())


def test_two_sequences_each_on_its_own_grid(tmp_path):
    one, mask = write_ball(tmp_path / "a", 20, (2, 2, 4))
    two, _ = write_ball(tmp_path / "b", 20, (1.5, 1.5, 3), name="t2")
    result = look(tmp_path, {"t1": one, "t2": two}, mask)
    assert result["sequences"] == ["t1", "t2"]
    for name, path in (("t1", one), ("t2", two)):
        assert np.load(result["images"][name]["array"]).shape == nib.load(path).shape
        assert np.load(result["images"][name]["mask"]).shape == nib.load(path).shape
    assert "mask_resampled" in {each["code"] for each in result["images"]["t2"]["cautions"]}
    volumes = [np.load(result["images"][name]["mask"]).sum() * voxel for name, voxel in (("t1", 16), ("t2", 6.75))]
    assert volumes[0] == pytest.approx(volumes[1], rel=0.05)


def test_image_that_is_none_is_an_error(tmp_path):
    (tmp_path / "t1.nii.gz").write_bytes(b"broken")
    with pytest.raises(AppError):
        look(tmp_path, {"t1": tmp_path / "t1.nii.gz"}, None)


def test_flat_image_has_a_window(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 4), dtype=np.float32), np.eye(4)), tmp_path / "zero.nii.gz")
    low, high = look(tmp_path, {"t1": tmp_path / "zero.nii.gz"}, None)["images"]["t1"]["window"]
    assert low < high


def test_histogram_of_whole_grey_levels_does_not_comb():
    from app.core.data import Volume
    from app.core.workflows.view import before_after

    flat = np.tile(np.arange(1, 401, dtype=np.float32), 50).reshape(20, 20, 50)
    found = before_after(Volume(flat, np.eye(4)), None, None)
    inner = np.array(found["before"])[1:-2]
    assert np.ptp(inner) == pytest.approx(0, abs=1e-12)

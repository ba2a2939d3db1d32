"""Previewing a bias correction: arrays, figures against plain numpy, the kept region, and many cases at once."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.errors import AppError, Cancelled
from app.core.recipe import N4Recipe
from app.core.workflows import correct_cohort, measure_bias, outline_bias, preview_bias, view_case
from tests.core.small_cohorts import quiet

SHAPE = (40, 36, 12)
AFFINE = np.diag([2.0, 2.0, 5.0, 1.0])


def two_tissues(strength=0.4, seed=0):
    """Two tissues and air under a known smooth field; the tissue labels, the field."""
    rng = np.random.default_rng(seed)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    labels = np.where(x**2 + y**2 < 0.8, 1, 0) + np.where((x**2 + y**2 < 0.8) & (np.sin(9 * x) > 0), 1, 0)
    field = np.exp(strength * (x + 0.5 * y**2 - 0.3 * z))
    voxels = np.choose(labels, [2.0, 300.0, 700.0]) * field * rng.normal(1, 0.02, SHAPE)
    return np.abs(voxels).astype(np.float32), labels, field


@pytest.fixture
def ask(tmp_path):
    voxels, _labels, _field = two_tissues()
    np.save(tmp_path / "image.npy", np.asfortranarray(voxels))
    return {"array": str(tmp_path / "image.npy"), "affine": AFFINE.tolist(), "folder": str(tmp_path / "a"),
            "settings": N4Recipe(shrink=2).model_dump(mode="json")}


def cv(values):
    return float(np.std(values, dtype=np.float64) / np.mean(values, dtype=np.float64))


def test_the_pictures_are_the_correction_and_the_figures_are_numpys(ask):
    voxels, labels, field = two_tissues()
    result = preview_bias(ask, quiet)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    corrected, found, mask = (np.load(result[name]) for name in ("corrected", "field", "mask"))
    np.testing.assert_allclose(corrected * found, voxels, rtol=1e-5)
    assert result["variation"]["mask"] == pytest.approx([cv(voxels[mask]), cv(corrected[mask])], rel=1e-4)
    assert result["variation"]["region"] is None
    fat = labels == 2
    assert cv(corrected[fat]) < 0.3 * cv(voxels[fat])
    relative = found[fat] / field[fat]
    assert cv(relative) < 0.05
    assert not result["worse"]["mask"]
    assert result["scale"] == pytest.approx(found[mask].mean(), rel=0.01)
    counted = result["histogram"]["mask"]
    scaled = corrected[mask] * result["scale"]
    expected = np.histogram(scaled, counted["edges"])[0] / mask.sum()
    np.testing.assert_allclose(counted["after"], expected, atol=2e-3)
    low, high = result["field_range"]
    assert (low, high) == pytest.approx(np.percentile(found[mask], (1, 99)), rel=0.01)


def test_an_even_image_gets_a_flat_field_and_a_window_that_shows_it_flat(ask, tmp_path):
    voxels, _, _ = two_tissues(strength=0.0)
    np.save(tmp_path / "image.npy", np.asfortranarray(voxels))
    result = preview_bias(ask | {"settings": {"levels": 1, "iterations": 3, "shrink": 2}}, quiet)
    low, high = result["field_window"]
    found = np.load(result["field"])[np.load(result["mask"])]
    assert high / low > 1.1
    assert np.ptp(np.percentile(found, (5, 95))) < 0.5 * (high - low)


def test_a_painted_region_is_judged_alone_and_said_to_be_worse(ask, tmp_path):
    voxels, labels, field = two_tissues()
    worse = voxels * field
    painted = labels == 1
    for name, array in (("worse", worse), ("painted", painted), ("mask", labels > 0)):
        np.save(tmp_path / f"{name}.npy", np.asfortranarray(array))
    result = measure_bias({"array": ask["array"], "corrected": str(tmp_path / "worse.npy"),
                           "mask": str(tmp_path / "mask.npy"), "region": str(tmp_path / "painted.npy")}, quiet)
    assert result["variation"]["region"] == pytest.approx([cv(voxels[painted]), cv(worse[painted])], rel=1e-4)
    assert result["worse"]["region"] is True
    counted = result["histogram"]["region"]
    expected = np.histogram(voxels[painted], counted["edges"])[0] / painted.sum()
    np.testing.assert_allclose(counted["before"], expected, atol=1e-9)


def test_the_preview_judges_the_painted_region_too(ask, tmp_path):
    voxels, labels, _ = two_tissues()
    np.save(tmp_path / "painted.npy", labels == 2)
    result = preview_bias(ask | {"region": str(tmp_path / "painted.npy")}, quiet)
    corrected = np.load(result["corrected"])
    assert result["variation"]["region"] == pytest.approx([cv(voxels[labels == 2]), cv(corrected[labels == 2])],
                                                          rel=1e-4)
    assert result["worse"]["region"] is False


def test_a_tumour_that_is_evened_out_is_measured(ask, tmp_path):
    voxels, labels, _ = two_tissues(strength=0.0)
    tumour = np.zeros(SHAPE, bool)
    tumour[14:26, 14:24, 2:10] = True
    image = np.where(tumour, 1.5 * voxels, voxels)
    for name, array in (("image", image), ("tumour", tumour), ("mask", labels > 0), ("flat", voxels)):
        np.save(tmp_path / f"{name}.npy", np.asfortranarray(array))
    request = {"array": str(tmp_path / "image.npy"), "corrected": str(tmp_path / "flat.npy"),
               "mask": str(tmp_path / "mask.npy"), "tumour": str(tmp_path / "tumour.npy")}
    result = measure_bias(request, quiet)
    rest = (labels > 0) & ~tumour
    assert result["contrast"] == pytest.approx([each[tumour].mean() / each[rest].mean() for each in (image, voxels)],
                                               rel=1e-4)
    assert measure_bias(request | {"tumour": None}, quiet)["contrast"] is None
    previewed = preview_bias(ask | {"tumour": str(tmp_path / "tumour.npy")}, quiet)
    rest = np.load(previewed["mask"]) & ~tumour
    assert previewed["contrast"][0] == pytest.approx(image[tumour].mean() / image[rest].mean(), rel=1e-4)


@pytest.mark.parametrize("painted", [np.zeros(SHAPE, bool), np.ones((3, 3, 3), bool)], ids=["empty", "elsewhere"])
def test_a_region_that_is_not_on_the_image_is_told(ask, tmp_path, painted):
    np.save(tmp_path / "painted.npy", painted)
    with pytest.raises(AppError, match="painted region"):
        preview_bias(ask | {"region": str(tmp_path / "painted.npy")}, quiet)


def test_the_region_of_the_fit_is_found_once_and_kept_with_its_cautions(ask, tmp_path):
    fit = tmp_path / "fit" / "whole.npy"
    voxels, _, _ = two_tissues()
    voxels[0] = 0
    np.save(ask["array"], np.asfortranarray(voxels))
    ask |= {"fit": str(fit), "settings": {"mask": "whole", "shrink": 2}}
    first = preview_bias(ask, quiet)
    assert [each["code"] for each in first["cautions"]] == ["n4_nonpositive"]
    np.save(fit, np.asfortranarray(np.load(fit) & (np.indices(SHAPE)[0] < 20)))
    second = preview_bias(ask, quiet)
    assert second["cautions"] == first["cautions"]
    assert second["variation"]["mask"][0] == pytest.approx(cv(voxels[1:20]), rel=1e-4)


def test_an_own_outline_is_where_the_field_is_estimated(ask, tmp_path):
    own = np.zeros(SHAPE, np.uint8)
    own[8:30, 8:28, 2:10] = 1
    nib.save(nib.Nifti1Image(own, AFFINE), tmp_path / "own.nii.gz")
    result = preview_bias(ask | {"mask": str(tmp_path / "own.nii.gz")}, quiet)
    np.testing.assert_array_equal(np.load(result["mask"]), own > 0)


def test_the_outline_alone_is_that_of_the_preview(ask, tmp_path):
    slow = ask | {"fit": str(tmp_path / "slow.npy"), "settings": {"engine": "itk", "mask": "body"}}
    alone = outline_bias(slow, quiet)
    assert alone == {"mask": str(tmp_path / "slow.npy")}
    shown = preview_bias(ask | {"settings": {"mask": "body", "shrink": 2}}, quiet)
    np.testing.assert_array_equal(np.load(alone["mask"]), np.load(shown["mask"]))


def test_a_preview_that_is_no_longer_wanted_stops(ask):
    def report(fraction, _message):
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        preview_bias(ask, report)
    assert not (Path(ask["folder"]) / "corrected.npy").exists()


def write_cases(folder, count=2):
    cases = []
    for number in range(count):
        path = folder / f"case{number}" / "t1.nii.gz"
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(two_tissues(seed=number)[0], AFFINE), path)
        cases.append({"id": "a/b" if number else "A_B", "images": {"t1": str(path)}})
    return cases


def test_a_cohort_arrives_whole_with_settings_and_figures(tmp_path):
    cases = [*write_cases(tmp_path), {"id": "gone", "images": {"t1": str(tmp_path / "gone.nii")}}]
    settings = N4Recipe(shrink=2, levels=3)
    out = tmp_path / "out"
    result = correct_cohort({"cases": cases, "out": str(out), "settings": settings.model_dump(mode="json")}, quiet)
    assert result["written"] == [str(out / "A_B" / "t1.nii.gz"), str(out / "a_b-2" / "t1.nii.gz")]
    assert [each["case"] for each in result["failed"]] == ["gone"]
    assert N4Recipe.parse(out / "n4.json") == settings
    with (out / "variation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["A_B/t1.nii.gz", "a_b-2/t1.nii.gz"]
    image = nib.load(out / "A_B" / "t1.nii.gz")
    np.testing.assert_allclose(image.affine, AFFINE)
    inside = two_tissues()[1] == 2
    assert cv(image.get_fdata()[inside]) < 0.3 * cv(two_tissues()[0][inside])
    assert result["worse"] == [row["case"] for row in rows if row["worse"] == "True"]


def test_a_cancelled_cohort_leaves_no_trace(tmp_path):
    cases = write_cases(tmp_path)

    def report(fraction, _message):
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        correct_cohort({"cases": cases, "out": str(tmp_path / "new" / "out")}, report)
    assert list((tmp_path / "new").iterdir()) == []


def test_a_cohort_of_which_nothing_can_be_read_is_told(tmp_path):
    gone = {"id": "x", "images": {"t1": str(tmp_path / "x.nii")}}
    with pytest.raises(AppError, match="No case could be corrected"):
        correct_cohort({"cases": [gone], "out": str(tmp_path / "out")}, quiet)
    assert not (tmp_path / "out").exists()


def test_the_viewer_shows_the_same_correction(ask, tmp_path):
    voxels, _, _ = two_tissues()
    own = np.zeros(SHAPE, np.uint8)
    own[8:30, 8:28, 2:10] = 1
    for name, array in (("image", voxels), ("own", own)):
        nib.save(nib.Nifti1Image(array, AFFINE), tmp_path / f"{name}.nii.gz")
    preview = preview_bias(ask | {"mask": str(tmp_path / "own.nii.gz")}, quiet)
    shown = view_case({"case": {"id": "x", "images": {"t1": str(tmp_path / "image.nii.gz")}},
                       "folder": str(tmp_path / "view"), "prep": {"n4": ask["settings"]},
                       "n4_mask": str(tmp_path / "own.nii.gz")}, quiet)
    np.testing.assert_allclose(np.load(shown["images"]["t1"]["prepared"]), np.load(preview["corrected"]), rtol=1e-5)
    assert next(step for step in shown["trace"] if step["step"] == "n4 t1")["settings"]["mask"] == "own"

"""Stability of features: known agreement comes out, readers count, cases that fail are told, recipes can be used."""

import csv
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.data import Case
from app.core.errors import Cancelled, CohortError, InputError, RecipeError
from app.core.io.case import load_case
from app.core.phantom import make_case
from app.core.preprocess.chain import prepare
from app.core.radiomics.extract import extract
from app.core.recipe import PrepRecipe, Recipe
from app.core.requests import CaseFiles
from app.core.segment.jitter import jitter_masks
from app.core.workflows import measure_stability, ship_stability
from app.core.workflows.outlines import CHANGES, OWN, SECOND, prepare_outlines
from app.core.workflows.stability import draw_cases, judge
from tests.core.small_cohorts import quiet, write_ball

RECIPE = {"name": "small", "features": {"classes": ["shape", "firstorder"], "bin_count": 16}}


def write_cohort(folder, count=5, second=0):
    rows = ["patient,image,mask,mask_2"]
    for index in range(count):
        name = f"P{index}"
        write_ball(folder / name, 10 + 3 * index, spacing=(2, 2, 3), level=100 + 40 * index, seed=index)
        other = ""
        if index < second:
            mask = nib.load(folder / name / "mask.nii.gz")
            drawn = np.roll(mask.get_fdata(), 1, 0).astype(np.uint8)
            nib.save(nib.Nifti1Image(drawn, mask.affine), folder / name / "mask_b.nii.gz")
            other = f"{name}/mask_b.nii.gz"
        rows.append(f"{name},{name}/t1.nii.gz,{name}/mask.nii.gz,{other}")
    path = folder / "cohort.csv"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def measure(source, out, **more):
    result = measure_stability({"source": str(source), "recipe": RECIPE, "out": str(out), **more}, quiet)
    json.dumps(result)
    return result


def test_size_repeats_and_what_noise_decides_does_not(tmp_path):
    result = measure(write_cohort(tmp_path), tmp_path / "out.csv")
    features = {each["name"]: each for each in result["features"]}
    assert result["cases"] == 5
    assert features["volume_ml"]["stable"]
    assert features["volume_ml"]["low_jitter"] < features["volume_ml"]["icc_jitter"] < 1
    assert features["volume_ml"]["title"] == "Volume"
    assert features["original_firstorder_Median"]["icc_jitter"] > 0.99
    assert not features["original_firstorder_Minimum"]["stable"], "one voxel beyond the edge decides it"
    assert all(each["icc_reader"] is None and each["low_reader"] is None for each in result["features"])
    assert result["stable"] == sum(each["stable"] for each in result["features"])
    assert all((each["low_jitter"] or 0) >= 0.75 for each in result["features"] if each["stable"])
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:4] == ["name", "icc", "low", "high"]
    assert float(rows[0]["icc"]) == features["volume_ml"]["icc_jitter"]


def test_the_recipe_beside_it_keeps_the_stable_features(tmp_path):
    table = write_cohort(tmp_path)
    result = measure(table, tmp_path / "out.csv")
    assert result["written"] == [str(tmp_path / "out.csv"), str(tmp_path / "out.recipe.json")]
    recipe = Recipe.parse(tmp_path / "out.recipe.json")
    assert recipe.name == "small-stable"
    assert result["recipe"]["features"]["names"] == list(recipe.features.names)
    case = load_case(CaseFiles(id="a", images={"image": str(tmp_path / "P1" / "t1.nii.gz")},
                               mask=str(tmp_path / "P1" / "mask.nii.gz")))
    row = extract(prepare(case, recipe.prep), recipe.features)
    assert set(recipe.features.names) <= set(row.names)
    assert len(row.names) - len(recipe.features.names) <= 2, "the size is always measured"


def test_a_second_reader_counts(tmp_path):
    result = measure(write_cohort(tmp_path, second=4), tmp_path / "out.csv")
    features = {each["name"]: each for each in result["features"]}
    assert features["volume_ml"]["icc_reader"] == pytest.approx(1), "a shifted outline is as large"
    assert all(each["low_reader"] >= 0.75 for each in result["features"] if each["stable"])
    assert result["cases"] == 5
    alone = measure(write_cohort(tmp_path, second=2), tmp_path / "out.csv")
    assert all(each["icc_reader"] is None for each in alone["features"]), "two cases say nothing about readers"


def test_cases_that_fail_are_told_and_the_rest_goes_on(tmp_path):
    table = write_cohort(tmp_path, second=1)
    (tmp_path / "P3" / "t1.nii.gz").write_bytes(b"nothing")
    (tmp_path / "P0" / "mask_b.nii.gz").write_bytes(b"nothing")
    result = measure(table, tmp_path / "out.csv", jobs=2)
    failed = {each["case"]: each["message"] for each in result["failed"]}
    assert failed.keys() == {"P0", "P3"}
    assert failed["P0"].startswith("Second reader: ")
    assert result["cases"] == 4
    for name in ("P1", "P2"):
        (tmp_path / name / "t1.nii.gz").write_bytes(b"nothing")
    with pytest.raises(CohortError, match="2 cases could be measured, at least 3"):
        measure(table, tmp_path / "out.csv")


def test_what_nobody_foresaw_costs_one_case_alone(tmp_path, monkeypatch):
    def stumble(prepared, recipe):
        if prepared.id == "P1":
            raise ZeroDivisionError("unforeseen")
        return extract(prepared, recipe)

    monkeypatch.setattr("app.core.workflows.outlines.extract", stumble)
    result = measure(write_cohort(tmp_path, 4), tmp_path / "out.csv")
    assert [each["case"] for each in result["failed"]] == ["P1"]
    assert result["cases"] == 3


def test_requests_that_cannot_be_met_are_refused_first(tmp_path):
    table = write_cohort(tmp_path, 3)
    with pytest.raises(InputError, match=r"out\.txt"):
        measure(table, tmp_path / "out.txt")
    with pytest.raises(InputError, match="measures nothing"):
        measure_stability({"source": str(table), "recipe": {"name": "none", "features": None},
                           "out": str(tmp_path / "out.csv")}, quiet)


def test_cancelling_leaves_nothing(tmp_path):
    def stop(fraction, _message):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        measure_stability({"source": str(write_cohort(tmp_path)), "recipe": RECIPE, "out": str(tmp_path / "out.csv")},
                          stop)
    assert not list(tmp_path.glob("out*"))


def test_cases_are_drawn_by_seed_and_those_with_two_readers_first():
    cases = [CaseFiles(id=str(n), images={}, mask_2="x" if n in (7, 9) else None) for n in range(10)]
    drawn = [case.id for case in draw_cases(cases, 4, 1)]
    assert drawn == [case.id for case in draw_cases(cases, 4, 1)]
    assert drawn == sorted(drawn)
    assert {"7", "9"} <= set(drawn)
    assert len({tuple(case.id for case in draw_cases(cases, 4, seed)) for seed in range(6)}) > 1
    assert draw_cases(cases, 10, 0) == cases


def test_judging_by_hand():
    """A feature that never changes with its outline, one that is noise, one that is missing, one that is constant."""
    rng = np.random.default_rng(0)
    rows = [{outline: {"same": float(case), "noise": float(rng.normal()), "gone": None, "flat": 1.0,
                       "reader": float(case) if outline != SECOND else float(rng.normal())}
             for outline in (OWN, *CHANGES, SECOND)} for case in range(12)]
    found = {each["name"]: each for each in judge(rows)}
    assert [name for name, each in found.items() if each["stable"]] == ["same"]
    assert found["same"]["icc_jitter"] == pytest.approx(1)
    assert found["noise"]["icc_jitter"] < 0.4
    assert (found["gone"]["icc_jitter"], found["flat"]["icc_jitter"]) == (None, None)
    assert found["reader"]["low_jitter"] >= 0.75 > found["reader"]["low_reader"]


@pytest.mark.parametrize("prep", [
    {}, {"normalise": {"region": "body"}, "resample": {"spacing": [3, 3, 3]}, "crop_margin_mm": 9.0},
    {"normalise": {"region": "around_tumour"}, "resample": {"spacing": [3, 3, 3], "interpolation": "linear"},
     "crop_margin_mm": 12.0}])
def test_outlines_prepared_together_are_those_prepared_alone(tmp_path, prep):
    image, mask = write_ball(tmp_path, 15, spacing=(2, 2, 3))
    case = load_case(CaseFiles(id="a", images={"image": str(image)}, mask=str(mask)))
    recipe = PrepRecipe.parse(prep)
    outlines = {OWN: case.mask, **dict(jitter_masks(case.mask))}
    assert tuple(outlines) == (OWN, *CHANGES)
    count = 0
    for name, prepared in prepare_outlines(case, outlines, recipe):
        alone = prepare(Case("a", case.images, outlines[name], case.acquisition), recipe)
        np.testing.assert_allclose(prepared.images["image"].voxels, alone.images["image"].voxels, atol=1e-5)
        np.testing.assert_array_equal(prepared.masks["image"].voxels, alone.masks["image"].voxels)
        np.testing.assert_allclose(prepared.images["image"].affine, alone.images["image"].affine)
        count += 1
    assert count == 9


def test_the_shipped_table_holds_every_feature_of_the_shipped_recipes():
    from app.core.paths import program_folder
    from app.core.radiomics.catalogue import STABLE, feature_names

    folder = program_folder() / "resources"
    with (folder / "radiomics" / "stability.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    recipes = [Recipe.parse(path) for path in (folder / "recipes").glob("*.json")]
    wanted = {name for recipe in recipes if recipe.features for name in feature_names(recipe.features)}
    assert wanted <= rows.keys()
    assert {"volume_ml", "longest_diameter_mm"} <= rows.keys()
    lows = [float(row["low"]) for row in rows.values() if row["low"]]
    assert 0.2 < np.mean(np.array(lows) >= STABLE) < 0.98, "some repeat and some do not"


@pytest.mark.slow
def test_the_shipped_table_can_be_made_again(tmp_path, monkeypatch):
    """Two makings of a smaller table are the same, byte for byte; the lowest of a shared column is kept."""
    from app.core.workflows import shipped_stability

    folder = tmp_path / "program"
    (folder / "resources" / "recipes").mkdir(parents=True)
    for name, count in (("a", 8), ("b", 64)):
        recipe = {"name": name, "features": {"classes": ["firstorder"], "bin_count": count}}
        Path(folder / "resources" / "recipes" / f"{name}.json").write_text(json.dumps(recipe), encoding="utf-8")
    monkeypatch.setattr(shipped_stability, "program_folder", lambda: folder)
    drawn = {}

    def draw_once(index, **settings):
        if index not in drawn:
            drawn[index] = make_case(index, **settings)
        return drawn[index]

    monkeypatch.setattr(shipped_stability, "make_case", draw_once)
    made = []
    for name in ("one.csv", "two.csv"):
        result = ship_stability({"out": str(tmp_path / name), "cases": 3}, quiet)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert result["cases"] == 3
    assert made[0].startswith(b"name,icc,low\nvolume_ml,")


def test_what_cannot_be_is_told_before_any_case(tmp_path, monkeypatch):
    table = write_cohort(tmp_path, 3)
    monkeypatch.setattr("app.core.workflows.stability.measure_changes", None)
    with pytest.raises(InputError, match="cohort's own table"):
        measure(table, table)
    with pytest.raises(RecipeError, match="'glzm'"):
        measure(table, tmp_path / "s.csv", recipe={"name": "wrong", "features": {"classes": ["glzm"]}})

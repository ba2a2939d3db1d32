"""The preview of variants: of the user's own case, as training would draw them; and what is told of networks before."""

import csv
from pathlib import Path

import numpy as np
import pytest

from app.core.deep.augment import preview_variants
from app.core.deep.crops import make_crops
from app.core.errors import InputError, RecipeError
from app.core.io.case import load_case
from app.core.preprocess.chain import prepare
from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from app.core.workflows.picture_preview import preview_pictures
from tests.core.small_cohorts import quiet, write_ball

SEED = 5


@pytest.fixture
def table(tmp_path):
    rows = [("patient", "image", "mask")]
    rows += [(f"P{number}", *write_ball(tmp_path / f"P{number}", 10 + number, seed=number)) for number in range(2)]
    with (tmp_path / "cases.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return tmp_path / "cases.csv"


def recipe(crop=None, augment=None, **network):
    kept = {"set": "largest_slice", "size": 32, **(crop or {})}
    return {"name": "net", "prep": {"normalise": {}}, "features": None,
            "network": {"crop": kept, "augment": augment if augment is not None else {"share": 1.0}, **network}}


def preview(table, asked, **more):
    request = {"source": str(table), "recipe": asked, "folder": str(table.parent / "scratch"), "seed": SEED, **more}
    found = preview_pictures(request, quiet)
    return found, np.load(found["pictures"]), np.load(found["outlines"])


def test_the_variants_are_those_of_training(table):
    asked = recipe()
    found, pictures, outlines = preview(table, asked, place=1, count=3)
    whole = Recipe.parse(asked)
    files = CaseFiles(id="P1", images={"image": str(table.parent / "P1" / "t1.nii.gz")},
                      mask=str(table.parent / "P1" / "mask.nii.gz"))
    crops = make_crops(prepare(load_case(files), whole.prep), whole.network.crop)
    expected = preview_variants(crops.values[0], whole.network, SEED, 3)
    np.testing.assert_array_equal(pictures, expected)
    np.testing.assert_array_equal(outlines[0], crops.outlines[0])
    assert (found["case"], found["place"], found["cases"], found["count"]) == ("P1", 1, 2, 1)
    assert found["varied"] == [True] * 3
    assert found["window"][0] < found["window"][1]


def test_the_outline_goes_where_the_picture_goes(table):
    _, pictures, outlines = preview(table, recipe(augment={"share": 1.0, "noise": 0.0, "gamma": 0.0}))
    for picture, outline in zip(pictures, outlines, strict=True):  # the ball is bright, and so is what is outlined
        assert picture[outline].mean() > picture[~outline].mean() + 1


def test_cases_are_counted_around_and_other_variants_prepare_nothing_again(table, monkeypatch):
    first, pictures, _ = preview(table, recipe())
    assert preview(table, recipe(), place=2)[0]["case"] == first["case"] == "P0"
    monkeypatch.setattr("app.core.preprocess.chain.prepare", lambda *_: pytest.fail("it was prepared before"))
    _, again, _ = preview(table, recipe(), seed=SEED + 100)
    np.testing.assert_array_equal(again[0], pictures[0])
    assert (again[1:] != pictures[1:]).any(axis=(1, 2)).all()


def test_a_volume_shows_its_middle_and_what_is_not_varied_stands_alone(table):
    found, pictures, outlines = preview(table, recipe({"set": "volume", "depth": 8}, kind="resnet10-3d"), count=2)
    assert pictures.shape == outlines.shape == (3, 32, 32)
    assert found["shape"] == [1, 8, 32, 32]
    asked = recipe({"set": "slices"})
    asked["network"]["augment"] = None
    found, pictures, _ = preview(table, asked)
    assert pictures.shape == (1, 32, 32)
    assert found["count"] > 3
    assert found["varied"] == []


def test_what_cannot_be_shown_is_said(table, tmp_path):
    with pytest.raises(RecipeError, match="has no network"):
        preview(table, {"name": "plain"})
    Path(table.parent / "P0" / "t1.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError):
        preview(table, recipe())

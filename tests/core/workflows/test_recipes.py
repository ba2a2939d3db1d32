"""Recipes by name: shipped ones are safe, own ones are kept, renamed and deleted, broken ones are told."""

import json

import pytest

from app.core.errors import InputError, RecipeError
from app.core.recipe import Recipe
from app.core.workflows import list_recipes, save_recipe
from app.core.workflows.recipes import find_recipe
from tests.core.small_cohorts import quiet

OWN = {"name": "mine", "description": "My own", "features": {"classes": ["firstorder"]}}


def listed():
    return {each["name"]: each for each in list_recipes({}, quiet)["recipes"]}


def test_shipped_recipes_are_listed_with_their_kind():
    found = listed()
    assert found["pyradiomics"]["shipped"]
    assert (found["pyradiomics"]["kind"], found["logistic"]["kind"]) == ("features", "model")
    assert all(Recipe.parse(each["recipe"]).name == name for name, each in found.items())
    assert all(each["description"] for each in found.values())


def test_own_recipe_is_kept_found_and_deleted(own_data_folder):
    answer = save_recipe({"recipe": OWN}, quiet)
    assert answer == {"name": "mine", "written": str(own_data_folder / "recipes" / "mine.json"), "features": 20}
    assert not listed()["mine"]["shipped"]
    assert listed()["mine"]["kind"] == "features", "what says nothing of learning stays so"
    assert find_recipe("mine").features.classes == ("firstorder",)
    assert save_recipe({"recipe": OWN, "delete": True}, quiet)["written"] is None
    assert "mine" not in listed()
    with pytest.raises(InputError, match="no own recipe called 'mine'"):
        save_recipe({"recipe": OWN, "delete": True}, quiet)


def test_features_are_counted_and_those_that_there_are_not_are_refused(own_data_folder):
    assert listed()["pyradiomics"]["features"] == 109
    with pytest.raises(RecipeError, match="feature class 'colour'"):
        save_recipe({"recipe": {"name": "odd", "features": {"classes": ["colour"]}}}, quiet)
    assert "odd" not in listed()


def test_renaming_and_editing():
    save_recipe({"recipe": OWN}, quiet)
    with pytest.raises(InputError, match="already a recipe called 'mine'"):
        save_recipe({"recipe": {**OWN, "name": "Mine"}}, quiet)
    with pytest.raises(InputError, match="already a recipe"):
        save_recipe({"recipe": OWN}, quiet)
    save_recipe({"recipe": {**OWN, "description": "Edited"}, "replaces": "mine"}, quiet)
    assert listed()["mine"]["description"] == "Edited"
    save_recipe({"recipe": {**OWN, "name": "other"}, "replaces": "mine"}, quiet)
    assert {"mine", "other"} & set(listed()) == {"other"}


@pytest.mark.parametrize("name", ["pyradiomics", "PyRadiomics"])
def test_a_shipped_name_is_refused(name):
    for delete in (False, True):
        with pytest.raises(InputError, match="the program ships"):
            save_recipe({"recipe": {**OWN, "name": name}, "delete": delete}, quiet)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "dot.", "x" * 90])
def test_a_name_that_is_no_file_name_is_refused(name, own_data_folder):
    with pytest.raises(InputError, match="cannot name a recipe"):
        save_recipe({"recipe": {**OWN, "name": name}}, quiet)
    assert list((own_data_folder / "recipes").glob("*")) == []


def test_a_broken_own_recipe_hides_no_other(own_data_folder):
    save_recipe({"recipe": OWN}, quiet)
    (own_data_folder / "recipes" / "bad.json").write_text('{"name": "bad", "features": {"bin_widt": 3}}')
    answer = list_recipes({}, quiet)
    assert [each["name"] for each in answer["problems"]] == ["bad"]
    assert "mine" in {each["name"] for each in answer["recipes"]}


def test_find_reads_files_and_names_what_there_is(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps(OWN))
    assert find_recipe(str(path)).name == "mine"
    with pytest.raises(InputError, match=r"no recipe 'x'; there are .*pyradiomics"):
        find_recipe("x")
    path.write_text("{")
    with pytest.raises(RecipeError, match="cannot be read"):
        find_recipe(str(path))

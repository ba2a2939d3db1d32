"""The shipped recipes of networks are sound, and stand beside those of features."""

import json

import pytest

from app.core.deep.networks import build_network
from app.core.errors import RecipeError
from app.core.network_recipe import NetworkRecipe
from app.core.paths import program_folder
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows.recipes import find_recipe, list_recipes, own_folder
from tests.core.small_cohorts import quiet

NAMES = ("cnn-2019", "cnn-quick", "cnn-small", "resnet3d", "resnet50-2phase", "resnet50-features-xgb")


def shipped(name):
    return Recipe.parse(program_folder() / "resources" / "recipes" / f"{name}.json")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_of_a_network_is_sound(name):
    recipe = shipped(name)
    assert recipe.name == name
    assert recipe.description
    assert recipe.features is None
    assert isinstance(recipe.network, NetworkRecipe)
    if not name.startswith("resnet50"):
        assert build_network(recipe.network).count_parameters().total < 20e6


def test_the_network_of_2019_is_the_studys():
    network = shipped("cnn-2019").network
    assert network.crop.shape == (1, 128, 128)
    assert (network.crop.scale, network.fit.optimiser, network.dropout) == ("unit", "adam", 0.5)
    assert 545_000 < build_network(network).count_parameters().total < 555_000
    fit = network.fit
    assert (fit.plateau_patience, fit.plateau_factor, fit.stop_patience) == (10, 0.5, 15)


def test_the_two_phases_train_the_new_layers_first():
    network = shipped("resnet50-2phase").network
    assert [phase.unfreeze for phase in network.fit.phases] == ["head", "last"]
    assert network.fit.phases[1].rate < network.fit.phases[0].rate / 10
    assert network.crop.shape == (3, 224, 224)


def test_networks_are_offered_beside_the_others():
    own_folder().mkdir(parents=True)
    own = {"name": "own", "network": {"kind": "cnn-small"}}
    (own_folder() / "own.json").write_text(json.dumps(own), encoding="utf-8")
    listed = {each["name"]: each for each in list_recipes({}, quiet)["recipes"]}
    assert {name for name, each in listed.items() if each["kind"] == "network"} == {*NAMES, "own"}
    assert all(listed[name]["title"] != name for name in NAMES)
    assert find_recipe("cnn-small").network == shipped("cnn-small").network


def test_site_effects_are_not_removed_from_pictures():
    told = {"name": "both", "network": {"kind": "cnn-small"}, "harmonise": {"method": "combat"}}
    with pytest.raises(RecipeError, match="not from the pictures of a network"):
        Recipe.parse(told)
    run = TrainRequest.parse({
        "table": "t.csv", "label": "label", "patient": "patient", "out": "o", "harmonise": {"method": "combat"},
        "recipes": [{"name": "a", "features": None, "network": {"kind": "cnn-small"}}, {"name": "b"}]})
    assert [recipe.harmonise.method for recipe in run.settled] == ["none", "combat"]
    assert [recipe.features is None for recipe in run.settled] == [True, False], "each looks at its own"

"""The shipped recipes of networks are sound, and nothing offers or runs them before they can be trained."""

import json

import pytest

from app.core.deep.networks import build_network
from app.core.errors import RecipeError
from app.core.network_recipe import NetworkRecipe
from app.core.paths import program_folder
from app.core.recipe import Recipe
from app.core.workflows.recipes import find_recipe, list_recipes, own_folder
from app.core.workflows.validating import make_model
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


def test_networks_are_not_offered_before_they_can_be_trained():
    own_folder().mkdir(parents=True)
    own = {"name": "own", "network": {"kind": "cnn-small"}}
    (own_folder() / "own.json").write_text(json.dumps(own), encoding="utf-8")
    listed = list_recipes({}, quiet)
    assert not {each["name"] for each in listed["recipes"]} & {*NAMES, "own"}
    assert {"default", "rf"} < {each["name"] for each in listed["recipes"]}
    assert listed["problems"] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_not_mistaken_for_a_recipe_of_features(name):
    with pytest.raises(RecipeError, match=f"'{name}' describes a network"):
        find_recipe(name)
    with pytest.raises(RecipeError, match=f"'{name}' describes a network"):
        make_model(shipped(name), None, 0)

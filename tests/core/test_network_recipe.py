"""Recipes of networks: what does not fit together is told in one sentence; recipes without a network are as before."""

import pytest

from app.core.errors import RecipeError
from app.core.network_recipe import CropRecipe, NetworkRecipe
from app.core.recipe import Recipe

OF_TODAY = {"name": "rf", "description": "", "prep": {"normalise": {"method": "zscore"}}, "model": {"kind": "rf"}}


def test_a_recipe_without_a_network_reads_and_writes_as_before_there_were_any():
    recipe = Recipe.parse(OF_TODAY)
    assert recipe.network is None
    assert "network" not in recipe.model_dump(mode="json")
    assert "network" not in recipe.model_dump_json()
    assert Recipe.parse(recipe.model_dump(mode="json")) == recipe


def test_a_network_survives_json():
    recipe = Recipe.parse({"name": "n", "features": None, "network": {
        "kind": "resnet50", "head": [64], "crop": {"set": "neighbours", "channels": 3, "mask_channel": True},
        "fit": {"phases": [{"unfreeze": "head", "epochs": 3}, {"unfreeze": "last", "rate": 1e-5}]}}})
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert recipe.network.crop.shape == (4, 128, 128)
    assert [phase.unfreeze for phase in recipe.network.fit.phases] == ["head", "last"]


def test_the_shape_of_pictures():
    assert CropRecipe().shape == (1, 128, 128)
    assert CropRecipe(set="volume", size=64, depth=16, channels=3, mask_channel=True).shape == (4, 16, 64, 64)


@pytest.mark.parametrize(("network", "words"), [
    ({"kind": "cnn-2020"}, "cnn-2020"),
    ({"crop": {"size": 8}}, "crop.size"),
    ({"kind": "resnet18-3d"}, "resnet18-3d does not learn from the crops 'largest_slice'"),
    ({"kind": "resnet18", "crop": {"set": "volume"}}, "resnet18 does not learn from the crops 'volume'"),
    ({"crop": {"set": "neighbours"}}, "two neighbours are 3 channels"),
    ({"kind": "densenet121", "crop": {"size": 16}}, "at least 32 pixels"),
    ({"standardise": "imagenet"}, "3 channels between 0 and 1"),
    ({"standardise": "imagenet", "crop": {"channels": 3}}, "3 channels between 0 and 1"),
    ({"fit": {"phases": [{"unfreeze": "tail"}]}}, "phases"),
    ({"fit": {"learning_rate": 1}}, "learning_rate"),
    ({"head": [0]}, "head"),
    ({"members": [{"crop": {"size": 64}}]}, "the same pictures"),
    ({"members": [{"members": [{}]}]}, "members itself"),
    ({"use": "features", "copies": 2}, "one network"),
    ({"use": "features", "tune": False}, "not trained"),
    ({"use": "score", "tune": False, "weights": "w.pth"}, "not trained"),
])
def test_what_does_not_fit_together_is_told(network, words):
    with pytest.raises(RecipeError, match=words):
        Recipe.parse({"name": "n", "network": network})


def test_members_look_at_the_same_pictures():
    recipe = NetworkRecipe.parse({"members": [{"kind": "resnet18"}, {"kind": "cnn-2019"}], "combine": "majority"})
    assert [member.kind for member in recipe.members] == ["resnet18", "cnn-2019"]

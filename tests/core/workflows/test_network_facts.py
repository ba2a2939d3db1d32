"""What is told of networks before they are trained: device, size, and whether their weights do."""

import torch

from app.core.deep.networks import build_network
from app.core.paths import data_folder
from app.core.recipe import Recipe
from app.core.workflows.network_facts import describe_devices, describe_networks
from tests.core.small_cohorts import quiet


def asked(name="net", **network):
    return {"name": name, "features": None, "network": {"kind": "resnet18", "crop": {"size": 32}, **network}}


def describe(*recipes):
    return describe_networks({"recipes": list(recipes)}, quiet)["networks"]


def test_the_device_is_named():
    device = describe_devices({}, quiet)["device"]
    assert device["kind"] in ("cuda", "mps", "cpu")
    assert device["described"].startswith(device["name"])


def test_parameters_are_counted_and_recipes_without_a_network_passed_over():
    found = describe(asked(copies=3), asked("small", kind="cnn-small"), {"name": "plain"})
    assert set(found) == {"net", "small"}
    whole = build_network(Recipe.parse(asked()).network)
    assert found["net"]["parameters"] == sum(each.numel() for each in whole.parameters())
    assert found["net"]["copies"] == 3
    assert found["net"]["weights"] is None


def test_weights_that_are_not_there_are_told_with_their_place():
    weights = describe(asked(weights="resnet18.pth"))["net"]["weights"]
    assert not weights["fits"]
    assert weights["file"] == "resnet18.pth"
    assert weights["folder"] == str(data_folder() / "weights")
    assert "are not there" in weights["message"]


def test_weights_are_tried_on_the_network():
    folder = data_folder() / "weights"
    folder.mkdir(parents=True)
    torch.save(build_network(Recipe.parse(asked()).network).backbone.state_dict(), folder / "resnet18.pth")
    found = describe(asked(weights="resnet18.pth"), asked("other", kind="resnet50", weights="resnet18.pth"))
    assert found["net"]["weights"]["fits"]
    assert "100% of the numbers" in found["net"]["weights"]["message"]
    assert not found["other"]["weights"]["fits"]
    assert "does not fit a resnet50" in found["other"]["weights"]["message"]

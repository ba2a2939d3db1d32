"""Weights: torchvision's files give the reference network's output; what does not fit is told, or refused."""

import hashlib
import json
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from app.core.deep.networks import build_network
from app.core.deep.weights import (
    WEIGHTS,
    describe_tensors,
    hash_file,
    load_weights,
    read_weights,
    save_weights,
    start_network,
)
from app.core.errors import InputError
from app.core.network_recipe import NetworkRecipe
from tests.core.deep.reference_resnet import make_reference

RGB = {"size": 64, "channels": 3, "scale": "unit"}
CROP = {"size": 32}


def recipe(kind, path, crop=RGB, **changes):
    return NetworkRecipe.parse({"kind": kind, "weights": str(path), "crop": crop, **changes})


def random_pictures(channels=3, size=64):
    return torch.from_numpy(np.random.default_rng(3).random((2, channels, size, size), dtype=np.float32))


@pytest.fixture(scope="module")
def resnet50(tmp_path_factory):
    reference = make_reference("resnet50", seed=1)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(reference.state_dict(), path)
    return reference, path


@pytest.fixture(scope="module")
def resnet18(tmp_path_factory):
    reference = make_reference("resnet18", seed=2)
    path = tmp_path_factory.mktemp("weights") / "resnet18.pth"
    torch.save(reference.state_dict(), path)
    return reference, path


def test_resnet50_of_torchvisions_layout_loads_strictly_and_answers_as_the_reference(resnet50):
    reference, path = resnet50
    assert sum(p.numel() for p in reference.parameters()) == 25_557_032, "torchvision's resnet50"
    asked = recipe("resnet50", path)
    network = build_network(asked).eval()
    before = network.embed(random_pictures())
    loaded = load_weights(network, asked, strict=True)
    assert loaded.share == 1.0
    assert loaded.missing == loaded.unexpected == loaded.reshaped == loaded.adapted == ()
    assert loaded.classifier == ("fc.bias", "fc.weight"), "the thousand classes of the file are nobody's"
    with torch.no_grad():
        ours, theirs = network.embed(random_pictures()), reference.embed(random_pictures())
        network.head = reference.fc
        assert torch.allclose(network.head(ours), reference(random_pictures()), rtol=1e-4, atol=1e-5)
    assert ours.shape == (2, 2048)
    assert not torch.allclose(before, theirs, rtol=0.1)
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_resnet18_answers_as_the_reference_on_pictures_standardised_as_imagenet(resnet18):
    reference, path = resnet18
    network, _ = start_network(recipe("resnet18", path, standardise="imagenet"))
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    standardised = (random_pictures() - mean[:, None, None]) / deviation[:, None, None]
    with torch.no_grad():
        assert torch.allclose(network.eval().embed(random_pictures()), reference.embed(standardised), atol=1e-5)


@pytest.mark.parametrize("mask_channel", [False, True])
def test_one_grey_channel_answers_as_three_alike(resnet18, mask_channel):
    reference, path = resnet18
    network, loaded = start_network(recipe("resnet18", path, {"size": 64, "mask_channel": mask_channel}))
    assert loaded.adapted == ("backbone.conv1.weight",)
    grey = random_pictures(1 + mask_channel)
    with torch.no_grad():
        theirs = reference.embed(grey[:, :1].repeat(1, 3, 1, 1))
        assert torch.allclose(network.eval().embed(grey), theirs, atol=1e-5)


def test_the_file_is_told_of(resnet18):
    _, path = resnet18
    loaded = start_network(recipe("resnet18", path, weights_origin="ImageNet", weights_licence="BSD-3-Clause"))[1]
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    told = loaded.describe()
    assert "Origin: ImageNet. Licence: BSD-3-Clause." in told
    assert "2 of its own classifier are not used: fc.bias, fc.weight" in told
    assert start_network(recipe("resnet18", path))[1].describe().endswith("Licence: not stated.")


def test_a_file_is_found_by_its_name_in_the_data_folder(resnet18, own_data_folder):
    with pytest.raises(InputError, match=r"'own\.pth' are not there.*weights"):
        start_network(recipe("resnet18", "own.pth"))
    (own_data_folder / "weights").mkdir()
    (own_data_folder / "weights" / "own.pth").write_bytes(resnet18[1].read_bytes())
    assert start_network(recipe("resnet18", "own.pth"))[1].share == 1


def test_another_file_than_the_expected_one_is_refused(resnet18):
    _, path = resnet18
    start_network(recipe("resnet18", path, weights_sha256=hash_file(path)))
    with pytest.raises(InputError, match="not the file that the recipe expects"):
        start_network(recipe("resnet18", path, weights_sha256="0" * 64))


def test_a_deeper_network_whose_names_all_match_is_refused(tmp_path):
    torch.save(make_reference("resnet34", seed=0).state_dict(), tmp_path / "resnet34.pth")
    asked = recipe("resnet18", tmp_path / "resnet34.pth")
    network = build_network(asked)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match="does not fit a resnet18"):
        load_weights(network, asked)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items()), "nothing was taken"


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda state: {f"other.{name}": value for name, value in state.items()}, "0%"),
    (lambda state: {name: value for name, value in state.items() if not name.startswith("layer4")}, "layer4"),
    (lambda state: {name: value[..., :1, :1] if value.ndim == 4 else value for name, value in state.items()}, "shape"),
    (lambda state: {**state, "bn1.weight": torch.full((64,), torch.nan)}, "undefined or infinite numbers.*bn1.weight"),
    (lambda _state: {"epoch": 3}, "no tensors"),
], ids=["nothing", "too little", "other shapes", "undefined", "no tensors"])
def test_what_does_not_fit_is_refused(resnet18, tmp_path, spoil, words):
    torch.save(spoil(resnet18[0].state_dict()), tmp_path / "spoilt.pth")
    with pytest.raises(InputError, match=words):
        start_network(recipe("resnet18", tmp_path / "spoilt.pth"))


def test_a_few_missing_tensors_are_told_and_refused_only_when_strict(resnet18, tmp_path):
    state = {name: value for name, value in resnet18[0].state_dict().items() if name != "layer1.0.bn1.weight"}
    wrapped = {f"module.{name}": value for name, value in state.items()}
    torch.save({"epoch": 7, "state_dict": wrapped}, tmp_path / "w.pth")
    asked = recipe("resnet18", tmp_path / "w.pth")
    network, loaded = start_network(asked)
    assert loaded.missing == ("backbone.layer1.0.bn1.weight",)
    assert 0.99 < loaded.share < 1
    with pytest.raises(InputError, match="1 are missing"):
        load_weights(network, asked, strict=True)


class Harmful:
    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("content", [pickle.dumps({"conv1.weight": Harmful()}), b"", b"no file of weights",
                                     pickle.dumps([1, 2])], ids=["code", "empty", "text", "list"])
@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_file_that_holds_anything_else_is_refused_and_not_run(tmp_path, capsys, content, ending):
    path = tmp_path / f"weights.{ending}"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"without running code|no tensors"):
        read_weights(path)
    torch.save({"conv1.weight": Harmful()}, tmp_path / "saved.pth")
    with pytest.raises(InputError, match="without running code"):
        read_weights(tmp_path / "saved.pth")
    assert capsys.readouterr().out == ""
    with pytest.raises(InputError, match="are not there"):
        start_network(recipe("resnet18", tmp_path / "nowhere.pth"))


@pytest.mark.parametrize("legacy", [False, True])
def test_densenet_of_torchvisions_names_loads(tmp_path, legacy):
    asked = recipe("densenet121", tmp_path / "densenet.safetensors", CROP)
    made = build_network(asked, seed=4)
    state = {}
    for name, value in made.backbone.state_dict().items():
        name = name.replace(".layers.", ".")
        for part in ("norm1", "conv1", "norm2", "conv2"):
            if legacy and ".denselayer" in name:
                name = name.replace(f".{part}.", f".{part[:-1]}.{part[-1]}.")
        state[name] = value.clone()
    assert f"features.denseblock1.denselayer1.{'norm.1' if legacy else 'norm1'}.weight" in state
    save_file({**state, "classifier.weight": torch.zeros(1000, 1024)}, tmp_path / "densenet.safetensors")
    network = build_network(asked, seed=5)
    loaded = load_weights(network, asked, strict=True)
    assert (loaded.unexpected, loaded.classifier) == ((), ("classifier.weight",))
    with torch.no_grad():
        pictures = random_pictures(1, 32)
        assert torch.equal(network.eval().embed(pictures), made.eval().embed(pictures))


def test_a_saved_network_comes_back_with_its_head_and_says_what_it_takes(tmp_path):
    asked = NetworkRecipe.parse({"kind": "cnn-small", "head": [8], "crop": {**CROP, "mask_channel": True}})
    made = build_network(asked, seed=1).eval()
    assert save_weights(made, asked, tmp_path / "model" / WEIGHTS) == hash_file(tmp_path / "model" / WEIGHTS)
    again, loaded = start_network(asked.model_copy(update={"weights": str(tmp_path / "model")}), seed=2)
    assert loaded.unexpected == loaded.classifier == loaded.missing == ()
    with torch.no_grad():
        pictures = random_pictures(2, 32)
        assert torch.equal(again.eval()(pictures), made(pictures))
    with safe_open(tmp_path / "model" / WEIGHTS, "pt") as file:
        contract = json.loads(file.metadata()["contract"])
    assert contract == json.loads(json.dumps(describe_tensors(made, asked)))
    image = contract["inputs"]["image"]
    assert (image["num_channels"], image["spatial_shape"], image["axes"]) == (2, [32, 32], ["n", "channel", "y", "x"])
    assert image["channel_def"] == {"0": "grey", "1": "outline"}
    assert contract["outputs"]["features"]["shape"] == ["n", 128]

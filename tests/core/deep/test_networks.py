"""Networks by name: shapes, numbers of parameters, parts that can be frozen, and the same first weights by seed."""

import numpy as np
import pytest
import torch
from torch import nn

from app.core.deep.explain import draw_gradcam
from app.core.deep.networks import BUILDERS, build_network
from app.core.network_recipe import NetworkRecipe

FLAT, VOLUME = {"size": 32}, {"set": "volume", "size": 32, "depth": 8}


def recipe(kind, **changes):
    return NetworkRecipe.parse({"kind": kind, "crop": VOLUME if kind.endswith("-3d") else FLAT, **changes})


def pictures(asked, count=2):
    rng = np.random.default_rng(1)
    return rng.normal(size=(count, *asked.crop.shape)).astype(np.float32)


def test_the_network_of_2019_has_about_550_000_parameters():
    network = build_network(NetworkRecipe(kind="cnn-2019"))
    blocks = sum(9 * before * width + width + 2 * width for before, width in ((1, 16), (16, 32), (32, 64)))
    dense = 16 * 16 * 64 * 32 + 32
    count = network.count_parameters()
    assert (count.backbone, count.head, count.total) == (blocks + dense, 33, 547_873)
    kinds = [type(part) for part in network.backbone[0]]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, nn.ReLU, nn.MaxPool2d, nn.Dropout]


@pytest.mark.parametrize(("kind", "features", "total"), [
    ("cnn-small", 128, None), ("resnet18", 512, 11_176_512), ("resnet50", 2048, 23_508_032),
    ("densenet121", 1024, 6_953_856), ("resnet10-3d", 512, None),
])
def test_pictures_become_features_and_logits(kind, features, total):
    asked = recipe(kind)
    network = build_network(asked).eval()
    given = torch.from_numpy(pictures(asked))
    with torch.no_grad():
        embedded, logits = network.embed(given), network(given)
        np.testing.assert_allclose(network.head(embedded)[:, 0], logits, atol=1e-6)
    assert embedded.shape == (2, features) == (2, network.features)
    assert logits.shape == (2,)
    assert logits[0] != logits[1]
    if total is not None:  # torchvision's own counts, without the classifier, for three channels
        first = next(network.backbone.parameters())
        assert network.count_parameters().backbone == total - 2 * first.numel()


def test_every_kind_of_the_recipe_can_be_built():
    assert set(BUILDERS) == set(NetworkRecipe.model_fields["kind"].annotation.__args__)


@pytest.mark.parametrize("kind", ["cnn-2019", "cnn-small", "resnet18", "densenet121", "resnet10-3d"])
def test_the_parts_hold_every_parameter_once_and_end_with_the_head(kind):
    network = build_network(recipe(kind, head=[16, 4]))
    listed = [id(each) for part in network.parts() for layer in part for each in layer.parameters()]
    assert sorted(listed) == sorted(id(each) for each in network.parameters())
    assert network.parts()[-1] == [network.head]
    assert len(network.parts()) == (6 if kind.startswith(("resnet", "densenet")) else 5)


def test_the_head_has_the_blocks_that_were_asked_for():
    head = build_network(recipe("cnn-small", head=[16, 4], dropout=0.3)).head
    assert [type(part).__name__ for part in head] == [*["Linear", "BatchNorm1d", "ReLU", "Dropout"] * 2, "Linear"]
    assert [(part.in_features, part.out_features) for part in head if isinstance(part, nn.Linear)] == [
        (128, 16), (16, 4), (4, 1)]
    assert {part.p for part in head if isinstance(part, nn.Dropout)} == {0.3}


def test_a_seed_gives_the_first_weights_and_disturbs_nobody():
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    first, again, other = (build_network(recipe("cnn-small"), seed).state_dict() for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), wanted)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_the_small_network_answers_alike_whoever_shares_the_batch():
    asked = recipe("cnn-small", dropout=0.0)
    network, given = build_network(asked).train(), torch.from_numpy(pictures(asked, 4))
    with torch.no_grad():
        together, alone = network(given), torch.cat([network(each[None]) for each in given])
    assert torch.allclose(together, alone, atol=1e-5)


def test_pictures_are_standardised_as_imagenet_and_outlines_are_not():
    crop = {"size": 32, "channels": 3, "scale": "unit", "mask_channel": True}
    plain = build_network(recipe("resnet18", crop=crop)).eval()
    network = build_network(recipe("resnet18", crop=crop, standardise="imagenet")).eval()
    assert plain.state_dict().keys() == network.state_dict().keys(), "what standardises is no weight"
    given = torch.rand(2, 4, 32, 32)
    standardised = given.clone()
    for channel, (mean, deviation) in enumerate(((0.485, 0.229), (0.456, 0.224), (0.406, 0.225))):
        standardised[:, channel] = (given[:, channel] - mean) / deviation
    with torch.no_grad():
        assert torch.allclose(network.embed(given), plain.embed(standardised), atol=1e-5)


@pytest.mark.parametrize("kind", ["cnn-2019", "cnn-small", "resnet18", "densenet121", "resnet10-3d"])
def test_the_last_map_of_places_can_be_drawn(kind):
    asked = recipe(kind)
    network = build_network(asked)
    for norm in network.modules():
        if hasattr(norm, "running_var"):
            nn.init.uniform_(norm.running_var, 0.5, 1.5)
    drawn = draw_gradcam(network, pictures(asked, 1), layer=network.maps)
    assert drawn.shape == (1, *asked.crop.shape[1:])
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("kind", ["cnn-2019", "cnn-small"])
def test_a_small_cohort_can_be_learned(kind):
    asked = recipe(kind, dropout=0.0, crop={"size": 16})
    given = torch.from_numpy(pictures(asked, 16))
    labels = torch.arange(16) % 2
    given[labels == 1, :, 4:9, 6:12] += 2.0
    network = build_network(asked).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(25):
        loss = nn.functional.binary_cross_entropy_with_logits(network(given), labels.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1

"""Bundles of networks: they answer after reading as before, and a file that holds anything else is refused."""

import json
import struct

import numpy as np
import pytest
from safetensors.numpy import load, save

from app.core.bundle import WEIGHTS, Bundle, pack_tensors
from app.core.deep import weights as deep_weights
from app.core.deep.combine import combine_answers
from app.core.errors import BundleError
from tests.core.small_networks import describe_estimator, make_networks, small_recipe, write_networks

RECIPE = small_recipe().network
STATES = make_networks(RECIPE)


@pytest.fixture
def pictures():
    return np.random.default_rng(5).normal(size=(1, 2, 16, 16)).astype(np.float32)


def refused(folder, **changes):
    bundle = write_networks(folder / "bad-net", **changes)
    with pytest.raises(BundleError) as caught:
        _ = bundle.pictures
    return str(caught.value)


def changed(change):
    """The right file with one thing changed in its tensors."""
    tensors = load(pack_tensors(STATES))
    change(tensors)
    return save(tensors, metadata={"format": "pt"})


def test_the_file_is_called_as_the_networks_call_it():
    assert WEIGHTS == deep_weights.WEIGHTS


def test_read_again_answers_the_same(tmp_path, pictures):
    first = write_networks(tmp_path / "net", copies=3)
    again = Bundle.load(tmp_path / "net")
    assert first.pictures.log_odds([pictures], [{}]) == again.pictures.log_odds([pictures], [{}])
    assert len(again.pictures.networks) == 3
    assert again.pictures.networks.parameters == again.specification.estimator.parameters
    assert all(not network.training for network in again.pictures.networks.modules)


@pytest.mark.parametrize("kind", ["cnn-2019", "resnet18", "densenet121", "resnet10-3d"])
def test_every_kind_is_read_again_with_all_its_tensors(tmp_path, kind):
    crop = {"set": "volume", "size": 16, "depth": 8} if kind.endswith("3d") else {"size": 32}
    bundle = write_networks(tmp_path / "net", kind=kind, crop={**crop, "mask_channel": True})
    states = make_networks(bundle.specification.recipe.network)
    for module, state in zip(bundle.pictures.networks.modules, states, strict=True):
        read = module.state_dict()
        assert set(read) == set(state)
        for name, value in state.items():
            np.testing.assert_array_equal(read[name].numpy(), value, err_msg=name)


def test_log_odds_variance_and_distance_are_those_of_the_networks(tmp_path, pictures):
    model = write_networks(tmp_path / "net", copies=3)
    found = model.predict({}, pictures=pictures)
    answers = model.pictures.networks.ask([pictures])
    assert found.log_odds == pytest.approx(4 * combine_answers(answers, "mean")[0] + 0.5, abs=1e-12)
    alone = 4 * np.log(answers[:, 0] / (1 - answers[:, 0]))
    assert found.seen.spread_networks == pytest.approx(np.std(alone, ddof=1))
    varied = model.pictures.networks.vary(pictures)
    assert len(varied) == 3
    assert found.seen.spread_views == pytest.approx(np.std(model.pictures.log_odds(varied, [{}] * 3), ddof=1))
    assert found.seen.spread_views > 0
    assert found.variance == pytest.approx(found.seen.spread_networks**2 + found.seen.spread_views**2)
    assert found.contributions == ()
    assert model.distance({}, found.seen.embedded)[0] == pytest.approx(np.linalg.norm(found.seen.embedded))
    assert model.predict({}, pictures=pictures).log_odds == found.log_odds


def test_one_network_without_variants_has_no_spread(tmp_path, pictures):
    seen = write_networks(tmp_path / "net", augment=None).predict({}, pictures=pictures).seen
    assert (seen.spread_networks, seen.spread_views) == (0.0, 0.0)


def test_a_row_of_features_has_no_picture(tmp_path):
    with pytest.raises(BundleError, match="looks at pictures, and a row of features has none"):
        write_networks(tmp_path / "net").predict({"volume_ml": 3.0})


def test_a_majority_votes(tmp_path, pictures):
    model = write_networks(tmp_path / "net", copies=3, combine="majority")
    votes = (model.pictures.networks.ask([pictures])[:, 0] >= 0.5).mean()
    assert model.log_odds({}, pictures=pictures) == pytest.approx(4 * (votes - 0.5) + 0.5)


@pytest.mark.parametrize("keep", [0, 5, 8, 200, -1])
def test_truncated_file_is_refused(tmp_path, keep):
    message = refused(tmp_path, weights=pack_tensors(STATES)[:keep])
    assert message.startswith("The file weights.safetensors of the model 'bad-net' cannot be read as tensors.")


@pytest.mark.parametrize("junk", [b"\x80\x04cos\nsystem\n(S'true'\ntR.", struct.pack("<Q", 2**40) + b"{",
                                  struct.pack("<Q", 90_000_000) + b"{" + b" " * 1000, struct.pack("<Q", 2) + b"[]",
                                  struct.pack("<Q", 20) + b'{"a":{"dtype":"F32"}'])  # fmt: skip
def test_what_is_no_file_of_tensors_is_refused(tmp_path, junk):
    assert "cannot be read as tensors" in refused(tmp_path, weights=junk)


def test_a_huge_header_is_refused_before_it_is_read(tmp_path, monkeypatch):
    import safetensors

    def fail(*_args, **_more):
        raise AssertionError("the header was read")

    monkeypatch.setattr(safetensors, "safe_open", fail)
    header = json.dumps({f"t{n}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(5000)}).encode()
    assert "cannot be read" in refused(tmp_path, weights=struct.pack("<Q", len(header)) + header)


def test_tensors_that_lie_over_each_other_are_refused(tmp_path):
    raw = pack_tensors(STATES)
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    first, second = sorted(name for name in header if name != "__metadata__")[:2]
    header[first]["data_offsets"] = header[second]["data_offsets"]
    text = json.dumps(header).encode()
    assert "cannot be read" in refused(tmp_path, weights=struct.pack("<Q", len(text)) + text + raw[8 + length :])


def test_missing_and_extra_tensors_are_refused(tmp_path):
    name = next(iter(sorted(load(pack_tensors(STATES)))))
    message = refused(tmp_path, weights=changed(lambda tensors: tensors.pop(name)))
    assert message.startswith(f"The weights of the model 'bad-net' lack the tensor {name}.")
    message = refused(tmp_path, weights=changed(lambda tensors: tensors.update({"0/extra": np.zeros(3, np.float32)})))
    assert "hold a tensor that it does not list: 0/extra" in message


def test_other_shapes_and_types_are_refused(tmp_path):
    def reshape(tensors):
        tensors["0/head.1.weight"] = np.ascontiguousarray(tensors["0/head.1.weight"].T)

    message = refused(tmp_path, weights=changed(reshape))
    width = STATES[0]["head.1.weight"].shape[1]
    assert f"0/head.1.weight of the model 'bad-net' is {width} x 1 of float32, 1 x {width} of float32 was" in message

    def widen(tensors):
        tensors["0/head.1.weight"] = tensors["0/head.1.weight"].astype(np.float64)

    assert f"is 1 x {width} of F64, 1 x {width} of float32 was expected" in refused(tmp_path, weights=changed(widen))


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, number):
    def spoil(tensors):
        tensors["0/head.1.bias"] = np.array([number], dtype=np.float32)

    message = refused(tmp_path, weights=changed(spoil))
    assert "The tensor 0/head.1.bias of the model 'bad-net' holds undefined or infinite numbers." in message


def test_specification_and_file_that_agree_on_another_network_are_refused(tmp_path):
    """Both are what someone made who mends the hashes too."""
    states = [{**STATES[0], "head.1.weight": np.zeros((1, 7), np.float32)}]
    estimator = describe_estimator(RECIPE, STATES).model_copy(
        update={"tensors": describe_estimator(RECIPE, states).tensors})
    message = refused(tmp_path, weights=pack_tensors(states), estimator=estimator)
    assert "are another network's: a cnn-small has no tensor 0/head.1.weight of that kind" in message
    renamed = [{("odd" if name == "head.1.bias" else name): value for name, value in STATES[0].items()}]
    estimator = estimator.model_copy(update={"tensors": describe_estimator(RECIPE, renamed).tensors})
    assert "are another network's" in refused(tmp_path, weights=pack_tensors(renamed), estimator=estimator)


def test_a_training_space_of_other_features_is_refused(tmp_path):
    bundle = write_networks(tmp_path / "bad-net")
    training = bundle.specification.training
    space = training.space.model_copy(update={"centre": training.space.centre[1:]})
    changed = bundle.specification.model_copy(update={"training": training.model_copy(update={"space": space})})
    with pytest.raises(BundleError, match="features that the model 'bad-net' lists are not those of its networks"):
        _ = Bundle(bundle.folder, changed).pictures


def test_a_contract_of_other_pictures_is_refused(tmp_path):
    right = describe_estimator(RECIPE, STATES)
    other = describe_estimator(small_recipe(crop={"set": "largest_slice", "size": 32, "mask_channel": True}).network,
                               STATES)
    assert other.tensors == right.tensors
    estimator = right.model_copy(update={"contract": other.contract})
    assert "the pictures that it expects are not the recipe's" in refused(tmp_path, estimator=estimator)
    fewer = right.model_copy(update={"networks": (right.networks[0].model_copy(update={"parameters": 7}),)})
    assert "its count of parameters" in refused(tmp_path, estimator=fewer)
    assert "list of networks is not the recipe's" in refused(tmp_path, estimator=right, copies=2)


def test_a_recipe_that_asks_for_more_than_the_file_holds_is_refused_before_it_is_built(tmp_path, monkeypatch):
    from app.core.deep import networks

    bundle = write_networks(tmp_path / "bad-net")
    recipe = bundle.specification.recipe
    monkeypatch.setattr(networks, "build_network", lambda *_args: pytest.fail("a network was built"))
    network = recipe.network.model_copy(update={"head": (4096,) * 200})
    greedy = bundle.specification.model_copy(update={"recipe": recipe.model_copy(update={"network": network})})
    with pytest.raises(BundleError, match="list of networks is not the recipe's"):
        _ = Bundle(bundle.folder, greedy).pictures

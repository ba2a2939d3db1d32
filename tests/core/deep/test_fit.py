import numpy as np
import pytest
import torch
from torch import nn

from app.core.deep.checkpoint import Checkpoint, describe_training
from app.core.deep.device import find_device
from app.core.deep.fit import train_network
from app.core.deep.phases import freeze, make_optimiser, set_training, split_blocks
from app.core.deep.predict import Sample, predict_logits
from app.core.errors import Cancelled, EngineError, RecipeError
from app.core.evaluate.metrics import auc
from app.core.network_recipe import FitRecipe, NetworkRecipe, PhaseRecipe
from tests.core.deep.toy_networks import ToyNetwork, make_pictures

CPU = find_device("cpu")
FIT = FitRecipe(epochs=8, batch=16, rate=0.03, imbalance="none")


def split(count=80, seed=0, signal=2.0):
    pictures, labels = make_pictures(count, seed, signal)
    rows = np.arange(count)
    aside = rows % 5 == 0
    return Sample(pictures, rows[~aside], rows[~aside]), Sample(pictures, rows[aside], rows[aside]), labels


def toy(seed=0):
    torch.manual_seed(seed)
    return ToyNetwork()


def train(fit=FIT, network=None, seed=1, parts=None, **more):
    network = network or toy()
    trained, watched, labels = parts or split()
    return network, train_network(network, NetworkRecipe(fit=fit), trained, watched, labels, seed, CPU, **more)


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def shake(picture, seed):
    return picture + np.random.default_rng(seed).normal(0, 0.1, picture.shape).astype(np.float32)


def test_a_signal_is_learned():
    network, found = train()
    pictures, labels = make_pictures(100, 9)
    rows = np.arange(100)
    assert auc(labels, predict_logits(network, Sample(pictures, rows, rows), CPU)) > 0.9
    assert found.history[-1].trained < found.history[0].trained
    assert found.logits.shape == (len(found.history), 16)
    losses = [epoch.watched for epoch in found.history]
    assert found.best == int(np.argmin(losses)) + 1


def test_the_best_weights_are_kept():
    network, found = train()
    _, watched, _ = split()
    assert predict_logits(network, watched, CPU) == pytest.approx(found.logits[found.best - 1], abs=1e-6)


def test_the_same_seed_gives_the_same_weights_and_another_does_not():
    first, other, third = (train(FIT.model_copy(update={"epochs": 2}), seed=seed)[0] for seed in (1, 1, 2))
    assert_same(weights(first), weights(other))
    assert not torch.equal(first.head[1].weight, third.head[1].weight)


PHASES = FIT.model_copy(
    update={"phases": (PhaseRecipe(unfreeze="head", epochs=2, rate=0.02), PhaseRecipe(epochs=3, rate=0.01))}
)


@pytest.mark.parametrize("stop", [2, 7, 18])
def test_stopped_and_taken_up_gives_the_weights_of_an_unbroken_training(tmp_path, stop):
    whole, told = train(PHASES, vary=shake)
    calls = 0

    def report(fraction, message):
        nonlocal calls
        calls += 1
        if calls == stop:
            raise Cancelled

    kept = Checkpoint(tmp_path / "state.pt", "key", every=1e9)
    with pytest.raises(Cancelled):
        train(PHASES, vary=shake, report=report, checkpoint=kept)
    network, found = train(PHASES, toy(5), vary=shake, checkpoint=Checkpoint(tmp_path / "state.pt", "key"))
    assert_same(weights(network), weights(whole))
    assert found.history == told.history
    assert (found.logits == told.logits).all()


def test_killed_in_the_middle_of_an_epoch_the_last_kept_state_is_taken_up(tmp_path):
    whole, _ = train(PHASES, vary=shake)

    class Killed(BaseException):
        pass

    def on_epoch(epoch):
        if epoch.number == 4:
            raise Killed

    path = tmp_path / "state.pt"
    with pytest.raises(Killed):
        train(PHASES, vary=shake, on_epoch=on_epoch, checkpoint=Checkpoint(path, "key", every=0.0))
    assert Checkpoint(path, "another").load() is None
    seen = []
    network, _ = train(PHASES, toy(5), vary=shake, on_epoch=seen.append, checkpoint=Checkpoint(path, "key"))
    assert_same(weights(network), weights(whole))
    assert [epoch.number for epoch in seen] == [1, 2, 3, 4, 5]
    again, _ = train(PHASES, toy(6), vary=shake, checkpoint=Checkpoint(path, "key"))
    assert_same(weights(again), weights(whole))


def test_a_damaged_state_is_passed_over(tmp_path):
    path = tmp_path / "state.pt"
    path.write_bytes(b"not a state")
    assert Checkpoint(path, "key").load() is None
    assert describe_training({"seed": 1}) != describe_training({"seed": 2})


def test_a_training_learns_nothing_from_what_is_watched():
    """Other watched pictures change when it stops, never the weights of an epoch."""
    fit = FIT.model_copy(update={"epochs": 1})
    trained, watched, labels = split()
    noise = np.random.default_rng(3).normal(size=(200, *watched.pictures.shape[1:])).astype(np.float32)
    other = Sample(noise, watched.rows, watched.cases)
    assert_same(
        weights(train(fit, parts=(trained, watched, labels))[0]), weights(train(fit, parts=(trained, other, labels))[0])
    )


class Greedy(ToyNetwork):
    """Has no memory for a batch of more than `most` pictures while it is trained."""

    def __init__(self, most):
        super().__init__()
        self.most = most

    def forward(self, pictures):
        if self.training and len(pictures) > self.most:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return super().forward(pictures)


def test_memory_that_ends_halves_the_batch_and_says_so():
    torch.manual_seed(0)
    network = Greedy(most=4)
    before = weights(network)
    _, found = train(FIT.model_copy(update={"epochs": 2}), network)
    assert found.batch == 4
    assert found.notices == (
        "Memory ran out with 16 pictures at a time; training goes on with 8.",
        "Memory ran out with 8 pictures at a time; training goes on with 4.",
    )
    assert len(found.history) == 2
    torch.manual_seed(0)
    plain = Greedy(most=4)
    assert_same(before, weights(plain))
    train(FIT.model_copy(update={"epochs": 2, "batch": found.batch}), plain)
    assert_same(weights(network), weights(plain))


def test_memory_that_holds_nothing_is_an_error_and_other_errors_stay_what_they_are():
    with pytest.raises(EngineError, match="does not fit"):
        train(network=Greedy(most=0))

    class Faulty(ToyNetwork):
        def forward(self, _pictures):
            raise RuntimeError("shapes do not agree")

    with pytest.raises(RuntimeError, match="shapes"):
        train(network=Faulty())


def test_a_loss_that_is_no_number_is_said():
    with pytest.raises(RecipeError, match="no number"):
        train(FIT.model_copy(update={"rate": 1e30, "optimiser": "sgd"}))


def test_watched_pictures_that_are_no_numbers_are_said():
    trained, watched, labels = split()
    pictures = watched.pictures.copy()
    pictures[watched.rows] = np.nan
    with pytest.raises(RecipeError, match="no number"):
        train(parts=(trained, Sample(pictures, watched.rows, watched.cases), labels))


def test_training_stops_when_the_watched_loss_no_longer_falls():
    noise = split(signal=0.0)
    _, found = train(FIT.model_copy(update={"epochs": 200, "stop_patience": 3, "plateau_patience": 1}), parts=noise)
    assert found.best == len(found.history) - 3
    assert found.history[-1].rate < FIT.rate


def test_without_watched_pictures_every_epoch_is_trained():
    trained, watched, labels = split()
    nothing = Sample(watched.pictures, watched.rows[:0], watched.cases[:0])
    _, found = train(FIT.model_copy(update={"epochs": 3}), parts=(trained, nothing, labels))
    assert [epoch.watched for epoch in found.history] == [None] * 3
    assert found.best == 3
    assert found.logits.shape == (3, 0)


def test_a_phase_of_the_head_leaves_the_rest_as_it_is():
    network = toy()
    before = weights(network)
    fit = FIT.model_copy(update={"phases": (PhaseRecipe(unfreeze="head", epochs=2, rate=0.1),)})
    train(fit, network)
    after = weights(network)
    assert_same(*({name: v for name, v in each.items() if name.startswith("features")} for each in (before, after)))
    assert not torch.equal(before["head.1.weight"], after["head.1.weight"])


class Blocks(nn.Module):
    """Three blocks and a head."""

    def __init__(self):
        super().__init__()
        self.stem, self.middle, self.late = (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)) for _ in range(3))
        self.head = nn.Linear(2, 1)

    def parts(self):
        return [[self.stem[0], self.stem[1]], [self.middle], [self.late], [self.head]]


def test_blocks_are_frozen_and_paced_from_the_back():
    network = Blocks()
    assert [len(block) for block in split_blocks(network)] == [4, 4, 4, 2]
    freeze(network, "last")
    free = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    assert {name.split(".")[0] for name in free} == {"late", "head"}
    set_training(network)
    assert not network.stem.training
    assert not network.stem[1].training
    assert network.late[1].training
    freeze(network, "all")
    groups = make_optimiser(network, FitRecipe(earlier=0.5), 0.8).param_groups
    assert [group["lr"] for group in groups] == pytest.approx([0.1, 0.2, 0.4, 0.8])


@pytest.mark.parametrize("imbalance", ["weights", "oversample", "focal"])
def test_unequal_classes_still_learn(imbalance):
    pictures, labels = make_pictures(160, 0)
    rows = np.flatnonzero((labels == 0) | (np.arange(160) % 8 == 1))
    aside = np.arange(len(rows)) % 4 == 0
    parts = (Sample(pictures, rows[~aside], rows[~aside]), Sample(pictures, rows[aside], rows[aside]), labels)
    network, _ = train(FIT.model_copy(update={"imbalance": imbalance, "epochs": 8}), parts=parts)
    fresh, truth = make_pictures(60, 4)
    assert auc(truth, predict_logits(network, Sample(fresh, np.arange(60), np.arange(60)), CPU)) > 0.9

import numpy as np
import pytest
import torch

from app.core.deep.device import find_device, is_out_of_memory, reproducible, time_training, with_smaller_batches
from app.core.deep.embed import take_cases, take_sample
from app.core.deep.fit import Trained
from app.core.deep.held_out import hold_out
from app.core.deep.imbalance import Loss, draw_order
from app.core.deep.predict import Sample, gather_cases, predict_logits, to_log_odds, to_probability
from app.core.errors import EngineError, InputError
from app.core.network_recipe import FitRecipe
from tests.core.deep.toy_images import make_images
from tests.core.deep.toy_networks import SIDE, ToyNetwork, make_pictures

CPU = find_device("cpu")


def test_pictures_are_gathered_to_cases():
    values, cases = np.array([0.2, 0.4, 0.9, 0.1]), np.array([0, 0, 2, 2])
    assert gather_cases(values, cases, 3) == pytest.approx([0.3, np.nan, 0.5], nan_ok=True)
    assert gather_cases(values, cases, 3, "max") == pytest.approx([0.4, np.nan, 0.9], nan_ok=True)
    columns = gather_cases(np.column_stack([values, -values]), cases, 3)
    assert columns[0] == pytest.approx([0.3, -0.3])
    assert to_log_odds(to_probability(np.array([-3.0, 2.0]))) == pytest.approx([-3, 2])
    assert np.isfinite(to_log_odds(np.array([0.0, 1.0]))).all()


def test_neither_order_nor_batch_changes_an_answer():
    network = ToyNetwork()
    pictures, _ = make_pictures(21, 0)
    rows = np.arange(21)

    def shake(picture, seed):
        return picture + np.random.default_rng(seed).normal(size=picture.shape).astype(np.float32)

    whole, pieces = (predict_logits(network, Sample(pictures, rows, rows), CPU, shake, 4, size) for size in (32, 5))
    assert whole == pytest.approx(pieces, abs=1e-6)


def test_pictures_are_read_at_once_or_one_by_one(tmp_path, monkeypatch):
    images, names, _ = make_images(tmp_path, 5, signal=1.0)
    whole = take_sample(images, names)
    monkeypatch.setattr("app.core.deep.embed.MOST_IN_MEMORY", 0)
    pieces = take_sample(images, names)
    assert not isinstance(pieces.pictures, np.ndarray)
    order = np.random.default_rng(0).permutation(len(whole))
    assert (whole.read(order) == pieces.read(order)).all()
    assert (whole.cases == pieces.cases).all()
    some = take_cases(pieces, np.array([1, 3]))
    assert set(some.cases) == {1, 3}
    assert (some.read(np.arange(len(some))) == whole.read(np.flatnonzero(np.isin(whole.cases, [1, 3])))).all()


def test_batches_shrink_until_they_fit():
    tried = []

    def run(size):
        tried.append(size)
        if size > 3:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")
        return size

    assert with_smaller_batches(run, 16, CPU) == 2
    assert tried == [16, 8, 4, 2]
    with pytest.raises(EngineError):
        with_smaller_batches(lambda _: (_ for _ in ()).throw(MemoryError()), 4, CPU)
    assert not is_out_of_memory(RuntimeError("shapes do not agree"))


def test_an_absent_device_is_refused():
    assert find_device().kind in ("cuda", "mps", "cpu")
    with pytest.raises(InputError, match="'abacus'"):
        find_device("abacus")


def test_the_callers_random_numbers_and_rules_come_back():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with reproducible(1, CPU):
        first = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    assert not torch.are_deterministic_algorithms_enabled()
    before = torch.get_num_threads()
    with reproducible(1, find_device("cpu", threads=3)):
        assert torch.equal(torch.rand(3), first)
        assert torch.get_num_threads() == 3
    assert torch.get_num_threads() == before


def test_timing_leaves_the_network_as_it_was():
    network = ToyNetwork().eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = time_training(network, (1, SIDE, SIDE), 4, 40, CPU)
    assert found.epoch == pytest.approx(40 * found.picture)
    assert found.picture > 0
    assert not network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_losses_agree_with_their_formulas():
    logits, labels = torch.tensor([2.0, -1.0, 0.5, 0.1]), torch.tensor([1, 0, 0, 0])
    p = torch.sigmoid(logits)
    right = torch.where(labels == 1, p, 1 - p)
    plain = -torch.log(right)
    weight = torch.tensor([2.0, 2 / 3, 2 / 3, 2 / 3])
    known = labels.numpy()
    assert Loss(FitRecipe(imbalance="none"), known).trained(logits, labels).item() == pytest.approx(plain.mean().item())
    weighted = (plain * weight).mean().item()
    assert Loss(FitRecipe(imbalance="weights"), known).trained(logits, labels).item() == pytest.approx(weighted)
    drawn = Loss(FitRecipe(imbalance="oversample"), known)
    assert drawn.trained(logits, labels).item() == pytest.approx(plain.mean().item())
    assert drawn.watched(logits, labels).item() == pytest.approx(weighted)
    focal = ((1 - right) ** 2 * plain).mean().item()
    assert Loss(FitRecipe(imbalance="focal"), known).trained(logits, labels).item() == pytest.approx(focal, rel=1e-5)


def test_the_rarer_class_is_drawn_until_there_are_as_many():
    labels = np.array([0] * 11 + [1] * 4)
    order = draw_order(FitRecipe(imbalance="oversample"), labels, np.random.default_rng(0))
    counts = np.bincount(order, minlength=15)
    assert (counts[:11] == 1).all()
    assert counts[11:].sum() == 11
    assert set(counts[11:]) <= {2, 3}
    assert sorted(draw_order(FitRecipe(imbalance="none"), labels, np.random.default_rng(0))) == list(range(15))


def test_held_out_answers_are_chosen_by_other_patients():
    """On noise, the epoch that the watched patients chose flatters them; the one that others chose does not."""
    labels, patients = np.arange(40) % 2, np.arange(40)
    watched = Sample(None, patients, patients)
    flattering, honest = [], []
    for seed in range(200):
        logits = np.random.default_rng(seed).normal(size=(15, 40))
        loss = Loss(FitRecipe(imbalance="none"), labels)
        losses = [loss.watched(torch.from_numpy(each), torch.from_numpy(labels)).item() for each in logits]
        trained = Trained((), int(np.argmin(losses)) + 1, logits, 16, ())
        for found, into in ((trained.logits[trained.best - 1], flattering),
                            (hold_out(trained, watched, labels, patients, loss, seed), honest)):
            into.append(np.corrcoef(found, labels)[0, 1])
    assert np.mean(flattering) > 0.1
    assert abs(np.mean(honest)) < 0.04

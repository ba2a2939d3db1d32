"""The dense network kept as arrays answers as torch's module does, and leaves torch as it found it."""

import numpy as np
import pytest

from app.core.classify import dense
from app.core.classify.dense import DenseNetwork
from app.core.classify.tuned import TunedClassifier
from app.core.recipe import ModelRecipe
from tests.core.classify.small_tables import make_table


@pytest.fixture
def table():
    rows, labels = make_table(65, 12, 1, signal=3.0)
    return (rows - rows.mean()).to_numpy() / rows.std().to_numpy(), labels


@pytest.mark.parametrize("batch_norm", [True, False])
@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_folded_weights_equal_the_module(table, batch_norm, optimiser, monkeypatch):
    import torch

    rows, labels = table
    kept, fold = [], dense._fold_batch_norm
    monkeypatch.setattr(dense, "_fold_batch_norm", lambda network: kept.append(network) or fold(network))
    network = DenseNetwork((8, 4), batch_norm=batch_norm, optimiser=optimiser, learning_rate=0.01, epochs=12, batch=16)
    found = network.fit(rows, labels).decision_function(rows)
    with torch.no_grad():
        expected = kept[0](torch.as_tensor(rows, dtype=torch.float32)).numpy()
    assert found == pytest.approx(expected, abs=1e-4)
    assert ((found > 0) == (labels == 1)).mean() > 0.75


def test_the_seed_decides_and_torch_is_left_alone(table):
    import torch

    torch.manual_seed(99)
    expected = torch.rand(1)
    torch.manual_seed(99)
    one, two = (DenseNetwork((8,), epochs=3, random_state=1).fit(*table) for _ in range(2))
    other = DenseNetwork((8,), epochs=3, random_state=2).fit(*table)
    assert torch.equal(torch.rand(1), expected)
    assert np.array_equal(one.decision_function(table[0]), two.decision_function(table[0]))
    assert not np.array_equal(one.decision_function(table[0]), other.decision_function(table[0]))


def test_weights_count_as_rows_drawn_again(table):
    rows, labels = table
    weights = np.where(labels == 1, 2.0, 1.0)
    weighted = DenseNetwork((8,), epochs=3).fit(rows, labels, sample_weight=weights)
    again = np.repeat(np.arange(65), weights.astype(int))
    repeated = DenseNetwork((8,), epochs=3).fit(rows[again], labels[again], patients=again)
    assert np.array_equal(weighted.decision_function(rows), repeated.decision_function(rows))


@pytest.mark.parametrize("optimiser", ["adam", "sgd"])
def test_training_stops_when_watched_patients_gain_no_more_and_the_best_weights_are_kept(table, optimiser, monkeypatch):
    from skorch import NeuralNetBinaryClassifier

    seen = []
    fit = NeuralNetBinaryClassifier.fit
    monkeypatch.setattr(NeuralNetBinaryClassifier, "fit", lambda self, *given: seen.append((self, *given)) or
                        fit(self, *given))
    rows, labels = table
    network = DenseNetwork((32,), dropout=0.0, optimiser=optimiser, learning_rate=0.05, epochs=200, patience=5)
    network.fit(rows, labels)
    losses = np.array(seen[0][0].history[:, "valid_loss"])
    assert network.epochs_ == len(losses) == np.argmin(losses) + 6 < 200
    kept = network.decision_function(rows[network.watched_])
    assert np.logaddexp(0, np.where(labels[network.watched_] == 1, -kept, kept)).mean() == pytest.approx(
        losses.min(), rel=1e-4)
    assert len(seen[0][1]) == len(rows) - len(network.watched_), "who is watched is not trained on"
    assert set(labels[network.watched_]) == {0, 1}


def test_whole_patients_are_watched_and_only_where_there_are_enough(table):
    rows, labels = table
    patients = np.arange(65) // 2
    labels = labels[patients * 2]
    network = DenseNetwork((4,), epochs=2).fit(rows, labels, patients=patients)
    inside = np.isin(np.arange(65), network.watched_)
    assert 0.1 < inside.mean() < 0.3
    assert set(patients[inside]).isdisjoint(patients[~inside])
    again = DenseNetwork((4,), epochs=2).fit(rows, labels, patients=patients)
    assert np.array_equal(again.watched_, network.watched_)
    few = np.r_[np.flatnonzero(labels == 1)[:4], np.flatnonzero(labels == 0)]
    assert DenseNetwork((4,), epochs=2).fit(rows[few], labels[few]).watched_.size == 0
    assert DenseNetwork((4,), epochs=2, watched=0.0).fit(rows, labels).epochs_ == 2


@pytest.mark.parametrize("balance", ["none", "weights", "over", "under", "smote"])
def test_patients_reach_the_network_through_every_wrapper(balance, monkeypatch):
    given = []
    fit = DenseNetwork.fit
    monkeypatch.setattr(DenseNetwork, "fit", lambda self, rows, labels, sample_weight=None, patients=None: given.append(
        (patients, self.watched)) or fit(self, rows, labels, sample_weight, patients))
    rows, labels = make_table(60, 5, 3)
    patients = np.array([f"p{row // 2}" for row in range(60)])
    labels = labels[np.arange(60) // 2 * 2]
    recipe = ModelRecipe.parse({"kind": "mlp", "balance": balance, "search": {"folds": 2}})
    TunedClassifier(recipe).fit(rows.to_numpy(), labels, patients)
    assert len(given) == 3
    for told, watched in given:
        assert watched == 0.0 if balance == "smote" else set(told) <= set(patients)

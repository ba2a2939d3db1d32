"""The dense network kept as arrays answers as torch's module does, and leaves torch as it found it."""

import numpy as np
import pytest

from app.core.classify import dense
from app.core.classify.dense import DenseNetwork
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
    repeated = DenseNetwork((8,), epochs=3).fit(rows[again], labels[again])
    assert np.array_equal(weighted.decision_function(rows), repeated.decision_function(rows))

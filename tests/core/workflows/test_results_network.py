"""What the results tell of a model's networks: from the specification, and the epochs kept beside it."""

from types import SimpleNamespace

from app.core.bundle import TrainedNetwork
from app.core.deep.fit import Epoch
from app.core.workflows.results_network import describe_networks
from app.core.workflows.saving_networks import list_epochs


def test_every_epoch_is_kept_as_json():
    history = [[Epoch(number=1, phase=1, rate=0.001, trained=0.71234567, watched=0.9, auc=None, batch=8),
                Epoch(number=2, phase=2, rate=0.0005, trained=0.6, watched=None, auc=0.75, batch=4)]]
    [first, second], = list_epochs(SimpleNamespace(history_=history))
    assert first == {"epoch": 1, "phase": 1, "rate": 0.001, "loss": 0.712346, "watched": 0.9, "auc": None, "batch": 8}
    assert (second["phase"], second["watched"], second["auc"]) == (2, None, 0.75)
    assert list_epochs(None) == []


def test_networks_are_told_with_their_history():
    trained = TrainedNetwork(kind="cnn-small", parameters=5, epochs=2, epoch=1)
    estimator = SimpleNamespace(kind="network", networks=(trained,), parameters=5, device="CPU", weights=(),
                                notices=("n",))
    specification = SimpleNamespace(estimator=estimator, recipe=SimpleNamespace(network=SimpleNamespace(use="score")))
    found = describe_networks(specification, {"networks": {"history": [[{"epoch": 1}]]}})
    assert found["networks"] == [{"kind": "cnn-small", "parameters": 5, "epochs": 2, "epoch": 1}]
    assert found["history"] == [[{"epoch": 1}]]
    assert found["notices"] == ["n"]
    assert describe_networks(specification, {})["history"] == []


def test_a_model_of_features_has_none():
    assert describe_networks(SimpleNamespace(estimator=SimpleNamespace(kind="pipeline")), {}) is None

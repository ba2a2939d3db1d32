import numpy as np
import pytest
import torch

from app.core.deep.export import export_onnx
from app.core.errors import BundleError
from tests.core.deep.toy_networks import SIDE, ToyNetwork


def test_onnx_answers_as_the_network_does(tmp_path):
    import onnxruntime

    torch.manual_seed(0)
    network = ToyNetwork(channels=3).train()
    with torch.no_grad():
        network(torch.randn(8, 3, SIDE, SIDE))  # running statistics that are not 0 and 1
    found = export_onnx(network, (3, SIDE, SIDE), tmp_path / "network.onnx")
    assert found.difference <= 1e-5
    assert network.training
    assert [each.name for each in tmp_path.iterdir()] == ["network.onnx"]
    session = onnxruntime.InferenceSession(str(found.path))
    pictures = np.random.default_rng(5).normal(size=(5, 3, SIDE, SIDE)).astype(np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(pictures)).numpy()
    assert session.run(None, {"pictures": pictures})[0] == pytest.approx(expected, abs=1e-5)


def test_a_file_that_answers_otherwise_is_not_written(tmp_path):
    with pytest.raises(BundleError, match="differ"):
        export_onnx(ToyNetwork(), (1, SIDE, SIDE), tmp_path / "network.onnx", tolerance=-1.0)
    assert list(tmp_path.iterdir()) == []

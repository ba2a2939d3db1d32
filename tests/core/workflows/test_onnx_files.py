"""A model's networks handed to other programs: from what was written alone, a case gets the model's answer."""

import json

import numpy as np
import pytest

from app.cli import run_command_line
from app.core.bundle import sigmoid
from app.core.errors import InputError
from app.core.workflows import export_model, onnx_files
from tests.core.small_cohorts import quiet
from tests.core.small_networks import write_networks


def test_the_files_alone_give_the_model_s_answer(tmp_path):
    import onnxruntime

    model = write_networks(tmp_path / "two-nets", copies=2)
    told = export_model({"model": str(model.folder), "onnx": str(tmp_path / "out" / "net.onnx")}, quiet)
    assert [path.rpartition("/")[2] for path in told["written"]] == ["net-1.onnx", "net-2.onnx", "net.json"]
    assert told["difference"] < 1e-5
    described = json.loads((tmp_path / "out" / "net.json").read_text())
    shape = described["contract"]["inputs"]["image"]["spatial_shape"]
    channels = described["contract"]["inputs"]["image"]["num_channels"]
    pictures = np.random.default_rng(0).normal(size=(3, channels, *shape)).astype(np.float32)
    answers = []
    for each in described["files"]:
        session = onnxruntime.InferenceSession(str(tmp_path / "out" / each["file"]), providers=["CPUExecutionProvider"])
        logits = session.run([described["output"]], {described["input"]: pictures})[0].astype(float)
        assert each["aggregate"] == "mean"
        answers.append((1 / (1 + np.exp(-logits))).mean())
    assert described["combine"] == "mean"
    share, curve = np.mean(answers), described["calibration"]
    found = sigmoid(curve["slope"] * np.log(share / (1 - share)) + curve["intercept"])
    assert found == pytest.approx(model.predict({}, pictures=pictures).probability, abs=1e-5)
    assert described["notice"] == "Research use only, not a medical device."
    assert described["classes"] == ["lipoma", "ALT"]


def test_what_has_no_network_that_answers_is_refused(tmp_path, monkeypatch, capsys):
    with pytest.raises(InputError, match="'lipoma-size' answers without a network"):
        export_model({"model": "lipoma-size", "onnx": str(tmp_path / "x.onnx")}, quiet)
    model = write_networks(tmp_path / "net")
    with pytest.raises(InputError, match=r"'x\.zip' does not end in \.onnx"):
        export_model({"model": str(model.folder), "onnx": str(tmp_path / "x.zip")}, quiet)
    with pytest.raises(InputError, match="needs a place to write to"):
        export_model({"model": str(model.folder)}, quiet)
    pooled = model.specification.estimator.model_copy(update={"slope": None, "intercept": None})
    changed = type(model)(model.folder, model.specification.model_copy(update={"estimator": pooled}))
    with pytest.raises(InputError, match="answers from pooled features, by a classifier"):
        onnx_files.write_onnx(changed, tmp_path / "x.onnx", quiet)
    assert not list(tmp_path.glob("x*"))


def test_on_the_command_line_beside_the_model(tmp_path, monkeypatch, capsys):
    model = write_networks(tmp_path / "net")
    monkeypatch.setattr(onnx_files, "write_onnx", lambda _bundle, path, _report: {"written": [str(path)], "opset": 20})
    words = ["models", "export", str(model.folder), "--out", str(tmp_path / "net.zip"), "--onnx",
             str(tmp_path / "net.onnx"), "--json"]
    assert run_command_line(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["written"] == [str(tmp_path / "net.zip"), str(tmp_path / "net.onnx")]
    assert (tmp_path / "net.zip").exists()
    assert told["name"] == "net"

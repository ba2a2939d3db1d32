"""The report command: which kind of run a path means, and what it says where none is meant."""

import json

import pytest

from app.core.bundle import write_bundle
from app.core.workflows import evaluate
from app.core.workflows.results import as_json
from tests.core.small_cohorts import quiet, write_features
from tests.core.trained_run import make_run
from tests.test_cli import answer, refusal


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    specification, evaluation, _ = make_run(audit=False)
    folder = tmp_path_factory.mktemp("report") / "small"
    write_bundle(folder, specification, "", as_json(evaluation))
    return folder


def test_a_model_by_its_folder_by_its_name_and_by_what_train_printed(capsys, model, own_data_folder, tmp_path):
    (own_data_folder / "models").mkdir()
    (own_data_folder / "models" / "small").symlink_to(model)
    (tmp_path / "train.json").write_text(json.dumps({"models": {}, "bundle": str(model)}))
    for number, run in enumerate((str(model), "small", str(tmp_path / "train.json"))):
        target = tmp_path / f"{number}.html"
        told = answer(capsys, "report", run, "--out", str(target), "--declare", "ethics=Board of St Elsewhere")
        assert told["written"] == [str(target)]
        text = target.read_text(encoding="utf-8")
        assert "A small model" in text
        assert "Board of St Elsewhere" in text


def test_an_external_test_by_its_folder_and_by_its_file(capsys, tmp_path):
    table = write_features(tmp_path / "t.csv", 40, 1.2, seed=7)
    evaluate({"bundle": "lipoma-size", "table": str(table), "out": str(tmp_path / "out"), "label": "label",
              "positive": "ALT", "patient": "patient"}, quiet)
    for run in (tmp_path / "out", tmp_path / "out" / "evaluation.json"):
        answer(capsys, "report", str(run), "--out", str(tmp_path / "r.html"))
        assert "External test" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_what_is_no_run_is_said_in_a_sentence(capsys, model, tmp_path):
    out = ("--out", str(tmp_path / "r.html"))
    assert "There is no file at" in refusal(capsys, "report", str(tmp_path / "gone"), *out)
    assert "There is no model 'nobody'" in refusal(capsys, "report", "nobody", *out)
    assert "is not a model" in refusal(capsys, "report", str(tmp_path), *out)
    assert "was not made by a training run" in refusal(capsys, "report", "lipoma-size", *out)
    unasked = ("--declare", "weather=fine")
    assert "Nothing is declared as 'weather'" in refusal(capsys, "report", str(model), *out, *unasked)
    assert "cannot be written as '.txt'" in refusal(capsys, "report", str(model), "--out", "r.txt")
    assert not (tmp_path / "r.html").exists()

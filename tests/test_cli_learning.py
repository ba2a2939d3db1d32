"""The command line of learning: training's flags, the test of a saved model, models handed on."""

import json

import numpy as np
import pandas as pd
import pytest

from app.cli import run_command_line
from app.core.recipe import Recipe
from tests.core.small_cohorts import write_features

WORDS = ("--label", "label", "--positive", "ALT", "--patient", "patient", "--site", "site")


def say(capsys, *words):
    capsys.readouterr()
    try:
        status = run_command_line([str(word) for word in words])
    except SystemExit as end:
        status = end.code
    spoken = capsys.readouterr()
    return status, spoken.out, spoken.err


def answer(capsys, *words):
    status, out, err = say(capsys, *words, "--json")
    assert status == 0, err
    return json.loads(out)


@pytest.fixture
def recipe(tmp_path):
    values = {"name": "quick", "features": None, "model": {"folds": 4, "repeats": 2, "resamples": 3}}
    path = tmp_path / "quick.json"
    path.write_text(Recipe.parse(values).model_dump_json())
    return path


@pytest.fixture
def model(capsys, recipe, tmp_path):
    table = write_features(tmp_path / "features.csv", 60, 1.5)
    answer(capsys, "train", table, *WORDS, "--recipe", recipe, "--out", tmp_path / "quick-model")
    return tmp_path / "quick-model"


def test_clinical_variables_and_a_confirmed_column(capsys, recipe, tmp_path):
    labels = np.arange(60) % 2
    columns = {"age": 50 + 8 * labels + np.random.default_rng(0).normal(0, 8, 60), "sex": ["f", "m", ""] * 20,
               "septa_grade": labels + np.random.default_rng(1).normal(0, 0.5, 60)}
    table = write_features(tmp_path / "features.csv", 60, 1.5, **columns)
    words = ("train", table, *WORDS, "--clinical", "age", "--clinical", "sex", "--recipe", recipe)
    result = answer(capsys, *words, "--out", tmp_path / "a")
    clinical = result["comparators"]["clinical"]
    assert clinical["auc"]["mean"] == pytest.approx(0.76, abs=0.12)
    own = result["models"]["quick"]["auc"]["mean"]
    assert clinical["difference"]["mean"] == pytest.approx(own - clinical["auc"]["mean"])
    assert not {"age", "sex", "septa_grade"} & set(result["features"])
    assert [each["column"] for each in result["held_out"]] == ["septa_grade"]
    assert "--confirm septa_grade" in result["cautions"][0]["message"]
    result = answer(capsys, *words, "--confirm", "septa_grade", "--out", tmp_path / "b")
    assert "septa_grade" in result["features"]
    assert result["held_out"] == []


def test_fixed_splits(capsys, recipe, tmp_path):
    table = write_features(tmp_path / "features.csv", 60, 1.5)
    patients, rng, lists = pd.read_csv(table)["patient"].to_numpy(), np.random.default_rng(0), {}
    for split in range(6):
        order = rng.permutation(60)
        lists |= {f"{split}_train": pd.Series(patients[order[:45]]), f"{split}_test": pd.Series(patients[order[45:]])}
    pd.DataFrame(lists).to_csv(tmp_path / "splits.csv", index=False)
    result = answer(capsys, "train", table, *WORDS, "--recipe", recipe, "--splits", tmp_path / "splits.csv",
                    "--out", tmp_path / "m")
    auc = result["models"]["quick"]["auc"]
    assert len(auc["folds"]) == 6
    assert auc["mean"] == pytest.approx(np.mean(auc["folds"]), abs=0.02)
    assert auc["interval"][0] < auc["mean"] < auc["interval"][1]
    assert result["models"]["quick"]["target"] == "the test patients of the splits given"
    assert "volume" in result["comparators"]
    lists["0_test"][0] = lists["0_train"][0]
    pd.DataFrame(lists).to_csv(tmp_path / "splits.csv", index=False)
    status, _, err = say(capsys, "train", table, *WORDS, "--recipe", recipe, "--splits", tmp_path / "splits.csv",
                         "--out", tmp_path / "n")
    assert (status, "on both sides" in err) == (2, True)


def test_evaluate(capsys, model, tmp_path):
    other = write_features(tmp_path / "other.csv", 50, 1.2, seed=9)
    result = answer(capsys, "evaluate", model, other, "--out", tmp_path / "out")
    assert result["auc"]["mean"] > 0.6
    assert (tmp_path / "out" / "predictions.csv").read_text().startswith("patient,label,site,probability")
    status, out, _ = say(capsys, "evaluate", model, other, "--out", tmp_path / "out")
    assert status == 0
    assert "50 cases (lipoma 25, ALT 25)" in out
    assert "AUC 0." in out
    status, out, err = say(capsys, "evaluate", model, other, "--label", "diagnosis", "--out", tmp_path / "x")
    assert (status, out) == (2, "")
    assert "no column 'diagnosis'" in err
    assert "There is no model 'gone'" in say(capsys, "evaluate", "gone", other, "--out", tmp_path / "x")[2]


def test_models_import_and_export(capsys, model, tmp_path):
    exported = answer(capsys, "models", "export", model, "--out", tmp_path / "m.zip")
    assert exported["written"] == [str(tmp_path / "m.zip")]
    assert answer(capsys, "models", "import", tmp_path / "m.zip")["name"] == "quick-model"
    assert "quick-model" in [each["name"] for each in answer(capsys, "models", "list")["models"]]
    assert answer(capsys, "models", "verify", "quick-model")["ok"]
    status, _, err = say(capsys, "models", "export", "quick-model")
    assert (status, "needs a place to write to" in err) == (2, True)
    status, _, err = say(capsys, "models", "import")
    assert (status, "'models import' needs a .zip file or a folder" in err) == (2, True)
    (tmp_path / "bad.zip").write_bytes((tmp_path / "m.zip").read_bytes()[:-300])
    status, _, err = say(capsys, "models", "import", tmp_path / "bad.zip")
    assert (status, "not a readable .zip" in err) == (2, True)


def test_several_recipes_and_the_text_that_a_person_reads(capsys, recipe, tmp_path):
    table = write_features(tmp_path / "features.csv", 40, 1.0)
    other = tmp_path / "other.json"
    other.write_text(Recipe.parse({"name": "other", "features": None, "model": {"kind": "svm"}}).model_dump_json())
    words = ("train", table, *WORDS, "--recipe", recipe, "--recipe", other, "--primary", "other", "--folds", "3",
             "--repeats", "1", "--audit", "--permutations", "1", "--out", tmp_path / "m")
    status, out, err = say(capsys, *words)
    assert status == 0, err
    lines = out.splitlines()
    assert lines[1].startswith("other *"), "the saved one first"
    assert lines[2].startswith("quick ")
    assert any(line.startswith("volume alone") for line in lines)
    assert "other was declared primary before the run" in out
    assert "tumour volume alone: AUC" in out or "the longest diameter alone: AUC" in out
    assert "with the label as a covariate and selected on the whole table" in out.casefold()
    assert "that no new patient would have confirmed" in out or "gained nothing here" in out
    assert "p = " in out
    assert lines[-1] == str(tmp_path / "m")
    assert "other: fold 2 of 3" in err
    status, _, err = say(capsys, "train", table, *WORDS, "--recipe", recipe, "--primary", "gone", "--out", tmp_path)
    assert (status, "no recipe of this run is named so" in err) == (2, True)


def test_time_left_is_told_to_the_minute():
    from app.cli import _word_left

    assert [_word_left(each) for each in (None, 40.0, 100.0, 10800.0)] == [
        "", "", ", about 2 min left:", ", about 3 h left:"]

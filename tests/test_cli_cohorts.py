"""The commands for cohorts: what each asks for, what it prints, how it ends."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import app.cli
from app.cli import run_command_line
from app.core.requests import BoxesRequest, ConvertRequest, ExploreRequest, ExtractRequest, QualityRequest
from app.core.requests import StabilityRequest as Stability
from tests.core.small_cohorts import write_ball

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def cohort(tmp_path):
    rows = ["patient,image,mask,label"]
    for number in range(3):
        write_ball(tmp_path / f"P{number}", 12 + 3 * number, (3, 3, 3), seed=number)
        rows.append(f"P{number},P{number}/t1.nii.gz,P{number}/mask.nii.gz,{'ALT' if number else 'lipoma'}")
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "size.json").write_text('{"name": "size", "features": {"classes": []}}')
    return tmp_path


def say(capsys, *words):
    capsys.readouterr()
    try:
        status = run_command_line([str(word) for word in words])
    except SystemExit as end:
        status = end.code
    spoken = capsys.readouterr()
    return status, spoken.out, spoken.err


def extract_words(cohort, *more):
    return ("extract", cohort / "cohort.csv", "--recipe", cohort / "size.json", "--out", cohort / "f.csv", *more)


@pytest.mark.parametrize(("words", "workflow", "kind", "expected"), [
    ("extract in --recipe ibsi --out f.csv --jobs 3 --cache c --cluster tls://s:1 --tls-ca a --tls-cert b --tls-key k",
     "extract", ExtractRequest,
     {"source": "in", "out": "f.csv", "jobs": 3, "cache": "c", "cluster": "tls://s:1",
      "tls": {"ca": "a", "cert": "b", "key": "k"}}),
    ("extract in --recipe ibsi --out f.csv", "extract", ExtractRequest, {"jobs": 1, "cluster": None, "tls": None}),
    ("quality in --out d --jobs 2", "check_quality", QualityRequest, {"source": "in", "out": "d", "jobs": 2}),
    ("quality in", "check_quality", QualityRequest, {"out": None}),
    ("stability in --recipe pyradiomics --out s.csv --cases 9 --seed 4", "measure_stability", Stability,
     {"source": "in", "out": "s.csv", "cases_at_most": 9, "seed": 4}),
    ("explore f.csv --label l --positive p --patient q --site s --vendor v --images in --no-embeddings --out d",
     "explore", ExploreRequest, {"features": "f.csv", "label": "l", "positive": "p", "patient": "q", "site": "s",
                                 "vendor": "v", "images": "in", "embeddings": False, "out": "d", "seed": 0}),
    ("explore f.csv --label l --out d --seed 7", "explore", ExploreRequest, {"embeddings": True, "seed": 7}),
    ("boxes in --out b.csv --jobs 2", "tumour_boxes", BoxesRequest, {"table": "in", "out": "b.csv", "jobs": 2}),
    ("convert in out --jobs 2", "convert", ConvertRequest, {"source": "in", "target": "out", "jobs": 2})])
def test_what_is_asked_for(monkeypatch, capsys, words, workflow, kind, expected):
    asked = []

    def run(name, request, _report):
        asked.append((name, request))
        return {}

    monkeypatch.setattr(app.cli, "run_workflow", run)
    assert say(capsys, *words.split(), "--json")[0] == 0
    [(name, request)] = asked
    assert name == f"app.core.workflows:{workflow}"
    found = kind.parse(request).model_dump(mode="json")
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("words", [
    "extract", "extract in", "extract in --recipe pyradiomics", "extract in --recipe pyradiomics --out ''",
    "stability in --out s.csv", "explore f.csv", "quality", "score a b --cluster tls://s:1",
    "quality in --cluster tls://s:1", "extract in --recipe nothing --out f.csv"])
def test_what_is_missing_or_unknown_is_one_sentence(capsys, words):
    status, out, err = say(capsys, *[word.strip("'") for word in words.split()])
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_extract_in_words_and_json(capsys, cohort):
    (cohort / "P1" / "t1.nii.gz").write_bytes(b"nonsense")
    status, out, err = say(capsys, *extract_words(cohort))
    assert status == 0
    assert out.startswith("2 features of 2 of 3 cases in ")
    assert "failed: P1: " in out
    assert out.splitlines()[-2:] == [str(cohort / "f.errors.csv"), str(cohort / "f.csv")]
    assert "P2 measured (3 of 3)\n" in err
    assert err.index("P1 failed: ") < err.index("P2 measured")
    write_ball(cohort / "P1", 15, (3, 3, 3))
    status, out, err = say(capsys, *extract_words(cohort, "--json"))
    assert out.count("\n") == 1
    result = json.loads(out)
    assert (result["measured"], result["reused"], result["errors"]) == (1, 2, None)
    assert "P0 was measured before (1 of 3)\n" in err
    with (cohort / "f.csv").open(newline="") as file:
        assert [row["patient"] for row in csv.DictReader(file)] == ["P0", "P1", "P2"]


def test_extract_that_cannot_be_done_is_a_sentence(capsys, cohort):
    for words, sentence in (
            (("--cluster", "tcp://10.0.0.1:8786"), "would not be encrypted"),
            (("--cluster", "tls://10.0.0.1:8786"), "--tls-ca is missing"),
            (("--out", cohort / "f.doc"), "ends in none of .csv"),
            (("--out", cohort / "cohort.csv"), "is the cohort's own table")):
        status, out, err = say(capsys, *extract_words(cohort, *words))
        assert (status, out) == (2, "")
        assert sentence in err.splitlines()[-1]
        assert "Traceback" not in err
    for number in range(3):
        (cohort / f"P{number}" / "t1.nii.gz").unlink()
    status, out, err = say(capsys, *extract_words(cohort))
    assert (status, out) == (2, "")
    assert "gone" not in err


def test_a_user_recipe_by_name(capsys, cohort, own_data_folder):
    (own_data_folder / "recipes").mkdir()
    (own_data_folder / "recipes" / "mine.json").write_text('{"name": "mine", "features": {"classes": []}}')
    assert say(capsys, "extract", cohort, "--recipe", "mine", "--out", cohort / "f.csv")[0] == 0


@pytest.mark.skipif(sys.platform == "win32", reason="interrupts are sent otherwise there")
def test_interrupt_is_cancelled_and_what_is_measured_is_kept(cohort, own_data_folder):
    for number in range(3, 9):
        write_ball(cohort / f"P{number}", 30, (1.5, 1.5, 3), seed=number)
    (cohort / "cohort.csv").unlink()
    words = [sys.executable, "-m", "app", "extract", str(cohort), "--recipe", "pyradiomics", "--jobs", "2",
             "--out", str(cohort / "f.csv")]
    process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               start_new_session=True)
    said = []
    for line in process.stderr:
        said.append(line)
        if "(3 of 9)" in line:
            os.killpg(process.pid, signal.SIGINT)
            break
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (3, "")
    assert err.endswith("Cancelled.\n")
    assert "Traceback" not in err
    assert not (cohort / "f.csv").exists()
    assert len(list((own_data_folder / "cache" / "cases").rglob("*.json"))) >= 3


def test_quality_and_exploration_in_words(capsys, cohort):
    status, out, err = say(capsys, "quality", cohort / "cohort.csv", "--out", cohort / "q")
    assert status == 0, err
    assert out.startswith("3 images looked at")
    assert say(capsys, *extract_words(cohort))[0] == 0
    status, out, err = say(capsys, "explore", cohort / "f.csv", "--label", "label", "--no-embeddings", "--out",
                           cohort / "e")
    assert status == 0, err
    assert out.startswith("3 cases, 2 features")

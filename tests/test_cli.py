"""The command line's contract: one JSON object, progress elsewhere, a sentence and a number for every end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

import app
import app.cli
from app.cli import run_command_line
from app.core.errors import Cancelled
from tests.core.small_cohorts import write_ball, write_features

ROOT = Path(__file__).resolve().parents[1]
SCORE_KEYS = {"case", "model", "model_purpose", "probability", "prevalence", "interval", "verdict", "threshold",
              "comparator", "cautions", "contributions", "features", "trace", "timings", "versions", "network",
              "attention"}


@pytest.fixture
def ball(tmp_path):
    image, mask = write_ball(tmp_path / "case", 15, (3, 3, 3))
    return str(image), str(mask)


def in_a_process(*words, **environment):
    return subprocess.run([sys.executable, "-m", "app", *words], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **environment})


def say(capsys, *words):
    """Run in this process: exit status, standard output, standard error."""
    capsys.readouterr()
    try:
        status = run_command_line(words)
    except SystemExit as end:
        status = end.code
    spoken = capsys.readouterr()
    return status, spoken.out, spoken.err


def answer(capsys, *words):
    status, out, err = say(capsys, *words, "--json")
    assert status == 0, err
    assert out.count("\n") == 1
    return json.loads(out)


def refusal(capsys, *words, status=2):
    """The one line on standard error of a command that cannot be carried out."""
    found, out, err = say(capsys, *words)
    assert found == status
    assert out == ""
    assert "Traceback" not in err
    return err.rstrip("\n").rpartition("\n")[2]


def test_score_in_a_process(ball):
    done = in_a_process("score", *ball, "--json", "--site", "S1", "--prevalence", "0.2")
    assert done.returncode == 0
    score = json.loads(done.stdout)
    assert set(score) >= SCORE_KEYS
    assert (score["network"], score["attention"]) == (None, None)
    assert (score["case"], score["prevalence"]["used"]) == ("case", 0.2)
    assert set(score["prevalence"]) == {"training", "used", "probability_at_used"}
    assert "Measuring the tumour\n" in done.stderr
    assert "{" not in done.stderr


def test_version_without_command_unknown_words_and_bad_path_in_a_process(tmp_path):
    done = in_a_process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"LipoScope {app.__version__}\n", "")
    for words in (["--nonsense"], ["score"], ["conjure"], ["score", "a", "b", "--nonsense"],
                  ["score", str(tmp_path / "gone.nii"), str(tmp_path / "gone.nii")]):
        done = in_a_process(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert done.stderr.rstrip().endswith((".", "--help'."))


def test_score_in_words(capsys, ball):
    status, out, err = say(capsys, "score", *ball)
    assert status == 0
    assert "case: " in out
    assert "Probability of ALT/WDL" in out
    assert "Caution: " in out
    assert out.endswith("Research use only, not a medical device.\n")
    assert "Reading the images\n" in err
    assert "\x1b" not in err, "no bar where there is no terminal"


def test_score_of_a_table(capsys, tmp_path, ball):
    table = tmp_path / "cohort.csv"
    table.write_text("patient,image,mask\n007,case/t1.nii.gz,case/mask.nii.gz\nx,gone.nii,case/mask.nii.gz\n")
    result = answer(capsys, "score", str(table))
    assert [each["case"] for each in result["results"]] == ["007", "x"]
    assert result["failed"] == 1
    assert "gone.nii" in result["results"][1]["error"]["message"]
    status, out, _ = say(capsys, "score", str(table))
    assert status == 0
    assert out.splitlines()[0].startswith("007\t0.")


def test_what_no_row_can_have_stops_the_table(capsys, tmp_path, ball):
    table = tmp_path / "cohort.csv"
    table.write_text(f"patient,image,mask\n007,{ball[0]},{ball[1]}\n")
    for words, sentence in ((("--error-rate", "0.3"), "no verdict at the error rate 0.3"),
                            (("--threshold", "0.5"), "no figures for the threshold 0.5"),
                            (("--site", "S1"), "--site is a choice about one case"),
                            (("--mask-label", "2"), "--mask-label is a choice about one case")):
        assert sentence in refusal(capsys, "score", str(table), *words)


def test_a_terminal_without_the_letters_of_a_name(ball):
    done = in_a_process("score", *ball, "--site", "\u80bf", PYTHONIOENCODING="ascii")
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert r"'\u80bf'" in done.stdout


def test_input_that_cannot_be_used_is_one_line(capsys, tmp_path, ball):
    image, mask = ball
    loaded = nib.load(mask)
    empty, far = str(tmp_path / "empty.nii.gz"), str(tmp_path / "far.nii.gz")
    nib.save(nib.Nifti1Image(np.zeros(loaded.shape, dtype=np.uint8), loaded.affine), empty)
    moved = loaded.affine.copy()
    moved[:3, 3] += 700
    nib.save(nib.Nifti1Image(np.asarray(loaded.dataobj), moved), far)
    (tmp_path / "broken.nii").write_bytes(b"x" * 400)
    assert "empty.nii.gz" in refusal(capsys, "score", image, empty)
    assert "mm" in refusal(capsys, "score", image, far)
    assert "broken.nii" in refusal(capsys, "score", str(tmp_path / "broken.nii"), mask)
    assert "There is nothing at" in refusal(capsys, "score", image, str(tmp_path / "gone"))
    assert "There is no model 'other'" in refusal(capsys, "score", image, mask, "--model", "other")
    assert "'prevalence' has the value 2" in refusal(capsys, "score", image, mask, "--prevalence", "2")
    assert "no figures for the threshold 0.5" in refusal(capsys, "score", image, mask, "--threshold", "0.5")
    assert "no verdict at the error rate 0.3" in refusal(capsys, "score", image, mask, "--error-rate", "0.3")
    assert "the first path" in refusal(capsys, "score", image, mask, "--image", f"image={image}")
    assert "not an empty word" in refusal(capsys, "score", image, "")
    assert "'0' is not a whole number of 1 or more" in refusal(capsys, "score", image, mask, "--jobs", "0")
    assert "NAME=VALUE is expected" in refusal(capsys, "score", image, mask, "--set", "age")
    assert "3 paths were given" in refusal(capsys, "score", image, mask, mask)
    assert "There is no recipe 'x'" in refusal(capsys, "train", "t.csv", "--label", "l", "--patient", "p", "--recipe",
                                               "x", "--out", "b")
    assert "expected one argument" in refusal(capsys, "score", image, mask, "--site")
    assert "There is no model 'other'" in refusal(capsys, "models", "verify", "other")
    assert "There is no model 'other'" in refusal(capsys, "models", "show", "other")
    assert "does not end in .nii" in refusal(capsys, "n4", "nothing.nii", "b.txt")
    assert "does not end in .nii" in refusal(capsys, "normalise", "nothing.nii", "b.txt")
    assert "holds 2 factors, one or three are expected" in refusal(capsys, "n4", "a", "b", "--shrink", "4,4")


def test_something_in_the_way(capsys, tmp_path, ball):
    (tmp_path / "file").touch()
    (tmp_path / "c.csv").write_text(f"patient,image,mask\nd,{ball[0]},{ball[1]}\n")
    assert "in the way" in refusal(capsys, "score", *ball, "--out", str(tmp_path / "file"))
    assert "ends in none of" in refusal(capsys, "boxes", str(tmp_path / "c.csv"), "--out", str(tmp_path))
    assert "in the way" in refusal(capsys, "convert", ball[0], str(tmp_path / "file"))


def test_score_of_a_folder_and_further_sequences(capsys, tmp_path, ball):
    folder = str(Path(ball[0]).parent)
    alone = answer(capsys, "score", *ball)
    assert answer(capsys, "score", folder)["probability"] == alone["probability"]
    more = answer(capsys, "score", folder, "--image", f"t2={ball[0]}", "--set", "age=61")
    assert more["probability"] == alone["probability"]
    assert "nothing" in refusal(capsys, "score", folder, "--image", "t2=nothing.nii")


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups")
def test_interrupt_of_several_processes_is_quiet(tmp_path, ball):
    rows = ""
    for number in range(40):
        image = tmp_path / f"i{number}.nii.gz"
        image.hardlink_to(ball[0])
        rows += f"Q{number},{image},{ball[1]}\n"
    (tmp_path / "c.csv").write_text("patient,image,mask\n" + rows)
    running = subprocess.Popen([sys.executable, "-m", "app", "score", str(tmp_path / "c.csv"), "--jobs", "2"], cwd=ROOT,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    first = running.stderr.readline()
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert first.startswith("Scoring 1 of 40")
    assert (running.returncode, out) == (3, "")
    assert err.endswith("Cancelled.\n")
    assert "Traceback" not in err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Cancelled])
def test_cancelled(capsys, monkeypatch, ball, stop):
    def run(*_arguments):
        raise stop

    monkeypatch.setattr(app.cli, "run_workflow", run)
    assert refusal(capsys, "score", *ball, status=3) == "Cancelled."


def test_fault_of_ours_points_to_the_log(capsys, monkeypatch, ball, own_data_folder):
    def run(*_arguments):
        raise RuntimeError("a secret path /home/jane")

    monkeypatch.setattr(app.cli, "run_workflow", run)
    line = refusal(capsys, "score", *ball, status=1)
    log = own_data_folder / "logs" / "command-line.log"
    assert line.endswith(f"Details are in {log}.")
    assert "RuntimeError" in log.read_text()
    assert "jane" not in log.read_text() + line


def test_a_data_folder_that_cannot_be_made_is_one_sentence(capsys, monkeypatch, tmp_path, ball):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LIPOSCOPE_DATA", str(tmp_path / "file"))
    assert "The data folder cannot be made" in refusal(capsys, "score", *ball)


def test_result_that_is_no_json_is_our_fault(capsys, monkeypatch, ball):
    monkeypatch.setattr(app.cli, "run_workflow", lambda *_arguments: {"probability": float("nan")})
    assert "log" in refusal(capsys, "score", *ball, "--json", status=1)


def test_models(capsys, tmp_path, own_data_folder):
    listed = {each["name"]: each for each in answer(capsys, "models")["models"]}
    assert listed["lipoma-size"]["verified"]
    assert listed["lipoma-size"]["auc"]["mean"] == 0.827
    shown = answer(capsys, "models", "show", "lipoma-size")
    assert shown["specification"]["estimator"]["intercept"] == -7.23519
    assert say(capsys, "models", "show", "lipoma-size")[1].startswith("# Tumour volume alone")
    assert "needs a model's name" in refusal(capsys, "models", "show")
    assert answer(capsys, "models", "verify", "lipoma-size") == {
        "models": [{"name": "lipoma-size", "verified": True, "digest": shown["specification"]["digest"]}], "ok": True}
    bad = own_data_folder / "models" / "bad"
    bad.mkdir(parents=True)
    (bad / "bundle.json").write_text("{}")
    status, out, _ = say(capsys, "models", "verify", "bad", "--json")
    assert status == 2
    assert json.loads(out)["ok"] is False
    assert not next(each for each in answer(capsys, "models", "list")["models"] if each["name"] == "bad")["verified"]


def test_report_of_a_score(capsys, tmp_path, ball):
    _, out, _ = say(capsys, "score", *ball, "--json")
    (tmp_path / "score.json").write_text(out)
    for suffix in ("html", "pdf"):
        target = tmp_path / f"r.{suffix}"
        assert answer(capsys, "report", str(tmp_path / "score.json"), "--out", str(target))["written"] == [str(target)]
        assert target.stat().st_size > 1000
    assert "cannot be written as '.txt'" in refusal(capsys, "report", str(tmp_path / "score.json"), "--out", "r.txt")
    assert "There is no file at" in refusal(capsys, "report", str(tmp_path / "gone.json"), "--out", "r.pdf")
    for text in ("[]", "{}", '{"probability": 0.2}', "nonsense"):
        (tmp_path / "other.json").write_text(text)
        assert "is not the JSON of a score" in refusal(capsys, "report", str(tmp_path / "other.json"), "--out", "r.pdf")


def test_recorded_request_is_repeated(capsys, tmp_path, ball):
    request = {"case": {"id": "again", "images": {"image": ball[0]}, "mask": ball[1]}, "model": "lipoma-size"}
    record = tmp_path / "request.json"
    record.write_text(json.dumps({"workflow": "app.core.workflows:score_case", "request": request, "version": "0"}))
    first = answer(capsys, "run", str(record))
    assert first["probability"] == answer(capsys, "score", *ball)["probability"]
    record.write_text(json.dumps({"workflow": "os:system", "request": {}}))
    assert "none of this program's jobs" in refusal(capsys, "run", str(record))


def test_demo_convert_boxes_n4(capsys, tmp_path):
    demo = answer(capsys, "demo", "case", "--out", str(tmp_path / "demo"))
    assert [Path(path).name for path in demo["written"]] == ["image.nii.gz", "mask.nii.gz"]
    copied = answer(capsys, "convert", demo["image"], str(tmp_path / "copy.nii"))
    assert copied["written"] == [str(tmp_path / "copy.nii")]
    np.testing.assert_array_equal(nib.load(tmp_path / "copy.nii").get_fdata(), nib.load(demo["image"]).get_fdata())
    (tmp_path / "c.csv").write_text(f"patient,image,mask\nd,{demo['image']},{demo['mask']}\n")
    boxes = answer(capsys, "boxes", str(tmp_path / "c.csv"), "--out", str(tmp_path / "boxes.csv"))
    slices = (nib.load(demo["mask"]).get_fdata() > 0).any(axis=(0, 1)).sum()
    assert boxes["rows"] == slices == len((tmp_path / "boxes.csv").read_text().splitlines()) - 1
    n4 = answer(capsys, "n4", demo["image"], str(tmp_path / "n4.nii.gz"), "--shrink", "8,8,2", "--iterations", "5",
                "--levels", "2")
    assert set(n4) >= {"seconds", "levels", "cv_before", "cv_after"}
    assert [set(level) for level in n4["levels"]] == [{"iterations", "convergence"}] * 2


def test_train_prints_the_contract(capsys, tmp_path):
    table = write_features(tmp_path / "t.csv", 60, 2.0)
    recipe = tmp_path / "small.json"
    recipe.write_text(json.dumps({"name": "small", "model": {"folds": 4, "repeats": 1, "resamples": 2}}))
    words = ["train", str(table), "--label", "label", "--positive", "ALT", "--patient", "patient", "--site", "site",
             "--recipe", str(recipe), "--out", str(tmp_path / "model"), "--seed", "3"]
    result = answer(capsys, *words)
    assert set(result["models"]["small"]["auc"]) == {"mean", "sd", "interval", "interval_by", "folds"}
    assert set(result["comparators"]["volume"]) == {"auc", "difference", "points", "out_of_fold"}
    assert len(result["folds"]["digest"]) == 64
    assert answer(capsys, "models", "verify", result["bundle"])["ok"]
    assert answer(capsys, *words)["folds"] == result["folds"]
    assert "small *                 0." in say(capsys, *words)[1]
    assert "features: volume_ml" in say(capsys, *words)[2], "what is learned from is listed before fitting"
    assert "no column 'nothing'" in refusal(capsys, *words[:2], "--label", "nothing", *words[4:])
    assert "no column 'nothing'" in refusal(capsys, *words, "--ignore", "nothing")


def test_selftest(capsys):
    result = answer(capsys, "selftest")
    assert set(result) == {"ibsi", "combat", "n4", "versions", "devices", "ok"}
    assert result["ok"] is True
    assert result["ibsi"]["outside"] == 0
    assert result["ibsi"]["within"] > 100

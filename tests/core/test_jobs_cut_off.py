"""Runs whose program was killed are found once; those that go on are neither told nor forgotten."""

import json
import os
import subprocess
import sys
from pathlib import Path

from app.core import files
from app.core.jobs import Engine, Job
from app.core.jobs.run import keep_outcome, keep_request, take_cut_off, tidy_runs
from app.core.paths import runs_folder

ROOT = Path(__file__).resolve().parents[2]
KILLED = """
import os
from app.core.jobs import Job, keep_request
from app.core.paths import runs_folder
for name in ("train", "score_case"):
    keep_request(Job.make("train", f"app.core.workflows:{name}", {"out": name}), runs_folder())
os._exit(9)
"""


def start_and_die():
    subprocess.run([sys.executable, "-c", KILLED], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})


def test_what_was_cut_off_is_told_once():
    start_and_die()
    mine = keep_request(Job.make("view", "m:f", {}), runs_folder())
    assert [(job.workflow, job.request) for job in take_cut_off(runs_folder())] == [
        ("app.core.workflows:train", {"out": "train"}), ("app.core.workflows:score_case", {"out": "score_case"})]
    assert take_cut_off(runs_folder()) == []
    states = [json.loads(path.read_text())["state"] for path in runs_folder().glob("*/outcome.json")]
    assert states == ["cut off", "cut off"]
    keep_outcome(mine, 1.0)
    assert take_cut_off(runs_folder()) == []


def test_a_torn_record_is_not_told():
    start_and_die()
    for path in runs_folder().glob("*/request.json"):
        path.write_text("{")
    assert take_cut_off(runs_folder()) == []


def test_a_run_that_goes_on_outlives_many_newer_ones(tmp_path):
    training = keep_request(Job.make("train", "m:train", {}), tmp_path)
    for number in range(5):
        (tmp_path / f"9999-{number}").mkdir()
    tidy_runs(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [training.name, "9999-3", "9999-4"]
    keep_outcome(training, 1.0)
    tidy_runs(tmp_path, keep=2)
    assert not training.exists()


def test_a_finished_job_is_done_although_its_record_cannot_be_written(monkeypatch):
    engine = Engine("score")
    write = files.write_atomically

    def refuse(path, content):
        if Path(path).name == "outcome.json":
            raise OSError(28, "No space left on device")
        write(path, content)

    monkeypatch.setattr("app.core.jobs.run.write_atomically", refuse)
    try:
        outcome = engine.run(Job.make("score", "tests.core.toy_workflows:add", {"a": 1, "b": 2}), lambda *_: None)
    finally:
        engine.close()
    assert outcome.result == {"sum": 3}

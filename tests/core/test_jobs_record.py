"""Jobs in this process: found by name, and repeated from the request they left."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.errors import Cancelled, InputError
from app.core.jobs import Engine, Job, find_workflow, keep_request, run_request_file, run_workflow
from app.core.jobs.run import tidy_runs
from app.core.paths import runs_folder

TOY = "tests.core.toy_workflows"
ROOT = Path(__file__).resolve().parents[2]


def quiet(fraction, message):
    """A report that listens to nobody."""


def job(function, **request):
    return Job.make("score", f"{TOY}:{function}", request)


@pytest.fixture(scope="module")
def engine():
    engine = Engine("score")
    yield engine
    engine.close()


class TestThisProcess:
    def test_runs_a_workflow_by_name(self):
        assert run_workflow(f"{TOY}:add", {"a": 2, "b": 3}, quiet) == {"sum": 5}

    @pytest.mark.parametrize("name", ["app.core.no_such:thing", f"{TOY}:no_such", "nonsense", "", ":add"])
    def test_an_unknown_name_is_told(self, name):
        with pytest.raises(InputError, match="knows no job called"):
            find_workflow(name)

    def test_a_missing_library_is_not_mistaken_for_an_unknown_name(self, tmp_path, monkeypatch):
        (tmp_path / "needy_workflow.py").write_text("import library_that_is_not_there\n")
        monkeypatch.syspath_prepend(tmp_path)
        with pytest.raises(ModuleNotFoundError):
            find_workflow("needy_workflow:run")

    def test_the_report_may_stop_it(self):
        def stop(fraction, message):
            raise Cancelled

        with pytest.raises(Cancelled):
            run_workflow(f"{TOY}:count", {"steps": 3, "pause": 0}, stop)


class TestRecord:
    def test_a_replay_gives_the_same_result(self, engine):
        asked = job("add", a=20, b=22)
        outcome = engine.run(asked, quiet)
        record = runs_folder() / asked.id / "request.json"
        assert set(json.loads(record.read_text())) == {"workflow", "request", "version"}
        assert run_request_file(record, quiet, package="tests") == outcome.result == {"sum": 42}
        assert json.loads((record.parent / "outcome.json").read_text())["state"] == "done"

    def test_a_failure_is_recorded_and_repeats(self, engine):
        asked = job("fail", how="input")
        engine.run(asked, quiet)
        folder = runs_folder() / asked.id
        assert json.loads((folder / "outcome.json").read_text())["failure"]["kind"] == "input"
        with pytest.raises(InputError, match="4 was expected"):
            run_request_file(folder / "request.json", quiet, package="tests")

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"workflow": 3, "request": {}}',
                                         '{"workflow": "os:system", "request": {}}',
                                         '{"workflow": "apples:eat", "request": {}}'])
    def test_other_files_are_refused(self, content, tmp_path):
        path = tmp_path / "request.json"
        path.write_text(content)
        with pytest.raises(InputError):
            run_request_file(path, quiet)

    def test_old_runs_are_forgotten_and_killed_ones_swept(self, tmp_path):
        runs, target = tmp_path / "runs", tmp_path / "out" / "model"
        for number in range(5):
            (runs / f"2026-{number}").mkdir(parents=True)
        code = ("import os, sys; from app.core.files import staged_folder\n"
                "with staged_folder(sys.argv[1]): os._exit(0)")
        subprocess.run([sys.executable, "-c", code, str(target)], check=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT), "LIPOSCOPE_RUN": str(runs / "2026-4")})
        assert len(list(target.parent.iterdir())) == 1
        tidy_runs(runs, keep=2)
        assert [folder.name for folder in sorted(runs.iterdir())] == ["2026-3", "2026-4"]
        assert list(target.parent.iterdir()) == []


def test_who_the_patient_is_is_not_recorded(tmp_path):
    job = Job.make("train", "app.core.workflows:export_report", {"out": "r.html", "identity": {"patient_name": "Doe"}})
    folder = keep_request(job, tmp_path)
    kept = (folder / "request.json").read_text(encoding="utf-8")
    assert "r.html" in kept
    assert "Doe" not in kept
    assert job.request["identity"] == {"patient_name": "Doe"}

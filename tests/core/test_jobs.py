"""Jobs: what is promised of engines and lanes, tried on workflows that hang, crash and fail."""

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from app.core.errors import InputError
from app.core.jobs import (
    Done,
    Engine,
    Finished,
    Idle,
    Job,
    JobCancelled,
    JobFailed,
    Lane,
    Progressed,
    Started,
    Stopped,
    describe_failure,
)
from app.core.jobs.failures import outline_traceback
from app.core.paths import logs_folder, runs_folder

pytestmark = pytest.mark.quiet

TOY = "tests.core.toy_workflows"
ROOT = Path(__file__).resolve().parents[2]


def quiet(fraction, message):
    """A report that listens to nobody."""


def job(function, lane="score", **request):
    return Job.make(lane, f"{TOY}:{function}", request)


def wait_until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)


def family_in(pids):
    """The stubborn job's process and its child, once both have been written down."""
    found = [int(pid) for pid in pids.read_text().split()] if pids.exists() else []
    return found if len(found) == 2 else []


def gone(pid):
    """Dead; a zombie that nobody collects counts."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = Engine("score")
    yield engine
    engine.close()


@contextmanager
def serving(name, **settings):
    """A lane, its events, and a thread that serves it."""
    events = []
    lane = Lane(name, events.append, **settings)
    thread = threading.Thread(target=lane.serve)
    thread.start()
    try:
        yield lane, events
    finally:
        lane.close()
        thread.join(5)
        assert not thread.is_alive()
        assert lane.engine.pid is None


def of(events, kind, job_id=None):
    return [event for event in events if isinstance(event, kind) and (job_id is None or event.job.id == job_id)]


class TestEngine:
    def test_result_progress_and_a_process_of_its_own(self, engine):
        seen = []
        outcome = engine.run(job("count", steps=4, pause=0.0), lambda *report: seen.append(report))
        assert outcome == Done({"steps": 4, "tag": None})
        assert seen == [(0.0, "step 0"), (0.25, "step 1"), (0.5, "step 2"), (0.75, "step 3")]
        outcome = engine.run(job("where_am_i"), quiet)
        assert outcome.result["pid"] == engine.pid != os.getpid()
        assert outcome.result["name"] == "LipoScope score"
        assert outcome.result["daemon"] is False

    def test_it_never_loads_qt_nor_a_heavy_library(self, engine):
        loaded = set(engine.run(job("where_am_i"), quiet).result["modules"])
        assert not loaded & {"PySide6", "torch", "monai", "ants", "radiomics", "SimpleITK", "sklearn", "scipy",
                             "pandas", "nibabel", "pydicom", "matplotlib"}

    def test_warm_up_imports_ahead_and_again_after_a_restart(self):
        engine = Engine("view")
        try:
            engine.warm_up(["imaplib", "no_such_module_at_all"])
            assert "imaplib" in engine.run(job("where_am_i"), quiet).result["modules"]
            engine.run(job("die", how="exit"), quiet)
            assert "imaplib" in engine.run(job("where_am_i"), quiet).result["modules"]
        finally:
            engine.close()

    @pytest.mark.parametrize(("how", "words"), [
        ("exit", "ended early (exit code 7)"), ("sys.exit", "ended early (exit code 3)"),
        pytest.param("segfault", "crashed (signal 11)", marks=pytest.mark.skipif(os.name == "nt", reason="signals")),
        pytest.param("kill", "memory ran out", marks=pytest.mark.skipif(os.name == "nt", reason="signals")),
    ])
    def test_a_crash_names_its_step_and_the_next_job_runs(self, engine, how, words):
        begun = time.monotonic()
        outcome = engine.run(job("die", how=how), quiet)
        assert time.monotonic() - begun < 2.0 + 3.0  # a start of the engine may be among it
        assert outcome.failure.kind == "engine"
        assert words in outcome.failure.message
        assert "'correcting the bias field'" in outcome.failure.message
        assert engine.run(job("add", a=1, b=1), quiet) == Done({"sum": 2})

    def test_a_segfault_leaves_its_stack_in_the_log_and_nothing_of_the_request(self):
        if os.name == "nt":
            pytest.skip("signals")
        fresh = Engine("train")
        try:
            request = {"how": "segfault", "path": "/data/Mustermann"}
            fresh.run(Job.make("train", f"{TOY}:die", request, "Mustermann"), quiet)
            fresh.run(job("fail", how="value"), quiet)
        finally:
            fresh.close()
        log = (logs_folder() / "engine-train.log").read_text()
        assert "Segmentation fault" in log
        assert "toy_workflows.py" in log
        assert "ValueError" in log
        assert "Mustermann" not in log

    def test_killed_while_idle(self, engine):
        engine.run(job("add", a=1, b=1), quiet)
        psutil.Process(engine.pid).kill()
        assert engine.run(job("add", a=2, b=2), quiet) == Done({"sum": 4})

    def test_a_log_that_has_grown_is_turned_over(self):
        log = logs_folder() / "engine-train.log"
        log.write_text("x" * 300_000)
        fresh = Engine("train")
        try:
            fresh.run(job("add", a=1, b=1), quiet)
        finally:
            fresh.close()
        assert log.stat().st_size < 10_000
        assert log.with_suffix(".1.log").stat().st_size == 300_000

    def test_a_large_answer_crosses(self, engine):
        outcome = engine.run(job("count", steps=1, pause=0, tag="x" * 3_000_000), quiet)
        assert len(outcome.result["tag"]) == 3_000_000

    def test_cancelled_before_it_began(self, engine):
        asked = job("count", steps=100, pause=0.05)
        engine.cancel(asked.id)
        assert engine.run(asked, quiet) == Stopped()
        assert not (runs_folder() / asked.id).exists()


class TestFailures:
    @pytest.mark.parametrize(("how", "kind", "words"), [
        ("input", "input", "3, 4 was expected"), ("choice", "choice", "Two regions"), ("cohort", "cohort", "Two rows"),
        ("value", "unexpected", "unforeseen"), ("answer", "unexpected", "unforeseen"),
        ("memory", "engine", "not enough memory"), ("native memory", "engine", "not enough memory"),
        ("disk", "input", "disk is full"),
    ])
    def test_they_cross_by_kind(self, engine, how, kind, words):
        failure = engine.run(job("fail", how=how), quiet).failure
        assert (failure.kind, words in failure.message) == (kind, True)
        assert "Mustermann" not in failure.message + failure.remedy + failure.traceback

    def test_a_choice_keeps_its_options(self, engine):
        extra = engine.run(job("fail", how="choice"), quiet).failure.extra
        assert extra == {"field": "roi", "about": "mask", "options": [
            {"value": "1", "title": "tumour", "details": {"slices": "12"}, "thumbnail": [[0, 255]]},
            {"value": "2", "title": "bone", "details": {}, "thumbnail": None}]}

    def test_a_cohort_keeps_its_issues(self, engine):
        failure = engine.run(job("fail", how="cohort"), quiet).failure
        assert failure.extra == {"issues": ["Row 2 has no image.", "Row 5 has no mask."]}
        assert failure.remedy == "Correct them."

    def test_the_unforeseen_names_step_and_log(self, engine):
        failure = engine.run(job("fail", how="value"), quiet).failure
        assert "'reading the outline'" in failure.message
        assert "engine-score.log" in failure.remedy
        assert "toy_workflows.py" in failure.traceback

    def test_the_outline_tells_causes_first_and_no_message(self):
        def nested():
            try:
                int("Mustermann")
            except ValueError as error:
                raise InputError("Mustermann") from error

        with pytest.raises(InputError) as caught:
            nested()
        outline = outline_traceback(caught.value)
        assert outline.index("ValueError") < outline.index("InputError")
        assert "Mustermann" not in outline
        assert describe_failure(caught.value).message == "Mustermann"


class TestCancel:
    @pytest.mark.parametrize("function", ["count", "hang"])
    def test_within_two_seconds(self, function, tmp_path):
        pids = tmp_path / "pids"
        with serving("score") as (lane, events):
            asked = job("hang", pids=str(pids)) if function == "hang" else job("count", steps=1000, pause=0.05)
            lane.submit(asked)
            wait_until(lambda: of(events, Progressed))
            begun = time.monotonic()
            lane.cancel(asked.id)
            wait_until(lambda: of(events, JobCancelled, asked.id))
            assert time.monotonic() - begun < (2.0 if function == "hang" else 1.0)
            if function == "hang":
                wait_until(lambda: all(gone(pid) for pid in family_in(pids)), 1.0)
            wait_until(lambda: of(events, Idle))
            lane.submit(job("add", a=1, b=2))
            wait_until(lambda: of(events, Finished))
        assert of(events, Finished)[0].result == {"sum": 3}
        assert not of(events, JobFailed)

    @pytest.mark.parametrize("grace", [0.1, 1.5])
    def test_leaves_no_trace(self, grace, tmp_path):
        with serving("train", grace=grace) as (lane, events):
            asked = Job.make("train", f"{TOY}:stage_and_hang", {"target": str(tmp_path / "model")})
            lane.submit(asked)
            wait_until(lambda: of(events, Progressed))
            assert len(list(tmp_path.iterdir())) == 1
            lane.cancel(asked.id)
            wait_until(lambda: of(events, JobCancelled))
        assert list(tmp_path.iterdir()) == []
        assert not (runs_folder() / asked.id).exists()

    def test_a_waiting_job_is_taken_off_the_queue(self):
        with serving("score") as (lane, events):
            first, second = job("count", steps=10, pause=0.05), job("add", a=1, b=1)
            lane.submit(first)
            lane.submit(second)
            lane.cancel(second.id)
            wait_until(lambda: of(events, Idle))
        assert of(events, JobCancelled) == [JobCancelled(second)]
        assert [event.job.id for event in of(events, Finished)] == [first.id]
        assert not of(events, Started, second.id)


class TestLanes:
    def test_scores_run_in_turn_in_one_process(self):
        with serving("score") as (lane, events):
            jobs = [job("where_am_i") for _ in range(3)]
            for each in jobs:
                lane.submit(each)
            wait_until(lambda: of(events, Idle))
        assert [event.job.id for event in of(events, Finished)] == [each.id for each in jobs]
        assert len({event.result["pid"] for event in of(events, Finished)}) == 1

    def test_the_latest_view_wins(self):
        with serving("view") as (lane, events):
            jobs = [job("count", "view", steps=40, pause=0.05, tag=tag) for tag in range(4)]
            lane.submit(jobs[0])
            wait_until(lambda: of(events, Progressed, jobs[0].id))
            for each in jobs[1:]:
                lane.submit(each)
            heard = len(events)
            wait_until(lambda: of(events, Idle))
        assert {event.job.id for event in of(events, JobCancelled)} == {each.id for each in jobs[:3]}
        assert [event.result["tag"] for event in of(events, Finished)] == [3]
        assert all(event.job.id == jobs[3].id for event in events[heard:] if not isinstance(event, Idle))

    def test_killed_from_outside_amid_a_job(self):
        with serving("score") as (lane, events):
            lane.submit(job("hang"))
            wait_until(lambda: of(events, Progressed))
            begun = time.monotonic()
            os.kill(lane.engine.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
            wait_until(lambda: of(events, JobFailed))
            assert time.monotonic() - begun < 2.0
            lane.submit(job("add", a=1, b=2))
            wait_until(lambda: of(events, Finished))
        assert "'level 2 of 4'" in of(events, JobFailed)[0].failure.message

    def test_closing_amid_a_stubborn_job(self, tmp_path):
        pids = tmp_path / "pids"
        with serving("score") as (lane, events):
            lane.submit(job("hang", pids=str(pids)))
            wait_until(lambda: family_in(pids))
            begun = time.monotonic()
        assert time.monotonic() - begun < 1.5
        wait_until(lambda: all(gone(pid) for pid in family_in(pids)), 1.0)
        assert not of(events, JobCancelled)


DRIVER = """
import sys, threading
from app.core.jobs import Engine, Job
if __name__ == "__main__":
    engine = Engine("score")
    if sys.argv[1] == "idle":
        engine.run(Job.make("score", "tests.core.toy_workflows:add", {"a": 1, "b": 1}), lambda *report: None)
        print(engine.pid, flush=True)
        if sys.argv[2] == "wait":
            threading.Event().wait()
    else:
        engine.run(Job.make("score", "tests.core.toy_workflows:" + sys.argv[1], {"pids": sys.argv[2], "steps": 1000,
                   "pause": 0.05}), lambda *report: print(engine.pid, flush=True))
"""


@pytest.fixture
def driver(tmp_path):
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)

    started = []

    def drive(*arguments):
        started.append(subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "PYTHONPATH": str(ROOT)}))
        return started[-1]

    yield drive
    for process in started:
        process.kill()


class TestParentDeath:
    @pytest.mark.parametrize("function", ["idle", "count", "hang"])
    def test_a_killed_window_takes_its_engine_along(self, driver, function, tmp_path):
        pids = tmp_path / "pids"
        with driver(function, "wait" if function == "idle" else str(pids)) as window:
            family = [int(window.stdout.readline())]
            if function == "hang":
                wait_until(lambda: family_in(pids))
                family = family_in(pids)
            window.kill()
            begun = time.monotonic()
            wait_until(lambda: all(gone(pid) for pid in family), 3.0)
            assert time.monotonic() - begun < 2.0

    def test_leaving_without_a_word_does_not_hang(self, driver):
        with driver("idle", "leave") as window:
            pid = int(window.stdout.readline())
            assert window.wait(5) == 0
        wait_until(lambda: gone(pid), 1.0)

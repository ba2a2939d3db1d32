"""The window's bridge: signals in order, nothing blocks, nothing leaks, the score queue survives."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import QThread

from app.core.paths import runs_folder
from app.core.store import Store
from app.ui.jobs import Jobs

pytestmark = pytest.mark.quiet

TOY = "tests.core.toy_workflows"
ROOT = Path(__file__).resolve().parents[2]


class Ear:
    """Keeps what the signals said, in order."""

    def __init__(self, jobs):
        self.heard = []
        for name in ("started", "progress", "finished", "failed", "cancelled", "idle"):
            getattr(jobs, name).connect(lambda *values, name=name: self.heard.append((name, *values)))

    def of(self, name, about=None):
        return [event for event in self.heard if event[0] == name and about in (None, event[1])]


def engines():
    """Living engine processes of this program; multiprocessing's own resource tracker is none."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(child.cmdline()):
                found.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return set(found)


@pytest.fixture
def jobs(qtbot):
    before, threads = engines(), threading.active_count()
    jobs = Jobs()
    yield jobs
    begun = time.monotonic()
    jobs.shutdown()
    assert time.monotonic() - begun < 2.0
    assert not jobs.findChildren(QThread) or all(thread.isFinished() for thread in jobs.findChildren(QThread))
    qtbot.waitUntil(lambda: engines() <= before, timeout=1000)
    assert threading.active_count() <= threads


@pytest.fixture
def ear(jobs):
    return Ear(jobs)


def test_a_job_tells_its_whole_story(jobs, ear, qtbot):
    with qtbot.waitSignal(jobs.idle, timeout=10000):
        name = jobs.start("view", f"{TOY}:count", {"steps": 2, "pause": 0.0}, "Reading case 1")
        assert ear.heard == []
        assert [job.id for job in jobs.live_jobs("view")] == [name]
    assert ear.heard == [
        ("started", name, "view", "Reading case 1"), ("progress", name, 0.0, "step 0", -1.0),
        ("progress", name, 0.5, "step 1", -1.0), ("finished", name, {"steps": 2, "tag": None}), ("idle", "view")]
    assert jobs.live_jobs() == []


def test_the_time_left_is_told(jobs, ear, qtbot):
    name = jobs.start("score", f"{TOY}:count", {"steps": 40, "pause": 0.05})
    qtbot.waitUntil(lambda: any(event[4] >= 0 for event in ear.of("progress", name)), timeout=10000)
    event = next(event for event in ear.of("progress", name) if event[4] >= 0)
    assert event[4] == pytest.approx(2.0 * (1 - event[2]), rel=0.5)


def test_starting_and_stopping_never_block(jobs, ear, qtbot):
    jobs.warm_up("score")
    begun = time.monotonic()
    names = [jobs.start("score", f"{TOY}:hang", {}, str(number)) for number in range(3)]
    for name in names:
        jobs.cancel(name)
    jobs.cancel("unknown")
    assert time.monotonic() - begun < 0.3
    qtbot.waitUntil(lambda: len(ear.of("cancelled")) == 3, timeout=5000)
    assert not ear.of("failed")


def test_the_window_stays_awake_while_a_stubborn_job_is_stopped(jobs, ear, qtbot):
    name = jobs.start("score", f"{TOY}:hang", {})
    qtbot.waitUntil(lambda: bool(ear.of("progress", name)), timeout=10000)
    begun = beat = time.monotonic()
    jobs.cancel(name)
    longest = 0.0
    while not ear.of("cancelled", name):
        qtbot.wait(5)
        longest, beat = max(longest, time.monotonic() - beat), time.monotonic()
        assert beat - begun < 2.0
    assert longest < 0.5


def test_the_latest_view_wins_and_nothing_is_heard_of_the_others(jobs, ear, qtbot):
    first = jobs.start("view", f"{TOY}:count", {"steps": 40, "pause": 0.05})
    qtbot.waitUntil(lambda: bool(ear.of("progress", first)), timeout=10000)
    second = jobs.start("view", f"{TOY}:count", {"steps": 2, "pause": 0.0})
    third = jobs.start("view", f"{TOY}:count", {"steps": 2, "pause": 0.0})
    qtbot.waitUntil(lambda: bool(ear.of("idle")), timeout=5000)
    assert [event[1] for event in ear.of("cancelled")] == [first, second]
    assert [event[1] for event in ear.of("finished")] == [third]
    last = max(index for index, event in enumerate(ear.heard) if event[1] == first)
    assert ear.heard[last] == ("cancelled", first)


def test_a_crash_is_told_and_survived(jobs, ear, qtbot):
    broken = jobs.start("score", f"{TOY}:die", {"how": "exit"})
    sound = jobs.start("score", f"{TOY}:add", {"a": 1, "b": 2})
    qtbot.waitUntil(lambda: bool(ear.of("finished", sound)), timeout=10000)
    failure = ear.of("failed", broken)[0][2]
    assert failure.kind == "engine"
    assert "correcting the bias field" in failure.message


def test_lanes_run_side_by_side(jobs, ear, qtbot):
    slow = jobs.start("score", f"{TOY}:hang", {})
    qtbot.waitUntil(lambda: bool(ear.of("progress", slow)), timeout=10000)
    quick = jobs.start("view", f"{TOY}:add", {"a": 1, "b": 1})
    qtbot.waitUntil(lambda: bool(ear.of("finished", quick)), timeout=10000)
    assert len(jobs.live_jobs()) == 1


def test_an_unknown_lane_is_a_mistake_of_ours(jobs):
    with pytest.raises(ValueError, match="no lane 'print'"):
        jobs.start("print", f"{TOY}:add", {})


def test_warming_up_starts_an_engine(jobs, qtbot):
    before = engines()
    jobs.warm_up("train", ["json"])
    qtbot.waitUntil(lambda: len(engines() - before) == 1, timeout=5000)


def test_nothing_is_heard_after_the_shutdown(qtbot):
    jobs = Jobs()
    ear = Ear(jobs)
    jobs.start("score", f"{TOY}:hang", {})
    jobs.start("view", f"{TOY}:count", {"steps": 1000, "pause": 0.01})
    qtbot.waitUntil(lambda: len(ear.of("started")) == 2, timeout=10000)
    begun = time.monotonic()
    jobs.shutdown()
    assert time.monotonic() - begun < 2.0
    heard = len(ear.heard)
    qtbot.wait(100)
    assert len(ear.heard) == heard
    jobs.shutdown()


class TestQueue:
    def test_what_was_owed_is_resumed_in_order(self, qtbot):
        store = Store()
        jobs = Jobs(store)
        names = [jobs.start("score", f"{TOY}:count", {"steps": 2, "pause": pause, "tag": tag}, tag)
                 for tag, pause in (("done", 0.0), ("amid", 60.0), ("behind", 0.0))]
        jobs.start("view", f"{TOY}:count", {"steps": 2, "pause": 60.0})
        ear = Ear(jobs)
        qtbot.waitUntil(lambda: bool(ear.of("started", names[1])), timeout=10000)
        jobs.shutdown()
        store.close()

        store = Store()
        jobs = Jobs(store)
        ear = Ear(jobs)
        resumed = jobs.resume()
        assert [(job.id, job.title) for job in resumed] == [(names[1], "amid"), (names[2], "behind")]
        jobs.cancel(names[1])
        qtbot.waitUntil(lambda: bool(ear.of("finished", names[2])), timeout=10000)
        assert ear.of("cancelled", names[1])
        jobs.shutdown()
        store.close()

        store = Store()
        assert Jobs(store).resume() == []
        store.close()

    def test_a_killed_program_owes_its_scores(self, qtbot, tmp_path):
        script = tmp_path / "window.py"
        script.write_text(
            "from PySide6.QtCore import QCoreApplication\n"
            "if __name__ == '__main__':\n"
            "    from app.core.store import Store\n"
            "    from app.ui.jobs import Jobs\n"
            "    application = QCoreApplication([])\n"
            "    jobs = Jobs(Store())\n"
            "    jobs.progress.connect(lambda *event: print('amid', flush=True))\n"
            f"    jobs.start('score', '{TOY}:hang', {{}}, 'first')\n"
            f"    jobs.start('score', '{TOY}:add', {{'a': 1, 'b': 2}}, 'second')\n"
            "    application.exec()\n")
        with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "PYTHONPATH": str(ROOT)}) as window:
            assert window.stdout.readline() == "amid\n"
            window.kill()
        store = Store()
        jobs = Jobs(store)
        ear = Ear(jobs)
        first, second = jobs.resume()
        assert (first.title, second.title) == ("first", "second")
        jobs.cancel(first.id)
        qtbot.waitUntil(lambda: bool(ear.of("finished", second.id)), timeout=10000)
        assert ear.of("finished", second.id)[0][2] == {"sum": 3}
        record = json.loads((runs_folder() / second.id / "request.json").read_text())
        assert record["workflow"] == f"{TOY}:add"
        jobs.shutdown()
        store.close()

    def test_the_slot_records_before_the_queue_forgets(self, qtbot):
        store = Store()
        jobs = Jobs(store)
        owed = []
        jobs.finished.connect(lambda name, _: owed.append(
            [row["id"] for row in store._database.rows("SELECT id FROM queue")] == [name]))
        with qtbot.waitSignal(jobs.idle, timeout=10000):
            jobs.start("score", f"{TOY}:count", {"steps": 2, "pause": 0.05})
        jobs.shutdown()
        assert owed == [True]
        assert store._database.rows("SELECT id FROM queue") == []
        store.close()


def test_quitting_shuts_down():
    code = ("from PySide6.QtCore import QCoreApplication, QTimer\n"
            "if __name__ == '__main__':\n"
            "    from app.ui.jobs import Jobs\n"
            "    application = QCoreApplication([])\n"
            "    jobs = Jobs()\n"
            "    jobs.progress.connect(lambda *event: QTimer.singleShot(0, application.quit))\n"
            f"    jobs.start('view', '{TOY}:hang', {{}})\n"
            "    raise SystemExit(application.exec())\n")
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=20,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert (ended.returncode, ended.stderr) == (0, "")

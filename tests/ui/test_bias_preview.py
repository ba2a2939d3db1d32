"""The live preview's rules: newest wins, pictures on screen are not overwritten, the lane is shared."""

from pathlib import Path

import numpy as np
import pytest
from bias_results import measure_result, preview_result
from window_fixtures import RecordedJobs

from app.core.errors import Failure
from app.core.recipe import N4Recipe
from app.core.store import Store
from app.ui.bias_preview import PATIENCE_MS, BiasPreview
from app.ui.state import SessionState


class Bench:
    """A preview in a test's hands."""

    def __init__(self, folder):
        self.folder, self.jobs = folder, RecordedJobs()
        self.state = SessionState(Store(folder / "store.sqlite3"))
        self.preview = BiasPreview(self.jobs, self.state)
        self.shown, self.measured, self.failed, self.working = [], [], [], []
        self.preview.previewed.connect(lambda settings, _result: self.shown.append(settings.levels))
        self.preview.measured.connect(self.measured.append)
        self.preview.failed.connect(self.failed.append)
        self.preview.working.connect(self.working.append)
        self.preview.begin({"array": str(folder / "image.npy"), "affine": np.eye(4).tolist()})

    def ask(self, levels, own=""):
        self.preview.ask(N4Recipe(levels=levels), own)

    @property
    def asked(self):
        return [request["settings"]["levels"] for *_rest, name, request in self.jobs.asked if name == "preview_bias"]

    def answer(self):
        request = self.jobs.request("preview_bias")
        self.jobs.answer("preview_bias", preview_result(Path(request["folder"])))
        return request


@pytest.fixture
def bench(qtbot, tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.preview.end()
    bench.state.close()
    bench.state.store.close()


def test_while_one_is_made_only_the_newest_waits(bench):
    for levels in (1, 2, 3, 4):
        bench.ask(levels)
    assert bench.asked == [1]
    bench.answer()
    assert bench.asked == [1, 4]
    bench.answer()
    assert bench.shown == [1, 4]
    assert bench.working == [True, False]


def test_a_slow_one_gives_way_to_the_newest(bench, qtbot):
    bench.ask(1)
    first = bench.jobs.last("preview_bias")
    bench.ask(2)
    qtbot.waitUntil(lambda: bench.asked == [1, 2], timeout=PATIENCE_MS + 1000)
    bench.jobs.cancelled.emit(first)
    bench.jobs.finished.emit(first, preview_result(bench.folder / "late"))
    assert bench.shown == []
    bench.answer()
    assert bench.shown == [2]


def test_folders_alternate_and_never_hold_what_is_on_screen(bench):
    used = []
    for levels in (1, 2, 3):
        bench.ask(levels)
        used.append(bench.answer()["folder"])
        assert used[-1] != (used[-2] if len(used) > 1 else None)
    assert used[0] == used[2]


def test_the_region_of_the_fit_is_named_by_what_it_depends_on(bench, tmp_path):
    own = tmp_path / "own.nii.gz"
    own.write_bytes(b"")
    named = []
    for settings, outline in ((N4Recipe(levels=1), ""), (N4Recipe(levels=2), ""), (N4Recipe(mask="body"), ""),
                              (N4Recipe(mask="body"), str(own))):
        bench.preview.ask(settings, outline)
        named.append(Path(bench.answer()["fit"]).name)
    assert named == ["fit-otsu.npy", "fit-otsu.npy", "fit-body.npy", "fit-own0.npy"]


def test_another_view_job_is_let_finish_first(bench, monkeypatch):
    monkeypatch.setattr(bench.jobs, "live_jobs", lambda _lane=None: ["a drop"])
    bench.ask(1)
    assert bench.asked == []
    monkeypatch.undo()
    bench.jobs.idle.emit("view")
    assert bench.asked == [1]


def test_a_preview_that_a_drop_has_pushed_aside_comes_back(bench):
    bench.ask(3)
    bench.jobs.cancelled.emit(bench.jobs.last("preview_bias"))
    assert bench.preview.busy
    bench.jobs.idle.emit("view")
    assert bench.asked == [3, 3]


def test_stopped_by_the_reader_it_does_not_come_back(bench):
    bench.ask(3)
    job = bench.jobs.last("preview_bias")
    assert bench.preview.stop()
    assert bench.jobs.stopped == [job]
    bench.jobs.idle.emit("view")
    assert bench.asked == [3]
    assert bench.working == [True, False]
    assert not bench.preview.stop()


def test_a_stroke_measures_what_is_on_screen_without_correcting_again(bench):
    bench.ask(1)
    bench.answer()
    painted = np.zeros((6, 5, 4), bool)
    painted[1:3] = True
    bench.preview.measure(painted)
    request = bench.jobs.request("measure_bias")
    np.testing.assert_array_equal(np.load(request["region"]), painted)
    assert request["corrected"] == bench.preview.result["corrected"]
    bench.jobs.answer("measure_bias", measure_result(region=(0.1, 0.2)))
    assert bench.preview.result["worse"]["region"] is True
    assert len(bench.measured) == 1
    bench.ask(2)
    assert bench.jobs.request("preview_bias")["region"] == request["region"]


def test_a_stroke_while_correcting_is_measured_afterwards(bench):
    bench.ask(1)
    bench.preview.measure(np.ones((6, 5, 4), bool))
    assert bench.jobs.count("measure_bias") == 0
    bench.answer()
    assert bench.jobs.count("measure_bias") == 1


def test_a_failure_is_told_unless_newer_settings_wait(bench):
    failure = Failure("input", "No voxel above 0.")
    bench.ask(1)
    bench.ask(2)
    bench.jobs.failed.emit(bench.jobs.last("preview_bias"), failure)
    assert bench.failed == []
    assert bench.asked == [1, 2]
    bench.jobs.failed.emit(bench.jobs.last("preview_bias"), failure)
    assert bench.failed == [failure]
    assert bench.working == [True, False]

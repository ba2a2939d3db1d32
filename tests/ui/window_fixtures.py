"""A window whose engine is a recorder: tests answer for it."""

from itertools import count

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from app.core.store import Store
from app.ui.window import MainWindow

SCORE = {
    "case": "STS_003", "model": "lipoma-size", "model_purpose": "size", "demonstration": False,
    "classes": ["lipoma", "ALT/WDL"], "probability": 0.84, "interval": [0.71, 0.92],
    "prevalence": {"training": 0.5, "used": 0.01, "probability_at_used": 0.05}, "verdict": "ALT/WDL",
    "error_rate": 0.05, "threshold": 0.174,
    "operating_point": {"threshold": 0.174, "sensitivity": 0.98, "specificity": 0.32, "name": ""},
    "comparator": {"name": "lipoma-size", "probability": 0.58},
    "cautions": [{"code": "site", "message": "The site is unknown."}],
    "contributions": [{"feature": "volume_ml", "value": 3100.0, "effect": 1.2},
                      {"feature": "original_shape_Sphericity", "value": 0.8, "effect": -2.5}],
    "features": {}, "trace": [{"step": "n4", "settings": {"levels": 4}, "seconds": 1.5}], "timings": {"total": 2.0},
    "versions": {"model": "1"}, "notice": "Research use only, not a medical device.",
}


class RecordedJobs(QObject):
    """Takes jobs as the real bridge does and answers only when told."""

    started = Signal(str, str, str)
    progress = Signal(str, float, str, float)
    finished = Signal(str, dict)
    failed = Signal(str, object)
    cancelled = Signal(str)
    idle = Signal(str)

    def __init__(self):
        super().__init__()
        self.asked, self.stopped, self._number = [], [], count(1)

    def start(self, lane, workflow, request, _title=""):
        job = f"job-{next(self._number)}"
        self.asked.append((job, lane, workflow.rsplit(":", 1)[-1], request))
        return job

    def cancel(self, job):
        self.stopped.append(job)
        self.cancelled.emit(job)

    def resume(self):
        return []

    def live_jobs(self, _lane=None):
        return []

    def warm_up(self, lane, modules=None):
        pass

    def shutdown(self):
        pass

    def last(self, workflow):
        return next(job for job, _lane, name, _request in reversed(self.asked) if name == workflow)

    def request(self, workflow):
        return next(request for _job, _lane, name, request in reversed(self.asked) if name == workflow)

    def count(self, workflow):
        return sum(name == workflow for _job, _lane, name, _request in self.asked)

    def answer(self, workflow, result):
        self.finished.emit(self.last(workflow), result)


def case_files(name="STS_003", **more):
    return {"id": name, "images": {"t1": f"/data/{name}/t1.nii"}, "mask": f"/data/{name}/gtv.nii", **more}


def view_result(folder, name="STS_003", **more):
    folder.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(6 * 5 * 4, dtype=np.float32).reshape(6, 5, 4)
    np.save(folder / "t1.npy", voxels)
    np.save(folder / "t1.mask.npy", voxels > 100)
    image = {"array": str(folder / "t1.npy"), "affine": np.diag([1.0, 1.0, 3.0, 1.0]).tolist(), "window": [0.0, 120.0],
             "acquisition": {"weighting": "t1", "fat_suppressed": True, "sequence": "t1_fs"}, "prepared": None,
             "prepared_window": None, "histogram": {"edges": [0.0, 1.0, 2.0], "before": [0.5, 0.5], "after": None},
             "mask": str(folder / "t1.mask.npy"), "largest_slice": 3, "cautions": []}
    return {"case": name, "sequences": ["t1"], "images": {"t1": image}, "identity": {"patient_name": "Doe^Jane"},
            "mask": {"name": "gtv", "volume_ml": 80.1, "longest_diameter_mm": 75.0}, "mask_problem": None, "trace": [],
            "cautions": [], "orientation_question": False, **more}


class Driver:
    """The window in a test's hands."""

    def __init__(self, qtbot, folder):
        self.qtbot, self.folder, self.jobs = qtbot, folder, RecordedJobs()
        self.window = MainWindow(Store(folder / "store.sqlite3"), self.jobs)
        qtbot.addWidget(self.window)
        with qtbot.waitExposed(self.window):
            self.window.show()
        qtbot.waitUntil(lambda: self.jobs.count("list_models") > 0)
        self.reading, self.page = self.window.reading, self.window.score_page

    def open(self, *cases):
        self.window.open([path for case in cases for path in case["images"].values()])
        before = self.reading.worklist.rowCount()
        self.jobs.answer("identify_drop", {"cases": list(cases), "unpaired": [], "tables": [], "notes": []})
        self.qtbot.waitUntil(lambda: self.reading.worklist.rowCount() >= before + len(cases))

    def show(self, name="STS_003", **more):
        self.jobs.answer("view_case", view_result(self.folder / name, name, **more))

    @property
    def entry(self):
        return self.reading.worklist.entry(self.reading.current)


@pytest.fixture
def driver(qtbot, tmp_path):
    driver = Driver(qtbot, tmp_path)
    yield driver
    driver.window.close()

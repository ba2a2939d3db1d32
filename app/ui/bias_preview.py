"""The live bias correction: the newest settings are tried in the view lane; what is on screen is never overwritten."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, QTimer, Signal

from app.core.errors import Failure
from app.core.recipe import N4Recipe
from app.ui.jobs import Jobs
from app.ui.state import SessionState

PREVIEW = "app.core.workflows:preview_bias"
OUTLINE = "app.core.workflows:outline_bias"
MEASURE = "app.core.workflows:measure_bias"
LIVE_ENGINES = ("fast",)
PATIENCE_MS = 400


class BiasPreview(QObject):
    """Tries settings on one image.

    While a slider moves, a correction that has begun may end, so that pictures follow the hand; one that takes longer
    than `PATIENCE_MS` gives way to the newest settings.

    Signals
    -------
    previewed(N4Recipe, dict)
        The settings, and what `preview_bias` answered.
    measured(dict)
        What `measure_bias` answered about a newly painted region.
    outlined(dict)
        Where the field would be estimated (`mask`), when an engine is too slow to follow the sliders.
    failed(Failure)
        Why there is no picture.
    working(bool)
        Whether a correction is on its way.
    """

    previewed = Signal(object, dict)
    measured = Signal(dict)
    outlined = Signal(dict)
    failed = Signal(object)
    working = Signal(bool)

    def __init__(self, jobs: Jobs, state: SessionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._state = jobs, state
        self._image: dict[str, Any] = {}
        self._folder: Path | None = None
        self._owns: dict[tuple[str, float], int] = {}
        self._wanted: tuple[N4Recipe, str] | None = None
        self._running: tuple[N4Recipe, str] | None = None
        self._outline_wanted: tuple[N4Recipe, str] | None = None
        self._job = self._measure_job = self._outline_job = self._region = ""
        self._measure_wanted = False
        self._strokes = 0
        self._spare = "a"
        self._began = 0.0
        self.result: dict[str, Any] | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(lambda: self._wanted is not None and self._start())
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)
        jobs.cancelled.connect(self._stop)
        jobs.idle.connect(lambda lane: lane == "view" and self._go())

    @property
    def busy(self) -> bool:
        """Whether a correction is on its way."""
        return bool(self._job or self._wanted)

    def begin(self, image: Mapping[str, Any]) -> None:
        """Take up an image of a view (`array`, `affine`, `mask`)."""
        self.end()
        self.move(image)
        self._folder = self._state.new_view_folder()
        self._folder.mkdir(parents=True, exist_ok=True)

    def move(self, image: Mapping[str, Any]) -> None:
        """Go on with the same image, whose array lies elsewhere now."""
        self._image = {"array": image["array"], "affine": image["affine"], "tumour": image.get("mask")}

    def end(self) -> None:
        """Let the image go and delete what was made for it."""
        self.stop()
        self._state.drop_folder(self._folder)
        self._folder, self._image, self.result = None, {}, None
        self._region, self._owns, self._strokes = "", {}, 0

    def ask(self, settings: N4Recipe, own: str = "") -> None:
        """Try settings, with an own outline of where the field is estimated if there is one."""
        if self._folder is None:
            return
        was_busy = self.busy
        self._wanted = (settings, own)
        if not was_busy:
            self.working.emit(True)
        if not self._job:
            self._go()
        elif (time.monotonic() - self._began) * 1000 > PATIENCE_MS:
            self._start()

    def outline(self, settings: N4Recipe, own: str = "") -> None:
        """Find where settings would estimate the field, without correcting."""
        self._outline_wanted = (settings, own)
        self._go()

    def measure(self, region: NDArray[np.bool_] | None) -> None:
        """Judge the correction on screen, and all to come, in a painted region; None for none."""
        if self._folder is None:
            return
        former, self._region = self._region, ""
        if region is not None:
            self._strokes += 1
            path = self._folder / f"region{self._strokes}.npy"
            np.save(path, region)
            self._region = str(path)
        if former:
            self._state.in_background(lambda: Path(former).unlink(missing_ok=True))
        self._measure_wanted = True
        self._go()

    def stop(self) -> bool:
        """Call off what runs; False when nothing does."""
        was_busy, job = self.busy, self._job or self._measure_job or self._outline_job
        self._wanted = self._running = None
        self._job = self._measure_job = self._outline_job = ""
        self._measure_wanted, self._outline_wanted = False, None
        self._patience.stop()
        if job:
            self._jobs.cancel(job)
        if was_busy:
            self.working.emit(False)
        return was_busy

    def _go(self) -> None:
        """Start what is wanted, unless the lane is busy with something that must not be lost."""
        if self._folder is None or self._job or self._measure_job or self._outline_job \
                or self._jobs.live_jobs("view"):
            return
        if self._wanted is not None:
            self._start()
        elif self._outline_wanted is not None:
            wanted, self._outline_wanted = self._outline_wanted, None
            self._outline_job = self._jobs.start("view", OUTLINE, self._request(*wanted), "Finding the outline")
        elif self._measure_wanted and self.result is not None:
            self._measure_wanted = False
            request = {name: self._image[name] for name in ("array", "tumour")}
            request |= {name: self.result[name] for name in ("corrected", "mask", "scale")}
            request["region"] = self._region or None
            self._measure_job = self._jobs.start("view", MEASURE, request, "Measuring the region")

    def _start(self) -> None:
        if self._wanted is None or self._folder is None:
            return
        self._running, self._wanted = self._wanted, None
        self._measure_wanted, self._outline_wanted = False, None
        request = self._request(*self._running)
        self._began = time.monotonic()
        self._job = self._measure_job = self._outline_job = ""  # the one superseded is not heard of again
        self._job = self._jobs.start("view", PREVIEW, request, "Correcting the bias field")
        self._patience.start(PATIENCE_MS)

    def _request(self, settings: N4Recipe, own: str) -> dict[str, Any]:
        folder = self._folder or Path()
        return {**self._image, "folder": str(folder / self._spare), "mask": own or None,
                "settings": settings.model_dump(mode="json"), "region": self._region or None,
                "fit": str(folder / f"fit-{self._name_of(settings, own)}.npy")}

    def _name_of(self, settings: N4Recipe, own: str) -> str:
        if not own:
            return settings.mask
        path = Path(own)
        key = (own, path.stat().st_mtime if path.exists() else 0.0)
        return f"own{self._owns.setdefault(key, len(self._owns))}"

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job == self._measure_job and job:
            self._measure_job = ""
            if self.result is not None:
                self.result = {**self.result, **result}
            self.measured.emit(result)
            self._go()
        elif job == self._outline_job and job:
            self._outline_job = ""
            self.outlined.emit(result)
            self._go()
        elif job == self._job and job and self._running is not None:
            settings, self._job, self._running = self._running[0], "", None
            self._patience.stop()
            self._spare = "b" if self._spare == "a" else "a"
            self.result = result
            self.previewed.emit(settings, result)
            self._end_or_go_on()

    def _fail(self, job: str, failure: Failure) -> None:
        if job and job in (self._job, self._measure_job, self._outline_job):
            self._job = self._measure_job = self._outline_job = ""
            self._running = None
            self._patience.stop()
            if self._wanted is None:
                self.failed.emit(failure)
            self._end_or_go_on()

    def _stop(self, job: str) -> None:
        if job and job in (self._job, self._measure_job, self._outline_job):
            if job == self._job and self._wanted is None:
                self._wanted = self._running  # a drop or another case came between: once more when that is done
            self._job = self._measure_job = self._outline_job = ""
            self._running = None
            self._patience.stop()

    def _end_or_go_on(self) -> None:
        if self._wanted is not None:
            self._start()
            return
        self.working.emit(False)
        self._go()

"""Which sequences a case is made of, as the reader says: what there is to choose from, and the files afterwards."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import Failure
from app.ui.case_files import series_key
from app.ui.jobs import Jobs

LIST_IMAGES = "app.core.workflows.sequences:list_images"


class Sequences(QObject):
    """Lists the images that a case can be made of.

    Signals
    -------
    offered(str, list)
        A case's key and the images.
    failed(Failure)
        Why they cannot be listed.
    """

    offered = Signal(str, list)
    failed = Signal(object)

    def __init__(self, jobs: Jobs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._asked: dict[str, str] = {}
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)
        jobs.cancelled.connect(lambda job: self._asked.pop(job, ""))

    def ask(self, key: str, files: Mapping[str, Any], *, busy: bool) -> None:
        """List the images around a case's own; `busy` says that the score lane has a queue to work off."""
        lane = "train" if busy else "score"
        job = self._jobs.start(lane, LIST_IMAGES, {"paths": places_of(files)}, "Looking for sequences")
        self._asked[job] = key

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job in self._asked:
            self.offered.emit(self._asked.pop(job), list(result.get("images") or ()))

    def _fail(self, job: str, failure: Failure) -> None:
        if self._asked.pop(job, ""):
            self.failed.emit(failure)


def places_of(files: Mapping[str, Any]) -> list[str]:
    """Return where a case's other images may lie: the folder of its series, or the images themselves."""
    paths = list(dict.fromkeys(files["images"].values()))
    if len(paths) > 1 and files.get("series"):
        common = Path(os.path.commonpath(paths))
        if common.parent != common and len(common.parts) > 2:
            return [str(common)]
    return paths


def with_images(files: Mapping[str, Any], chosen: Sequence[Mapping[str, str]], about: str | None = None
                ) -> dict[str, Any]:
    """Put the reader's images into a case's files.

    Parameters
    ----------
    files : mapping
        `CaseFiles` as JSON.
    chosen : sequence of mapping
        `name`, `path` (empty: where the image in question lies), `series`.
    about : str, optional
        The image that the answer stands for; without it, for all of them.
    """
    asked = series_key(dict(files), about) if about is not None else ""
    kept = {name: path for name, path in files["images"].items() if asked and name != asked}
    home = files["images"].get(asked, "")
    series = {name: uid for name, uid in (files.get("series") or {}).items() if name in kept or name == "mask"}
    images = dict(kept)
    for item in chosen:
        name = asked if asked and len(chosen) == 1 else item["name"]
        while name in kept:
            name += "_2"
        images[name] = item["path"] or home
        if item["series"]:
            series[name] = item["series"]
    return {**files, "images": images, "series": series}

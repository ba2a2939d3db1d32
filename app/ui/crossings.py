"""Ways from one page of the window to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt

from app.ui.pages.library import LibraryPage
from app.ui.pages.results import ResultsPage
from app.ui.pages.score import ScorePage
from app.ui.pages.train import TrainPage
from app.ui.reading import Reading

Go = Callable[[str], None]


def join_results(results: ResultsPage, train: TrainPage, library: LibraryPage, reading: Reading, go: Go) -> None:
    """Lead to the results from a run and from the library, and from a result to the viewer."""

    def show(what: Any, how: Callable[[Any], None]) -> None:
        go("Results")
        how(what)

    train.results_requested.connect(lambda folder: show(folder, results.show_model))
    train.external_requested.connect(lambda path: show(path, results.show_external))
    library.results_requested.connect(lambda names: show(names, results.show_models))
    library.tests_requested.connect(lambda paths: show(paths, results.show_tests))
    library.external_requested.connect(lambda path: show(path, results.show_external))
    results.case_opened.connect(lambda: go("Score"))
    reading.scoring.models_listed.connect(results.offer_models)


def join_training(train: TrainPage, score: ScorePage, reading: Reading, go: Go) -> None:
    """Lead from the training to the viewer, to the results, and to scoring with the new model."""

    def preview() -> None:
        go("Score")
        reading.pictured.connect(lambda _view: score.steering.open(), Qt.ConnectionType.SingleShotConnection)

    train.case_opened.connect(preview)
    train.scoring_requested.connect(lambda: go("Score"))
    train.model_saved.connect(lambda _folder: reading.scoring.list_models())
    train.model_used.connect(reading.scoring.choose_model)

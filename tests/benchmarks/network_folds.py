"""Networks on held-out folds, with what each of them says about each picture kept: one training answers many questions.

How a case's slices, and a recipe's networks, are brought to one answer changes no training: mean and maximum, mean and
majority, slices and patients are figures of the same networks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.deep.combine import combine_answers
from app.core.deep.device import find_device
from app.core.deep.embed import take_sample
from app.core.deep.estimator import NetworkClassifier
from app.core.deep.image_set import ImageSet
from app.core.deep.predict import gather_cases, predict_logits, to_probability
from app.core.evaluate.crossvalidate import OutOfFold, Runner, cross_validate
from app.core.evaluate.delong import measure_areas
from app.core.evaluate.folds import Folds
from app.core.evaluate.metrics import auc
from app.core.files import staged_file
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort
from app.core.workflows.kept_folds import KeptFolds, describe_work
from app.core.workflows.making import describe_making, make_model
from app.core.workflows.pictures import CASE

Array = NDArray[np.float64]


class Witness(NetworkClassifier):
    """A `NetworkClassifier` that writes down what each network says about each picture that it is asked about."""

    def predict_proba(self, table: Any) -> Array:
        """Calibrated probability of class 0 and class 1, shape (rows, 2)."""
        assert self.folder is not None
        cases, device = [str(case) for case in table[CASE]], find_device(self.device, self.threads)
        images = self._open()
        sample = take_sample(images, cases)
        logits = np.stack([predict_logits(network, sample, device) for network, _ in self.load_networks(device)])
        path = answers_path(Path(self.folder), self.recipe.model_dump_json(), images.digest, cases)
        epochs = [len(history) for history in self.history_]
        with staged_file(path) as stage, stage.open("wb") as file:
            np.savez(file, logits=logits, cases=sample.cases, epochs=epochs)
        return super().predict_proba(table)


def answers_path(folder: Path, recipe: str, pictures: str, cases: list[str]) -> Path:
    """Where the answers about a fold's held-out cases lie."""
    told = json.dumps([recipe, pictures, cases])
    return folder / "answers" / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.npz"


@dataclass(frozen=True, eq=False)
class Judged:
    """A recipe's networks on held-out folds.

    Parameters
    ----------
    recipe : Recipe
    found : OutOfFold
        The cases, as the recipe combines slices and networks.
    answers : tuple of mapping
        Of each fold `logits`, shape (networks, pictures), and `cases`, the place of each picture's case in the fold;
        empty for a classical model on a network's features.
    """

    recipe: Recipe
    found: OutOfFold
    answers: tuple[Any, ...]

    @property
    def pictures(self) -> int:
        """How many were held out in all."""
        return sum(len(answer["cases"]) for answer in self.answers)

    @property
    def epochs(self) -> list[int]:
        """Of every network of every fold."""
        return [int(count) for answer in self.answers for count in answer["epochs"]]

    def read(self, aggregate: str, combine: str) -> OutOfFold:
        """The same networks, with slices and networks brought to one answer in another way."""
        areas = []
        for answer, fit in zip(self.answers, self.found.fits, strict=True):
            count = len(fit.test)
            each = [gather_cases(to_probability(one), answer["cases"], count, aggregate) for one in answer["logits"]]
            areas.append(auc(self.found.labels[fit.test], combine_answers(np.stack(each), combine)))
        return replace(self.found, aucs=np.array(areas))

    def read_slices(self) -> OutOfFold:
        """Every slice for itself, the networks' probabilities averaged."""
        areas = [auc(self.found.labels[fit.test][answer["cases"]], to_probability(answer["logits"]).mean(axis=0))
                 for answer, fit in zip(self.answers, self.found.fits, strict=True)]  # fmt: skip
        return replace(self.found, aucs=np.array(areas))


def judge(recipe: Recipe, cohort: Cohort, ask: TrainRequest, folds: Folds, runner: Runner) -> Judged:
    """Cross-validate a recipe with a network; folds that `ask.keep` has are not trained again."""
    assert ask.keep is not None
    assert recipe.network is not None
    work = describe_work(describe_making(recipe, cohort, ask), cohort.table, cohort.labels, cohort.patients)
    kept = KeptFolds(Path(ask.keep) / recipe.name, work, cohort.labels, folds.k, runner)
    make = make_witness(recipe, cohort, ask)
    found = cross_validate(make, cohort.table, cohort.labels, folds, lambda _done: None, cohort.patients, kept)
    if recipe.network.use == "features":
        return Judged(recipe, found, ())
    pictures = ImageSet(cohort.pictures[recipe.name]).digest
    told = (Path(ask.keep) / "networks", recipe.network.model_dump_json(), pictures)
    cases = cohort.table[CASE].to_numpy()
    return Judged(recipe, found, tuple(np.load(answers_path(*told, cases[fit.test].tolist())) for fit in found.fits))


def make_witness(recipe: Recipe, cohort: Cohort, ask: TrainRequest) -> Callable[[], Any]:
    """Give what the program makes, with a network that writes its answers down."""
    make: Any = make_model(recipe, cohort, ask)
    return partial(Witness, **make.keywords) if make.func is NetworkClassifier else make


def estimate_on(labels: NDArray[np.int_], scores: Array) -> tuple[float, float, float]:
    """AUC of a fixed model on cases that it has nothing to do with, and its 95 % interval by DeLong."""
    error = float(np.sqrt(measure_areas(labels, scores[:, None]).covariance[0, 0]))
    area = auc(labels, scores)
    return area, max(area - 1.96 * error, 0.0), min(area + 1.96 * error, 1.0)

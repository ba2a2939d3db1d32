"""Networks as a classifier that trains, calibrates and sets its thresholds from its own training cases alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from torch import nn

from app.core.classify.calibrator import PlattCurve, fit_platt
from app.core.classify.tuned import ERROR_RATES, PRIOR
from app.core.deep.augment import make_vary
from app.core.deep.checkpoint import Checkpoint, describe_training
from app.core.deep.combine import combine_answers
from app.core.deep.device import Device, TrainingTime, find_device, time_training
from app.core.deep.embed import KeptFeatures, embed_cases, take_cases, take_sample
from app.core.deep.fit import Epoch, train_network
from app.core.deep.held_out import hold_out
from app.core.deep.image_set import ImageSet
from app.core.deep.imbalance import Loss
from app.core.deep.journal import Journal
from app.core.deep.networks import build_network
from app.core.deep.phases import list_phases
from app.core.deep.predict import gather_cases, predict_logits, spread_over_views, to_probability
from app.core.deep.weights import start_network
from app.core.errors import RecipeError
from app.core.evaluate.conformal import class_quantiles
from app.core.evaluate.folds import make_folds
from app.core.evaluate.metrics import operating_points
from app.core.jobs import Report
from app.core.network_recipe import NetworkRecipe

Array = NDArray[np.float64]
Labels = NDArray[np.int_]
Weights = dict[str, NDArray[Any]]


class NetworkClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """All networks of a recipe, copies and members, in one estimator.

    Each copy watches another part of the training patients; what the copies say about the patients that they watched
    sets the calibration, the thresholds and the conformal quantiles. Their epochs are then chosen by other patients.

    Parameters
    ----------
    recipe : NetworkRecipe
    images : path
        The index of an `ImageSet` that has the cases' pictures.
    random_state : int
        Seed of the first weights, the order, the variants, and who is watched.
    device : {'auto', 'cuda', 'mps', 'cpu'}
    threads : int, optional
        Of the CPU; one where folds are fitted side by side.
    folder : path, optional
        Where a training's state and frozen features are kept, so that one that was stopped goes on exactly.
    report : callable, optional
        Told how far; may raise `Cancelled`.
    journal : Journal, optional
        Where the epochs of every network are listed.

    Attributes
    ----------
    networks_ : list of dict of str to array
        The tensors of each network by name; as many as `list_networks` of the recipe.
    history_ : list of list of Epoch
        Of each network.
    best_ : dict
        The epoch that each network's weights are from.
    notices_ : list of str
        What the user should know.
    weights_ : list of str
        What was taken from the recipe's files of weights.
    calibrator_ : dict
        `slope` and `intercept` from the raw score to log odds.
    inner_ : array, shape (rows,)
        Calibrated probability of each training row from networks that only watched its patient; NaN where none did.
    thresholds_, conformal_ : dict
        As of `TunedClassifier`. Without watched patients there is no threshold but the prior, and nothing is ruled out.
    classes_ : array
        0 and 1.
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        images: str | Path,
        random_state: int = 0,
        device: str = "auto",
        threads: int | None = None,
        folder: str | Path | None = None,
        report: Report | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.recipe = recipe
        self.images = images
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.folder = folder
        self.report = report
        self.journal = journal

    def fit(self, table: Any, labels: Labels, patients: NDArray[Any] | None = None) -> Self:
        """Train every network, calibrate, and set the thresholds.

        Parameters
        ----------
        table : DataFrame
            One row per case, named in the column `case`.
        labels : array of int, shape (rows,)
            0 or 1.
        patients : array, shape (rows,), optional
            Rows of a patient are watched together; by default each row is a patient.

        Raises
        ------
        InputError
            A case has no pictures, or the weights of the recipe's file do not fit.
        RecipeError
            The pictures were cut by another recipe.
        CohortError
            The patients cannot be split so that both classes are trained on and watched.
        """
        labels = np.asarray(labels, dtype=np.int_)
        _, groups = np.unique(np.arange(len(labels)) if patients is None else np.asarray(patients), return_inverse=True)
        images, device = self._open(), find_device(self.device, self.threads)
        cases = _cases(table)
        sample = take_sample(images, cases)
        asked = list_networks(self.recipe)
        self.networks_: list[Weights] = []
        self.history_: list[list[Epoch]] = []
        self.notices_: list[str] = []
        self.weights_: list[str] = []
        self.best_: dict[str, Any] = {}
        if self.journal:
            most = sum(phase.epochs for phase in list_phases(self.recipe.fit))
            facts = {"network": self.recipe.kind, "networks": len(asked), "epochs": most}
            self.journal.begin({**facts, "device": device.describe()})
        answers = np.full((len(asked), len(labels)), np.nan)
        done = []
        for place, (recipe, member, copy) in enumerate(asked):
            watched = self._choose_watched(recipe, labels, groups, copy)
            seed = _seed(self.random_state, member, copy)
            network, loaded = start_network(recipe, seed)
            self.weights_ += [loaded.describe()] if loaded is not None else []
            parts = (take_cases(sample, np.flatnonzero(~watched)), take_cases(sample, np.flatnonzero(watched)))
            checkpoint = self._keep(recipe, images, cases, labels, watched, seed, device, loaded)
            found = train_network(
                network,
                recipe,
                *parts,
                labels,
                seed,
                device,
                vary=make_vary(recipe),
                embed=KeptFeatures(self._features(), images, cases, recipe),
                report=self._share_report(place, len(asked)),
                on_epoch=partial(self.journal.note, place + 1) if self.journal else None,
                checkpoint=checkpoint,
            )
            done += [checkpoint] if checkpoint else []
            self.networks_.append({name: value.cpu().numpy() for name, value in network.state_dict().items()})
            self.history_.append(list(found.history))
            self.best_[f"{recipe.kind} {place + 1}: epoch"] = found.best
            self.notices_ += found.notices
            if watched.any():
                loss = Loss(recipe.fit, labels[parts[0].cases])
                logits = hold_out(found, parts[1], labels, groups, loss, seed)
                answers[place] = gather_cases(to_probability(logits), parts[1].cases, len(labels), recipe.aggregate)
        self._calibrate(combine_answers(answers, self.recipe.combine), labels)
        for checkpoint in done:
            checkpoint.remove()
        if self.journal:
            self.journal.end()
        return self

    def _choose_watched(
        self, recipe: NetworkRecipe, labels: Labels, groups: Labels, copy: int
    ) -> NDArray[np.bool_]:
        """Which cases a copy watches, shape (rows,): copies take turns, so that together they watch all if they can."""
        watched = np.zeros(len(labels), dtype=bool)
        if recipe.fit.watched > 0:
            k = max(round(1 / recipe.fit.watched), 2)
            most = max(each.copies for each in (self.recipe, *self.recipe.members))
            splits = make_folds(labels, groups, k, math.ceil(most / k), self.random_state).splits
            watched[splits[copy % len(splits)][1]] = True
        return watched

    def _calibrate(self, scores: Array, labels: Labels) -> None:
        known = np.isfinite(scores)
        self.inner_ = np.full(len(labels), np.nan)
        curve = fit_platt(scores[known], labels[known]) if known.any() else PlattCurve(1.0, 0.0)
        self.calibrator_ = asdict(curve)
        self.inner_[known] = to_probability(curve.log_odds(scores[known]))
        own, inner = labels[known], self.inner_[known]
        points = {point.name: point.threshold for point in operating_points(own, inner)} if known.any() else {}
        self.thresholds_ = {**points, PRIOR: float((labels == 1).mean())}
        self.conformal_ = {rate: class_quantiles(own, inner, rate) for rate in ERROR_RATES}
        self.classes_ = np.array([0, 1])

    def ask_networks(self, table: Any) -> Array:
        """Uncalibrated probability of class 1 from every network, shape (networks, rows)."""
        sample, count = take_sample(self._open(), _cases(table)), len(table)
        device = find_device(self.device, self.threads)
        return np.stack(
            [
                gather_cases(
                    to_probability(predict_logits(network, sample, device)), sample.cases, count, recipe.aggregate
                )
                for network, recipe in self.load_networks(device)
            ]
        )

    def ask_views(self, table: Any) -> Array:
        """Calibrated probability of class 1 from varied pictures, shape (views, rows); all networks combined.

        The recipe says how many views; none where it varies nothing.
        """
        sample, count = take_sample(self._open(), _cases(table)), len(table)
        device = find_device(self.device, self.threads)
        views, vary = self.recipe.views, make_vary(self.recipe)
        if not views or vary is None:
            return np.empty((0, count))
        each = [
            spread_over_views(network, sample, count, recipe.aggregate, vary, views, device)
            for network, recipe in self.load_networks(device)
        ]
        curve = PlattCurve(**self.calibrator_)
        return np.stack(
            [
                to_probability(curve.log_odds(combine_answers(np.stack(view), self.recipe.combine)))
                for view in zip(*each, strict=True)
            ]
        )

    def decision_function(self, table: Any) -> Array:
        """Calibrated log odds of class 1, shape (rows,)."""
        scores = combine_answers(self.ask_networks(table), self.recipe.combine)
        return PlattCurve(**self.calibrator_).log_odds(scores)

    def predict_proba(self, table: Any) -> Array:
        """Calibrated probability of class 0 and class 1, shape (rows, 2)."""
        probability = to_probability(self.decision_function(table))
        return np.column_stack([1 - probability, probability])

    def predict(self, table: Any) -> Labels:
        """The more probable class, shape (rows,)."""
        return (self.decision_function(table) > 0).astype(np.int_)

    def embed(self, table: Any) -> Array:
        """Pooled features, means over a case's pictures, of all networks side by side; shape (rows, features)."""
        images, cases, device = self._open(), _cases(table), find_device(self.device, self.threads)
        found = [
            embed_cases(network, recipe, images, cases, device, self._features())
            for network, recipe in self.load_networks(device)
        ]
        return np.concatenate(found, axis=1)

    def load_networks(self, device: Device) -> Iterator[tuple[nn.Module, NetworkRecipe]]:
        """Build the fitted networks one after the other, on the device and in their mode for scoring."""
        for (recipe, _, _), state in zip(list_networks(self.recipe), self.networks_, strict=True):
            network = build_network(recipe)
            network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})
            yield network.to(device.torch).eval(), recipe

    def _open(self) -> ImageSet:
        images = ImageSet(self.images)
        if images.recipe != self.recipe.crop:
            raise RecipeError(
                "The pictures were cut by other settings than the network's.", "Cut the pictures for this network."
            )
        return images

    def _features(self) -> Path | None:
        return None if self.folder is None else Path(self.folder) / "features"

    def _share_report(self, place: int, count: int) -> Report | None:
        report = self.report
        if report is None:
            return None
        lead = "" if count == 1 else f"Network {place + 1} of {count}. "
        return lambda fraction, message: report((place + fraction) / count, lead + message)

    def _keep(
        self,
        recipe: NetworkRecipe,
        images: ImageSet,
        cases: list[str],
        labels: Labels,
        watched: NDArray[np.bool_],
        seed: int,
        device: Device,
        loaded: Any,
    ) -> Checkpoint | None:
        if self.folder is None:
            return None
        settings = {
            "recipe": recipe.model_dump(mode="json", exclude={"members", "copies", "combine", "views", "weights"}),
            "weights": None if loaded is None else loaded.sha256,
            "pictures": images.digest,
            "cases": [cases, labels.tolist(), watched.tolist()],
            "seed": seed,
            "device": [device.kind, device.threads],
        }
        key = describe_training(settings)
        return Checkpoint(Path(self.folder) / f"{key}.pt", key)

    def __getstate__(self) -> dict[str, Any]:
        """State without classes of other packages: the recipe goes as its JSON, whoever listens stays behind."""
        state = {**super().__getstate__(), "recipe": self.recipe.model_dump(mode="json"), "images": str(self.images)}
        state |= {"folder": None if self.folder is None else str(self.folder), "report": None, "journal": None}
        if "history_" in state:
            state["history_"] = [[asdict(epoch) for epoch in each] for each in self.history_]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = {**state, "recipe": NetworkRecipe.parse(state["recipe"])}
        if "history_" in state:
            state["history_"] = [[Epoch(**epoch) for epoch in each] for each in state["history_"]]
        super().__setstate__(state)


def estimate_epochs(recipe: NetworkRecipe, pictures: int, device: Device) -> list[tuple[TrainingTime, int]]:
    """Tell beforehand what training takes: for every network the time of an epoch and the most epochs.

    A few steps on made-up pictures are timed for each kind of network; early stopping usually ends sooner, and phases
    in which only the head learns cost next to nothing.

    Parameters
    ----------
    recipe : NetworkRecipe
    pictures : int
        That are trained on.
    device : Device
    """
    known: dict[str, TrainingTime] = {}
    found = []
    for each, _, _ in list_networks(recipe):
        if each.kind not in known:
            batch = min(each.fit.batch, 4, pictures)
            known[each.kind] = time_training(build_network(each), each.crop.shape, batch, pictures, device)
        epochs = sum(phase.epochs for phase in list_phases(each.fit) if phase.unfreeze != "head")
        found.append((known[each.kind], epochs))
    return found


def list_networks(recipe: NetworkRecipe) -> list[tuple[NetworkRecipe, int, int]]:
    """Every network of a recipe: its own recipe, the number of the member (0 is the recipe itself) and of the copy."""
    members = [recipe, *recipe.members]
    return [(each, member, copy) for member, each in enumerate(members) for copy in range(each.copies)]


def _cases(table: Any) -> list[str]:
    return [str(case) for case in table["case"]]


def _seed(*parts: int) -> int:
    return int(np.random.SeedSequence(parts).generate_state(1)[0])

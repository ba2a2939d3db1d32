"""What of a fitted model of networks goes into a bundle: tensors, facts of the training, nothing of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import (
    NetworkEstimator,
    TrainedNetwork,
    WeightsOrigin,
    describe_contract,
    describe_shapes,
    pack_tensors,
)
from app.core.errors import RecipeError
from app.core.harmonise.features import FeatureColumns
from app.core.network_recipe import NetworkRecipe
from app.core.recipe import Recipe

if TYPE_CHECKING:
    from app.core.classify.tuned import TunedClassifier
    from app.core.deep.estimator import NetworkClassifier
    from app.core.deep.features import NetworkFeatures

State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Described:
    """Networks as a bundle keeps them.

    Parameters
    ----------
    estimator : NetworkEstimator
    weights : bytes
        The file of their tensors.
    """

    estimator: NetworkEstimator
    weights: bytes


def describe_networks(model: NetworkClassifier) -> Described:
    """Describe networks that answer themselves, with the calibration that the model has now."""
    curve = model.calibrator_
    return _describe(model.recipe, model.networks_, _trainings(model), _device(model), model.weights_, model.notices_,
                     slope=float(curve["slope"]), intercept=float(curve["intercept"]))  # fmt: skip


def describe_backbone(step: NetworkFeatures) -> Described:
    """Describe the network whose pooled features a classifier learned from."""
    from app.core.deep.weights import start_network

    trained: NetworkClassifier | None = getattr(step, "network_", None)
    if trained is not None:
        told = (_trainings(trained), _device(trained), trained.weights_, trained.notices_)
        return _describe(trained.recipe, trained.networks_, *told)
    network, loaded = start_network(step.recipe, step.random_state)
    states = [{name: value.numpy() for name, value in network.state_dict().items()}]
    return _describe(step.recipe, states, [(None, None)], "", [loaded.describe()] if loaded else [], [])


def list_epochs(model: NetworkClassifier | None) -> list[list[dict[str, Any]]]:
    """What every epoch of each network came to, as JSON; empty where none was trained."""
    if model is None:
        return []
    return [
        [
            {
                "epoch": epoch.number,
                "phase": epoch.phase,
                "rate": epoch.rate,
                "loss": round(epoch.trained, 6),
                "watched": None if epoch.watched is None else round(epoch.watched, 6),
                "auc": None if epoch.auc is None else round(epoch.auc, 6),
                "batch": epoch.batch,
            }
            for epoch in history
        ]
        for history in model.history_
    ]


def settle_features(model: TunedClassifier) -> NetworkFeatures:
    """Let a classifier of pooled features take them as columns, in place; gives back the network that made them.

    Raises
    ------
    RecipeError
        Members of an average learned from different networks.
    """
    members = getattr(model.fitted_, "members", [model.fitted_])
    steps: list[NetworkFeatures] = [member.steps[0][1] for member in members]
    first = steps[0]
    if any(describe_backbone(step).weights != describe_backbone(first).weights for step in steps[1:]):
        raise RecipeError(
            "The members of the average learned from networks that were trained apart, and a model keeps one.",
            "Take the features of weights that are not trained further, or a single classifier.",
        )
    names = tuple(map(str, first.names_))
    for member in members:
        columns = FeatureColumns(names)
        columns.n_features_in_ = len(names)
        member.steps[0] = (member.steps[0][0], columns)
    model.features, model.harmonise = names, None
    return first


def without_places(recipe: Recipe) -> Recipe:
    """The recipe with files of weights by their names alone: a folder of this machine means nothing elsewhere."""
    network = recipe.network
    if network is None:
        return recipe
    return recipe.model_copy(update={"network": _named(network)})


def _named(network: NetworkRecipe) -> NetworkRecipe:
    members = tuple(_named(member) for member in network.members)
    weights = None if network.weights is None else Path(network.weights).name
    return network.model_copy(update={"weights": weights, "members": members})


def _describe(
    recipe: NetworkRecipe,
    states: Iterable[State],
    trainings: Iterable[tuple[int | None, int | None]],
    device: str,
    found: Iterable[str],
    notices: Iterable[str],
    **curve: float,
) -> Described:
    from app.core.deep.estimator import list_networks
    from app.core.deep.networks import build_network

    asked, kept = [each for each, _, _ in list_networks(recipe)], list(states)
    networks = []
    contract: dict[str, Any] = {}
    for place, (each, (epochs, epoch)) in enumerate(zip(asked, trainings, strict=True)):
        network = build_network(each)
        contract = contract or describe_contract(network, each)
        count = network.count_parameters().total
        networks.append(TrainedNetwork(kind=asked[place].kind, parameters=count, epochs=epochs, epoch=epoch))
    estimator = NetworkEstimator(
        networks=tuple(networks),
        contract=contract,
        tensors=describe_shapes(kept),
        device=device,
        weights=tuple(_origins(asked, found)),
        notices=tuple(dict.fromkeys(notices)),
        **curve,
    )
    return Described(estimator, pack_tensors(kept))


def _trainings(model: NetworkClassifier) -> list[tuple[int | None, int | None]]:
    """Epochs that each network was trained for, and the one whose weights were kept."""
    return [
        (len(history), int(epoch)) for history, epoch in zip(model.history_, model.best_.values(), strict=True)
    ]


def _device(model: NetworkClassifier) -> str:
    from app.core.deep.device import find_device

    return find_device(model.device, model.threads).describe()


def _origins(asked: Iterable[NetworkRecipe], found: Iterable[str]) -> Iterable[WeightsOrigin]:
    """Each file of weights once, in the order in which the networks took it."""
    from app.core.deep.weights import find_weights, hash_file

    told, known = iter(found), set()
    for recipe in asked:
        if recipe.weights is None:
            continue
        sentence = next(told, "")
        if recipe.weights in known:
            continue
        known.add(recipe.weights)
        path = find_weights(recipe.weights)
        name = path.parent.name if path.name == "weights.safetensors" else path.name
        yield WeightsOrigin(file=name, sha256=hash_file(path), origin=recipe.weights_origin,
                            licence=recipe.weights_licence, found=sentence)  # fmt: skip


def shorten(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers with seven figures, which a distance does not miss: a network has thousands of pooled features."""
    return np.array([float(f"{value:.7g}") for value in values.ravel()]).reshape(values.shape)

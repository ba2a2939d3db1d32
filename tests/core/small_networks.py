"""Models of networks made in a moment, from small pictures: with their first weights, or trained for two epochs."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from app.core.bundle import (
    Bundle,
    ConformalQuantiles,
    NetworkEstimator,
    Specification,
    Threshold,
    TrainedNetwork,
    Training,
    TrainingSpace,
    describe_contract,
    describe_shapes,
    pack_tensors,
    write_bundle,
)
from app.core.classify.formula import LogitFormula, Term
from app.core.deep.estimator import list_networks
from app.core.deep.networks import build_network
from app.core.network_recipe import NetworkRecipe
from app.core.recipe import Recipe
from tests.core.small_cohorts import write_ball

NETWORK = {"kind": "cnn-small", "crop": {"set": "largest_slice", "size": 16, "mask_channel": True}, "views": 3,
           "fit": {"epochs": 2, "batch": 8, "watched": 0.25, "rate": 0.01}}
PREP = {"normalise": {"method": "zscore", "region": "image"}}


def small_recipe(**network: Any) -> Recipe:
    """A recipe of a small network on small pictures."""
    model = {"kind": "logistic", "folds": 2, "repeats": 1, "resamples": 3, "search": {"folds": 2}}
    return Recipe.parse({"name": "small-net", "prep": PREP, "features": None, "model": model,
                         "network": {**NETWORK, **network}})


def make_networks(recipe: NetworkRecipe, seed: int = 0) -> list[dict[str, np.ndarray]]:
    """First weights of every network of a recipe, by name."""
    asked = [each for each, _, _ in list_networks(recipe)]
    made = [build_network(each, seed + place) for place, each in enumerate(asked)]
    return [{name: value.numpy() for name, value in network.state_dict().items()} for network in made]


def describe_estimator(recipe: NetworkRecipe, states: list[dict[str, np.ndarray]], **changes: Any) -> NetworkEstimator:
    """What a specification says of networks."""
    asked = [each for each, _, _ in list_networks(recipe)]
    made = [build_network(each) for each in asked]
    networks = tuple(TrainedNetwork(kind=each.kind, parameters=network.count_parameters().total, epochs=2, epoch=1)
                     for each, network in zip(asked, made, strict=True))  # fmt: skip
    return NetworkEstimator(networks=networks, contract=describe_contract(made[0], asked[0]),
                            tensors=describe_shapes(states), **{"slope": 4.0, "intercept": 0.5, **changes})


def write_networks(folder: Path, seed: int = 0, weights: bytes | None = None, estimator: Any = None,
                   **network: Any) -> Bundle:
    """Write a model of networks that nobody has trained; `weights` and `estimator` stand in for the right ones."""
    recipe = small_recipe(**network)
    states = make_networks(recipe.network, seed)
    estimator = estimator or describe_estimator(recipe.network, states)
    width = sum(build_network(each).features for each, _, _ in list_networks(recipe.network))
    axis = (1.0, *[0.0] * (width - 1))
    space = TrainingSpace(centre=(0.0,) * width, scale=(1.0,) * width, axes=(axis,), variances=(1.0,), rest=1.0,
                          limit=1e6)
    specification = Specification(
        name=folder.name, title="A small network", version="1", purpose="Tells nothing.", classes=("lipoma", "ALT"),
        recipe=recipe, features=(), estimator=estimator,
        training=Training(description="none", counts={"lipoma": 5, "ALT": 5}, prevalence=0.5,
                          ranges={"volume_ml": (1.0, 500.0)}, sites=("S1",), space=space),
        thresholds=(Threshold(name="even", threshold=0.5, sensitivity=0.5, specificity=0.5, default=True),),
        conformal=(ConformalQuantiles(error_rate=0.05, negative=0.9, positive=0.9),),
        size=LogitFormula(intercept=-2.0, covariance=((0.1, 0.0), (0.0, 0.1)),
                          terms=(Term(feature="volume_ml", transform="log10", coefficient=1.0, reference=10.0),)),
    )  # fmt: skip
    weights = pack_tensors(states) if weights is None else weights
    return write_bundle(folder, specification, "# A small network\n", {}, weights=weights)


def write_balls(folder: Path, cases: int = 16) -> Path:
    """Write a cohort of balls, every other one brighter; the path of its table."""
    rows = []
    for place in range(cases):
        own = folder / f"c{place:02d}"
        write_ball(own, 11.0 + place % 5, (2.0, 2.0, 4.0), 90.0 + 160.0 * (place % 2), seed=place)
        rows.append({"patient": f"P{place:02d}", "image": f"{own.name}/t1.nii.gz", "mask": f"{own.name}/mask.nii.gz",
                     "label": ("lipoma", "ALT")[place % 2], "site": f"S{place % 2}"})  # fmt: skip
    with (folder / "cohort.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder / "cohort.csv"

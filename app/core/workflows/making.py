"""From a recipe to unfitted models of a cohort, and everything that decides what they become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.classify.tuned import TunedClassifier
from app.core.harmonise.step import build_harmonisation
from app.core.jobs import Report
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows.crew import carry_out
from app.core.workflows.pictures import OWNER, training_folder

if TYPE_CHECKING:
    from app.core.workflows.cohort import Cohort

EPOCHS = "epochs"
"""Folder, within a run's own, of what the epochs of its networks came to."""


def make_model(
    recipe: Recipe, cohort: Cohort, ask: TrainRequest, title: str = "", report: Report | None = None
) -> Callable[[], Any]:
    """Give what makes an unfitted model of a recipe: it learns from rows of the cohort's table.

    Parameters
    ----------
    recipe : Recipe
    cohort : Cohort
    ask : TrainRequest
        Its seed, and the folder that it keeps.
    title : str
        What the model's epochs are listed under, where it has any; by default the recipe's name.
    report : callable, optional
        Told of a network's epochs where it trains in this process; may raise `Cancelled`.

    Returns
    -------
    callable
        A `TunedClassifier` or a `NetworkClassifier`; picklable unless `report` is not.
    """
    network = recipe.network
    if network is None:
        harmonise = build_harmonisation(recipe.harmonise, cohort.features)
        return partial(
            TunedClassifier, recipe.model, features=cohort.features, harmonise=harmonise, random_state=ask.seed
        )
    # one thread: folds run side by side, and more threads would change the last digits
    common: dict[str, Any] = {
        "recipe": network,
        "images": cohort.pictures[recipe.name],
        "random_state": ask.seed,
        "threads": 1,
        "folder": Path(ask.keep) / "networks" if ask.keep else training_folder(),
    }
    if network.use == "features":
        from app.core.deep.features import NetworkFeatures

        beside = cohort.features if recipe.features else ()
        step = NetworkFeatures(**common, frozen=not network.tune, beside=beside, patients=OWNER)
        return partial(TunedClassifier, recipe.model, harmonise=step, random_state=ask.seed)
    from app.core.deep.estimator import NetworkClassifier
    from app.core.deep.journal import Journal

    journal = Journal(Path(ask.keep) / EPOCHS, title or recipe.name) if ask.keep else None
    return partial(NetworkClassifier, **common, report=report, journal=journal)


def describe_making(recipe: Recipe, cohort: Cohort, ask: TrainRequest) -> dict[str, Any]:
    """Give all that decides a model besides its rows, as JSON."""
    settings: dict[str, Any] = {
        "model": recipe.model.model_dump(mode="json"),
        "harmonise": recipe.harmonise.model_dump(mode="json"),
        "features": list(cohort.features),
        "seed": ask.seed,
    }
    if recipe.network is not None:
        from app.core.deep.image_set import ImageSet
        from app.core.deep.weights import find_weights, hash_file

        networks = (recipe.network, *recipe.network.members)
        settings |= {
            "network": recipe.network.model_dump(mode="json"),
            "pictures": ImageSet(cohort.pictures[recipe.name]).digest,
            "weights": [hash_file(find_weights(each.weights)) if each.weights else None for each in networks],
        }
    return settings


def runs_on_card(recipe: Recipe) -> bool:
    """Whether a recipe's network trains on a graphics card, which several processes would only share."""
    if recipe.network is None:
        return False
    from app.core.deep.device import find_device

    return find_device().kind != "cpu"


def one_by_one(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
    """Apply a function to every item in this process, as `map` does."""
    return (carry_out({"function": function, "item": item}) for item in items)

"""What networks run on here, how large each is, and whether its weights are there: known before anything is trained."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.core.errors import AppError
from app.core.jobs import Report
from app.core.network_recipe import NetworkRecipe
from app.core.paths import data_folder
from app.core.recipe import Recipe
from app.core.settings import Settings


class DescribeNetworksRequest(Settings):
    """Say what is known of networks before they are trained."""

    recipes: list[Recipe]


def describe_devices(_request: dict[str, Any], _report: Report) -> dict[str, Any]:
    """Say what networks run on.

    Returns
    -------
    dict
        `device`: `kind` ('cuda', 'mps' or 'cpu'), `name`, `memory` (GiB; null where it shares the computer's) and
        `described`, one line.
    """
    from app.core.deep.device import find_device

    found = find_device()
    told = asdict(found)
    return {"device": {**{name: told[name] for name in ("kind", "name", "memory")}, "described": found.describe()}}


def describe_networks(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Count the parameters of networks, and see whether their weights are there and fit.

    Parameters
    ----------
    request : dict
        A `DescribeNetworksRequest`; recipes without a network are passed over.

    Returns
    -------
    dict
        `device`, as of `describe_devices`, and `networks`, by the recipe's name: `parameters` of one network, `copies`
        (how many networks are trained, members included), `weights` (null where it starts from scratch, else `file`,
        `folder` where it is looked for by name, `fits`, and `message`: what of it is taken, or why it cannot be), and
        `problem`, why the network cannot be made (else '').
    """
    asked = [recipe for recipe in DescribeNetworksRequest.parse(request).recipes if recipe.network is not None]
    found = dict[str, Any]()
    for number, recipe in enumerate(asked):
        report(number / len(asked), "Looking at the networks")
        if recipe.network is not None:
            found[recipe.name] = _describe(recipe.network)
    return {**describe_devices({}, report), "networks": found}


def _describe(recipe: NetworkRecipe) -> dict[str, Any]:
    import torch

    from app.core.deep.networks import build_network

    told: dict[str, Any] = {"parameters": 0, "copies": sum(each.copies for each in (recipe, *recipe.members)),
                            "weights": None, "problem": ""}  # fmt: skip
    try:
        with torch.device("meta"):  # counted, not made
            told["parameters"] = build_network(recipe).count_parameters().total
    except (RuntimeError, ValueError) as error:
        return {**told, "problem": f"The network cannot be made of these settings ({error})."}
    named = [each for each in (recipe, *recipe.members) if each.weights]
    return {**told, "weights": _check_weights(named)} if named else told


def _check_weights(recipes: list[NetworkRecipe]) -> dict[str, Any]:
    """Try the files of a recipe and its members; the first that does not do is told."""
    from app.core.deep.weights import start_network

    told: dict[str, Any] = {"file": recipes[0].weights, "folder": str(data_folder() / "weights")}
    taken = []
    for each in recipes:
        try:
            _, loaded = start_network(each)
        except AppError as error:
            return {**told, "file": each.weights, "fits": False, "message": f"{error.message} {error.remedy}".strip()}
        taken += [loaded.describe()] if loaded is not None else []
    return {**told, "fits": True, "message": " ".join(taken)}

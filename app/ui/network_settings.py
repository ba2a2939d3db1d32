"""Choices of a network's recipe that follow from one another, so that the reader makes each of them once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from app.core.network_recipe import CropRecipe, NetworkRecipe

_OF_VOLUMES = {"resnet18": "resnet18-3d"}
_OF_SLICES = {"resnet18-3d": "resnet18"}


def mend_crop(values: Mapping[str, Any], former: CropRecipe) -> dict[str, Any]:
    """Neighbours are three channels; what is no longer of neighbours has one again."""
    if values["set"] == "neighbours":
        return {"channels": 3}
    return {"channels": 1} if former.set == "neighbours" else {}


def mend_network(values: Mapping[str, Any], former: NetworkRecipe) -> dict[str, Any]:
    """Networks of volumes look at volumes, others do not; only features can come from weights as they are."""
    told: dict[str, Any] = {}
    volumes = values["kind"].endswith("-3d")
    crop = values["crop"]
    if volumes != (crop.set == "volume"):
        crop = crop.model_copy(update={"set": "volume" if volumes else "largest_slice",
                                       "channels": 1 if volumes else crop.channels})
    if values["standardise"] == "imagenet" != former.standardise:
        scale = "unit" if crop.scale == "zscore" else crop.scale
        crop = crop.model_copy(update={"channels": 3, "scale": scale})
    if volumes and values["standardise"] == "imagenet":
        told["standardise"] = "none"
    if values["use"] == "score" or values["weights"] is None:
        told["tune"] = True
    if values["use"] == "features":
        told |= {"copies": 1, "members": ()}
    else:
        told["members"] = tuple(each.model_copy(update={"crop": crop}) for each in values["members"])
    return {**told, "crop": crop}


def with_crop(network: NetworkRecipe, crop: CropRecipe) -> dict[str, Any]:
    """Values of a network for other pictures: its kind follows where it cannot look at them."""
    kind = network.kind
    if crop.set == "volume" and not kind.endswith("-3d"):
        kind = _OF_VOLUMES.get(kind, "resnet10-3d")
    elif crop.set != "volume" and kind.endswith("-3d"):
        kind = _OF_SLICES.get(kind, "cnn-small")
    members = tuple(each.model_copy(update={"crop": crop}) for each in network.members)
    standardise = "none" if crop.set == "volume" else network.standardise
    return {"crop": crop, "kind": kind, "members": members, "standardise": standardise}


def join(network: NetworkRecipe, changes: Mapping[str, Any]) -> tuple[NetworkRecipe, str]:
    """Put changed parts into a network's recipe; the recipe as it was, and what is wrong, where they do not fit."""
    values = {name: getattr(network, name) for name in NetworkRecipe.model_fields}
    try:
        return NetworkRecipe.model_validate({**values, **changes}), ""
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        return network, f"{said[:1].upper()}{said[1:]}."

"""What the wizard says about networks: what each is, what it looks at, what it runs on; for who has trained none."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.core.network_recipe import CropRecipe, NetworkRecipe

NETWORKS = {
    "cnn-small": "A small modern network, made for few cases. The first to try, from some dozens of cases on.",
    "cnn-quick": "The small network on small pictures for a few epochs: shows within minutes whether everything works. "
                 "Not to rely on.",
    "cnn-2019": "The network of the 2019 study of lipoma, kept for comparison. From few cases it learned little there.",
    "resnet50-2phase": "A large network that has learned to see elsewhere. First only its new last layers learn your "
                       "tumours, then its last block too, slowly.",
    "resnet50-features-xgb": "A large network, left as it is, describes each picture in 2,048 numbers; small trees "
                             "learn from these.",
    "resnet3d": "Looks at each tumour as a whole, in three dimensions. Wants hundreds of cases and a graphics card.",
}
ABOUT = ("These look at the images themselves. They need more cases and more time than models of features, and are "
         "tested on the same patients in the same way.")
UNHARMONISED = "ComBat, chosen at step 3, does not reach them: they see the pictures as each site made them."
NO_PICTURES = ("Networks look at images, and this table holds features alone: take a table or a folder with images and "
               "outlines at step 1.")
SETS = {"largest_slice": "the slice where the tumour is largest", "slices": "every slice with tumour",
        "neighbours": "every slice with tumour, each with those before and after it", "volume": "the tumour as a whole"}


def facts_words(recipe: NetworkRecipe, told: Mapping[str, Any] | None) -> str:
    """Say how large a network is and what it looks at: '391,169 parameters; looks at up to 12 slices …'."""
    parts = []
    if told is not None and told["parameters"]:
        size = f"{told['parameters']:,} parameters"
        parts.append(size if told["copies"] == 1 else f"{told['copies']} networks, {size} each")
    parts.append(f"looks at {picture_words(recipe.crop)}")
    if recipe.weights is None:
        parts.append("starts from scratch")
    words = "; ".join(parts)
    return f"{words[:1].upper()}{words[1:]}."


def picture_words(crop: CropRecipe) -> str:
    """Say which pictures are cut: 'up to 12 slices of each tumour, 96 × 96 pixels, and its outline'."""
    what = SETS[crop.set]
    if crop.most is not None and crop.set in ("slices", "neighbours"):
        beside = ", each with those before and after it" if crop.set == "neighbours" else ""
        what = f"up to {crop.most} slices of each tumour{beside}"
    size = f"{crop.size} × {crop.size}"
    size = f"{size} × {crop.depth} voxels" if crop.set == "volume" else f"{size} pixels"
    field = f" in a field of {crop.field_mm:g} mm" if crop.field_mm else ""
    return f"{what}, {size}{field}{', and its outline' if crop.mask_channel else ''}"


def weights_words(told: Mapping[str, Any] | None) -> str:
    """Say whether the weights that a network starts from are there; '' where it needs none."""
    weights = (told or {}).get("weights")
    if not weights:
        return str((told or {}).get("problem") or "")
    message = str(weights["message"]).replace(str(Path.home()), "~")
    return f"Weights: {message}" if weights["fits"] else message


def device_words(device: Mapping[str, Any], jobs: int) -> str:
    """Say what networks run on: 'Runs on: CPU, 2 threads, a training on each.'; '' while it is not known."""
    if not device:
        return ""
    if device["kind"] == "cpu":
        each = ", a training on each" if jobs > 1 else ""
        return f"Runs on: CPU, {jobs} thread{'s' * (jobs != 1)}{each}. A graphics card would be many times as fast."
    memory = f" with {device['memory']:.0f} GiB of memory" if device.get("memory") else ""
    return f"Runs on: {device['name']}{memory}, one training after the other."

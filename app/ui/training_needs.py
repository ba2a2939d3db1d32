"""What a model needs that is not there: a column of sites, images, the weights it starts from."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.training import Training


@dataclass(frozen=True)
class Lack:
    """What is missing: a few words beside the model, and a sentence with what to do."""

    words: str
    sentence: str


def lack(training: Training, name: str) -> Lack | None:
    """Say what a model needs that is not there; None when it can be trained, or nothing is known of the table."""
    found, recipe = training.found, training.adapted(name)
    if not found or recipe is None:
        return None
    if recipe.network is not None and not found["holds_images"]:
        return Lack("needs images and outlines", "A chosen network needs images, and the table holds none: leave it "
                                                 "out, or take a table with images at step 1.")
    if recipe.harmonise.method != "none" and not found["chosen"]["site"]:
        return Lack("needs a column of sites",
                    "A chosen model needs a column of sites: name it at step 1, or leave the model out.")
    told = training.networks.of(recipe)
    if told is not None and told["problem"]:
        return Lack("cannot be made", "A chosen network cannot be made of its settings: change them, or leave it out.")
    weights = told["weights"] if told is not None else None
    if weights is not None and not weights["fits"]:
        return Lack("needs its weights",
                    "A chosen network needs its file of weights: choose the file, or leave the network out.")
    return None

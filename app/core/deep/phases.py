"""Phases of a training: what is frozen in each, and how fast what is not may change."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import nn

from app.core.network_recipe import FitRecipe, PhaseRecipe

Unfreeze = Literal["head", "last", "all"]


def list_phases(recipe: FitRecipe) -> tuple[PhaseRecipe, ...]:
    """The phases of a recipe; one of everything where it names none."""
    return recipe.phases or (PhaseRecipe(unfreeze="all", epochs=recipe.epochs, rate=recipe.rate),)


def is_head(name: str) -> bool:
    """Whether a tensor of a network, by its name, belongs to the layers after the pooled features."""
    return name.startswith("head.")


def split_blocks(network: nn.Module) -> list[list[nn.Parameter]]:
    """A network's parameters by block, from the pictures to the answer; the head comes last.

    Parameters
    ----------
    network : Module
        Its `parts()` lists its layers in blocks, in that order.

    Returns
    -------
    list of list of Parameter
        No block is empty, and every parameter is in one of them.
    """
    listed: Any = network.parts
    blocks = [[parameter for layer in part for parameter in layer.parameters()] for part in listed()]
    known = {id(parameter) for block in blocks for parameter in block}
    # what belongs to no part is as near to the pictures as can be
    rest = [parameter for parameter in network.parameters() if id(parameter) not in known]
    return [block for block in [rest, *blocks] if block]


def freeze(network: nn.Module, unfreeze: Unfreeze) -> None:
    """Let only the head, the head and the last block, or everything learn."""
    blocks = split_blocks(network)
    free = {"head": 1, "last": 2, "all": len(blocks)}[unfreeze]
    for place, block in enumerate(reversed(blocks)):
        for parameter in block:
            parameter.requires_grad_(place < free)


def set_training(network: nn.Module) -> None:
    """Put a network into training, save what is frozen: its batch statistics stay those that it came with."""
    network.train()
    for module in network.modules():
        parameters = list(module.parameters())
        if parameters and not any(parameter.requires_grad for parameter in parameters):
            module.eval()


def make_optimiser(network: nn.Module, recipe: FitRecipe, rate: float) -> torch.optim.Optimizer:
    """Make an optimiser of what is not frozen: each block at `earlier` times the rate of the block after it.

    Parameters
    ----------
    network : Module
    recipe : FitRecipe
    rate : float
        Of the head, the last group.
    """
    blocks = [[each for each in block if each.requires_grad] for block in split_blocks(network)]
    free = [block for block in blocks if block]
    groups = [
        {"params": block, "lr": rate * recipe.earlier ** (len(free) - 1 - place)} for place, block in enumerate(free)
    ]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True, weight_decay=recipe.weight_decay)
    made = torch.optim.AdamW if recipe.optimiser == "adamw" else torch.optim.Adam
    return made(groups, lr=rate, weight_decay=recipe.weight_decay)

"""A saved model's networks asked about the pictures of a case in memory: answers, pooled features, where they looked.

On the CPU, in single precision and on one thread, so that a case gets the same answer alone, in a cohort and on any
number of cores.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.core.deep.attention import Attention, find_attention
from app.core.deep.augment import make_vary
from app.core.deep.device import Device, find_device
from app.core.deep.explain import attainable_share, draw_occlusion
from app.core.deep.networks import Network
from app.core.deep.predict import (
    FloatArray,
    Sample,
    embed_pictures,
    gather_cases,
    predict_logits,
    to_probability,
    vary_pictures,
)
from app.core.network_recipe import NetworkRecipe

Array = NDArray[np.float64]
Judge = Callable[[Array], Array]
"""Pooled features, shape (cases, features), to log odds of class 1, shape (cases,)."""
Tell = Callable[[float], None]
PATCH = {2: 8, 3: 4}
"""What is covered at a time has the longest side divided by this, for pictures of so many axes."""


class Networks:
    """The networks of a model, ready to be asked.

    Parameters
    ----------
    recipe : NetworkRecipe
        Of the model.
    """

    def __init__(self, recipe: NetworkRecipe) -> None:
        self.recipe = recipe
        self.device: Device = find_device("cpu", threads=1)
        self._networks: list[tuple[Network, NetworkRecipe]] = []

    def __len__(self) -> int:
        return len(self._networks)

    @property
    def modules(self) -> list[Network]:
        """The networks themselves, in their mode for scoring."""
        return [network for network, _ in self._networks]

    @property
    def parameters(self) -> int:
        """Numbers that all of them together have learned."""
        return sum(network.count_parameters().total for network, _ in self._networks)

    def add(self, recipe: NetworkRecipe, network: Network, state: Mapping[str, Tensor | NDArray[Any]]) -> None:
        """Take a network in, with its weights.

        Parameters
        ----------
        recipe : NetworkRecipe
            Its own, as `list_networks` gives it.
        network : Network
            Made by this recipe.
        state : mapping of str to tensor or array
            All of its tensors, in their shapes.
        """
        given = {name: value if isinstance(value, Tensor) else torch.from_numpy(np.array(value))
                 for name, value in state.items()}  # fmt: skip
        network.load_state_dict(given, assign=True)
        self._networks.append((network.requires_grad_(False).eval(), recipe))

    def ask(self, sets: Sequence[FloatArray]) -> Array:
        """Uncalibrated probability of class 1 from every network.

        Parameters
        ----------
        sets : sequence of array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x)
            The pictures of each case.

        Returns
        -------
        array, shape (networks, cases)
        """
        sample = _sample(sets)
        return np.stack(
            [
                gather_cases(
                    to_probability(predict_logits(network, sample, self.device)),
                    sample.cases,
                    len(sets),
                    recipe.aggregate,
                )
                for network, recipe in self._networks
            ]
        )

    def embed(self, sets: Sequence[FloatArray]) -> Array:
        """Pooled features, means over a case's pictures, of all networks side by side; shape (cases, features)."""
        sample = _sample(sets)
        found = [
            gather_cases(embed_pictures(network, sample, self.device).astype(np.float64), sample.cases, len(sets))
            for network, _ in self._networks
        ]
        return np.concatenate(found, axis=1)

    def vary(self, pictures: FloatArray) -> list[FloatArray]:
        """Variants of a case's pictures as training had them, always the same; as many as the recipe says, or none."""
        vary = make_vary(self.recipe)
        if vary is None:
            return []
        places = np.arange(len(pictures))
        return [vary_pictures(pictures, vary, view + 1, places) for view in range(self.recipe.views)]

    def look(
        self,
        pictures: FloatArray,
        outlines: NDArray[np.bool_],
        label: int,
        *,
        occlusion: bool = False,
        judge: Judge | None = None,
        steps: Array | None = None,
        tell: Tell | None = None,
    ) -> Attention:
        """Find where the networks looked.

        Parameters
        ----------
        pictures : array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x)
        outlines : array of bool, shape (pictures, y, x) or (1, z, y, x)
        label : int
            The class whose evidence is shown.
        occlusion : bool
            Also cover the pictures patch by patch.
        judge : callable, optional
            What answers from pooled features in the place of the only network's own head. Grad-CAM, which needs a
            slope, then follows the straight line through its answers a `step` to either side of the case's features.
        steps : array, shape (features,), optional
            With `judge`.
        tell : callable, optional
            Told how far the covering has come, 0 to 1; may raise to stop.
        """
        asked: list[nn.Module] = list(self.modules)
        covered, pictures = asked, np.array(pictures)  # torch warns of what is read-only
        if judge is not None:
            embedded = self.embed([pictures])[0]
            asked = [_with_head(self.modules[0], _slopes(judge, embedded, steps))]
            covered = [_Judged(self.modules[0], judge)]
        found = find_attention(asked, pictures, outlines, label, self.device)
        if not occlusion:
            return found
        patch = max(max(pictures.shape[2:]) // PATCH[pictures.ndim - 2], 2)
        maps = [
            draw_occlusion(each, pictures, label, patch, device=self.device, tell=_share(tell, place, len(covered)))
            for place, each in enumerate(covered)
        ]
        cells = [max(side // patch, 1) for side in pictures.shape[2:]]
        lost = np.asarray(np.mean(maps, axis=0), dtype=np.float32)
        return replace(found, occlusion=lost, attainable_covered=attainable_share(outlines, cells))


def _sample(sets: Sequence[FloatArray]) -> Sample:
    cases = np.repeat(np.arange(len(sets)), [len(each) for each in sets])
    return Sample(sets[0] if len(sets) == 1 else np.concatenate(sets), np.arange(len(cases)), cases)


def _share(tell: Tell | None, place: int, count: int) -> Tell | None:
    """Tell of one network of several."""
    return None if tell is None else lambda fraction: tell((place + fraction) / count)


def _slopes(judge: Judge, embedded: Array, steps: Array | None) -> Array:
    """How much the log odds rise with each pooled feature, around a case; shape (features,)."""
    width = np.ones(len(embedded)) if steps is None else np.where(steps > 0, steps, 1.0)
    moved = np.diag(width)
    return np.asarray((judge(embedded + moved) - judge(embedded - moved)) / (2 * width))


def _with_head(network: Network, slopes: Array) -> Network:
    """Copy a network with a head of one weight for each pooled feature."""
    with_head = copy.deepcopy(network)
    head = nn.Linear(len(slopes), 1)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(slopes.astype(np.float32))[None])
        head.bias.zero_()
    with_head.head = head
    return with_head.eval()


class _Judged(nn.Module):
    """A network whose pooled features something else answers for, picture by picture."""

    def __init__(self, network: Network, judge: Judge) -> None:
        super().__init__()
        self.network, self.judge = network, judge

    def forward(self, pictures: Tensor) -> Tensor:
        embedded = self.network.embed(pictures).double().cpu().numpy()
        return torch.from_numpy(np.asarray(self.judge(embedded), dtype=np.float32))

"""A trained network's answers: for every picture, and from the pictures to the case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from app.core.deep.device import Device, reproducible, with_smaller_batches

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
Rows = NDArray[np.int_]
Vary = Callable[[FloatArray, int], FloatArray]
"""A picture and a seed to a variant of the picture, always the same one."""

Embed = Callable[[nn.Module, "Sample", Device], FloatArray]
"""A network and pictures to their pooled features, shape (pictures, features)."""

BATCH = 32
_CLOSEST = 1e-7
"""To 0 and 1: a single-precision logit tells no more."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Pictures, and whose they are.

    Parameters
    ----------
    pictures : array of float32, shape (all pictures, channels, y, x) or (all pictures, channels, z, y, x)
        Memory-mapped, or anything that takes row numbers.
    rows : array of int, shape (n,)
        Those that are meant.
    cases : array of int, shape (n,)
        To which case each belongs: a place in the list of cases.
    """

    pictures: Any
    rows: Rows
    cases: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def read(self, places: Rows) -> FloatArray:
        """Read some of them, shape (places, channels, ...)."""
        return np.ascontiguousarray(self.pictures[self.rows[places]], dtype=np.float32)


def predict_logits(
    network: nn.Module, sample: Sample, device: Device, vary: Vary | None = None, seed: int = 0, batch: int = BATCH
) -> Array:
    """Ask a network about every picture, in single precision whatever it was trained in.

    Parameters
    ----------
    network : Module
        On the device; put into its mode for scoring.
    sample : Sample
    device : Device
    vary : callable, optional
        Ask about a variant of each picture instead, drawn from `seed` and the picture's place.
    seed, batch : int

    Returns
    -------
    array, shape (pictures,)
        Log odds of class 1, uncalibrated.
    """
    network.eval()
    found = _run(network, sample, device, vary, seed, batch)
    return np.asarray(found.reshape(len(sample)), dtype=np.float64)


def embed_pictures(network: nn.Module, sample: Sample, device: Device) -> FloatArray:
    """Pooled features of every picture as it is, shape (pictures, features)."""
    embed: Any = network.embed
    network.eval()
    return _run(embed, sample, device)


def _run(
    forward: Callable[[Tensor], Tensor],
    sample: Sample,
    device: Device,
    vary: Vary | None = None,
    seed: int = 0,
    batch: int = BATCH,
) -> FloatArray:
    """Run all pictures through a part of a network, shape (pictures, ...); smaller batches where memory ends."""

    def run(size: int) -> FloatArray:
        answers = []
        for start in range(0, len(sample), size):
            places = np.arange(start, min(start + size, len(sample)))
            pictures = sample.read(places)
            if vary is not None:
                pictures = vary_pictures(pictures, vary, seed, places)
            answers.append(forward(torch.from_numpy(pictures).to(device.torch)).float().cpu().numpy())
        return np.concatenate(answers)

    with torch.inference_mode(), reproducible(seed, device):
        return with_smaller_batches(run, batch, device)


def vary_pictures(pictures: FloatArray, vary: Vary, seed: int, places: Rows) -> FloatArray:
    """Vary each picture by a seed of its own, so that neither order nor batch size matters."""
    varied = [
        vary(picture, int(np.random.SeedSequence([seed, int(place)]).generate_state(1)[0]))
        for picture, place in zip(pictures, places, strict=True)
    ]
    return np.ascontiguousarray(np.stack(varied), dtype=np.float32)


def to_probability(logits: Array) -> Array:
    """Logistic curve, shape as given."""
    from scipy.special import expit

    return np.asarray(expit(logits), dtype=np.float64)


def to_log_odds(probabilities: Array) -> Array:
    """Logit, shape as given; finite also at 0 and 1."""
    inside = np.clip(probabilities, _CLOSEST, 1 - _CLOSEST)
    return np.log(inside / (1 - inside))


def gather_cases(values: Array, cases: Rows, count: int, how: Literal["mean", "max"] = "mean") -> Array:
    """From pictures to cases.

    Parameters
    ----------
    values : array, shape (pictures,) or (pictures, columns)
    cases : array of int, shape (pictures,)
        Places in the list of cases.
    count : int
        Cases.
    how : {'mean', 'max'}

    Returns
    -------
    array, shape (count,) or (count, columns)
        NaN for a case without pictures.
    """
    values = np.asarray(values, dtype=np.float64)
    if how == "max":
        gathered = np.full((count, *values.shape[1:]), -np.inf)
        np.maximum.at(gathered, cases, values)
        return np.where(np.isneginf(gathered), np.nan, gathered)
    sums = np.zeros((count, *values.shape[1:]))
    np.add.at(sums, cases, values)
    numbers = np.bincount(cases, minlength=count).astype(np.float64).reshape(-1, *[1] * (values.ndim - 1))
    return np.divide(sums, numbers, out=np.full_like(sums, np.nan), where=numbers > 0)


def spread_over_views(
    network: nn.Module, sample: Sample, count: int, how: Literal["mean", "max"], vary: Vary, views: int, device: Device
) -> Array:
    """How a case's probability moves when its pictures are varied as they were in training.

    Parameters
    ----------
    network, sample, vary, device
        As for `predict_logits`.
    count : int
        Cases.
    how : {'mean', 'max'}
    views : int
        Variants of each picture.

    Returns
    -------
    array, shape (views, count)
        Uncalibrated probabilities of class 1.
    """
    return np.stack(
        [
            gather_cases(
                to_probability(predict_logits(network, sample, device, vary, seed=view + 1)), sample.cases, count, how
            )
            for view in range(views)
        ]
    )

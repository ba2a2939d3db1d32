"""What a training says about patients that it only watched, freed of the choice that it made by watching them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from app.core.deep.fit import Trained
from app.core.deep.imbalance import Loss
from app.core.deep.predict import Rows, Sample

Array = NDArray[np.float64]


def hold_out(
    trained: Trained, watched: Sample, labels: NDArray[np.int_], patients: NDArray[np.int_], loss: Loss, seed: int
) -> Array:
    """Log odds of the watched pictures, from epochs that other patients chose.

    The epoch whose weights are kept is the one with the least loss on the watched patients: its answers about them are
    a little too good. Here the patients are halved, and each half is answered by the epoch that the other half chose.

    Parameters
    ----------
    trained : Trained
    watched : Sample
    labels, patients : array, shape (cases,)
        Of the cases that the sample refers to.
    loss : Loss
        That the training watched.
    seed : int
        Of the halves.

    Returns
    -------
    array, shape (watched pictures,)
    """
    halves = _halve(labels[watched.cases], patients[watched.cases], np.random.default_rng(seed))
    targets = torch.from_numpy(labels[watched.cases])
    answers: Array = trained.logits[trained.best - 1].copy()
    for own, other in (halves, halves[::-1]):
        if len(own) and len(other):
            losses = [
                float(loss.watched(torch.from_numpy(logits[other]), targets[torch.from_numpy(other)]))
                for logits in trained.logits
            ]
            answers[own] = trained.logits[int(np.argmin(losses)), own]
    return answers


def _halve(labels: NDArray[np.int_], patients: NDArray[np.int_], rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Split pictures into two halves by patient, each class evenly."""
    positive = np.unique(patients[labels == 1])
    negative = np.setdiff1d(patients, positive)
    # of odd numbers the larger half of one class meets the smaller half of the other
    first = [*rng.permutation(positive)[: (len(positive) + 1) // 2], *rng.permutation(negative)[: len(negative) // 2]]
    chosen = np.isin(patients, first)
    return np.flatnonzero(chosen), np.flatnonzero(~chosen)

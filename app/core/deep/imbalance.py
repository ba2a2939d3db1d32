"""The loss, and what is done about unequal classes: weights, drawing, or the focal loss."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from app.core.network_recipe import FitRecipe

Rows = NDArray[np.int_]


class Loss:
    """Binary cross-entropy or the focal loss, weighted so that both classes count the same where that is asked for.

    Parameters
    ----------
    recipe : FitRecipe
    labels : array of int, shape (pictures,)
        Of the pictures that are trained on.

    References
    ----------
    Lin et al., Focal Loss for Dense Object Detection, ICCV (2017), 10.1109/ICCV.2017.324.
    """

    def __init__(self, recipe: FitRecipe, labels: NDArray[np.int_]) -> None:
        counts = np.bincount(labels, minlength=2)
        self.weights = [len(labels) / (2 * max(int(count), 1)) for count in counts]
        self._imbalance = recipe.imbalance
        self._focal: Any = None
        if recipe.imbalance == "focal":
            from monai.losses.focal_loss import FocalLoss

            self._focal = FocalLoss(gamma=recipe.focal_gamma, alpha=None, reduction="none")

    def trained(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of a batch that is trained on; both of shape (n,)."""
        return self._mean(logits, labels, weighted=self._imbalance == "weights")

    def watched(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Mean loss of pictures that are watched: what drawing evens out in training is weighted here."""
        return self._mean(logits, labels, weighted=self._imbalance in ("weights", "oversample"))

    def _mean(self, logits: Tensor, labels: Tensor, *, weighted: bool) -> Tensor:
        logits, labels = logits.float(), labels.float()
        if self._focal is not None:
            each: Tensor = self._focal(logits[:, None], labels[:, None])
            return each.mean()
        each = functional.binary_cross_entropy_with_logits(logits, labels, reduction="none")
        if not weighted:
            return each.mean()
        return (each * torch.where(labels > 0.5, self.weights[1], self.weights[0])).mean()


def draw_order(recipe: FitRecipe, labels: NDArray[np.int_], rng: np.random.Generator) -> Rows:
    """Draw an epoch's order of pictures: each once, and those of the rarer class again until there are as many.

    Parameters
    ----------
    recipe : FitRecipe
        Only 'oversample' draws again.
    labels : array of int, shape (pictures,)
    rng : Generator

    Returns
    -------
    array of int
        Places, as many as pictures or more.
    """
    order = np.arange(len(labels))
    if recipe.imbalance == "oversample":
        sides = [np.flatnonzero(labels == label) for label in (0, 1)]
        few, many = sorted(sides, key=len)
        if 0 < len(few) < len(many):
            again = len(many) - len(few)
            whole, rest = divmod(again, len(few))
            order = np.concatenate([order, np.tile(few, whole), rng.permutation(few)[:rest]])
    return rng.permutation(order)

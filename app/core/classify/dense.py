"""A small dense network: trained with torch through skorch, kept and applied as arrays: no score needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

Array = NDArray[np.float64]
FEWEST_WATCHED_OVER = 5
"""Patients of either class below which none are set aside."""


class DenseNetwork(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Dense blocks (weights, batch norm, ReLU, dropout) and one sigmoid unit; binary cross-entropy.

    Parameters
    ----------
    layers : sequence of int
        Units of each block.
    dropout : float
        Share of units silenced at the end of each block while training.
    batch_norm : bool
        Batch norm before the ReLU.
    weight_decay : float
    optimiser : {'sgd', 'adam'}
        SGD has Nesterov momentum of 0.9.
    learning_rate : float
        Falls to zero along a cosine.
    epochs, batch : int
        At most so many epochs.
    watched : float
        Share of the training patients of either class that are not trained on: when their loss has not fallen for
        `patience` epochs, training stops, and the weights of the best epoch are kept. 0, or a class of fewer than five
        patients, trains for all epochs.
    patience : int
    random_state : int
        Seed of the first weights (Glorot uniform, zero bias), the order of the rows, the dropout and who is watched.

    Attributes
    ----------
    epochs_ : int
        Epochs trained.
    watched_ : array of int
        Rows given to `fit` that were watched.
    """

    def __init__(
        self,
        layers: Sequence[int] = (128, 64),
        dropout: float = 0.3,
        batch_norm: bool = True,
        weight_decay: float = 1e-3,
        optimiser: Literal["sgd", "adam"] = "adam",
        learning_rate: float = 1e-3,
        epochs: int = 40,
        batch: int = 32,
        watched: float = 0.2,
        patience: int = 10,
        random_state: int = 0,
    ) -> None:
        self.layers = layers
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.weight_decay = weight_decay
        self.optimiser = optimiser
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch = batch
        self.watched = watched
        self.patience = patience
        self.random_state = random_state

    def fit(
        self,
        rows: Array,
        labels: NDArray[np.int_],
        sample_weight: Array | None = None,
        patients: NDArray[Any] | None = None,
    ) -> Self:
        """Train until the watched rows tell to stop, then keep the weights as arrays, batch norm folded into them.

        Parameters
        ----------
        rows : array, shape (rows, features)
        labels : array of int, shape (rows,)
        sample_weight : array, shape (rows,), optional
        patients : array, shape (rows,), optional
            Rows of a patient are watched together; by default each row is a patient.
        """
        import torch

        groups = np.arange(len(labels)) if patients is None else np.asarray(patients)
        aside = self._set_aside(labels, groups)
        self.watched_ = np.flatnonzero(aside)
        # Weights are integers drawn as often, since the loss takes none.
        chosen = np.arange(len(labels)) if sample_weight is None else _repeated(sample_weight)
        parts = [
            (rows[part].astype(np.float32), labels[part].astype(np.float32))
            for part in (chosen[~aside[chosen]], chosen[aside[chosen]])
        ]
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self.random_state)
                network = self._train(*parts[0], parts[1])
        finally:
            torch.set_num_threads(threads)
        self.weights_, self.biases_ = _fold_batch_norm(network)
        self.classes_ = np.array([0, 1])
        return self

    def _set_aside(self, labels: NDArray[np.int_], patients: NDArray[Any]) -> NDArray[np.bool_]:
        """Choose the rows that are watched and not trained on, shape (rows,)."""
        rng = np.random.default_rng(self.random_state)
        positive = np.unique(patients[labels == 1])
        sides = (positive, np.setdiff1d(patients, positive))
        if not self.watched or min(map(len, sides)) < FEWEST_WATCHED_OVER:
            return np.zeros(len(labels), dtype=bool)
        watched = [rng.permutation(side)[: max(round(self.watched * len(side)), 1)] for side in sides]
        return np.isin(patients, np.concatenate(watched))

    def _train(
        self,
        rows: NDArray[np.float32],
        labels: NDArray[np.float32],
        watched: tuple[NDArray[np.float32], NDArray[np.float32]],
    ) -> Any:
        import torch
        from skorch import NeuralNetBinaryClassifier
        from skorch.callbacks import EarlyStopping, LRScheduler
        from skorch.dataset import Dataset
        from skorch.helper import predefined_split

        settings = {"optimizer__nesterov": True, "optimizer__momentum": 0.9} if self.optimiser == "sgd" else {}
        watching = len(watched[1]) > 0
        stop = [EarlyStopping(patience=self.patience, threshold=0, sink=_say_nothing, load_best=True)]
        # A last batch of one row has no variance for batch norm to divide by.
        network = NeuralNetBinaryClassifier(
            self._module(rows.shape[1]),
            optimizer=torch.optim.SGD if self.optimiser == "sgd" else torch.optim.Adam,
            lr=self.learning_rate,
            optimizer__weight_decay=self.weight_decay,
            max_epochs=self.epochs,
            batch_size=self.batch,
            train_split=predefined_split(Dataset(*watched)) if watching else None,
            iterator_train__shuffle=True,
            iterator_train__drop_last=len(rows) % self.batch == 1,
            callbacks=[
                LRScheduler(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=self.epochs),
                *(stop if watching else ()),
            ],
            callbacks__print_log=None,
            callbacks__epoch_timer=None,
            callbacks__train_loss=None,
            callbacks__valid_acc=None,
            verbose=0,
            **settings,
        )
        network.fit(rows, labels)
        self.epochs_ = len(network.history)
        return network.module_.eval()

    def _module(self, width: int) -> Any:
        from torch import nn

        parts: list[Any] = []
        for units in self.layers:
            parts.append(nn.Linear(width, units))
            parts += [nn.BatchNorm1d(units)] if self.batch_norm else []
            parts += [nn.ReLU(), nn.Dropout(self.dropout)]
            width = units
        network = nn.Sequential(*parts, nn.Linear(width, 1), nn.Flatten(0))
        for part in network:
            if isinstance(part, nn.Linear):
                nn.init.xavier_uniform_(part.weight)
                nn.init.zeros_(part.bias)
        return network

    def decision_function(self, rows: Array) -> Array:
        """Log odds of class 1, shape (rows,)."""
        values = np.asarray(rows, dtype=np.float64)
        for place, (weight, bias) in enumerate(zip(self.weights_, self.biases_, strict=True)):
            values = values @ weight + bias
            if place < len(self.weights_) - 1:
                values = np.maximum(values, 0)
        return values[:, 0]

    def predict(self, rows: Array) -> NDArray[np.int_]:
        """Class by the sign of the log odds."""
        return (self.decision_function(rows) > 0).astype(int)


def _say_nothing(_line: str) -> None:
    """Take the place of print."""


def _repeated(weights: Array) -> NDArray[np.int_]:
    return np.repeat(np.arange(len(weights)), np.maximum(1, np.round(weights / weights.min())).astype(int))


def _fold_batch_norm(network: Any) -> tuple[list[Array], list[Array]]:
    """Weights (inputs, units) and biases (units,) of each dense layer, in double precision."""
    from torch import nn

    weights: list[Array] = []
    biases: list[Array] = []
    for part in network:
        if isinstance(part, nn.Linear):
            weights.append(part.weight.detach().numpy().astype(np.float64).T)
            biases.append(part.bias.detach().numpy().astype(np.float64))
        elif isinstance(part, nn.BatchNorm1d):
            gain, offset, mean, variance = (
                np.asarray(part.state_dict()[name], dtype=np.float64)
                for name in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gain / np.sqrt(variance + part.eps)
            shift = offset - mean * scale
            weights[-1] = weights[-1] * scale
            biases[-1] = biases[-1] * scale + shift
    return [np.ascontiguousarray(weight) for weight in weights], biases

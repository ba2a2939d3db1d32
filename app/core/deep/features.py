"""A network's pooled features as columns for the classical models: alone, or beside features of the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from app.core.deep.device import find_device
from app.core.deep.embed import embed_cases
from app.core.deep.estimator import NetworkClassifier
from app.core.deep.image_set import ImageSet
from app.core.deep.weights import start_network
from app.core.network_recipe import NetworkRecipe

Array = NDArray[np.float64]


class NetworkFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The first step of a classical pipeline: from a table that names cases to their pooled features.

    In the place of `TunedClassifier`'s `harmonise` it is fitted anew on the training rows of every fold, inner ones
    too, so that no network has seen a row whose features it gives to be answered for.

    Parameters
    ----------
    recipe : NetworkRecipe
    images : path
        The index of an `ImageSet`.
    frozen : bool
        Take the network as its recipe's weights are; otherwise it is trained first.
    beside : sequence of str
        Columns of the table that follow the pooled features as they are.
    patients : str
        Column that tells whose a row is; empty where each row is a patient.
    random_state, device, threads, folder
        As of `NetworkClassifier`; frozen features are kept in the folder and so computed once.

    Attributes
    ----------
    names_ : tuple of str
        The columns: the kind of the network and a number, then those beside.
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        images: str | Path,
        frozen: bool = False,
        beside: Sequence[str] = (),
        patients: str = "",
        random_state: int = 0,
        device: str = "auto",
        threads: int | None = None,
        folder: str | Path | None = None,
    ) -> None:
        self.recipe = recipe
        self.images = images
        self.frozen = frozen
        self.beside = beside
        self.patients = patients
        self.random_state = random_state
        self.device = device
        self.threads = threads
        self.folder = folder

    def fit(self, table: Any, labels: NDArray[np.int_]) -> Self:
        """Train the network, unless it is frozen.

        Parameters
        ----------
        table : DataFrame
            One row per case, named in the column `case`.
        labels : array of int, shape (rows,)
        """
        if not self.frozen:
            self.network_ = NetworkClassifier(
                self.recipe, self.images, self.random_state, self.device, self.threads, self.folder
            )
            self.network_.fit(table, labels, table[self.patients].to_numpy() if self.patients else None)
        width = self._embed(table.iloc[:1]).shape[1]
        self.names_ = (*(f"{self.recipe.kind}_{place:04d}" for place in range(width)), *self.beside)
        return self

    def transform(self, table: Any) -> Array:
        """Pooled features, and the columns beside them; shape (rows, columns)."""
        columns = table[list(self.beside)].to_numpy(dtype=np.float64)
        return np.concatenate([self._embed(table), columns], axis=1)

    def get_feature_names_out(self, _names: Any = None) -> NDArray[Any]:
        """Names of the columns."""
        return np.array(self.names_, dtype=object)

    def _embed(self, table: Any) -> Array:
        if not self.frozen:
            return self.network_.embed(table)
        device = find_device(self.device, self.threads)
        network, _ = start_network(self.recipe, self.random_state)
        folder = None if self.folder is None else Path(self.folder) / "features"
        cases = [str(case) for case in table["case"]]
        return embed_cases(network.to(device.torch), self.recipe, ImageSet(self.images), cases, device, folder)

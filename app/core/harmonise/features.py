"""No harmonisation: the feature columns of a table as numbers, and nothing else of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from app.core.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


class FeatureColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Select the feature columns of a table; context such as the site stays behind.

    Parameters
    ----------
    features : sequence of str
        In the model's order.
    """

    def __init__(self, features: Sequence[str]) -> None:
        self.features = features

    def fit(self, table: pd.DataFrame, y: Any = None) -> Self:  # noqa: ARG002 - the protocol's signature
        """Learn nothing but the number of features."""
        select_features(table, self.features)
        self.n_features_in_ = len(self.features)
        return self

    def transform(self, table: pd.DataFrame) -> NDArray[np.float64]:
        """Values, shape (rows, features), NaN where missing."""
        return select_features(table, self.features)

    def explain(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """As `Combat.explain`: every row is left as it is."""
        return [{"site": None, "policy": "none", "batch": "", "unknown": [], "caution": ""} for _ in range(len(table))]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Names of the columns of `transform`."""
        return np.array(self.features, dtype=object)


def select_features(table: pd.DataFrame, features: Sequence[str]) -> NDArray[np.float64]:
    """Feature columns as numbers, shape (rows, features), NaN where missing.

    Raises
    ------
    InputError
        A feature is not in the table, or holds text.
    """
    missing = [name for name in features if name not in table]
    if missing:
        raise InputError(
            f"The table has no column '{missing[0]}', which is one of the {len(features)} features.",
            "Measure the cases with the model's recipe.",
        )
    selected = table[list(features)]
    try:
        return np.asarray(selected.to_numpy(dtype=np.float64, na_value=np.nan))
    except (TypeError, ValueError) as error:
        text = [name for name in selected if selected[name].dtype.kind not in "biuf"]
        raise InputError(
            f"The feature column '{text[0]}' holds text where numbers are expected.",
            "Correct the table, or leave the column out.",
        ) from error

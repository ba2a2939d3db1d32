"""Clinical variables alone, the comparator that a radiologist already has: numbers and words in a logistic model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

RAREST = 2


def code_clinical(table: pd.DataFrame) -> tuple[NDArray[np.float64], tuple[int, ...]]:
    """Number the words of clinical columns.

    Parameters
    ----------
    table : pandas.DataFrame
        Numbers and words, missing where not known.

    Returns
    -------
    rows : array, shape (cases, columns)
        A word is its place among the column's words in their order; numbers stay. NaN where a number is missing, -1
        where a word is.
    words : tuple of int
        Which columns hold words.
    """
    columns, words = [], []
    for place, name in enumerate(table.columns):
        column = table[name]
        if column.dtype.kind in "iuf":
            columns.append(column.to_numpy(dtype=float))
            continue
        values = sorted({str(cell) for cell in column.dropna()})
        codes = {value: code for code, value in enumerate(values)}
        columns.append(np.array([codes.get(str(cell), -1) for cell in column], dtype=float))
        words.append(place)
    return np.column_stack(columns), tuple(words)


def build_clinical(words: Sequence[int]) -> Any:
    """Impute and scale numbers, spread words over indicators, classify.

    Parameters
    ----------
    words : sequence of int
        Which columns hold the numbers of words, as `code_clinical` tells.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Unfitted; input as `code_clinical` gives it. A word that training rows lack, or have once, counts as no word.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    indicators = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RAREST, sparse_output=False)
    columns = ColumnTransformer([("words", indicators, list(words))], remainder=numbers)
    return Pipeline([("columns", columns), ("classify", LogisticRegression(C=1.0, max_iter=5000))])

"""Simulated tables of features: correlated, heavy-tailed, with a known amount of signal."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def make_table(
    rows: int, columns: int, seed: int, signal: float = 1.5, missing: float = 0.0
) -> tuple[pd.DataFrame, NDArray[np.int_]]:
    """Ten latent factors, the first of which differs between the classes by `signal` standard deviations."""
    rng = np.random.default_rng(seed)
    labels = (rng.random(rows) < 0.45).astype(int)
    factors = rng.normal(size=(rows, 10))
    factors[:, 0] += signal * (labels - 0.5)
    values = factors @ rng.normal(size=(10, columns)) / 3 + rng.normal(size=(rows, columns))
    values[:, 0] = factors[:, 0]
    heavy = rng.random(columns) < 0.3
    values[:, heavy] = np.exp(values[:, heavy])
    values[rng.random(values.shape) < missing] = np.nan
    return pd.DataFrame(values, columns=[f"f{place}" for place in range(columns)]), labels

"""Cases as points in a plane: t-SNE and UMAP of standardised features. Neither is told the label."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from app.core.errors import InputError
from app.core.evaluate.variation import varies

Array = NDArray[np.float64]
FEWEST = 5


def standardise(rows: ArrayLike) -> Array:
    """Fill gaps with the feature's median, then mean 0 and standard deviation 1.

    Parameters
    ----------
    rows : array, shape (cases, features)
        NaN where missing.

    Returns
    -------
    array of float64, shape (cases, varying features)
        Without the features that do not vary or are known in no case.

    Raises
    ------
    InputError
        Fewer than five cases, or fewer than two features that vary.
    """
    table = np.asarray(rows, dtype=np.float64)
    if len(table) < FEWEST:
        raise InputError(f"A map of {len(table)} cases would show nothing; {FEWEST} are needed.", "Add cases.")
    table = table[:, varies(table)]
    if table.shape[1] < 2:
        raise InputError(f"{table.shape[1]} of the features vary; a map needs two.", "Choose another table.")
    known = np.isfinite(table)
    filled = np.where(known, table, np.nanmedian(np.where(known, table, np.nan), axis=0))
    filled = filled / np.abs(filled).max(axis=0)
    centred = filled - filled.mean(axis=0)
    return np.asarray(centred / centred.std(axis=0))


def perplexity_of(cases: int) -> float:
    """The perplexity of t-SNE: 30, or a third of the other cases where there are few."""
    return min(30.0, (cases - 1) / 3)


def neighbours_of(cases: int) -> int:
    """The neighbours of UMAP: 15, or all the other cases where there are fewer."""
    return min(15, cases - 1)


def embed_tsne(points: Array, rng: np.random.Generator) -> Array:
    """Lay cases out by t-SNE.

    Parameters
    ----------
    points : array, shape (cases, features)
        From `standardise`.
    rng : numpy.random.Generator
        The same state gives the same map.

    Returns
    -------
    array of float64, shape (cases, 2)
        Without unit; neighbours stay neighbours, and nothing else has a meaning.

    References
    ----------
    van der Maaten and Hinton, JMLR 9 (2008) 2579.
    """
    from sklearn.manifold import TSNE

    map_ = TSNE(perplexity=perplexity_of(len(points)), init="pca", random_state=_seed(rng), n_jobs=1)
    return np.asarray(map_.fit_transform(points), dtype=np.float64)


def embed_umap(points: Array, rng: np.random.Generator) -> Array:
    """Lay cases out by UMAP; the first run on a machine compiles for half a minute.

    Parameters
    ----------
    points, rng
        As for `embed_tsne`.

    Returns
    -------
    array of float64, shape (cases, 2)
        As for `embed_tsne`.

    References
    ----------
    McInnes, Healy and Melville 2018, 10.21105/joss.00861.
    """
    map_ = _load_umap()(n_neighbors=neighbours_of(len(points)), random_state=_seed(rng), n_jobs=1)
    return np.asarray(map_.fit_transform(points), dtype=np.float64)


def _load_umap() -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tensorflow not installed", ImportWarning)
        from umap import UMAP
    return UMAP


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31 - 1))

"""Several networks' answers to one: the mean of their probabilities, or the share of them that votes for class 1."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.core.deep.predict import to_log_odds

Array = NDArray[np.float64]
Combine = Literal["mean", "majority"]


def combine_answers(probabilities: Array, how: Combine) -> Array:
    """Combine networks.

    Parameters
    ----------
    probabilities : array, shape (networks, cases)
        Uncalibrated, of class 1; NaN where a network may not answer.
    how : {'mean', 'majority'}

    Returns
    -------
    array, shape (cases,)
        A raw score, for a calibration curve to turn into log odds: of 'mean' the log odds of the mean probability, of
        'majority' the share of votes less one half. NaN where no network answers.
    """
    known = np.isfinite(probabilities)
    count = known.sum(axis=0)
    given = probabilities if how == "mean" else (probabilities >= 0.5).astype(np.float64)
    sums = np.where(known, given, 0.0).sum(axis=0)
    shares = np.divide(sums, count, out=np.full(len(sums), np.nan), where=count > 0)
    return to_log_odds(shares) if how == "mean" else shares - 0.5

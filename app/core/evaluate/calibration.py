"""Whether a probability means what it says: slope, intercept and curve, with intervals that count a patient once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.intervals import Estimate, student_quantile

Array = NDArray[np.float64]
CLIP = 1e-6
STEEPEST = 30.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """How probabilities relate to what happened.

    Parameters
    ----------
    slope : Estimate
        Of the log odds; 1 is ideal, below it the probabilities are too extreme.
    intercept : Estimate
        Log odds to add with the slope held at 1; 0 is ideal, below it the probabilities are too high on average.
    predicted, observed, low, high : array, shape (points,)
        The curve and its band, over the range of the probabilities; empty where they do not vary or separate the
        classes, so that no curve can be fitted.
    """

    slope: Estimate
    intercept: Estimate
    predicted: Array
    observed: Array
    low: Array
    high: Array

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        curve = {name: getattr(self, name).tolist() for name in ("predicted", "observed", "low", "high")}
        return {
            "slope": self.slope.json["value"],
            "slope_interval": self.slope.json["interval"],
            "intercept": self.intercept.json["value"],
            "intercept_interval": self.intercept.json["interval"],
            "curve": curve,
        }


def measure_calibration(found: OutOfFold, points: int = 50) -> Calibration:
    """Calibration of out-of-fold probabilities, each from its own fold's calibrator."""
    return calibrate(
        found.labels, found.probabilities, found.patients, found.folds.inflation, found.folds.freedom, points
    )


def calibrate(
    labels: NDArray[np.int_],
    probabilities: Array,
    patients: NDArray[Any] | None = None,
    inflation: float = 1.0,
    freedom: float = 1e9,
    points: int = 50,
) -> Calibration:
    """Regress the outcome on the log odds that were given.

    Parameters
    ----------
    labels : array of int, shape (rows,)
    probabilities : array, shape (rows,) or (repeats, rows)
        NaN where a repeat has none. Repeats are weighed so that together each row counts once.
    patients : array, shape (rows,), optional
        Rows and repeats of a patient are one cluster of the sandwich covariance.
    inflation, freedom : float
        Of the folds; the defaults are those of a fixed model on new patients.
    points : int
        Of the curve.

    Returns
    -------
    Calibration
        The curve is a logistic regression on a natural cubic spline of the log odds with knots at the 10th, 50th and
        90th percentiles; its band is pointwise.

    References
    ----------
    Cox, Biometrika 45 (1958), 10.1093/biomet/45.3-4.562. Van Calster et al., J Clin Epidemiol 74 (2016),
    10.1016/j.jclinepi.2015.12.005. Harrell, Regression Modeling Strategies (2015), ch. 2.4: the spline.
    """
    table = np.atleast_2d(probabilities)
    seen = np.isfinite(table)
    clipped = np.clip(table[seen], CLIP, 1 - CLIP)
    logits = np.log(clipped / (1 - clipped))
    truth = np.broadcast_to(labels, table.shape)[seen].astype(float)
    groups = np.arange(len(labels)) if patients is None else np.unique(patients, return_inverse=True)[1]
    clusters = np.broadcast_to(groups, table.shape)[seen]
    weights = np.broadcast_to(1 / np.maximum(seen.sum(axis=0), 1), table.shape)[seen]
    z = float(student_quantile(freedom) * np.sqrt(inflation))
    ones = np.ones((len(logits), 1))
    shift = _fit(ones, truth, weights, clusters, logits)
    slope = Estimate(float("nan"))
    if np.ptp(logits) > CLIP:
        line = _fit(np.column_stack([ones, logits]), truth, weights, clusters)
        slope = _estimate(line, 1, z)
    return Calibration(slope, _estimate(shift, 0, z), *_curve(logits, truth, weights, clusters, z, points))


def _estimate(fit: tuple[Array, Array] | None, place: int, z: float) -> Estimate:
    if fit is None:
        return Estimate(float("nan"))
    value, half = float(fit[0][place]), z * float(np.sqrt(fit[1][place, place]))
    return Estimate(value, value - half, value + half)


def _curve(
    logits: Array, truth: Array, weights: Array, clusters: NDArray[np.int_], z: float, points: int
) -> tuple[Array, Array, Array, Array]:
    knots = np.asarray(np.quantile(logits, [0.1, 0.5, 0.9]), dtype=np.float64)
    grid = np.linspace(logits.min(), logits.max(), points, dtype=np.float64)
    design = _spline if (np.diff(knots) > CLIP).all() else _line
    fit = _fit(design(logits, knots), truth, weights, clusters) if np.ptp(logits) > CLIP else None
    if fit is None:
        return (np.empty(0),) * 4
    rows = design(grid, knots)
    middle, half = rows @ fit[0], z * np.sqrt(np.einsum("ij,jk,ik->i", rows, fit[1], rows))
    observed, low, high = (_probability(middle + side * half) for side in (0, -1, 1))
    return _probability(grid), observed, low, high


def _line(logits: Array, knots: Array) -> Array:  # noqa: ARG001
    return np.column_stack([np.ones(len(logits)), logits])


def _spline(logits: Array, knots: Array) -> Array:
    first, middle, last = knots
    cubes = [np.maximum(logits - knot, 0) ** 3 for knot in knots]
    bend = cubes[0] - cubes[1] * (last - first) / (last - middle) + cubes[2] * (middle - first) / (last - middle)
    return np.column_stack([np.ones(len(logits)), logits, bend / (last - first) ** 2])


def _probability(logits: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -700, 700))))


def _fit(
    design: Array, truth: Array, weights: Array, clusters: NDArray[np.int_], offset: Array | float = 0.0
) -> tuple[Array, Array] | None:
    """Weighted logistic regression with its cluster-robust covariance; None where the classes are separated."""
    beta = np.zeros(design.shape[1])
    for _ in range(100):
        fitted = _probability(design @ beta + offset)
        spread = weights * fitted * (1 - fitted)
        information = (design * spread[:, None]).T @ design
        if np.linalg.cond(information) > 1e12:
            return None
        step = np.linalg.solve(information, design.T @ (weights * (truth - fitted)))
        beta = beta + step * min(1.0, 5 / np.abs(step).max()) if np.abs(step).max() > 0 else beta
        if np.abs(beta).max() > STEEPEST:
            return None
        if np.abs(step).max() < 1e-9:
            break
    else:
        return None
    scores = np.zeros((clusters.max() + 1, design.shape[1]))
    np.add.at(scores, clusters, design * (weights * (truth - _probability(design @ beta + offset)))[:, None])
    count = len(np.unique(clusters))
    bread = np.linalg.inv(information)
    covariance = bread @ (scores.T @ scores) @ bread * count / (count - 1)
    return beta, np.asarray(covariance)

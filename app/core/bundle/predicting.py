"""From a table of cases to log odds: harmonised as the model was, with what was done about each case's site."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Contribution

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
Context = Mapping[str, str | float | None]


@dataclass(frozen=True)
class Harmonisation:
    """What harmonisation did to a case: `policy` as in `Combat.explain`, and a sentence where there is doubt, or ''."""

    site: str | None
    policy: str
    caution: str


@dataclass(frozen=True, eq=False)
class Seen:
    """What networks had to say of a case's pictures beside the answer.

    Parameters
    ----------
    embedded : array, shape (features,)
        Pooled features, and those beside them, in the order of the model's training space.
    spread_networks, spread_views : float
        Standard deviation, log odds: of the networks, 0 where there is one; of varied pictures, 0 where none are.
    """

    embedded: Array
    spread_networks: float
    spread_views: float


@dataclass(frozen=True)
class Prediction:
    """A probability, its log odds, their variance from the model's own uncertainty, and what made them."""

    probability: float
    log_odds: float
    variance: float
    contributions: tuple[Contribution, ...]
    harmonisation: Harmonisation | None = None
    seen: Seen | None = None


def sigmoid(log_odds: float) -> float:
    """Probability of log odds, without overflow at either end."""
    return float(np.exp(-np.logaddexp(0.0, -log_odds)))


def find_harmoniser(model: Any) -> Any | None:
    """The fitted harmonisation of a `TunedClassifier`; None when it only picks columns."""
    step = _first_pipeline(model).steps[0][1]
    return step if hasattr(step, "adapt") else None


def needed_context(model: Any) -> tuple[str, ...]:
    """Columns that a model's harmonisation asks for beside the features."""
    step = find_harmoniser(model)
    if step is None:
        return ()
    return tuple(dict.fromkeys((step.batch, *step.covariates, *step.categorical, *step.group_by)))


def describe_cases(model: Any, features: Sequence[str], values: Array, context: Sequence[Context]) -> pd.DataFrame:
    """The table that a model scores.

    Parameters
    ----------
    model : fitted TunedClassifier
    features : sequence of str
        The model's, in its order.
    values : array, shape (cases, features)
        NaN where missing.
    context : sequence of mapping
        What is known of each case beside its features; what the model does not ask for is left out.

    Returns
    -------
    pandas.DataFrame
        A row per case.
    """
    import pandas as pd

    step = find_harmoniser(model)
    numbers = set(step.covariates) if step is not None else set()
    columns = {
        name: [_number(each.get(name)) if name in numbers else _stated(each.get(name)) for each in context]
        for name in needed_context(model)
        if name not in features
    }
    known = pd.DataFrame(values, columns=list(features))
    return pd.concat([known, pd.DataFrame(columns, index=known.index)], axis=1) if columns else known


def explain_harmonisation(model: Any, table: pd.DataFrame) -> tuple[Harmonisation | None, ...]:
    """What harmonisation does to each case of a table; None for a model that harmonises nothing."""
    step = find_harmoniser(model)
    if step is None:
        return (None,) * len(table)
    return tuple(Harmonisation(row["site"], row["policy"], _doubt(row)) for row in step.explain(table))


def score_refits(model: Any, refits: Sequence[Any], table: pd.DataFrame) -> Array:
    """Calibrated log odds by the refits on resamples, shape (refits, cases).

    Harmonisation and calibration are the model's own: the refits answer for the patients that it was fitted on.
    """
    from threadpoolctl import threadpool_limits

    from app.core.classify.averaged import AveragedModels, pipeline_score

    rows = _first_pipeline(model).steps[0][1].transform(table)
    slope, intercept = model.calibrator_["slope"], model.calibrator_["intercept"]
    with threadpool_limits(1):
        scores = [
            fit.decision_function(rows) if isinstance(fit, AveragedModels) else pipeline_score(fit, rows)
            for fit in refits
        ]
    return np.asarray(slope * np.array(scores).reshape(len(refits), len(table)) + intercept, dtype=np.float64)


def _first_pipeline(model: Any) -> Any:
    return getattr(model.fitted_, "members", [model.fitted_])[0]


def _doubt(row: Mapping[str, Any]) -> str:
    if not row["unknown"]:
        return str(row["caution"])
    names = ", ".join(f"'{name}'" for name in row["unknown"])
    told = f"The training cases' mean stands in for what is not known of the case: {names}."
    return " ".join(filter(None, (str(row["caution"]), told)))


def _stated(value: str | float | None) -> str | float | None:
    return None if value == "" else value


def _number(value: str | float | None) -> float:
    try:
        return float("nan") if value is None else float(value)
    except ValueError:
        return float("nan")

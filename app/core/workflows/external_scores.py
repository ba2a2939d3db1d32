"""Scores of cases from elsewhere: the model's own, by the very function that scores one case, and its comparator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Bundle, sigmoid
from app.core.classify.formula import LogitFormula
from app.core.data import Caution
from app.core.errors import BundleError, CohortError
from app.core.jobs import Report
from app.core.workflows.external_cases import ExternalCases
from app.core.workflows.models import open_bundle
from app.core.workflows.verdict import decide

USUAL_ERROR_RATE = 0.05
TELL_EVERY = 50


@dataclass(frozen=True, eq=False)
class Scored:
    """Scored cases.

    Parameters
    ----------
    cases : ExternalCases
        Those that could be scored.
    probabilities : array, shape (cases,)
        Of the model's second class.
    verdicts : tuple of str
        A class, 'uncertain' or 'unlike_training'; empty texts where the model gives no verdict.
    distances : array, shape (cases,)
        From the training cases as a share of the model's limit; NaN where the model keeps none.
    """

    cases: ExternalCases
    probabilities: NDArray[np.float64]
    verdicts: tuple[str, ...]
    distances: NDArray[np.float64]


def score_external(bundle: Bundle, cases: ExternalCases, report: Report) -> tuple[Scored, list[dict[str, str]]]:
    """Score every case; one that lacks what the model cannot do without is left out and told.

    Returns
    -------
    scored : Scored
    failed : list of dict
        `case` (its row in the table) and `message`.

    Raises
    ------
    CohortError
        No case could be scored.
    """
    rates = [each.error_rate for each in bundle.specification.conformal]
    rate = USUAL_ERROR_RATE if USUAL_ERROR_RATE in rates else next(iter(rates), None)
    probabilities, verdicts, distances = [], [], []
    kept = np.ones(len(cases.labels), dtype=bool)
    failed = []
    for place, values in enumerate(cases.values):
        if place % TELL_EVERY == 0:
            report(place / len(cases.values), f"Scoring case {place + 1} of {len(cases.values)}")
        features = dict(zip(bundle.specification.features, values.tolist(), strict=True))
        problem = _problem(bundle, values)
        if problem:
            kept[place] = False
            failed.append({"case": f"row {cases.rows[place]}", "message": problem})
            continue
        probability = sigmoid(bundle.log_odds(features))
        distance = bundle.distance(features)
        probabilities.append(probability)
        verdicts.append("" if rate is None else decide(bundle, probability, features, rate))
        distances.append(distance[0] / distance[1] if distance else np.nan)
    if not probabilities:
        raise CohortError("None of the cases could be scored.", [failed[0]["message"]] if failed else [])
    return Scored(cases.keep(kept), np.array(probabilities), tuple(verdicts), np.array(distances)), failed


def _problem(bundle: Bundle, values: NDArray[np.float64]) -> str:
    """Why a case cannot be scored; empty when it can."""
    missing = [
        name for name, value in zip(bundle.specification.features, values, strict=True) if not np.isfinite(value)
    ]
    if isinstance(bundle.specification.estimator, LogitFormula):
        return f"The model needs the feature {missing[0]}, which this case lacks." if missing else ""
    return "It has none of the model's features." if len(missing) == len(values) else ""


def rival_scores(
    bundle: Bundle, cases: ExternalCases
) -> tuple[tuple[str, NDArray[np.float64]] | None, list[Caution]]:
    """What something simpler says of every case: volume by the model's own formula, else the model named for it.

    Returns
    -------
    rival : (name, array of shape (cases,)) or None
        Probabilities, NaN where it cannot say; of a standardised volume its rank alone.
    cautions : list of Caution
    """
    specification = bundle.specification
    if specification.size is not None:
        volume = next((size for size in cases.sizes if size.kind == "volume"), None)
        if volume is None:
            return None, [_unknown("no column holds the tumour's volume")]
        if not volume.is_absolute:
            return ("volume", np.sign(specification.size.terms[0].coefficient) * volume.values), []
        return ("volume", _by_formula(specification.size, {specification.size.terms[0].feature: volume.values})), []
    if specification.comparator is None:
        return None, [_unknown("the model keeps none")]
    try:
        simpler = open_bundle(specification.comparator)
    except BundleError as error:
        return None, [_unknown(f"'{specification.comparator}' cannot be opened: {error.message}")]
    estimator = simpler.specification.estimator
    lacking = [name for name in simpler.specification.features if name not in cases.others]
    if lacking or not isinstance(estimator, LogitFormula):
        return None, [_unknown(f"'{specification.comparator}' needs {lacking[0] if lacking else 'more than a table'}")]
    return (specification.comparator, _by_formula(estimator, cases.others)), []


def _unknown(why: str) -> Caution:
    return Caution("no_comparator", f"Nothing simpler could be put beside the model: {why}.")


def _by_formula(formula: LogitFormula, columns: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    names = [term.feature for term in formula.terms]
    logs = [term.feature for term in formula.terms if term.transform == "log10"]
    count = len(columns[names[0]])
    scores = np.full(count, np.nan)
    for place in range(count):
        features = {name: float(columns[name][place]) for name in names}
        if np.isfinite(list(features.values())).all() and all(features[name] > 0 for name in logs):
            scores[place] = sigmoid(formula.log_odds(features))
    return scores

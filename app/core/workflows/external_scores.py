"""Scores of cases from elsewhere: the model's own, by the very model that scores one case, and its comparator's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Bundle, Harmonisation, sigmoid
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
    harmonisation : tuple of Harmonisation or None
        What was done about each case's site; None for a model that harmonises nothing.
    """

    cases: ExternalCases
    probabilities: NDArray[np.float64]
    verdicts: tuple[str, ...]
    distances: NDArray[np.float64]
    harmonisation: tuple[Harmonisation | None, ...]


def score_external(bundle: Bundle, cases: ExternalCases, report: Report) -> tuple[Scored, list[dict[str, str]]]:
    """Score every case; one that lacks what the model cannot do without is left out and told.

    The table is scored in one call: a model that estimates sites it has not met needs all of a site's cases at once.

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
    report(0.0, f"Scoring {len(cases.labels)} cases")
    if cases.log_odds is not None and cases.distances is not None:
        return _judge(bundle, cases, cases.log_odds, cases.distances, (None,) * len(cases.labels), report), []
    known = bundle.explain_sites(cases.values, cases.context)
    problems = [_problem(bundle, values, site) for values, site in zip(cases.values, known, strict=True)]
    failed = [
        {"case": f"row {row}", "message": problem}
        for row, problem in zip(cases.rows, problems, strict=True)
        if problem
    ]
    kept = cases.keep(np.array([not problem for problem in problems]))
    if not len(kept.labels):
        raise CohortError("None of the cases could be scored.", [failed[0]["message"]] if failed else [])
    log_odds = bundle.score_table(kept.values, kept.context)
    harmonisation = bundle.explain_sites(kept.values, kept.context)
    limits = [bundle.distance(_named(bundle, values)) for values in kept.values]
    distances = np.array([each[0] / each[1] if each else np.nan for each in limits])
    return _judge(bundle, kept, log_odds, distances, harmonisation, report), failed


def _judge(
    bundle: Bundle,
    cases: ExternalCases,
    log_odds: NDArray[np.float64],
    distances: NDArray[np.float64],
    harmonisation: tuple[Harmonisation | None, ...],
    report: Report,
) -> Scored:
    """Verdicts at the usual error rate, or the first that the model keeps."""
    rates = [each.error_rate for each in bundle.specification.conformal]
    rate = USUAL_ERROR_RATE if USUAL_ERROR_RATE in rates else next(iter(rates), None)
    probabilities = np.array([sigmoid(value) for value in log_odds])
    verdicts = []
    for place, values in enumerate(cases.values):
        if place % TELL_EVERY == 0:
            report(place / len(cases.values), f"Judging case {place + 1} of {len(cases.values)}")
        share = None if np.isnan(distances[place]) else (float(distances[place]), 1.0)
        if bundle.takes_pictures:
            features = {name: float(column[place]) for name, column in cases.others.items()}
        else:
            features = _named(bundle, values)
        probability = float(probabilities[place])
        verdicts.append("" if rate is None else decide(bundle, probability, features, rate, share))
    return Scored(cases, probabilities, tuple(verdicts), distances, harmonisation)


def _named(bundle: Bundle, values: NDArray[np.float64]) -> dict[str, float]:
    return dict(zip(bundle.specification.features, values.tolist(), strict=True))


def _problem(bundle: Bundle, values: NDArray[np.float64], site: Harmonisation | None) -> str:
    """Why a case cannot be scored; empty when it can."""
    if site is not None and site.policy == "refused":
        return f"{site.caution} This model harmonises known sites only."
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

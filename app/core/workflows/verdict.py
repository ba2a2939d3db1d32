"""What a prediction means for one case: its verdict, the prevalence, something simpler, every reason for doubt."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from app.core.bundle import Bundle, ConformalQuantiles, Context, NetworkEstimator, Prediction, Threshold, sigmoid
from app.core.data import Case, Caution, Comparator, OperatingPoint
from app.core.errors import InputError
from app.core.evaluate.conformal import conformal_set
from app.core.radiomics.catalogue import describe
from app.core.requests import ScoreRequest
from app.core.workflows.models import open_bundle

MOST_MISSING = 0.5
MOST_OUTSIDE = 3
"""Features outside the training range that are told one by one."""


def at_prevalence(log_odds: float, training: float, used: float) -> float:
    """The probability where a share `used` is malignant instead of the training's, by Bayes' rule on the odds."""
    return sigmoid(log_odds + np.log(used / (1 - used)) - np.log(training / (1 - training)))


def choose_quantiles(bundle: Bundle, error_rate: float) -> ConformalQuantiles:
    """What the bundle keeps for an error rate of the verdict.

    Raises
    ------
    InputError
        The bundle keeps nothing for it.
    """
    specification = bundle.specification
    quantiles = next((each for each in specification.conformal if abs(each.error_rate - error_rate) < 1e-9), None)
    if quantiles is None:
        offered = ", ".join(f"{each.error_rate:g}" for each in specification.conformal)
        raise InputError(
            f"The model '{specification.name}' has no verdict at the error rate {error_rate:g}; it has {offered}.",
            "Choose one of these.",
        )
    return quantiles


def measure_distance(
    bundle: Bundle, features: Mapping[str, float], prediction: Prediction
) -> tuple[float, float] | None:
    """How far a case lies from the training cases, and the limit; None where the model keeps none."""
    return bundle.distance(features, None if prediction.seen is None else prediction.seen.embedded)


def decide(
    bundle: Bundle,
    probability: float,
    features: Mapping[str, float],
    error_rate: float,
    distance: tuple[float, float] | None,
) -> str:
    """The conformal verdict: a class, 'uncertain', or 'unlike_training'; errors as for `choose_quantiles`.

    A case that lies too far from the training cases, or lacks most of the model's features, is unlike them.
    """
    quantiles = choose_quantiles(bundle, error_rate)
    wanted = _measured_features(bundle)
    if wanted and np.mean([not np.isfinite(features.get(name, np.nan)) for name in wanted]) > MOST_MISSING:
        return "unlike_training"
    if distance is not None and distance[0] > distance[1]:
        return "unlike_training"
    negative, positive = conformal_set(probability, (quantiles.negative, quantiles.positive))
    if negative and positive:
        return "uncertain"
    if not negative and not positive:
        return "unlike_training"
    return bundle.specification.classes[1 if positive else 0]


def choose_threshold(bundle: Bundle, threshold: float | None) -> OperatingPoint:
    """The asked threshold if the bundle has its figures, else the default one.

    Raises
    ------
    InputError
        The bundle has no figures for the threshold.
    """
    points = bundle.specification.thresholds
    chosen: Threshold | None = bundle.specification.default_threshold
    if threshold is not None:
        chosen = next((point for point in points if abs(point.threshold - threshold) < 5e-4), None)
    if chosen is None:
        offered = ", ".join(f"{point.threshold:.3f}" for point in points)
        raise InputError(
            f"The model '{bundle.specification.name}' has no figures for the threshold {threshold:g}; "
            f"it has {offered}.",
            "Choose one of these.",
        )
    return OperatingPoint(chosen.threshold, chosen.sensitivity, chosen.specificity, chosen.name)


def compare(bundle: Bundle, features: Mapping[str, float], context: Context) -> Comparator:
    """What something simpler says: the model named for it, tumour volume alone, or the share of positives."""
    other, size = bundle.specification.comparator, bundle.specification.size
    if other is None and size and all(features.get(term.feature, 0.0) > 0 for term in size.terms):
        return Comparator("volume", sigmoid(size.log_odds(features)), "Tumour volume alone")
    if other is None:
        return Comparator(
            "prevalence", bundle.specification.training.prevalence, "The share of malignant cases in training"
        )
    simpler = open_bundle(other)
    return Comparator(other, simpler.predict(features, context).probability, simpler.specification.title)


def doubts(
    bundle: Bundle,
    case: Case,
    features: Mapping[str, float],
    ask: ScoreRequest,
    distance: tuple[float, float] | None,
) -> list[Caution]:
    """Every reason known to the model for not trusting this score."""
    specification = bundle.specification
    training = specification.training
    cautions = [Caution(code, message) for code, message in specification.standing_cautions.items()]
    if specification.demonstration:
        cautions.append(Caution("demonstration", "Demonstration, synthetic data: this model has never seen a patient."))
    if isinstance(specification.estimator, NetworkEstimator) and specification.estimator.slope is not None:
        cautions += _one_network(specification.estimator)
    cautions += _outside_training(bundle, features)
    wanted = _measured_features(bundle)
    missing = [name for name in wanted if not np.isfinite(features.get(name, np.nan))]
    if missing:
        cautions.append(
            Caution(
                "missing_feature",
                f"{len(missing)} of the model's {len(wanted)} features could "
                f"not be measured ({describe(missing[0]).title}, ...): the training median stands in.",
            )
        )
    if distance is not None and distance[0] > distance[1]:
        cautions.append(
            Caution(
                "unlike_training",
                f"This tumour lies {distance[0] / distance[1]:.1f} times as far from the training "
                "cases as all but one in 200 of their kind: the probability is an extrapolation.",
            )
        )
    if not case.site:
        cautions.append(
            Caution(
                "site_unknown",
                "The hospital or scanner of this case is not given, so nothing can be said of "
                "whether the model knows it.",
            )
        )
    elif not training.sites:
        cautions.append(
            Caution("site_unknown", f"The model keeps no list of its sites, so '{case.site}' may be new to it.")
        )
    elif case.site not in training.sites:
        cautions.append(Caution("site_unseen", f"The model has not been trained on cases from '{case.site}'."))
    if ask.prep is not None and ask.prep != specification.recipe.prep:
        cautions.append(
            Caution(
                "other_preprocessing",
                "The images were prepared differently from the model's training: look at the score as an experiment.",
            )
        )
    return cautions


def _measured_features(bundle: Bundle) -> tuple[str, ...]:
    """The model's features that are measured on the image; pooled ones of networks are never missing."""
    return bundle.pictures.beside if bundle.takes_pictures else bundle.specification.features


def harmonised(prediction: Prediction) -> list[Caution]:
    """What harmonisation could not do for a case."""
    known = prediction.harmonisation
    return [Caution("harmonisation", known.caution)] if known is not None and known.caution else []


def _one_network(estimator: NetworkEstimator) -> list[Caution]:
    if len(estimator.networks) > 1:
        return []
    told = "The model is a single network: its interval does not tell how one trained on other patients would answer."
    return [Caution("one_network", told)]


def _outside_training(bundle: Bundle, features: Mapping[str, float]) -> list[Caution]:
    """Features outside the training cases' range: one by one, or where there are many the farthest and their number."""
    training = bundle.specification.training
    # of a network's pictures the size is what a reader can check
    known = tuple(training.ranges) if bundle.takes_pictures else bundle.specification.features
    found = {
        name: (value, low, high)
        for name, (low, high) in training.ranges.items()
        if name in known
        and np.isfinite(value := features.get(name, np.nan))
        and not low <= value <= high
    }
    cases = sum(training.counts.values())
    if len(found) <= MOST_OUTSIDE:
        return [_outside(name, *found[name], cases) for name in known if name in found]
    far = {name: max(low - value, value - high) / ((high - low) or 1.0) for name, (value, low, high) in found.items()}
    told = sorted(far, key=lambda name: -far[name])[:MOST_OUTSIDE]
    rest = len(found) - MOST_OUTSIDE
    many = f"{rest} more of the model's {len(known)} features lie outside the range of the "
    return [
        *(_outside(name, *found[name], cases) for name in told),
        Caution("outside_training_range", f"{many}{cases} training cases; those told lie farthest."),
    ]


def _outside(name: str, value: float, low: float, high: float, cases: int) -> Caution:
    definition = describe(name)
    unit = f" {definition.unit}" if definition.unit else ""
    side, limit = ("larger", high) if value > high else ("smaller", low)
    return Caution(
        "outside_training_range",
        f"{definition.title} ({value:,.4g}{unit}) is {side} than in any of the "
        f"{cases} training cases ({limit:,.4g}{unit}).",
    )

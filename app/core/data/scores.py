"""A model's answer about one case, with everything needed to doubt it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.data.remarks import Caution, TraceEntry


@dataclass(frozen=True)
class Contribution:
    """What a feature did to a score: its value and its effect in log odds against the average training tumour."""

    feature: str
    value: float
    effect: float


@dataclass(frozen=True)
class Prevalence:
    """The share of malignant cases in training and at the user's clinic, and the probability at the latter."""

    training: float
    used: float
    probability_at_used: float


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and how it performed on cases held out of the fit."""

    threshold: float
    sensitivity: float
    specificity: float
    name: str = ""


@dataclass(frozen=True)
class Comparator:
    """What something simpler says about the same case; the title is what the user reads."""

    name: str
    probability: float
    title: str


@dataclass(frozen=True)
class NetworkFacts:
    """What answered: how many networks of what kind, and how much they disagree.

    Parameters
    ----------
    kind : str
        Of the networks, each once.
    networks, parameters : int
        Of all together.
    device : str
        That they ran on.
    spread_networks, spread_views : float
        Standard deviation, log odds: of the networks' own answers, 0 where there is one; of the answers about varied
        pictures, 0 where there are none.
    """

    kind: str
    networks: int
    parameters: int
    device: str
    spread_networks: float
    spread_views: float


@dataclass(frozen=True)
class LookedAt:
    """Where the networks looked.

    Parameters
    ----------
    label : int
        The class whose evidence is meant, 0 or 1: the one found more probable.
    class_name : str
        What it is called; `class` in JSON.
    sequence : str
        That the pictures were cut from.
    share : float
        Of the Grad-CAM maps inside the tumour; NaN where nothing spoke for the class.
    expected : float
        What an even spread would have there.
    slices : tuple of int
        Of that sequence's image, across its through-plane axis, which the pictures show.
    """

    label: int
    class_name: str
    sequence: str
    share: float
    expected: float
    slices: tuple[int, ...]


@dataclass(frozen=True)
class Score:
    """A model's answer about one case, with everything needed to doubt it."""

    case: str
    model: str
    model_purpose: str
    demonstration: bool
    classes: tuple[str, str]
    probability: float
    interval: tuple[float, float]
    prevalence: Prevalence
    verdict: str
    error_rate: float
    operating_point: OperatingPoint
    comparator: Comparator | None
    cautions: tuple[Caution, ...]
    contributions: tuple[Contribution, ...]
    features: Mapping[str, float]
    trace: tuple[TraceEntry, ...]
    timings: Mapping[str, float]
    versions: Mapping[str, str]
    notice: str = "Research use only, not a medical device."
    network: NetworkFacts | None = None
    attention: LookedAt | None = None

"""What a phantom tumour is before anything is drawn: the few quantities that depend on the class, and their likelihood.

Every quantity is drawn by pushing a uniform or normal number, which knows nothing of the class, through the
distribution of the class. `signal` moves the two distributions together: at 1 they lie as far apart as the
published figures below, at 0 they are one distribution, so that the same numbers give the same tumour whatever its
label. Sources of the figures: septa over 2 mm in 85 % of ALT/WDL, odds ratios 6.24 (septa), 2.95 (enhancement) and 2.74
(over 130 mm), age and location: Knebel 2019 (10.1186/s12885-019-5524-5); longest dimension: Brisson 2013
(10.1007/s00256-012-1517-z); volumes: Vos 2019 (10.1002/bjs.11410). Those cohorts differ, so not every figure can hold
at once: with the volumes kept, the odds ratio of the diameter comes out near 4.

Bayes AUC at signal 1, by what is known (200,000 draws): volume 0.81; septa, nodules and enhancement 0.80; location
0.65; all that the image shows 0.90, and 0.89 without the location; with the age 0.91. The published locations alone
would give 0.87, and 0.96 with the rest, more than readers or any published model reach: so only `LOCATION_SHARE` of
their difference is used. All that the image shows gives 0.63, 0.74 and 0.83 at signal 0.25, 0.5 and 0.75.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, ndtr, ndtri

LOCATIONS = ("subcutaneous", "intramuscular", "intermuscular")
LIPOMA_LOCATION = np.array([0.21, 0.64, 0.15])
ALT_LOCATION = np.array([0.00, 0.13, 0.87])
LOCATION_SHARE = 0.40

VOLUME_LOG_SD = 0.86
VOLUME_LOG_MEDIANS = (np.log(154.0), np.log(452.0))
"""Before truncation to `VOLUME_RANGE_ML`; the medians after it are 154 and 437 ml."""
VOLUME_RANGE_ML = (2.0, 2106.0)

STROMA_SHIFT = np.array([1.096, 0.60, 0.675])
"""Distance between the classes of septal thickness, septal number and enhancement, in within-class SD."""
STROMA_CORRELATION = np.array([[1.0, 0.30, 0.25], [0.30, 1.0, 0.25], [0.25, 0.25, 1.0]])
AGE_MEANS, AGE_SD = (52.5, 60.0), 13.0

LIPOMAS_PER_BLOCK, BLOCK = 8, 17
"""8 lipomas in 17 cases: 40 in 85, as in the 2019 study."""
LABEL_STREAM, SPLIT_STREAM, CASE_STREAM, SITE_STREAM, PLACE_STREAM = range(5)


@dataclass(frozen=True)
class CaseParameters:
    """The drawn quantities of one tumour.

    Parameters
    ----------
    label : int
        0 lipoma, 1 ALT/WDL.
    signal : float
        0 to 1, how far apart the classes lie.
    volume_ml : float
        Tumour volume.
    location : int
        Index into `LOCATIONS`.
    stroma : tuple of float
        Septal thickness, septal number and enhancement as standard normal deviates about the middle of both classes.
    age : float
        Years.
    sex : str
        'F' or 'M'; independent of the label.
    elongation : float
        Length over the diameter of the sphere of the same volume; depends on the volume only.
    """

    label: int
    signal: float
    volume_ml: float
    location: int
    stroma: tuple[float, float, float]
    age: float
    sex: str
    elongation: float

    @property
    def septa_mm(self) -> float:
        """Median thickness of the septa, mm."""
        return float(2.55 * np.exp(0.5 * self.stroma[0]))

    @property
    def lobule_mm(self) -> float:
        """Typical distance between septa, mm."""
        return float(27.0 * np.exp(-0.22 * self.stroma[1]))

    @property
    def septa_present(self) -> float:
        """Share of the walls between lobules that are septa."""
        return float(ndtr(0.1 + 0.7 * self.stroma[1]))

    @property
    def nodules(self) -> int:
        """Number of enhancing nodules."""
        return int(np.clip(np.floor(1.2 + 1.5 * self.stroma[1]), 0, 7))

    @property
    def enhancement(self) -> float:
        """Signal of septa and nodules after contrast, relative to muscle."""
        return float(1.45 * np.exp(0.22 * self.stroma[2]))

    @property
    def enhances(self) -> bool:
        """Whether a reader would call it enhancing."""
        return self.stroma[2] > -0.18


def stream(seed: int, *key: int) -> np.random.Generator:
    """Make the generator that belongs to `key` under `seed`, whatever was drawn before."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def draw_label(index: int, seed: int) -> int:
    """Class of case `index`: 0 lipoma, 1 ALT/WDL; blocks of 17 hold 8 and 9, in random order."""
    return int(_block_order(index, seed)[index % BLOCK] >= LIPOMAS_PER_BLOCK)


def draw_split(index: int, seed: int) -> Literal["train", "test"]:
    """Assign case `index` to a fixed part: 3 test cases in every 10 of a class, wherever the cohort ends."""
    order = _block_order(index, seed)
    label = int(order[index % BLOCK] >= LIPOMAS_PER_BLOCK)
    before = int(((order[: index % BLOCK] >= LIPOMAS_PER_BLOCK) == label).sum())
    per_block = BLOCK - LIPOMAS_PER_BLOCK if label else LIPOMAS_PER_BLOCK
    ordinal = index // BLOCK * per_block + before
    rng = stream(seed, SPLIT_STREAM, label, ordinal // 10)
    chosen = (rng.integers(0, 3), 3 + rng.integers(0, 3), 6 + rng.integers(0, 4))
    return "test" if ordinal % 10 in chosen else "train"


def draw_parameters(index: int, *, seed: int, signal: float, label: int | None = None) -> CaseParameters:
    """Draw the tumour of case `index`.

    Parameters
    ----------
    index : int
        The case's number; its draws depend on this and the seed alone.
    seed : int
        The cohort's seed.
    signal : float
        0 (the classes are the same) to 1 (as published).
    label : int, optional
        Forces the class; the random numbers stay the same.
    """
    label = draw_label(index, seed) if label is None else label
    rng = stream(seed, CASE_STREAM, index, 0)
    uniform = rng.random(3)
    normal = rng.standard_normal(5)
    side = signal * (label - 0.5)
    stroma = np.linalg.cholesky(STROMA_CORRELATION) @ normal[:3] + side * STROMA_SHIFT
    middle, low, high = _volume_distribution(side)
    volume = np.exp(middle + VOLUME_LOG_SD * ndtri(ndtr(low) + uniform[0] * (ndtr(high) - ndtr(low))))
    location = int(np.searchsorted(np.cumsum(_location_shares(side)), uniform[1], side="right"))
    age = np.clip(np.mean(AGE_MEANS) + side * (AGE_MEANS[1] - AGE_MEANS[0]) + AGE_SD * normal[3], 18, 92)
    diameter_cm = 2 * (3 * volume / (4 * np.pi)) ** (1 / 3)
    elongation = 1.82 * (volume / 250.0) ** -0.05 * np.exp(0.24 * normal[4])
    elongation = float(np.clip(elongation, 1.1, min(2.8, 33.0 / diameter_cm)))
    return CaseParameters(
        label=label, signal=signal, volume_ml=float(volume), location=min(location, 2),
        stroma=(float(stroma[0]), float(stroma[1]), float(stroma[2])), age=float(age),
        sex="F" if uniform[2] < 0.5 else "M", elongation=elongation,
    )


def bayes_score(parameters: CaseParameters, *, age: bool = False) -> float:
    """Exact log likelihood ratio, ALT/WDL over lipoma, of the quantities that depend on the class.

    No classifier that sees the image alone can rank cases better than this number does.

    Parameters
    ----------
    parameters : CaseParameters
        As drawn; at signal 0 the answer is exactly 0.
    age : bool
        Whether to count the age, which the image does not show.

    Returns
    -------
    float
        Natural logarithm; positive speaks for ALT/WDL.
    """
    sides = (-0.5 * parameters.signal, 0.5 * parameters.signal)
    return (_volume_score(parameters, sides) + _location_score(parameters, sides) + _stroma_score(parameters)
            + (_age_score(parameters, sides) if age else 0.0))


def bayes_auc(signal: float, *, seed: int = 0, draws: int = 20000,
              score: Callable[[CaseParameters], float] = bayes_score) -> float:
    """Area under the curve of `score` over `draws` tumours that are drawn but not pictured.

    Parameters
    ----------
    signal : float
        0 to 1.
    seed, draws : int
        Which tumours, and how many.
    score : callable
        By default the best possible for the image; e.g. `lambda p: p.volume_ml` for size alone.
    """
    from scipy.stats import rankdata

    cases = [draw_parameters(index, seed=seed, signal=signal) for index in range(draws)]
    labels = np.array([case.label for case in cases], dtype=bool)
    ranks = rankdata([score(case) for case in cases])
    positive = int(labels.sum())
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * (draws - positive)))


def _block_order(index: int, seed: int) -> NDArray[np.int64]:
    return stream(seed, LABEL_STREAM, index // BLOCK).permutation(BLOCK)


def _volume_distribution(side: float) -> tuple[float, float, float]:
    """Mean of log ml, and the truncation points in SD."""
    lipoma, alt = VOLUME_LOG_MEDIANS
    middle = (lipoma + alt) / 2 + side * (alt - lipoma)
    low, high = ((np.log(end) - middle) / VOLUME_LOG_SD for end in VOLUME_RANGE_ML)
    return float(middle), float(low), float(high)


def _location_shares(side: float) -> NDArray[np.float64]:
    middle = (LIPOMA_LOCATION + ALT_LOCATION) / 2
    return np.asarray(middle + side * LOCATION_SHARE * (ALT_LOCATION - LIPOMA_LOCATION))


def _volume_score(parameters: CaseParameters, sides: tuple[float, float]) -> float:
    densities = []
    for side in sides:
        middle, low, high = _volume_distribution(side)
        deviate = (np.log(parameters.volume_ml) - middle) / VOLUME_LOG_SD
        densities.append(-0.5 * deviate**2 - np.log(ndtr(high) - ndtr(low)))
    return float(densities[1] - densities[0])


def _location_score(parameters: CaseParameters, sides: tuple[float, float]) -> float:
    lipoma, alt = (_location_shares(side)[parameters.location] for side in sides)
    return float(np.log(alt) - np.log(lipoma))


def _stroma_score(parameters: CaseParameters) -> float:
    weights = np.linalg.solve(STROMA_CORRELATION, STROMA_SHIFT)
    return float(parameters.signal * (weights @ np.asarray(parameters.stroma)))


def _age_score(parameters: CaseParameters, sides: tuple[float, float]) -> float:
    means = [np.mean(AGE_MEANS) + side * (AGE_MEANS[1] - AGE_MEANS[0]) for side in sides]
    lipoma, alt = ((parameters.age - mean) / AGE_SD for mean in means)
    if parameters.age <= 18:
        return float(log_ndtr(alt) - log_ndtr(lipoma))
    if parameters.age >= 92:
        return float(log_ndtr(-alt) - log_ndtr(-lipoma))
    return float((lipoma**2 - alt**2) / 2)

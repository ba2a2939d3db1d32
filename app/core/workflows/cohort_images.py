"""A look at every image of a cohort, one at a time: slices per scan, and grey values before and after normalisation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.core.data import Volume
from app.core.errors import AppError, InputError
from app.core.io.case import load_images
from app.core.jobs import Report, describe_failure
from app.core.preprocess.normalise import fit_nyul, normalise
from app.core.preprocess.regions import body_mask, coarsest_axis
from app.core.recipe import NormaliseRecipe
from app.core.requests import CohortSource
from app.core.workflows.gathering import gather_cases

SAMPLE = 10_000
BINS = 100
_SHOWN = 0.002, 0.995
_METHODS: tuple[Literal["zscore", "percentile", "nyul"], ...] = ("zscore", "percentile", "nyul")


@dataclass(frozen=True, eq=False)
class Survey:
    """What a look at every image found.

    Parameters
    ----------
    cases, patients, vendors : tuple of str
        Of each image that could be read; a vendor is empty when the image's header does not tell it.
    slices : tuple of int
        Voxels along the coarsest axis.
    samples : array of float32, shape (images, 10000)
        Grey values of the body at evenly spaced quantiles, rising: an image's histogram in 40 kB.
    sequence : str
        The sequence looked at.
    sequences : int
        How many there are.
    failed : tuple of dict
        `case` and `message` of each image that could not be read.
    """

    cases: tuple[str, ...]
    patients: tuple[str, ...]
    vendors: tuple[str, ...]
    slices: tuple[int, ...]
    samples: NDArray[np.float32]
    sequence: str
    sequences: int
    failed: tuple[dict[str, str], ...]


@dataclass(frozen=True, eq=False)
class Histograms:
    """Grey values of many images' bodies.

    Parameters
    ----------
    edges : mapping of str to array, shape (bins + 1,)
        By 'before', 'zscore', 'percentile' and 'nyul', those that could be done.
    shares : mapping of str to array, shape (images, bins)
        Per cent of each image's body in each bin.
    problems : tuple of str
        Normalisations that could not be done, and why.
    """

    edges: Mapping[str, NDArray[np.float64]]
    shares: Mapping[str, NDArray[np.float64]]
    problems: tuple[str, ...]

    def as_json(self, survey: Survey) -> dict[str, Any]:
        """`edges` by normalisation, for each normalisation a list of shares per image, and `cases`."""
        lists = {name: np.round(values, 4).tolist() for name, values in self.shares.items()}
        edges = {name: values.tolist() for name, values in self.edges.items()}
        return {"edges": edges, **lists, "cases": list(survey.cases)}


def survey_images(source: str, report: Report) -> Survey:
    """Read the images of a cohort one after the other; no more than one is in memory.

    Parameters
    ----------
    source : str
        A table of cases or a folder.
    report : callable
        Told before each image.

    Returns
    -------
    Survey
        Of the sequence that most cases have.

    Raises
    ------
    InputError
        The source holds no cases.
    """
    found = gather_cases(CohortSource(source=source))
    counts = Counter(sequence for case in found.cases for sequence in sorted(case.images))
    sequence = counts.most_common(1)[0][0]
    chosen = [
        (case, str(patient))
        for case, patient in zip(found.cases, found.frame["patient"], strict=True)
        if sequence in case.images
    ]
    read: list[tuple[str, str, str, int, NDArray[np.float32]]] = []
    failed = []
    for index, (case, patient) in enumerate(chosen):
        report(index / len(chosen), f"Looking at the image of {case.id} ({index + 1} of {len(chosen)})")
        try:
            image = load_images(case.model_copy(update={"images": {sequence: case.images[sequence]}}))[0][sequence]
            slices = image.volume.voxels.shape[coarsest_axis(image.volume)]
            read.append((case.id, patient, image.acquisition.manufacturer, slices, sample_body(image.volume)))
        except AppError as error:
            failed.append({"case": case.id, "message": describe_failure(error).message})
    cases, patients, vendors, slices, samples = zip(*read, strict=True) if read else ((),) * 5
    whole = np.array(samples, dtype=np.float32)
    return Survey(cases, patients, vendors, slices, whole, sequence, len(counts), tuple(failed))


def sample_body(volume: Volume) -> NDArray[np.float32]:
    """Take the grey values of the body, without air, at evenly spaced quantiles.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k).

    Returns
    -------
    array of float32, shape (10000,)
        Rising.

    Raises
    ------
    InputError
        See `body_mask`; or the body holds one value only.
    """
    values = volume.voxels[body_mask(volume).voxels]
    values.sort()
    if values[0] == values[-1]:
        raise InputError(f"The body holds the value {values[0]:g} only.", "Choose another image.")
    return np.asarray(values[((np.arange(SAMPLE) + 0.5) / SAMPLE * len(values)).astype(int)])


def draw_samples(samples: NDArray[np.float32]) -> Histograms:
    """Turn samples into histograms, as stored and after each normalisation.

    A normalisation is a rising map of grey values and looks at nothing but their distribution, so what it does to the
    10,000 quantiles is what it does to the image.

    Parameters
    ----------
    samples : array, shape (images, values)
        From `survey_images`.

    Returns
    -------
    Histograms
        From the 0.2nd to the 99.5th percentile of all images together.
    """
    volumes = [Volume(sample.reshape(-1, 1, 1), np.eye(4)) for sample in samples]
    kinds: dict[str, NDArray[np.float64]] = {"before": samples.astype(np.float64)}
    problems = []
    for method in _METHODS:
        recipe = NormaliseRecipe(method=method, region="image")  # of the sample, which is all body
        try:
            if method == "nyul":
                recipe = recipe.model_copy(update={"landmarks": fit_nyul(volumes, recipe)})
            kinds[method] = np.array([normalise(volume, recipe).voxels.ravel() for volume in volumes], dtype=np.float64)
        except AppError as error:
            problems.append(f"The normalisation '{method}' is left out: {describe_failure(error).message}")
    edges = {name: _edges(values) for name, values in kinds.items()}
    shares = {name: _shares(values, edges[name]) for name, values in kinds.items()}
    return Histograms(edges, shares, tuple(problems))


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    low, high = (float(end) for end in np.quantile(values, _SHOWN))
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _shares(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([np.histogram(line, edges)[0] * (100 / len(line)) for line in values])

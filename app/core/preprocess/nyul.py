"""Nyul and Udupa's histogram standardisation: learned on a cohort, kept as landmarks, applied to any image."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import FloatArray, Mask, Volume
from app.core.errors import InputError, RecipeError
from app.core.files import write_atomically

if TYPE_CHECKING:
    from intensity_normalization.adapters.images import NumpyImageAdapter
    from intensity_normalization.normalizers.population.nyul import NyulNormalizer


def fit_landmarks(volumes: Sequence[Volume], regions: Sequence[Mask]) -> tuple[float, ...]:
    """Learn the standard histogram of a cohort.

    Parameters
    ----------
    volumes : sequence of Volume
        Each of shape (i, j, k), the same sequence of the same protocol; only training cases.
    regions : sequence of Mask
        Where each histogram is taken, on its volume's grid.

    Returns
    -------
    tuple of float, length 11
        The standard scale, 1 to 100, at percentiles 1, 10, 20, ..., 90, 99.

    Raises
    ------
    InputError
        No image, or one whose histogram has no width.

    References
    ----------
    Nyul, Udupa and Zhang 2000, 10.1109/42.836373; Reinhold et al. 2019 (the package), 10.1117/12.2513089.
    """
    if not volumes:
        raise InputError("There is no image to learn the standard histogram from.", "Give at least one image.")
    normaliser = _new_normaliser()
    for number, (volume, region) in enumerate(zip(volumes, regions, strict=True), start=1):
        _check_spread(volume, region, normaliser, f"Image {number}")
    normaliser.fit_population([_adapt(v.voxels) for v in volumes], [_adapt(r.voxels) for r in regions])
    return tuple(float(value) for value in np.asarray(normaliser.standard_scale))


def apply_landmarks(volume: Volume, region: Mask, landmarks: tuple[float, ...]) -> FloatArray:
    """Map an image's histogram to the standard one, piecewise linear and extended at the ends.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k).
    region : Mask
        Where its histogram is taken, on its grid.
    landmarks : tuple of float, length 11
        From `fit_landmarks`.

    Returns
    -------
    array of float32, shape (i, j, k)
        Standardised intensities.

    Raises
    ------
    RecipeError
        The landmarks are not 11 rising numbers.
    InputError
        Percentiles of the image coincide, so no mapping exists.
    """
    normaliser = _new_normaliser()
    wanted = len(normaliser.percentiles)
    if len(landmarks) != wanted or not (np.diff(landmarks) > 0).all():
        raise RecipeError(f"The histogram landmarks must be {wanted} rising numbers; {len(landmarks)} were given.",
                          "Learn them again from the training cohort.")
    _check_spread(volume, region, normaliser, "The image")
    stored: Any = io.BytesIO()  # the package's public way in is its own .npy file
    np.save(stored, np.vstack([landmarks, normaliser.percentiles]))
    stored.seek(0)
    normaliser.load_standard_histogram(stored)
    result = normaliser.transform(_adapt(volume.voxels), _adapt(region.voxels))
    return np.asarray(result.get_data(), dtype=np.float32)


def save_landmarks(path: str | Path, landmarks: tuple[float, ...]) -> None:
    """Write landmarks as JSON, whole or not at all.

    Parameters
    ----------
    path : path
        Replaced if it exists.
    landmarks : tuple of float
        From `fit_landmarks`.
    """
    percentiles = [float(value) for value in _new_normaliser().percentiles]
    content = {"method": "nyul", "percentiles": percentiles, "landmarks": list(landmarks)}
    write_atomically(path, json.dumps(content, indent=1).encode())


def load_landmarks(path: str | Path) -> tuple[float, ...]:
    """Read landmarks from JSON.

    Parameters
    ----------
    path : path
        Written by `save_landmarks`.

    Returns
    -------
    tuple of float
        Equal to what was saved.

    Raises
    ------
    RecipeError
        The file cannot be read, or holds something else.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        landmarks = tuple(float(value) for value in content["landmarks"])
        known = content["method"] == "nyul" and content["percentiles"] == list(_new_normaliser().percentiles)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{path.name} does not hold histogram landmarks.",
                          "Choose a file that this program saved.") from error
    if not known or len(landmarks) != len(content["percentiles"]):
        raise RecipeError(f"{path.name} holds landmarks of another method or at other percentiles.",
                          "Learn them again from the training cohort.")
    return landmarks


def _check_spread(volume: Volume, region: Mask, normaliser: NyulNormalizer, what: str) -> None:
    if not (np.diff(np.percentile(volume.voxels[region.voxels], normaliser.percentiles)) > 0).all():
        raise InputError(f"{what} has too few different grey values for histogram standardisation: some of its "
                         "percentiles coincide.", "Choose another region or another normalisation.")


def _new_normaliser() -> NyulNormalizer:
    from intensity_normalization.normalizers.population.nyul import NyulNormalizer

    return NyulNormalizer()


def _adapt(voxels: NDArray[Any]) -> NumpyImageAdapter:
    from intensity_normalization.adapters.images import NumpyImageAdapter

    return NumpyImageAdapter(voxels)

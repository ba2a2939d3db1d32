"""Intensity normalisation of image files, and the standard histogram of a cohort that one method needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.core.io.case import load_images
from app.core.io.mask import load_mask
from app.core.io.nifti import check_nifti_name, write_nifti
from app.core.io.table import read_cases
from app.core.io.volume import load_volume
from app.core.jobs import Report
from app.core.preprocess.follow import place_mask
from app.core.preprocess.normalise import fit_nyul, normalise
from app.core.preprocess.nyul import save_landmarks
from app.core.recipe import NormaliseRecipe
from app.core.requests import LandmarksRequest, NormaliseRequest


def normalise_image(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Normalise one image and write it on its own grid.

    Parameters
    ----------
    request : dict
        A `NormaliseRequest`; its mask is the tumour's, needed by the region around it.

    Returns
    -------
    dict
        `written`, the paths.
    """
    ask = NormaliseRequest.parse(request)
    check_nifti_name(ask.out)
    report(0.1, "Reading the image")
    volume = load_volume(ask.image).volume
    tumour = place_mask(load_mask(ask.mask, images={"image": volume}), volume) if ask.mask else None
    report(0.5, "Normalising grey values")
    write_nifti(Path(ask.out), normalise(volume, ask.settings, tumour))
    report(1.0, "Done")
    return {"written": [ask.out]}


def learn_landmarks(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Learn a cohort's standard histogram and save it, for use as `landmarks` of the nyul method.

    Parameters
    ----------
    request : dict
        A `LandmarksRequest`; give training cases only.

    Returns
    -------
    dict
        `landmarks`, `images` (their number) and `written`.
    """
    ask = LandmarksRequest.parse(request)
    cases = read_cases(Path(ask.table), strict=True).cases
    volumes = []
    for index, files in enumerate(cases):
        report(0.9 * index / len(cases), f"Reading case {index + 1} of {len(cases)}")
        images = load_images(files)[0]
        sequence = ask.sequence or next(iter(images))
        if sequence in images:
            volumes.append(images[sequence].volume)
    report(0.9, "Learning the standard histogram")
    landmarks = fit_nyul(volumes, NormaliseRecipe(method="nyul", region=ask.region))
    save_landmarks(ask.out, landmarks)
    return {"landmarks": list(landmarks), "images": len(volumes), "written": [ask.out]}

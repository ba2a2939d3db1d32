"""The self-test: the installed libraries against reference values that came from elsewhere."""

from __future__ import annotations

import json
import platform
from collections import Counter
from importlib import metadata
from typing import Any

import numpy as np

from app import __version__
from app.core.data import FloatArray, Volume
from app.core.harmonise.estimation import estimate_combat
from app.core.jobs import Report
from app.core.paths import program_folder
from app.core.preprocess.n4 import correct_bias
from app.core.radiomics.ibsi import compare_with_ibsi
from app.core.recipe import N4Recipe

LIBRARIES = (
    "numpy",
    "scipy",
    "SimpleITK",
    "pyradiomics",
    "antspyx",
    "nibabel",
    "pydicom",
    "highdicom",
    "scikit-learn",
    "skops",
    "torch",
    "PySide6-Essentials",
)
N4_SEED = 2010
# SimpleITK 2.5's N4 with its own defaults, run on the same image outside this program.
N4_EXPECTED = {"cv_before": 0.273856, "cv_after": 0.023504}
N4_TOLERANCE = 0.01
COMBAT_KINDS: dict[str, dict[str, Any]] = {
    "parametric": {},
    "nonparametric": {"parametric": False},
    "no_eb": {"eb": False},
    "mean_only": {"mean_only": True},
    "reference": {"reference": "B"},
}
COMBAT_TOLERANCE = 1e-5


def selftest(_request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Check what the program rests on.

    Parameters
    ----------
    _request : dict
        Not used.
    report : callable
        Receives (fraction, message); may raise `Cancelled`.

    Returns
    -------
    dict
        `ibsi` (counts of `within`, `outside`, `not_implemented`, and `rows`), `combat`, `n4`, `versions`, `devices`
        and `ok`: nothing lies outside its tolerance.
    """
    report(0.0, "Measuring the IBSI phantom")
    rows = compare_with_ibsi()
    states = Counter(row["state"] for row in rows)
    ibsi = {state: states[state] for state in ("within", "outside", "not_implemented")}
    report(0.4, "Correcting a known bias field")
    n4 = check_n4()
    report(0.7, "Harmonising a known table")
    combat = check_combat()
    report(0.8, "Looking for devices")
    devices = find_devices()
    report(1.0, "Done")
    return {
        "ibsi": {**ibsi, "rows": rows},
        "combat": combat,
        "n4": n4,
        "versions": {"LipoScope": __version__, "python": platform.python_version(), **_versions()},
        "devices": devices,
        "ok": ibsi["outside"] == 0 and n4["state"] == "within" and combat["state"] == "within",
    }


def check_combat() -> dict[str, Any]:
    """Harmonise a table in every way and compare with stored results of another implementation.

    Returns
    -------
    dict
        `checked`; `differences`, the largest of each way; `tolerance`; and `state`: 'within' or 'outside'.
    """
    path = program_folder() / "resources" / "harmonise" / "combat.json"
    stored = json.loads(path.read_text(encoding="utf-8"))
    values, design = np.array(stored["values"]), np.array(stored["age"])[:, np.newaxis]
    differences = {}
    for kind, settings in COMBAT_KINDS.items():
        found = estimate_combat(values, stored["sites"], design, **settings).apply(values, stored["sites"], design)
        differences[kind] = float(np.abs(found - np.array(stored["expected"][kind])).max())
    within = all(difference <= COMBAT_TOLERANCE for difference in differences.values())
    return {
        "checked": True,
        "differences": differences,
        "tolerance": COMBAT_TOLERANCE,
        "state": "within" if within else "outside",
    }


def check_n4() -> dict[str, Any]:
    """Correct a phantom of two tissues with the fast engine and compare with stored figures of SimpleITK's.

    Returns
    -------
    dict
        `cv_before` and `cv_after` (coefficient of variation in one tissue, which is uniform but for noise and bias),
        `expected` (the same two), `tolerance` (relative) and `state`: 'within' or 'outside'.
    """
    volume, tissue = make_biased_image()
    corrected = correct_bias(volume, N4Recipe(engine="fast", mask="whole", shrink=2)).volume
    found = {"cv_before": _variation(volume.voxels[tissue]), "cv_after": _variation(corrected.voxels[tissue])}
    within = all(abs(found[name] - expected) <= N4_TOLERANCE * expected for name, expected in N4_EXPECTED.items())
    return {
        **found,
        "expected": dict(N4_EXPECTED),
        "tolerance": N4_TOLERANCE,
        "state": "within" if within else "outside",
    }


def make_biased_image() -> tuple[Volume, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Make a ball in a bath, with noise, under a smooth field that rises threefold across the image.

    Returns
    -------
    volume : Volume
        Shape (32, 32, 16), 2 x 2 x 4 mm.
    tissue : array of bool, shape (32, 32, 16)
        The bath.
    """
    i, j, k = np.meshgrid(*(np.linspace(-1, 1, size) for size in (32, 32, 16)), indexing="ij")
    ball = i**2 + j**2 + k**2 < 0.4
    noise = np.random.default_rng(N4_SEED).normal(0.0, 2.0, ball.shape)
    field = np.exp(0.4 * i + 0.2 * j**2 - 0.15 * k)
    voxels = (np.where(ball, 200.0, 100.0) + noise) * field
    return Volume(voxels.astype(np.float32), np.diag([2.0, 2.0, 4.0, 1.0])), ~ball


def _variation(values: FloatArray) -> float:
    return float(values.std(dtype=np.float64) / values.mean(dtype=np.float64))


def find_devices() -> list[str]:
    """List what networks can run on: 'cpu', and every CUDA device that torch sees."""
    import torch

    return ["cpu", *(f"cuda:{index} {torch.cuda.get_device_name(index)}" for index in range(torch.cuda.device_count()))]


def _versions() -> dict[str, str]:
    installed = {}
    for library in LIBRARIES:
        try:
            installed[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            installed[library] = "unknown"
    return installed

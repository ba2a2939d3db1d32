"""Small synthetic tables and cases for the tests of bundles, workflows and the command line."""

import csv
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

FEATURES = ("volume_ml", "longest_diameter_mm", "original_firstorder_Mean")


def quiet(_fraction: float, _message: str) -> None:
    """Report to nobody."""


def write_features(path: Path, cases: int = 80, separation: float = 3.0, seed: int = 0, **columns: Any) -> Path:
    """Write a table of three features, of which the last separates the classes by `separation` SD."""
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 2
    volume = 10 ** rng.normal(2.0, 0.4, cases)
    values = {
        "patient": [f"P{index:03d}" for index in range(cases)], "label": np.where(labels, "ALT", "lipoma"),
        "site": [f"S{index % 4}" for index in range(cases)], "volume_ml": volume,
        "longest_diameter_mm": 12 * np.cbrt(volume) * rng.uniform(0.9, 1.2, cases),
        "original_firstorder_Mean": rng.normal(size=cases) + separation * labels, **columns,
    }
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(values)
        writer.writerows(zip(*values.values(), strict=True))
    return path


def training(table: Path, out: Path, **changes: Any) -> dict[str, Any]:
    """Make the request that learns from `write_features`' table."""
    recipe = {"name": "small", "description": "A small model", "prep": {},
              "features": {"classes": ["firstorder"], "names": list(FEATURES)},
              "model": {"folds": 5, "repeats": 2, "resamples": 8}, "comparator": "lipoma-size"}
    return {"table": str(table), "label": "label", "positive": "ALT", "patient": "patient", "site": "site",
            "recipe": recipe, "out": str(out), **changes}


def write_ball(folder: Path, radius_mm: float = 25.0, spacing: tuple[float, float, float] = (1.5, 1.5, 3.0),
               level: float = 200.0, name: str = "t1", seed: int = 0) -> tuple[Path, Path]:
    """Write a noisy image of a bright ball and the ball's outline; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = tuple(int(np.ceil(2 * radius_mm / size)) + 12 for size in spacing)
    axes = [(np.arange(count) - (count - 1) / 2) * size for count, size in zip(shape, spacing, strict=True)]
    i, j, k = np.meshgrid(*axes, indexing="ij")
    ball = i**2 + j**2 + k**2 <= radius_mm**2
    noise = np.random.default_rng(seed).normal(0, 10, shape)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = [-axis[-1] for axis in axes]
    image, mask = folder / f"{name}.nii.gz", folder / "mask.nii.gz"
    nib.save(nib.Nifti1Image((np.where(ball, level, 60) + noise).astype(np.float32), affine), image)
    nib.save(nib.Nifti1Image(ball.astype(np.uint8), affine), mask)
    return image, mask

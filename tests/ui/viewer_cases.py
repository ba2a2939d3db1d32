"""Small cases for the viewer's tests, written as the `view_case` workflow writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.ui.widgets.view_case import ViewCase


def write_image(folder: Path, name: str, voxels: np.ndarray, affine: np.ndarray, mask: np.ndarray | None = None,
                prepared: np.ndarray | None = None, **entry: Any) -> dict[str, Any]:
    """One sequence's entry, its arrays as files."""
    paths = {}
    for key, array in (("array", voxels.astype(np.float32)), ("prepared", prepared), ("mask", mask)):
        paths[key] = None
        if array is not None:
            paths[key] = str(folder / f"{name}_{key}.npy")
            np.save(paths[key], array)
    edges = np.linspace(float(voxels.min()), float(voxels.max()) + 1, 33)
    counts = [int(n) for n in np.histogram(voxels, edges)[0]]
    after = [int(n) for n in np.histogram(prepared, edges)[0]] if prepared is not None else None
    return {"affine": affine.tolist(), "window": [0.0, 1000.0], "acquisition": {"modality": "MR"},
            "prepared_window": [0.0, 2.0] if prepared is not None else None, "largest_slice": None, "cautions": [],
            "histogram": {"edges": edges.tolist(), "before": counts, "after_edges": None,
                          "after": after}, **paths, **entry}


def open_case(images: dict[str, dict[str, Any]], **entry: Any) -> ViewCase:
    """A case as the workflow's JSON makes it."""
    return ViewCase.from_json({"case": "knee", "sequences": list(images), "images": images, "identity": {},
                               "mask": None, "cautions": [], "trace": [], **entry})


def grid_around(centre: np.ndarray, axes: np.ndarray, spacing: tuple[float, ...], shape: tuple[int, ...]) -> np.ndarray:
    """Affine of a grid whose middle lies at a world point; `axes` holds the voxel axes' directions as columns."""
    affine = np.eye(4)
    affine[:3, :3] = axes * np.asarray(spacing)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.asarray(shape) - 1) / 2)
    return affine


def paint_ball(shape: tuple[int, ...], affine: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """True within `radius` mm of a world point."""
    places = np.moveaxis(np.indices(shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    return ((places - centre) ** 2).sum(axis=-1) <= radius**2


def to_array(image: Any) -> np.ndarray:
    """Grey values of a picture, shape (rows, columns), 0 to 255."""
    grey = image.convertToFormat(image.Format.Format_Grayscale8)
    rows = np.frombuffer(grey.constBits(), np.uint8).reshape(grey.height(), grey.bytesPerLine())
    return rows[:, : grey.width()].astype(float)

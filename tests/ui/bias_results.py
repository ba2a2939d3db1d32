"""What the engine answers about a bias correction, made up for the window's tests."""

import numpy as np


def preview_result(folder, shape=(6, 5, 4), *, scale=1.0, worse=False, region=None, offset=0.0):
    folder.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape) + 1 + offset
    for name, array in (("corrected", voxels / scale), ("field", np.full(shape, scale, np.float32)),
                        ("fit", voxels > 60)):
        np.save(folder / f"{name}.npy", array)
    counted = {"edges": [0.0, 50.0, 100.0], "before": [0.6, 0.4], "after": [0.5, 0.5]}
    pair = [0.20, 0.25] if worse else [0.20, 0.10]
    return {"corrected": str(folder / "corrected.npy"), "field": str(folder / "field.npy"),
            "mask": str(folder / "fit.npy"), "scale": scale, "field_window": [0.9 * scale, 1.1 * scale],
            "field_range": [0.95 * scale, 1.05 * scale], "seconds": 0.05, "levels": [], "cautions": [],
            **measure_result(pair, region, counted)}


def measure_result(mask=(0.2, 0.1), region=None, counted=None):
    counted = counted or {"edges": [0.0, 50.0, 100.0], "before": [0.6, 0.4], "after": [0.5, 0.5]}
    pairs = {"mask": list(mask), "region": list(region) if region else None}
    return {"variation": pairs, "worse": {name: bool(pair and pair[1] > pair[0]) for name, pair in pairs.items()},
            "histogram": {name: counted if pair else None for name, pair in pairs.items()}}

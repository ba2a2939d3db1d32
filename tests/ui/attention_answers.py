"""What the engine says of where a network looked, made up."""

from __future__ import annotations

import numpy as np
from viewer_cases import write_image
from window_fixtures import SCORE

AFFINE = np.diag([-1.0, 1.0, 4.0, 1.0])
PEAK, SLICES = (30, 34, 7), (5, 6, 7, 8)
NETWORK = {"kind": "cnn-small", "networks": 5, "parameters": 486170, "device": "CPU", "spread_networks": 0.31,
           "spread_views": 0.12}
LOOKED = {"label": 1, "class": "ALT/WDL", "sequence": "t1", "share": 0.72, "expected": 0.11, "slices": list(SLICES)}
ELSEWHERE = {"code": "looks_elsewhere", "message": "Only 32% of what the network looked at lies in the tumour."}


def network_score(**more):
    return {**SCORE, "model": "cnn", "contributions": [], "network": NETWORK, "attention": LOOKED, **more}


def map_voxels(sign=1.0):
    voxels = np.full((48, 50, 12), np.nan, np.float32)
    places = np.indices((28, 26, len(SLICES))) + np.array([14, 18, SLICES[0]]).reshape(3, 1, 1, 1)
    away = sum((places[axis] - PEAK[axis]) ** 2 * (1, 1, 9)[axis] for axis in range(3))
    voxels[14:42, 18:44, SLICES[0]:SLICES[-1] + 1] = np.exp(-away / 60) * sign
    return voxels


def write_case(folder, name="STS_003", sequences=("t1",)):
    folder.mkdir(parents=True, exist_ok=True)
    voxels = np.full((48, 50, 12), 500.0, np.float32)
    mask = np.zeros(voxels.shape, bool)
    mask[24:38, 28:40, 5:9] = True
    images = {key: write_image(folder, key, voxels, AFFINE, mask, acquisition={"modality": "MR", "sequence": key})
              for key in sequences}
    return {"images": images, "sequences": list(sequences), "case": name}


def answer(folder, method="gradcam", voxels=None, **more):
    path = folder / f"{method}.npy"
    np.save(path, np.asfortranarray(map_voxels() if voxels is None else voxels))
    return {"method": method, "sequence": "t1", "label": 1, "class": "ALT/WDL", "share": 0.72, "expected": 0.11,
            "map": str(path), "slices": list(SLICES), "axis": 2, "caution": None, "cached": False, **more}

"""A lumpy tumour in an uneven image, for the tests of our own feature classes."""

import numpy as np
from scipy import ndimage

from app.core.data import Mask, Volume


def lumpy_case(spacing=(1.0, 1.0, 1.0), shape=(24, 22, 18), seed=3) -> tuple[Volume, Mask, np.ndarray]:
    """Image, outline away from the edges, and grey levels in bins of 20 from the lowest intensity."""
    rng = np.random.default_rng(seed)
    texture = ndimage.gaussian_filter(rng.normal(size=shape), 1.2)
    steps = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape), indexing="ij")
    inside = sum(step**2 for step in steps) + 0.8 * ndimage.gaussian_filter(rng.normal(size=shape), 2) < 0.45
    voxels = (300 + 400 * texture / texture.std() / 4).astype(np.float32)
    affine = np.diag([*spacing, 1.0])
    return Volume(voxels, affine), Mask(inside, affine), grey_levels(voxels, inside)


def grey_levels(voxels: np.ndarray, inside: np.ndarray) -> np.ndarray:
    levels = np.floor((voxels - voxels[inside].min()) / 20).astype(np.int64) + 1
    return np.where(inside, levels, 0)

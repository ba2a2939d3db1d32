"""A cohort's pictures on disk: several slices of each case, cut small."""

import json
from pathlib import Path

import numpy as np

from app.core.deep.crops import Crops
from app.core.deep.image_set import ImageSet, _hash, name_pictures, write_pictures
from app.core.network_recipe import CropRecipe
from tests.core.deep.toy_networks import SIDE, SPOT

CROP = CropRecipe(set="slices", size=SIDE)


def make_images(root: Path, cases: int, signal: float, seed: int = 0, recipe: CropRecipe = CROP):
    """Pictures of `cases` cases, their names and their labels; every other case has the spot."""
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 2
    names = [f"case {place}" for place in range(cases)]
    index = {}
    for name, label in zip(names, labels, strict=True):
        count = int(rng.integers(1, 4))
        values = rng.normal(size=(count, *recipe.shape)).astype(np.float32)
        values[:, :, *SPOT] += signal * label
        outlines = np.zeros((count, SIDE, SIDE), dtype=bool)
        outlines[:, *SPOT] = True
        folder = name_pictures(f"{name} {seed} {signal}", recipe)
        affines = np.tile(np.eye(4), (count, 1, 1))
        write_pictures(root / folder, Crops(values, outlines, tuple(range(count)), affines), recipe)
        index[_hash(name)] = folder
    path = root / f"{_hash(json.dumps(sorted(index.items())))}.json"
    path.write_text(json.dumps({"recipe": recipe.model_dump(mode="json"), "cases": index}))
    return ImageSet(path), names, labels

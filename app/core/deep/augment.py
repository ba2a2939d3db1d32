"""Variants of training pictures: what is varied is drawn first, from a seed, and then applied; nothing is sheared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from app.core.network_recipe import AugmentRecipe, CropRecipe, NetworkRecipe

Array = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Variant:
    """What is done to a picture.

    Parameters
    ----------
    affine : array of float64, shape (2, 3) or (3, 4)
        From places (x, y, 1) or (x, y, z, 1) of the variant to those of the picture; each side runs from -1 to 1.
    exponent : float
        Applied to grey values between the picture's darkest (0) and brightest (1).
    noise : float
        Standard deviation, as a share of that of the picture's grey values.
    noise_seed : int
    """

    affine: NDArray[np.float64]
    exponent: float
    noise: float
    noise_seed: int


def draw_variant(recipe: AugmentRecipe, axes: int, rng: np.random.Generator) -> Variant | None:
    """Draw what is done to a picture of two axes or a volume of three; None where it stays as it is."""
    if rng.random() >= recipe.share:
        return None
    angle = np.deg2rad(rng.uniform(-recipe.rotate, recipe.rotate))
    zoom = (1 + recipe.zoom) ** rng.uniform(-1, 1)
    mirrored = {"none": 0, "horizontal": 1, "both": axes}[recipe.flip]
    flips = np.where((rng.random(axes) < 0.5) & (np.arange(axes) < mirrored), -1.0, 1.0)
    turn = np.eye(axes)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    shift = 2 * rng.uniform(-recipe.shift, recipe.shift, axes)
    exponent = float(np.exp(rng.uniform(-recipe.gamma, recipe.gamma)))
    noise = float(rng.uniform(0, recipe.noise))
    affine = np.column_stack([turn @ np.diag(flips) / zoom, shift])
    return Variant(affine, exponent, noise, int(rng.integers(2**63)))


def apply_variant(picture: Array, variant: Variant, crop: CropRecipe) -> Array:
    """Vary a picture.

    Parameters
    ----------
    picture : array of float32, shape (channels, y, x) or (channels, z, y, x)
        Cut by `crop`, which tells the outline from the grey channels.
    variant : Variant
    crop : CropRecipe

    Returns
    -------
    array of float32, shape as given
        Beyond its edges the picture is continued by its mirror image, the outline by nothing.
    """
    repeated = crop.set != "neighbours"
    grey, outline = picture[: 1 if repeated else crop.channels], picture[crop.channels :]
    grey = _change_greys(_move(grey, variant, "bilinear", "reflection"), variant)
    parts = [np.repeat(grey, crop.channels, axis=0) if repeated else grey]
    if len(outline):
        parts.append(_move(outline, variant, "nearest", "zeros"))
    return np.concatenate(parts)


def vary_picture(picture: Array, seed: int, recipe: AugmentRecipe, crop: CropRecipe) -> Array:
    """Vary a picture by a seed: the same picture and the same seed give the same variant.

    Parameters
    ----------
    picture : array of float32, shape (channels, y, x) or (channels, z, y, x)
    seed : int
    recipe : AugmentRecipe
    crop : CropRecipe
        That the picture was cut by.
    """
    variant = draw_variant(recipe, picture.ndim - 1, np.random.default_rng(seed))
    return np.array(picture) if variant is None else apply_variant(picture, variant, crop)


def make_vary(recipe: NetworkRecipe) -> Callable[[Array, int], Array] | None:
    """Give what makes a variant of a picture and a seed; None where the recipe leaves pictures as they are."""
    if recipe.augment is None:
        return None
    return partial(vary_picture, recipe=recipe.augment, crop=recipe.crop)


def preview_variants(picture: Array, recipe: NetworkRecipe, seed: int = 0, count: int = 8) -> Array:
    """Show what training would see of a picture: the picture itself, then variants.

    Parameters
    ----------
    picture : array of float32, shape (channels, y, x) or (channels, z, y, x)
        Cut by the recipe's crop.
    recipe : NetworkRecipe
    seed : int
    count : int
        Variants.

    Returns
    -------
    array of float32, shape (1 + count, y, x)
        The middle grey channel, of a volume its middle slice.
    """
    vary = make_vary(recipe)
    shown = [picture, *(vary(picture, seed + number) for number in range(count) if vary is not None)]
    grey = [each[recipe.crop.channels // 2] for each in shown]
    return np.stack([each[len(each) // 2] if each.ndim == 3 else each for each in grey])


def _move(channels: Array, variant: Variant, mode: str, beyond: str) -> Array:
    theta = torch.from_numpy(variant.affine[None].astype(np.float32))
    given = torch.from_numpy(np.array(channels))[None]  # torch warns of what is read-only
    grid = functional.affine_grid(theta, list(given.shape), align_corners=False)
    moved = functional.grid_sample(given, grid, mode=mode, padding_mode=beyond, align_corners=False)
    return np.asarray(moved[0].numpy())


def _change_greys(grey: Array, variant: Variant) -> Array:
    low, high = float(grey.min()), float(grey.max())
    if high > low:
        grey = low + (high - low) * ((grey - low) / (high - low)) ** np.float32(variant.exponent)
    drawn = np.random.default_rng(variant.noise_seed).standard_normal(grey.shape, dtype=np.float32)
    return np.asarray(grey + variant.noise * grey.std() * drawn, dtype=np.float32)

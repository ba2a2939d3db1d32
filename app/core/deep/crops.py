"""Pictures of a tumour for a network: cut across the slices, brought to one size and one range of grey values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Affine, Mask, Prepared, Volume
from app.core.errors import EmptyMask, InputError, RecipeError
from app.core.network_recipe import CropRecipe
from app.core.preprocess.regions import check_values
from app.core.preprocess.reorient import reorient
from app.core.radiomics.planes import largest_slice, stack_slices, through_plane_axis

Array = NDArray[np.float32]
ORIENTATION = "LPI"
"""Of the axes before the slices are stacked: columns and rows then run as radiologists look at a picture."""
STANDARD_SCALE = (1.0, 100.0)
"""Ends of the standard histogram (Nyul and Udupa)."""


@dataclass(frozen=True, eq=False)
class Crops:
    """The pictures of one case.

    Parameters
    ----------
    values : array of float32, shape (slices, channels, y, x) or (1, channels, z, y, x)
        x runs to the patient's left and y to the back, or down, as pictures are shown.
    outlines : array of bool, shape (slices, y, x) or (1, z, y, x)
        True inside the tumour.
    positions : tuple of int
        Index of each picture's slice, of a volume's middle one, along the prepared image's axis across its slices.
    affines : array of float64, shape (pictures, 4, 4)
        Pixel (x, y, z, 1) of each picture, z being 0 in a slice, to world RAS+, mm.
    """

    values: Array
    outlines: NDArray[np.bool_]
    positions: tuple[int, ...]
    affines: Affine

    def __post_init__(self) -> None:
        for array in (self.values, self.outlines, self.affines):
            array.flags.writeable = False


@dataclass(frozen=True)
class _Window:
    """Where a picture lies in the stack: first voxel and number of voxels along (x, y, z)."""

    start: tuple[int, int, int]
    count: tuple[int, int, int]

    def cut(self, voxels: NDArray[np.float32], beyond: float | None = None) -> NDArray[np.float32]:
        """Take the window; what lies outside the image is `beyond`, by default the least value inside."""
        spans = [slice(max(0, s), max(0, s + n)) for s, n in zip(self.start, self.count, strict=True)]
        inside = voxels[tuple(spans)]
        edges = [
            (max(0, -s), max(0, s + n - size))
            for s, n, size in zip(self.start, self.count, voxels.shape, strict=True)
        ]
        return np.pad(inside, edges, constant_values=float(inside.min()) if beyond is None else beyond)

    def affine(self, stack: Affine, shape: tuple[int, int, int]) -> Affine:
        """Pixel (x, y, z) of a picture of so many pixels to world RAS+, mm; centres of outer pixels' edges coincide."""
        to_stack = np.eye(4)
        for axis, (start, count, pixels) in enumerate(zip(self.start, self.count, shape, strict=True)):
            to_stack[axis, axis] = count / pixels
            to_stack[axis, 3] = start + 0.5 * count / pixels - 0.5
        return stack @ to_stack


def make_crops(prepared: Prepared, recipe: CropRecipe) -> Crops:
    """Cut the pictures of a case.

    Voxels are first brought to one orientation, so that the same case gives the same pictures in any voxel order.

    Parameters
    ----------
    prepared : Prepared
        One sequence, or the recipe names one.
    recipe : CropRecipe

    Raises
    ------
    EmptyMask
        Nothing of the outline lies on the image.
    InputError
        The sequence is not there, its values are undefined, or the pictures show nothing.
    RecipeError
        The grey values are to be those of the standard histogram, and the preparation did not bring them there.
    """
    sequence = _choose_sequence(prepared, recipe)
    if not prepared.masks[sequence].voxels.any():
        raise EmptyMask(f"The outline of {prepared.id} holds no voxel, so there is nothing to cut out.",
                        "Choose another outline.")  # fmt: skip
    if recipe.scale == "nyul":
        _check_standardised(prepared, sequence)
    check_values(prepared.images[sequence])
    volume = stack_slices(reorient(prepared.images[sequence], ORIENTATION))
    mask = stack_slices(reorient(prepared.masks[sequence], ORIENTATION))
    windows = [_place_volume(mask, recipe)] if recipe.set == "volume" else _place_slices(mask, recipe)
    pixels = (recipe.size, recipe.size, recipe.depth if recipe.set == "volume" else 1)
    values = _scale(np.stack([_grey(volume, window, recipe) for window in windows]), recipe, prepared.id)
    inside = mask.voxels.astype(np.float32)
    outlines = np.stack([_resize(window.cut(inside, 0.0), pixels) >= 0.5 for window in windows])
    if recipe.set != "volume":
        outlines = outlines[:, 0]
    parts = [values if values.shape[1] == recipe.channels else np.repeat(values, recipe.channels, axis=1)]
    if recipe.mask_channel:
        parts.append(outlines[:, None].astype(np.float32))
    affines = np.stack([window.affine(volume.affine, pixels) for window in windows])
    return Crops(
        np.concatenate(parts, axis=1), outlines, _find_slices(affines, pixels, prepared.images[sequence]), affines
    )


def _choose_sequence(prepared: Prepared, recipe: CropRecipe) -> str:
    names = list(prepared.images)
    if recipe.sequence and recipe.sequence not in names:
        raise InputError(f"{prepared.id} has no sequence '{recipe.sequence}'; it has {', '.join(names)}.",
                         "Name one of these in the recipe.")  # fmt: skip
    if not recipe.sequence and len(names) != 1:
        raise InputError(f"{prepared.id} has the sequences {', '.join(names)}, and pictures are cut from one.",
                         "Name it in the recipe.")  # fmt: skip
    return recipe.sequence or names[0]


def _check_standardised(prepared: Prepared, sequence: str) -> None:
    steps = [entry for entry in prepared.trace if entry.step == f"normalise {sequence}"]
    if not any(entry.settings.get("method") == "nyul" for entry in steps):
        raise RecipeError("The pictures expect the standard histogram, and the preparation does not bring it about.",
                          "Normalise by 'nyul', or choose another scale.")  # fmt: skip


def _place_slices(mask: Mask, recipe: CropRecipe) -> list[_Window]:
    """Choose the slices and place a window on each."""
    areas = mask.voxels.sum(axis=(0, 1))
    if recipe.set == "largest_slice":
        chosen = np.array([largest_slice(mask)])
    else:
        chosen = np.flatnonzero((areas > 0) & (areas >= recipe.smallest * areas.max()))
    if recipe.most is not None and len(chosen) > recipe.most:
        chosen = chosen[((np.arange(recipe.most) + 0.5) * len(chosen) / recipe.most).astype(int)]
    windows = []
    for k in chosen:
        start, count = _place_plane(mask.voxels[:, :, k], mask.geometry.spacing, recipe)
        windows.append(_Window((*start, int(k)), (*count, 1)))
    return windows


def _place_volume(mask: Mask, recipe: CropRecipe) -> _Window:
    spacing, box = mask.geometry.spacing, mask.box()[2]
    start, count = _place_plane(np.asarray(mask.voxels.any(axis=2)), spacing, recipe)
    margin = round(recipe.margin_mm / spacing[2])
    return _Window((*start, box.start - margin), (*count, box.stop - box.start + 2 * margin))


def _place_plane(
    inside: NDArray[np.bool_], spacing: tuple[float, ...], recipe: CropRecipe
) -> tuple[tuple[int, int], tuple[int, int]]:
    """First voxel and number of voxels along (x, y), around the box of what is inside."""
    spans = [np.flatnonzero(inside.any(axis=1 - axis)) for axis in (0, 1)]
    sides = [(span[-1] + 1 - span[0]) * size + 2 * recipe.margin_mm
             for span, size in zip(spans, spacing[:2], strict=True)]  # fmt: skip
    if recipe.field_mm is not None:
        sides = [recipe.field_mm] * 2
    elif recipe.square:
        sides = [max(sides)] * 2
    counts = [max(1, round(side / size)) for side, size in zip(sides, spacing[:2], strict=True)]
    middles = [(int(span[0]) + int(span[-1]) + 1) / 2 for span in spans]
    starts = [int(np.floor(middle - count / 2)) for middle, count in zip(middles, counts, strict=True)]
    return (starts[0], starts[1]), (counts[0], counts[1])


def _grey(volume: Volume, window: _Window, recipe: CropRecipe) -> Array:
    """Grey values of a picture, shape (1 or 3, y, x) or (1, z, y, x)."""
    if recipe.set == "volume":
        return _resize(window.cut(volume.voxels), (recipe.size, recipe.size, recipe.depth))[None]
    (x, y, k), last = window.start, volume.voxels.shape[2] - 1
    around = (-1, 0, 1) if recipe.set == "neighbours" else (0,)
    places = [_Window((x, y, min(max(k + step, 0), last)), window.count) for step in around]
    return np.concatenate([_resize(place.cut(volume.voxels), (recipe.size, recipe.size, 1)) for place in places])


def _resize(voxels: NDArray[np.float32], pixels: tuple[int, int, int]) -> Array:
    """Bring voxels (x, y, z) to so many pixels, linearly and smoothed where they shrink; shape (z, y, x)."""
    from skimage import transform

    resize: Any = transform.resize
    if pixels[2] == voxels.shape[2] == 1:
        plane = resize(voxels[:, :, 0], pixels[:2], order=1, mode="edge", anti_aliasing=True, preserve_range=True)
        return np.ascontiguousarray(plane.T[None], dtype=np.float32)
    resized = resize(voxels, pixels, order=1, mode="edge", anti_aliasing=True, preserve_range=True)
    return np.ascontiguousarray(resized.transpose(), dtype=np.float32)


def _scale(values: Array, recipe: CropRecipe, case: str) -> Array:
    """Bring the grey values of a case's pictures, all together, to the recipe's range."""
    if values.min() == values.max():
        raise InputError(f"All pixels of the pictures of {case} hold the same value.", "Choose another image.")
    exact = values.astype(np.float64)
    if recipe.scale == "zscore":
        standardised: Array = ((exact - exact.mean()) / exact.std()).astype(np.float32)
        return standardised
    low, high = STANDARD_SCALE
    if recipe.scale == "percentile":
        low, high = (float(value) for value in np.percentile(exact, [1, 99]))
    if recipe.scale == "unit" or low == high:
        low, high = float(exact.min()), float(exact.max())
    return np.clip((exact - low) / (high - low), 0, 1).astype(np.float32)


def _find_slices(affines: Affine, pixels: tuple[int, int, int], volume: Volume) -> tuple[int, ...]:
    """Which slices of the image as it was prepared the pictures show."""
    middle = [(count - 1) / 2 for count in pixels]
    voxels = np.linalg.inv(volume.affine) @ affines @ [*middle, 1.0]
    axis = through_plane_axis(volume.geometry)
    return tuple(int(index) for index in np.rint(voxels[:, axis]))

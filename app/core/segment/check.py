"""What an outline's own shape gives away: specks, holes, skipped slices, an edge that cuts it, odd label values."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from app.core.data import Mask
from app.core.io.flags import Flag
from app.core.io.formats import IMAGE_KINDS, read_voxels
from app.core.io.source import SUFFIXES, suffix_of
from app.core.preprocess.follow import TINY_ML, TINY_VOXELS
from app.core.preprocess.regions import coarsest_axis

SPECK_SHARE = 0.01
SPECK_ML = 0.2
"""A part smaller than this share of the outline, and than this, is a slip of the pen."""
HOLE_SHARE = 0.001
"""Voxels of holes over those of the outline, from which on holes are told."""
READERS_AGREE = 0.7
"""Dice coefficient of two readers' outlines, below which they drew different things."""


def check_outline(mask: Mask) -> list[Flag]:
    """Check an outline by itself, on the grid of the image it is used on.

    Parameters
    ----------
    mask : Mask
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    list of Flag
        'empty_mask'; else 'tiny_mask', 'mask_touches_edge', 'specks', 'several_parts', 'holes', 'single_slice_mask',
        'slices_skipped'.
    """
    count = int(mask.voxels.sum())
    if count == 0:
        return [Flag("empty_mask", "The outline holds no voxel.", "problem")]
    flags = []
    if count < TINY_VOXELS or mask.volume_ml < TINY_ML:
        flags.append(Flag("tiny_mask", f"The outline holds only {mask.volume_ml:.2g} ml ({count} "
                                       f"voxel{'s' * (count != 1)}).", "caution"))
    touched = _touched_edges(mask)
    if touched:
        flags.append(Flag("mask_touches_edge", f"The outline touches the edge of the image ({', '.join(touched)}): the "
                                               "tumour may reach beyond it.", "caution"))
    return [*flags, *_check_parts(mask, count), *_check_slices(mask, count)]


def _touched_edges(mask: Mask) -> list[str]:
    """Name the edges of the image that the outline touches: 'last slice', 'left' ..."""
    sides = dict(zip("LRPAIS", ("left", "right", "back", "front", "bottom", "top"), strict=True))
    across, touched = coarsest_axis(mask), []
    box, codes = mask.box(), mask.geometry.axis_codes
    for axis, (span, size, code) in enumerate(zip(box, mask.voxels.shape, codes, strict=True)):
        start, end = sides["LRPAIS"["RLAPSI".index(code)]], sides[code]
        names = ("first slice", "last slice") if axis == across else (start, end)
        touched += [name for name, hit in zip(names, (span.start == 0, span.stop == size), strict=True)
                    if hit and size > 1]
    return touched


def _check_parts(mask: Mask, count: int) -> list[Flag]:
    inside = np.pad(mask.voxels[mask.box()], 1)
    labels, parts = ndimage.label(inside, np.ones((3, 3, 3)))
    flags = []
    if parts > 1:
        sizes = sorted((int(size) for size in np.bincount(labels.ravel())[1:]), reverse=True)
        speck = max(min(SPECK_SHARE * count, SPECK_ML / mask.geometry.voxel_ml), 2)
        specks = sum(size < speck for size in sizes)
        large = parts - specks
        if specks:
            flags.append(Flag("specks", f"{specks} stray speck{'s' * (specks > 1)} of at most {sizes[-specks]} "
                                        f"voxel{'s' * (sizes[-specks] > 1)} lie{'s' * (specks == 1)} beside the "
                                        "outline.", "caution"))
        if large > 1:
            flags.append(Flag("several_parts", f"The outline has {large} separate parts; the largest holds "
                                               f"{sizes[0] / count:.0%} of it.", "note"))
    hollow = int((ndimage.binary_fill_holes(inside) & ~inside).sum())
    axis = coarsest_axis(mask)
    sheets = np.moveaxis(inside, axis, 0)
    hollow = max(hollow, sum(int((ndimage.binary_fill_holes(sheet) & ~sheet).sum()) for sheet in sheets if sheet.any()))
    if hollow > HOLE_SHARE * count:
        flags.append(Flag("holes", f"The outline has holes of {hollow} voxel{'s' * (hollow > 1)} "
                                   f"({hollow / count:.1%} of it).", "note"))
    return flags


def _check_slices(mask: Mask, count: int) -> list[Flag]:
    axis = coarsest_axis(mask)
    sheets = np.moveaxis(mask.voxels, axis, 0)
    held = np.array([bool(sheet.any()) for sheet in sheets])
    slices = np.flatnonzero(held)
    if slices.size == 1 and held.size > 1 and count > 1:
        return [Flag("single_slice_mask", f"The outline lies in one slice only (of {held.size}): its volume and 3D "
                                          "shape are not the tumour's.", "caution")]
    skipped = [int(k) for k in range(slices[0], slices[-1]) if not held[k]]
    if not skipped:
        return []
    listed = ", ".join(str(k + 1) for k in skipped[:6]) + " ..." * (len(skipped) > 6)
    return [Flag("slices_skipped", f"The outline leaves out {len(skipped)} slice{'s' * (len(skipped) > 1)} between its "
                                   f"first and last ({listed}).", "caution")]


def check_label_values(path: str | Path, label: int | None) -> list[Flag]:
    """Say which values an outline's file holds, where they are not simply 0 and 1.

    Parameters
    ----------
    path : str or Path
        The outline; what is not a label map of a plain image format gives no flag.
    label : int, optional
        The label that is used.

    Returns
    -------
    list of Flag
        'label_values' or nothing.
    """
    path = Path(path)
    if path.is_dir() or SUFFIXES.get(suffix_of(path)) not in IMAGE_KINDS:
        return []
    values = np.unique(read_voxels(path).voxels)
    values = values[values != 0]
    whole = values.size <= 32 and bool(np.array_equal(values, np.rint(values)))
    if not whole or values.tolist() == [1]:
        return []
    listed = ", ".join(f"{value:g}" for value in values[:8]) + " ..." * (values.size > 8)
    used = f"{label} is used" if label is not None else "1 is expected"
    return [Flag("label_values", f"The outline's file holds the value{'s' * (values.size > 1)} {listed}; {used}.",
                 "note")]


def compare_outlines(first: Mask, second: Mask) -> list[Flag]:
    """Hold two readers' outlines, on one grid, against each other.

    Returns
    -------
    list of Flag
        'same_outline' when they are equal voxel by voxel, 'readers_differ' when their Dice coefficient is below 0.7.

    References
    ----------
    Zijdenbos et al. 1994, 10.1109/42.363096: above 0.7 is excellent agreement.
    """
    if np.array_equal(first.voxels, second.voxels):
        return [Flag("same_outline", "Both readers' outlines are the same, voxel by voxel.", "caution")]
    total = int(first.voxels.sum()) + int(second.voxels.sum())
    dice = 2 * int((first.voxels & second.voxels).sum()) / max(total, 1)
    if dice >= READERS_AGREE:
        return []
    return [Flag("readers_differ", f"The readers' outlines overlap with a Dice coefficient of {dice:.2f}; at least "
                                   f"{READERS_AGREE} is expected.", "caution")]

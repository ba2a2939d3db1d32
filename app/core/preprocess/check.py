"""What an image's own intensities give away: clipped, blank, already masked, not an MRI."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from app.core.data import Mask, MaskArray, Volume
from app.core.io.flags import Flag
from app.core.preprocess.regions import body_mask, coarsest_axis

CLIPPED_SHARE = 0.001
"""Share of the voxels with signal that hold the very largest value ..."""
CLIPPED_BAND = 0.02
"""... when they are also half as many as those in this share of the range below it."""
FEW_LEVELS = 64
MASKED_SHARE = 0.1
"""Voxels with signal away from the outline, over those inside it."""
OUTSIDE_SHARE = 0.2
MOST_VOXELS = 1_000_000
"""The body is looked for on about so many voxels."""


def check_image(volume: Volume) -> list[Flag]:
    """Check an image's intensities.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.

    Returns
    -------
    list of Flag
        'not_finite', 'constant_image'; else 'clipped', 'few_levels', 'looks_like_ct', 'blank_slices',
        'repeated_slices'.
    """
    voxels = volume.voxels
    bad = int(voxels.size - np.isfinite(voxels).sum())
    if bad:
        return [Flag("not_finite", f"{bad} voxels are not numbers.", "problem")]
    low, high = float(voxels.min()), float(voxels.max())
    if low == high:
        return [Flag("constant_image", f"Every voxel has the value {low:g}.", "problem")]
    flags = []
    filled = int((voxels != background(volume)).sum())
    top = int((voxels == high).sum())
    below = int((voxels >= high - CLIPPED_BAND * (high - low)).sum()) - top
    if top > max(50, CLIPPED_SHARE * filled, below / 2):
        flags.append(Flag("clipped", f"{top / filled:.1%} of the voxels with signal hold the largest value, "
                                     f"{high:.4g}: bright tissue was cut off.", "caution"))
    levels = np.unique(voxels.ravel()[:: max(1, voxels.size // 200_000)]).size
    if levels <= FEW_LEVELS and voxels.size > 10 * FEW_LEVELS:
        flags.append(Flag("few_levels", f"The image has only {levels} grey levels.", "caution"))
    if -3100 <= low <= -900 and high > 200:
        flags.append(Flag("looks_like_ct", f"Intensities run from {low:.4g} to {high:.4g}, as in a CT.", "problem"))
    return [*flags, *_check_slices(volume)]


def background(volume: Volume) -> float:
    """Find the value of air: the lowest, if it is also the commonest by far, else one below every voxel."""
    low = float(volume.voxels.min())
    return low if float((volume.voxels == low).mean()) > 0.02 else float(np.nextafter(np.float32(low), -np.inf))


def _check_slices(volume: Volume) -> list[Flag]:
    flags = []
    stack = np.moveaxis(volume.voxels, coarsest_axis(volume), 0).reshape(volume.voxels.shape[coarsest_axis(volume)], -1)
    blank = np.ptp(stack, axis=1) == 0
    filled = np.flatnonzero(~blank)
    inside = [int(k) for k in np.flatnonzero(blank) if filled[0] < k < filled[-1]]
    if inside:
        flags.append(Flag("blank_slices", f"{_slices(inside)} within the image {_hold(inside)} nothing.", "problem"))
    repeated = [k for k in range(1, len(stack)) if not blank[k] and np.array_equal(stack[k], stack[k - 1])]
    if repeated:
        flags.append(Flag("repeated_slices", f"{_slices(repeated)} {'repeat' if len(repeated) > 1 else 'repeats'} the "
                                             "slice before.", "problem"))
    return flags


def check_surroundings(volume: Volume, mask: Mask) -> list[Flag]:
    """Check an image around and under an outline that lies on its grid.

    Parameters
    ----------
    volume, mask : Volume, Mask
        Shape (i, j, k), RAS+ mm; the outline holds a voxel and the image varies.

    Returns
    -------
    list of Flag
        'masked_image' (nothing is left beside the tumour), 'outside_body', 'tumour_clipped', 'flat_tumour'.
    """
    flags = []
    inside = volume.voxels[mask.voxels]
    signal = volume.voxels != background(volume)
    beside = int(signal.sum()) - int((signal & ndimage.binary_dilation(mask.voxels, iterations=2)).sum())
    if beside < MASKED_SHARE * inside.size:
        flags.append(Flag("masked_image", "The image holds nothing beside the tumour: it was already masked, so it "
                                          "cannot be normalised by its surroundings.", "problem"))
    elif (outside := _share_outside_body(volume, mask)) > OUTSIDE_SHARE:
        flags.append(Flag("outside_body", f"{outside:.0%} of the outline lies outside the body.", "problem"))
    high = float(volume.voxels.max())
    share = float((inside == high).mean())
    if inside.size > 10 and share > 0.01:
        flags.append(Flag("tumour_clipped", f"{share:.0%} of the tumour holds the image's largest value, {high:.4g}.",
                          "caution"))
    if np.ptp(inside) == 0 and inside.size > 1:
        flags.append(Flag("flat_tumour", f"Every voxel of the tumour has the value {inside[0]:g}.", "problem"))
    return flags


def _share_outside_body(volume: Volume, mask: Mask) -> float:
    step = int(np.ceil(np.sqrt(volume.voxels.size / MOST_VOXELS)))
    steps = [1 if axis == coarsest_axis(volume) else step for axis in range(3)]
    thin = tuple(slice(None, None, each) for each in steps)
    coarse = Volume(volume.voxels[thin], volume.affine @ np.diag([*steps, 1.0]))
    tumour: MaskArray = mask.voxels[thin]
    return 1 - float(body_mask(coarse).voxels[tumour].mean()) if tumour.any() else 0.0


def _slices(found: list[int]) -> str:
    listed = ", ".join(str(k + 1) for k in found[:6]) + " ..." * (len(found) > 6)
    return f"Slice{'s' * (len(found) > 1)} {listed}"


def _hold(found: list[int]) -> str:
    return "hold" if len(found) > 1 else "holds"

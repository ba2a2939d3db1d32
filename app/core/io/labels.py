"""From stored values to one outline: binary masks, label maps, soft masks, and grey images that are zero outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution, MaskArray
from app.core.errors import Choice, ChoiceNeeded, EmptyMask, InputError
from app.core.io.source import RawVoxels

_MOST_LABELS = 32
CHOOSE_OUTLINE = "Choose the outline: a label map, a tumour image, an RTSTRUCT or a SEG."


def read_outline(raw: RawVoxels, name: str, label: int | None = None) -> tuple[MaskArray, str, tuple[Caution, ...]]:
    """Decide which voxels of a stored image are tumour.

    Parameters
    ----------
    raw : RawVoxels
        Shape (i, j, k), RAS+ mm, finite.
    name : str
        The file, for the sentences.
    label : int, optional
        The label to take.

    Returns
    -------
    inside : array of bool, shape (i, j, k)
        True inside the tumour; at least one voxel is.
    title : str
        The label's name or number; empty for a binary mask.
    cautions : tuple of Caution
        What had to be assumed.

    Raises
    ------
    EmptyMask
        Every voxel is zero.
    ChoiceNeeded
        Several labels and none chosen (field 'label').
    InputError
        The label is absent, or the file looks like an ordinary image.
    """
    voxels = raw.voxels
    stored = voxels.ravel(order="K")  # as it lies in memory: which values there are does not depend on their order
    filled = stored[stored != 0]
    if filled.size == 0:
        raise EmptyMask(f"The outline {name} holds no tumour: all of its {voxels.size} voxels are zero.",
                        "Choose the outline that holds the tumour.")
    values, counts = np.unique(filled, return_counts=True)
    labels = _are_labels(voxels, values)
    if label is not None:
        inside = voxels == label
        if label == 0 or not inside.any():
            raise InputError(f"{name} has no label {label}; it has {_list(values, labels)}.",
                             "Choose one of its labels.")
        return inside, raw.header.label_names.get(label) or str(label), _coverage(inside, name)
    if values.size == 1:
        inside = voxels != 0
        return inside, raw.header.label_names.get(int(values[0]), ""), _coverage(inside, name)
    if _is_soft(values, counts):
        inside = voxels >= 0.5 * float(values[-1])
        caution = Caution("soft_mask", f"The outline {name} has soft edges; voxels of at least one half are taken.")
        return inside, "", (caution, *_coverage(inside, name))
    if labels:
        raise _label_choice(raw, name, values, counts)
    return _tumour_image(raw, name)


def _tumour_image(raw: RawVoxels, name: str) -> tuple[MaskArray, str, tuple[Caution, ...]]:
    inside = raw.voxels != 0
    share = np.count_nonzero(inside) / inside.size
    faces = sum(bool(inside.take(edge, axis).any()) for axis in range(3) if inside.shape[axis] > 1 for edge in (0, -1))
    if share > 0.5 or faces >= 5:
        raise InputError(f"{name} looks like an ordinary image, not an outline: {share:.0%} of its voxels are not 0.",
                         CHOOSE_OUTLINE)
    volume = np.count_nonzero(inside) * raw.header.geometry.voxel_ml
    sentence = f"{name} is a grey image; its {volume:.3g} ml that are not zero are taken as the tumour."
    return inside, "", (Caution("tumour_image", sentence),)


def _are_labels(voxels: NDArray[Any], values: NDArray[Any]) -> bool:
    """Whole numbers, and either few of them or mostly equal to the neighbour's."""
    if values.dtype.kind == "f" and not np.array_equal(values, np.round(values)):
        return False
    if voxels.all() and values.size > 1:
        return False
    if values.size <= _MOST_LABELS:
        return True
    first, second = voxels[:-1], voxels[1:]
    both = (first != 0) & (second != 0)
    return bool(both.any()) and float((first == second)[both].mean()) > 0.8


def _is_soft(values: NDArray[Any], counts: NDArray[np.int64]) -> bool:
    """Fractions up to a full value that fills much of the shape: a binary mask that was resampled or smoothed."""
    if values.dtype.kind != "f" or np.array_equal(values, np.round(values)) or values[0] < -0.2:
        return False
    return 0.99 <= float(values[-1]) <= 1.2 and float(counts[values > 0.99].sum()) > 0.3 * float(counts.sum())


def _label_choice(raw: RawVoxels, name: str, values: NDArray[Any], counts: NDArray[np.int64]) -> ChoiceNeeded:
    names: Mapping[int, str] = raw.header.label_names
    options = [Choice(str(int(value)), names.get(int(value)) or f"Label {int(value)}",
                      {"voxels": str(int(count)), "volume_ml": f"{count * raw.header.geometry.voxel_ml:.2f}"})
               for value, count in zip(values, counts, strict=True)]
    return ChoiceNeeded(f"The outline {name} holds {len(options)} labels; one is needed.",
                        "Choose the tumour's label (--mask-label N).", "label", options)


def _coverage(inside: MaskArray, name: str) -> tuple[Caution, ...]:
    share = np.count_nonzero(inside) / inside.size
    if share <= 0.95:
        return ()
    return (Caution("mask_covers_image", f"The outline {name} covers {share:.0%} of its image; is it the tumour's?"),)


def _list(values: NDArray[Any], labels: bool) -> str:
    if not labels:
        return f"{values.size} different values between {values[0]:g} and {values[-1]:g}"
    shown = ", ".join(f"{int(value)}" for value in values[:10])
    return shown + (" and more" if values.size > 10 else "")

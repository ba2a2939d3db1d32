"""Header values as a plain mapping, one per image: a classic file's elements, or a frame's functional groups."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

Tags = Mapping[str, Any]


def flatten(item: Dataset, depth: int = 0) -> dict[str, Any]:
    """Collect an item's elements by keyword, opening sequences of one item down to `depth`.

    Parameters
    ----------
    item : pydicom.dataset.Dataset
        A file, or one item of a functional-group sequence.
    depth : int
        How many levels of sequences to open.

    Returns
    -------
    dict of str to object
        Values that cannot be converted are left out: a malformed element is as good as a missing one.
    """
    values: dict[str, Any] = {}
    for tag in item.keys():  # noqa: SIM118  iterating the data set itself converts, and stops at a malformed value
        try:
            element = item[tag]
        except (ValueError, TypeError, KeyError, NotImplementedError):
            continue
        if isinstance(element.value, Sequence) and depth > 0:
            if element.value:
                values.update(flatten(element.value[0], depth - 1))
        elif element.keyword:
            values[element.keyword] = element.value
    return values


def list_frames(file: Dataset) -> list[Tags]:
    """Give each frame's header values, as if each frame were a classic file.

    Parameters
    ----------
    file : pydicom.dataset.Dataset
        Classic or enhanced multi-frame, without pixels.

    Returns
    -------
    list of mapping of str to object
        One per frame, in stored order; a classic file gives one.

    Raises
    ------
    ValueError
        More or fewer frames are described than the file says it has.
    """
    top = flatten(file)
    per_frame = top.pop("PerFrameFunctionalGroupsSequence", None)
    shared = top.pop("SharedFunctionalGroupsSequence", None)
    if not per_frame:
        return [top]
    stated = top.get("NumberOfFrames")
    if stated is not None and int(stated) != len(per_frame):
        raise ValueError(f"{len(per_frame)} frames are described, {stated} are stated")
    common = flatten(shared[0], depth=2) if shared else {}
    return [ChainMap(flatten(frame, depth=2), common, top) for frame in per_frame]

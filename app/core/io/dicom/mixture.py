"""Whether the slices of one image were all made the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from app.core.io.dicom.grouping import read_headers
from app.core.io.dicom.headers import Plane
from app.core.io.dicom.reading import tolerate_odd_values
from app.core.io.dicom.stacks import sort_stacks
from app.core.io.dicom.tags import as_number, as_text
from app.core.io.flags import Flag
from app.core.io.source import Source

_NUMBERS = {"repetition time": ("RepetitionTime",), "echo time": ("EchoTime", "EffectiveEchoTime"),
            "inversion time": ("InversionTime", "InversionTimes"), "flip angle": ("FlipAngle",),
            "slice thickness": ("SliceThickness",)}
_TEXTS = {"description": "SeriesDescription", "scanner": "ManufacturerModelName", "sequence": "ScanningSequence",
          "kernel": "ConvolutionKernel"}
_SAME = 0.05


def check_planes(planes: Sequence[Plane]) -> list[Flag]:
    """Find slices that were made unlike the others.

    Parameters
    ----------
    planes : sequence of Plane
        The slices of one image.

    Returns
    -------
    list of Flag
        'mixed_slices': which setting differs, and between what; settings within 5 % count as one.
    """
    found = []
    for title, keywords in _NUMBERS.items():
        numbers = [number for plane in planes if (number := as_number(plane.tags, *keywords)) is not None]
        if numbers and max(numbers) > min(numbers) + _SAME * abs(min(numbers)) + 1e-6:
            found.append(f"{title} {min(numbers):.4g} to {max(numbers):.4g}")
    for title, keyword in _TEXTS.items():
        texts = Counter(text for plane in planes if (text := as_text(plane.tags, keyword)))
        if len(texts) > 1:
            # Descriptions are free text and may name somebody: only that they differ is said.
            words = f"{len(texts)} different ones" if title == "description" else " and ".join(list(texts)[:3])
            found.append(f"{title}: {words}")
    if not found:
        return []
    return [Flag("mixed_slices", f"The slices of the image were not all made alike ({'; '.join(found)}).", "problem")]


def check_series(source: Source) -> list[Flag]:
    """Find slices of a DICOM image that were made unlike the others; see `check_planes`."""
    headers, _ = read_headers([Path(file) for file in source.files])
    stacks = sort_stacks(header for header in headers if header.kind == "dicom")
    chosen = [stack for stack in stacks if stack.series == source.series] or stacks[:1]
    with tolerate_odd_values():
        return check_planes(chosen[0].planes) if chosen else []

"""Damage to the elements of DICOM files: sizes, numbers that are none, byte order, places, references."""

from __future__ import annotations

import copy
import io
import struct
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pydicom
from pydicom import config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

Rng = np.random.Generator
Change = Callable[[Rng, Dataset], None]

_SIZES = ("Rows", "Columns", "NumberOfFrames", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel",
          "NumberOfContourPoints", "SmallestImagePixelValue", "NumberOfSegments")
_PLACES = ("PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "SpacingBetweenSlices",
           "RescaleSlope", "RescaleIntercept", "ContourData", "MaximumFractionalValue")
_NAMES = ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID", "StudyInstanceUID", "Modality",
          "ImageType", "PixelRepresentation", "PhotometricInterpretation", "ReferencedSegmentNumber", "SegmentNumber",
          "SegmentationType", "SegmentationFractionalType", "ROINumber", "ReferencedROINumber", "ROIName",
          "ContourGeometricType", "ReferencedFrameOfReferenceUID", "DimensionIndexValues", "DimensionIndexPointer",
          "ReferencedSOPInstanceUID", "SegmentLabel", "PatientName", "SpecificCharacterSet", "EchoTime", "FrameType",
          "TransferSyntaxUID")
_SEQUENCES = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "SegmentSequence",
              "ROIContourSequence", "ContourSequence", "StructureSetROISequence", "ReferencedFrameOfReferenceSequence",
              "ReferencedSeriesSequence", "DimensionIndexSequence", "PlanePositionSequence", "PlaneOrientationSequence",
              "PixelMeasuresSequence", "SegmentIdentificationSequence", "FrameContentSequence")


def huge_or_zero_size(rng: Rng, found: Dataset) -> None:
    """An image of no rows, of 65 535, of a billion frames."""
    element = _pick(rng, found, _SIZES)
    if element is not None:
        most = 65535 if element.VR == "US" else 2**31 - 1
        _put(element, (0, most, 32768, 1)[int(rng.integers(4))])


def other_size(rng: Rng, found: Dataset) -> None:
    """Sizes that might be true; items that are gone, doubled, or in another order."""
    if rng.integers(2):
        element = _pick(rng, found, _SIZES)
        if element is not None:
            value = int(float(element.value or 0))
            _put(element, (value + 1, max(0, value - 1), value * 2, value // 2)[int(rng.integers(4))])
        return
    element = _pick(rng, found, _SEQUENCES)
    if element is None or not element.value:
        return
    items = list(element.value)
    n, way = int(rng.integers(len(items))), int(rng.integers(4))
    if way == 0:
        del items[n]
    elif way == 1:
        items.append(copy.deepcopy(items[n]))
    elif way == 2:
        items.reverse()
    else:
        items = []
    element.value = pydicom.Sequence(items)


def not_a_number(rng: Rng, found: Dataset) -> None:
    """Words, infinities and nothing where a number belongs."""
    element = _pick(rng, found, _PLACES)
    if element is not None:
        words = ("nan", "inf", "-inf", "1e400", "", "abc", "1.2.3", "--5", "1e-400", "0x10")
        _put_one(rng, element, words[int(rng.integers(len(words)))])


def other_place(rng: Rng, found: Dataset) -> None:
    """Other numbers of geometry, plausible or not."""
    element = _pick(rng, found, _PLACES)
    if element is None:
        return
    values = element.value if isinstance(element.value, (list, pydicom.multival.MultiValue)) else [element.value]
    try:
        old = float(values[int(rng.integers(len(values)))])
    except (TypeError, ValueError, IndexError):
        old = 1.0
    numbers = (0.0, -old, old * 1.5, old + 0.4, old + 6, old * 1e6, 1e-9, 1e30, -1.0, old + 1e-4)
    _put_one(rng, element, f"{numbers[int(rng.integers(len(numbers)))]:.10g}")


def other_name(rng: Rng, found: Dataset) -> None:
    """Other words, numbers and UIDs of what belongs together."""
    element = _pick(rng, found, _NAMES)
    if element is not None:
        words = ("", "1.2.3.4.5.6.7.8.9", "2", "0", "65535", "POINT", "FRACTIONAL", "X" * 70000, "\\", "ISO_IR 192",
                 "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.481.3", "Γροθ", "1.2.840.10008.1.2.4.90")
        _put(element, words[int(rng.integers(len(words)))])


def lost_element(rng: Rng, found: Dataset) -> None:
    """An element or a whole sequence is gone."""
    parents = [(parent, element) for parent, element in _walk(found) if element.tag.group != 0x0002]
    parent, element = parents[int(rng.integers(len(parents)))]
    del parent[element.tag]


ELEMENTWISE: dict[str, Change] = {
    "zero or huge size": huge_or_zero_size, "other size": other_size, "not a number": not_a_number,
    "other place": other_place, "other field": other_name, "element lost": lost_element,
}


def change_elements(rng: Rng, contents: list[bytes], change: Change) -> list[bytes]:
    """Apply one change to files alike, and write them as they were written."""
    seed = int(rng.integers(2**32))
    return [_rewrite(content, lambda found: change(np.random.default_rng(seed), found)) for content in contents]


def swap_byte_order(rng: Rng, content: bytes) -> bytes:
    """State another transfer syntax than the file has, or swap the pixels."""
    others = (ExplicitVRBigEndian, ImplicitVRLittleEndian, ExplicitVRLittleEndian, "1.2.840.10008.1.2.1.99")
    wanted = others[int(rng.integers(4))]
    at = content.find(b"1.2.840.10008.1.2", 132)
    if at < 0 or rng.integers(3) == 0:
        found = _read(content)
        if "PixelData" not in found or len(found.PixelData) % 2:
            return content
        start = len(content) - len(found.PixelData)
        return content[:start] + np.frombuffer(content[start:], "u2").byteswap().tobytes()
    stop = at
    while stop < len(content) and content[stop:stop + 1] in b"0123456789.":
        stop += 1
    return content[:at] + wanted.encode()[: stop - at].ljust(stop - at, b"\0") + content[stop:]


def _rewrite(content: bytes, change: Callable[[Dataset], None]) -> bytes:
    with warnings.catch_warnings(), config.disable_value_validation():
        warnings.simplefilter("ignore")
        found = _read(content)
        change(found)
        stream = io.BytesIO()
        syntax = str(found.file_meta.get("TransferSyntaxUID", ""))
        implicit, little = found.original_encoding
        try:
            pydicom.dcmwrite(stream, found, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError, NotImplementedError,
                OSError, struct.error):
            return content + syntax.encode()  # cannot be written so; then at least something behind the end
        return stream.getvalue()


def _read(content: bytes) -> Dataset:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(io.BytesIO(content), force=True)


def _walk(found: Dataset) -> Iterator[tuple[Dataset, DataElement]]:
    for element in list(found):
        yield found, element
        if element.VR == "SQ":
            for item in element.value:
                yield from _walk(item)


def _pick(rng: Rng, found: Dataset, keywords: tuple[str, ...]) -> DataElement | None:
    """An element of one of these keywords: first the keyword is drawn, then its place."""
    held: dict[str, list[DataElement]] = {}
    everything = [*_walk(found), *((found.file_meta, element) for element in getattr(found, "file_meta", ()))]
    for _, element in everything:
        if element.keyword in keywords:
            held.setdefault(element.keyword, []).append(element)
    if not held:
        return None
    chosen = held[sorted(held)[int(rng.integers(len(held)))]]
    return chosen[int(rng.integers(len(chosen)))]


def _put(element: DataElement, value: Any) -> None:
    if element.VR in ("US", "UL", "SS", "SL", "FD", "FL", "IS") and not isinstance(value, (int, float)):
        value = int(value) if str(value).isdigit() else 7
    element.value = value


def _put_one(rng: Rng, element: DataElement, word: str) -> None:
    """Replace one of several values, or drop or add one; the words are written as they are."""
    if element.VR not in ("DS", "IS"):
        try:
            element.value = float(word)
        except ValueError:
            element.value = None
        return
    held = [str(each) for each in element.value] if isinstance(element.value, pydicom.multival.MultiValue) else \
        [str(element.value)]
    way = int(rng.integers(6))
    if way == 0:
        held = held[:-1]
    elif way == 1:
        held.append(word)
    else:
        held[int(rng.integers(len(held)))] = word
    # Past the setter: a number's own type would refuse what a damaged file may well say.
    object.__setattr__(element, "_value", pydicom.multival.MultiValue(str, held) if len(held) > 1 else "".join(held))

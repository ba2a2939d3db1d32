"""What compressed pixels say of their own size: a decoder that believes the file's instead may end the process."""

from __future__ import annotations

import struct

from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.uid import JPEGLSLossless, JPEGLSNearLossless, RLELossless

_OWN_DECODER = {str(RLELossless): "pydicom", str(JPEGLSLossless): "pyjpegls", str(JPEGLSNearLossless): "pyjpegls"}
"""Decoders that refuse what is damaged; the next one in line is not asked."""
_FRAME_HEADERS = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
_STANDALONE = {0x01, *range(0xD0, 0xD9)}

Size = tuple[int, int, int, int]


def prepare_decoding(found: Dataset) -> None:
    """Choose the decoder, and refuse pixels whose own size is another than the image's.

    Parameters
    ----------
    found : pydicom.dataset.Dataset
        With pixels, whether compressed or not.

    Raises
    ------
    ValueError
        A compressed frame has other rows, columns, samples or bytes per value than the header says.
    """
    syntax = found.file_meta.TransferSyntaxUID
    plugin = _OWN_DECODER.get(str(syntax))
    if plugin is not None:
        found.pixel_array_options(decoding_plugin=plugin)
    if not syntax.is_encapsulated or syntax == RLELossless:
        return
    stated = (int(found.Rows), int(found.Columns), int(found.SamplesPerPixel), int(found.BitsAllocated) // 8)
    for frame in generate_frames(found.PixelData, number_of_frames=int(found.get("NumberOfFrames") or 1)):
        size = _size_of(frame)
        if size is not None and size != stated:
            raise ValueError(f"the compressed pixels are {size}, the header says {stated}")


def _size_of(frame: bytes) -> Size | None:
    """Rows, columns, samples and bytes per value of a JPEG, JPEG-LS or JPEG 2000 frame; None where it says nothing."""
    start = frame.find(b"\xff\x4f\xff\x51")
    if 0 <= start < 256 and len(frame) >= start + 43:
        right, lower, left, upper = struct.unpack_from(">4I", frame, start + 8)
        samples, depth = struct.unpack_from(">HB", frame, start + 40)
        return lower - upper, right - left, samples, ((depth & 0x7F) + 8) // 8
    at = 2
    while frame[:2] == b"\xff\xd8" and at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker in _FRAME_HEADERS:
            depth, rows, columns, samples = struct.unpack_from(">BHHB", frame, at + 4)
            return rows, columns, samples, (depth + 7) // 8
        at += 2 if marker in _STANDALONE else 1 if marker == 0xFF else 2 + struct.unpack_from(">H", frame, at + 2)[0]
    return None

"""Damage to the fields of binary and text headers: sizes, numbers that are none, byte order, everything else."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

import numpy as np

from tests.fuzz.sample import Layout

Rng = np.random.Generator
Fieldwise = Callable[[Rng, bytes, Layout], bytes]

_NIFTI1 = {"dim": (40, "h", 8), "intent_code": (68, "h", 1), "datatype": (70, "h", 1), "bitpix": (72, "h", 1),
           "pixdim": (76, "f", 8), "vox_offset": (108, "f", 1), "scl_slope": (112, "f", 1), "scl_inter": (116, "f", 1),
           "xyzt_units": (123, "B", 1), "qform_code": (252, "h", 1), "sform_code": (254, "h", 1),
           "quatern": (256, "f", 3), "qoffset": (268, "f", 3), "srow": (280, "f", 12)}
_NIFTI2 = {"dim": (16, "q", 8), "datatype": (12, "h", 1), "bitpix": (14, "h", 1), "pixdim": (104, "d", 8),
           "vox_offset": (168, "q", 1), "scl_slope": (176, "d", 1), "scl_inter": (184, "d", 1),
           "qform_code": (344, "i", 1), "sform_code": (348, "i", 1), "quatern": (352, "d", 3), "qoffset": (376, "d", 3),
           "srow": (400, "d", 12), "xyzt_units": (500, "i", 1), "intent_code": (504, "i", 1)}
_LIMITS = {"h": 2**15 - 1, "i": 2**31 - 1, "q": 2**63 - 1, "B": 255}
_HUGE = (2**15 - 1, 30000, 100000, 2**31 - 1, 2**32, 2**62, 2**63 - 1)
_WORDS = ("", "nan", "inf", "-inf", "1e400", "abc", "0", "-1", "1e-300", "99999999999999999999", "(1,0)", "none",
          "0x10", "1,5", "True")


def huge_or_zero_size(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A dimension of nothing, below nothing, or of more than there can be."""
    if layout.kind == "text":
        return _set_numbers(rng, content, rb"sizes|dimsize|dimension|ndims",
                            lambda _n: str((0, -1, *_HUGE)[int(rng.integers(9))]))
    return _set_field(rng, content, "dim", lambda limit, _old: (0, -1, *(n for n in _HUGE if n <= limit)))


def other_size(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A dimension that might be true, and is not."""
    def near(old: float) -> list[int]:
        value = int(old) if np.isfinite(old) else 1
        return [value + 1, max(1, value - 1), value * 2, max(1, value // 2)]

    if layout.kind == "text":
        return _set_numbers(rng, content, rb"sizes|dimsize|dimension|ndims",
                            lambda old: str(near(old)[int(rng.integers(4))]))
    return _set_field(rng, content, "dim", lambda limit, old: [n for n in near(old) if n <= limit])


def not_a_number(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """NaN or infinity in the header, or among the voxels."""
    if layout.kind == "text":
        return _set_numbers(rng, content, rb"space directions|space origin|spacings?|elementspacing|offset|"
                            rb"transformmatrix|position|origin|sizes|dimsize",
                            lambda _n: ("nan", "inf", "-inf", "1e400")[int(rng.integers(4))])
    if layout.voxels and rng.integers(2):
        start, stop = layout.voxels[0]
        at = start + 4 * int(rng.integers((stop - start) // 4))
        return content[:at] + struct.pack("<f", (np.nan, np.inf)[int(rng.integers(2))]) + content[at + 4:]
    name = ("pixdim", "scl_slope", "scl_inter", "quatern", "qoffset", "srow", "vox_offset")[int(rng.integers(7))]
    return _set_field(rng, content, name, lambda _limit, _old: (float("nan"), float("inf"), float("-inf")))


def wrong_byte_order(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """Header, voxels or both in the other byte order than they claim."""
    if layout.kind == "text":
        for here, there in ((b"endian: little", b"endian: big"), (b"ByteOrderMSB = False", b"ByteOrderMSB = True"),
                            (b"endian: big", b"endian: little")):
            if here in content:
                return content.replace(here, there)
        return content.replace(b"encoding: raw", b"endian: big\nencoding: raw")
    changed = bytearray(content)
    fields, order = _fields(content)
    if rng.integers(2) and layout.voxels:
        start, stop = layout.voxels[0]
        size = {4: 2, 512: 2, 16: 4, 8: 4, 64: 8}.get(_read(content, fields["datatype"], order), 2)
        whole = np.frombuffer(content[start:start + (stop - start) // size * size], f"u{size}").byteswap()
        changed[start:start + whole.nbytes] = whole.tobytes()
        return bytes(changed)
    for offset, code, count in fields.values():
        width = struct.calcsize(code)
        for n in range(count):
            at = offset + n * width
            changed[at:at + width] = changed[at:at + width][::-1]
    if rng.integers(2):
        width = 4
        changed[0:width] = changed[0:width][::-1]
    return bytes(changed)


def other_field(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A field of the header holds something else, or its line is spoilt, gone, doubled or moved."""
    if layout.kind == "text":
        return _spoil_line(rng, content)
    fields = list(_fields(content)[0])
    name = fields[int(rng.integers(len(fields)))]

    def values(limit: float, old: float) -> list[float]:
        small = [0, 1, 2, 3, 4, 8, 16, 64, 256, 512, 768, 1002, 128, 2304]
        if limit:
            return [n for n in (*small, -1, limit) if n <= limit]
        return [0.0, -0.0, 1.0, -1.0, 1e-30, 1e30, -old, old * 1.5, old + 0.3, old * 1e6, 3.4e38, 1e-45, old / 1e4]

    return _set_field(rng, content, name, values)


def _fields(content: bytes) -> tuple[dict[str, tuple[int, str, int]], str]:
    sizes = {order: struct.unpack_from(f"{order}i", content)[0] for order in "<>"} if len(content) > 4 else {}
    order = ">" if sizes.get(">") in (348, 540) else "<"
    return (_NIFTI2 if sizes.get(order) == 540 else _NIFTI1), order


def _read(content: bytes, field: tuple[int, str, int], order: str) -> float:
    offset, code, _ = field
    return float(struct.unpack_from(order + code, content, offset)[0])


def _set_field(rng: Rng, content: bytes, name: str, values: Callable[[float, float], object]) -> bytes:
    fields, order = _fields(content)
    offset, code, count = fields[name]
    at = offset + int(rng.integers(count)) * struct.calcsize(code)
    offered = list(values(_LIMITS.get(code, 0), _read(content, (at, code, 1), order)))  # type: ignore[call-overload]
    chosen = offered[int(rng.integers(len(offered)))]
    with np.errstate(all="ignore"):
        packed = np.asarray(chosen).astype(np.dtype(order + {"B": "u1", "h": "i2", "i": "i4", "q": "i8", "f": "f4",
                                                             "d": "f8"}[code])).tobytes()
    return content[:at] + packed + content[at + len(packed):]


def _lines(content: bytes) -> tuple[list[bytes], bytes]:
    """The lines of a text header, and what follows it."""
    end = re.search(rb"\n\r?\n|ElementDataFile[^\n]*\n", content)
    stop = end.end() if end else len(content)
    return content[:stop].splitlines(keepends=True), content[stop:]


def _set_numbers(rng: Rng, content: bytes, keys: bytes, change: Callable[[float], str]) -> bytes:
    lines, rest = _lines(content)
    fitting = [n for n, line in enumerate(lines) if re.match(rb"(?i)(" + keys + rb")\s*[:=]", line)]
    if not fitting:
        return content
    number = fitting[int(rng.integers(len(fitting)))]
    found = list(re.finditer(rb"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", lines[number]))
    if not found:
        return content
    one = found[int(rng.integers(len(found)))]
    line = lines[number]
    lines[number] = line[:one.start()] + change(float(one.group())).encode() + line[one.end():]
    return b"".join(lines) + rest


def _spoil_line(rng: Rng, content: bytes) -> bytes:
    lines, rest = _lines(content)
    n = int(rng.integers(len(lines)))
    way = int(rng.integers(7))
    key, mark, value = re.match(rb"([^:=\n]*)([:=]*)(.*)", lines[n], re.DOTALL).groups()  # type: ignore[union-attr]
    if way == 0:
        del lines[n]
    elif way == 1:
        lines.insert(int(rng.integers(len(lines))), lines[n])
    elif way == 2:
        other = int(rng.integers(len(lines)))
        lines[n], lines[other] = lines[other], lines[n]
    elif way == 3:
        lines[n] = key + mark + b" " + _WORDS[int(rng.integers(len(_WORDS)))].encode() + b"\n"
    elif way == 4:
        lines[n] = key[: len(key) // 2] + b"x" + key[len(key) // 2:] + mark + value
    elif way == 5:
        lines[n] = key + mark + b" " + b"9" * 70000 + b"\n"
    else:
        words = value.split()
        rng.shuffle(words)
        lines[n] = key + mark + b" " + b" ".join(words) + b"\n"
    return b"".join(lines) + rest


FIELDWISE: dict[str, Fieldwise] = {
    "zero or huge size": huge_or_zero_size, "other size": other_size, "not a number": not_a_number,
    "byte order": wrong_byte_order, "other field": other_field,
}

"""The text at the head of a MetaImage or NRRD file, read before the library does: it trusts what it finds there."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app.core.errors import UnreadableImage
from app.core.io import damage
from app.core.io.source import suffix_of

EXPECTED = "an NRRD or MetaImage file"
_LONGEST_HEADER, _LONGEST_LINE, _LONGEST_KEY, _MOST_AXES, _MOST_CHANNELS = 2**20, 16_000, 200, 9, 1024
_META_LINE = re.compile(r"^\s*([^=:]+?)\s*[=:]\s*(.*?)\s*$")
_NRRD_LINE = re.compile(r"^([^:]+?)\s*:=?\s*(.*?)\s*$")
_META_TYPES = {"CHAR", "UCHAR", "SHORT", "USHORT", "INT", "UINT", "LONG", "ULONG", "LONG_LONG", "ULONG_LONG", "FLOAT",
               "DOUBLE", "CHAR_ARRAY", "UCHAR_ARRAY", "SHORT_ARRAY", "USHORT_ARRAY", "INT_ARRAY", "UINT_ARRAY",
               "LONG_ARRAY", "ULONG_ARRAY", "LONG_LONG_ARRAY", "ULONG_LONG_ARRAY", "FLOAT_ARRAY", "DOUBLE_ARRAY"}
_META_AXES = ("ElementSpacing", "ElementSize", "Offset", "Position", "Origin", "CenterOfRotation")
_META_TURNS = ("TransformMatrix", "Rotation", "Orientation")
_NRRD_PACKING: Mapping[str, Literal["raw", "zlib", "bzip2", "text", "hex"]] = {
    "raw": "raw", "gzip": "zlib", "gz": "zlib", "bzip2": "bzip2", "bz2": "bzip2", "ascii": "text", "text": "text",
    "txt": "text", "hex": "hex"}


@dataclass(frozen=True)
class TextHeader:
    """Where the voxels are and how they are packed.

    Parameters
    ----------
    fields : mapping of str to str
        What it says, by key.
    files : tuple of Path
        That hold the voxels.
    offset : int
        Bytes before them in each file; -1 where they end the file.
    packing : {'raw', 'zlib', 'bzip2', 'text', 'hex'}
        zlib stands for gzip too.
    """

    fields: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    offset: int = 0
    packing: Literal["raw", "zlib", "bzip2", "text", "hex"] = "raw"


def read_text_header(path: Path) -> TextHeader:
    """Read the text at the head of a file.

    Parameters
    ----------
    path : Path
        '.mha', '.mhd', '.nrrd' or '.nhdr'; it is there and not empty.

    Returns
    -------
    TextHeader

    Raises
    ------
    UnreadableImage
        It is no such header, contradicts itself, has numbers that are none, or names files that are not there.
    """
    with path.open("rb") as stream:
        head = stream.read(_LONGEST_HEADER)
    return _read_meta(path, head) if suffix_of(path) in (".mha", ".mhd") else _read_nrrd(path, head)


def named_file(path: Path) -> Path | None:
    """Name the one file that holds the voxels of a detached header; None where they are in it, or in several."""
    pattern = {".mhd": rb"(?im)^ElementDataFile\s*=\s*(.+?)\s*$", ".nhdr": rb"(?im)^data ?file:\s*(.+?)\s*$"}.get(
        suffix_of(path))
    if pattern is None:
        return None
    try:
        with path.open("rb") as stream:
            found = re.search(pattern, stream.read(_LONGEST_HEADER))
    except OSError:
        return None
    name = found.group(1).decode("utf-8", "replace") if found else ""
    if not name.isprintable():
        return None
    return path.parent / name if name and not re.match(r"(?i)^(LOCAL|LIST)\b|.*%\d*d", name) else None


def _read_meta(path: Path, head: bytes) -> TextHeader:
    fields: dict[str, str] = {}
    end = None
    for line in re.finditer(rb"[^\n]*\n?", head):
        found = _META_LINE.match(_decode(path, line.group()))
        if found is None:
            if line.group().strip():
                raise damage.unknown_format(path.name, EXPECTED)
            continue
        _add(path, fields, *found.groups())
        if found.group(1) == "ElementDataFile":
            end = line.end()
            break
    if end is None:
        raise damage.unknown_format(path.name, EXPECTED)
    axes = _integers(path, fields, "NDims", 1)[0]
    if not 1 <= axes <= _MOST_AXES:
        raise damage.unknown_format(path.name, EXPECTED)
    damage.check_shape(path.name, tuple(_integers(path, fields, "DimSize", axes)))
    for keys, count in ((_META_AXES, axes), (_META_TURNS, axes * axes)):
        for key in keys:
            _check_numbers(path, fields, key, count)
    channels = _integers(path, fields, "ElementNumberOfChannels", 1)[0] if "ElementNumberOfChannels" in fields else 1
    if not 1 <= channels <= _MOST_CHANNELS or fields.get("ElementType", "").removeprefix("MET_") not in _META_TYPES:
        raise damage.unknown_format(path.name, EXPECTED)
    data = fields["ElementDataFile"]
    begin = _integers(path, fields, "HeaderSize", 1)[0] if "HeaderSize" in fields else 0
    inline = data.upper() == "LOCAL"
    files = (path,) if inline else _listed(path, data, head[end:])
    is_true = {key: fields.get(key, "").strip()[:1] in ("T", "t", "1") for key in ("CompressedData", "BinaryData")}
    offset = begin or (end if inline else 0)
    if is_true["CompressedData"]:
        _check_packed_size(path, fields, files, offset)
        return TextHeader(fields, files, offset, "zlib")
    return TextHeader(fields, files, offset, "raw" if is_true["BinaryData"] else "text")


def _read_nrrd(path: Path, head: bytes) -> TextHeader:
    if not head.startswith(b"NRRD"):
        raise damage.unknown_format(path.name, EXPECTED)
    blank = re.search(rb"\n\r?\n", head)
    end = blank.end() if blank else len(head)
    fields: dict[str, str] = {}
    lines = head[:end].splitlines(keepends=True)[1:]
    for line in lines:
        text = _decode(path, line)
        found = _NRRD_LINE.match(text)
        if found is not None and not text.startswith("#"):
            _add(path, fields, found.group(1).lower().replace(" ", ""), found.group(2))
    packing = _NRRD_PACKING.get(fields.get("encoding", "").lower())
    data = fields.get("datafile", "")
    if packing is None or (not data and blank is None):
        raise damage.unknown_format(path.name, EXPECTED)
    rest = head[:end].partition(b"LIST")[2].partition(b"\n")[2] if data.upper().startswith("LIST") else b""
    files = _listed(path, data, rest) if data else (path,)
    skipped = any(fields.get(key, "0").strip() not in ("0", "") for key in ("byteskip", "lineskip"))
    return TextHeader(fields, files, -1 if skipped else 0 if data else end, packing)


def _decode(path: Path, line: bytes) -> str:
    if len(line) > _LONGEST_LINE:
        raise damage.unknown_format(path.name, EXPECTED)
    return line.decode("utf-8", "replace")


def _add(path: Path, fields: dict[str, str], key: str, value: str) -> None:
    if len(key) > _LONGEST_KEY or not key.isprintable():
        raise damage.unknown_format(path.name, EXPECTED)
    if fields.setdefault(key, value) != value:
        raise UnreadableImage(f"{path.name} states '{key[:40]}' twice, and not alike.",
                              "Copy or export it again and choose the new file.")


def _integers(path: Path, fields: Mapping[str, str], key: str, count: int) -> list[int]:
    words = fields.get(key, "").split()
    if len(words) != count or not all(re.fullmatch(r"[+-]?\d{1,18}", word) for word in words):
        raise damage.unknown_format(path.name, EXPECTED)
    return [int(word) for word in words]


def _check_numbers(path: Path, fields: Mapping[str, str], key: str, count: int) -> None:
    if key not in fields:
        return
    try:
        numbers = [float(word) for word in fields[key].split()]
    except ValueError as error:
        raise damage.unknown_format(path.name, EXPECTED) from error
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise damage.unknown_format(path.name, EXPECTED)


def _check_packed_size(path: Path, fields: Mapping[str, str], files: tuple[Path, ...], offset: int) -> None:
    """The library unpacks as much as it is told, and hands out whatever memory held where that is too little."""
    if "CompressedDataSize" not in fields:
        return
    stated, held = _integers(path, fields, "CompressedDataSize", 1)[0], files[0].stat().st_size - max(offset, 0)
    if stated != held:
        raise damage.truncated(path.name) if stated > held else damage.corrupt(path.name)


def _listed(path: Path, data: str, rest: bytes) -> tuple[Path, ...]:
    """The files that a detached header names, each of them a file and there."""
    words = data.split()
    if not data.isprintable():
        raise damage.unknown_format(path.name, EXPECTED)
    if words and words[0].upper() == "LIST":
        names = [line.strip() for line in rest.decode("utf-8", "replace").splitlines() if line.strip()]
    elif len(words) in (4, 5) and re.fullmatch(r".*%0?\d*d.*", words[0]):
        if not all(re.fullmatch(r"-?\d{1,6}", word) for word in words[1:4]) or int(words[3]) == 0:
            raise damage.unknown_format(path.name, EXPECTED)
        first, last, step = (int(word) for word in words[1:4])
        before, _, after = re.split(r"(%0?\d*d)", words[0], maxsplit=1)
        pattern = re.search(r"%0?\d*d", words[0])
        form = pattern.group() if pattern else "%d"
        names = [f"{before}{form % number}{after}" for number in range(first, last + (1 if step > 0 else -1), step)]
    else:
        names = [data]
    files = tuple(path.parent / name for name in names)
    for file in files:
        if not file.name.isprintable() or len(file.name) > _LONGEST_KEY:
            raise damage.unknown_format(path.name, EXPECTED)
        if not file.is_file():
            raise damage.missing_companion(path.name, file.name)
    if not files:
        raise damage.unknown_format(path.name, EXPECTED)
    return files

"""Small files that unpack to gigabytes, and headers that announce them."""

from __future__ import annotations

import gzip
import io
import re
import struct
import zipfile
import zlib
from functools import cache

import numpy as np

from tests.fuzz.sample import Layout

Rng = np.random.Generator
_PIECE = 2**25
GIGABYTES = 6


@cache
def _deflated() -> bytes:
    """A piece of zeros as raw deflate that ends on a byte, so that it may be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(_PIECE)) + packer.flush(zlib.Z_FULL_FLUSH)


def deflated_zeros(size: int, begin: bytes = b"") -> bytes:
    """Zeros without end as one raw deflate stream, after some bytes that mean something."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = packer.compress(begin) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + _deflated() * (size // _PIECE) + b"\x03\x00"


def gzipped_zeros(size: int, begin: bytes = b"") -> bytes:
    """Zeros as a gzip file of several members; its checksums are right."""
    return gzip.compress(begin, mtime=0) + _member() * (size // _PIECE)


@cache
def _member() -> bytes:
    return gzip.compress(bytes(_PIECE), 9, mtime=0)


def explode(rng: Rng, content: bytes, layout: Layout, name: str) -> bytes:
    """Turn a file into a bomb of its own format; stored bytes."""
    size = GIGABYTES * 2**30
    if layout.kind == "nifti" and layout.packed:
        return _explode_nifti(rng, content, size)
    if layout.kind == "text":
        return _explode_text(rng, content, size)
    if layout.kind == "dicom":
        return _explode_dicom(content, size)
    if layout.kind == "zip":
        return _explode_zip(rng, content, size)
    if layout.kind == "csv":
        return _explode_csv(rng, content)
    if layout.kind == "json":
        return (b"[" * 1_000_000, b'{"name": "' + b"x" * 20_000_000 + b'"}', b'{"a":' * 50_000,
                content + b" " * 30_000_000)[int(rng.integers(4))]
    if layout.kind == "nifti":
        return _announce(content, (32767, 32767, 32767))
    return gzipped_zeros(size) if name.endswith((".gz", ".zraw")) else content + bytes(2**22)


def _announce(content: bytes, shape: tuple[int, int, int]) -> bytes:
    order = ">" if content[:4] in (b"\x00\x00\x01\x5c", b"\x00\x00\x02\x1c") else "<"
    if struct.unpack_from(f"{order}i", content)[0] == 540:
        return content[:24] + struct.pack(f"{order}3q", *shape) + content[48:]
    return content[:42] + struct.pack(f"{order}3h", *(min(n, 32767) for n in shape)) + content[48:]


def _explode_nifti(rng: Rng, content: bytes, size: int) -> bytes:
    way = int(rng.integers(3))
    if way == 0:  # a true header, and gigabytes behind its voxels
        return gzipped_zeros(size, content)
    shape = (2000, 2000, 1600) if way == 1 else (32767, 32767, 32767)
    return gzipped_zeros(size if way == 1 else 2**26, _announce(content, shape)[:352] + bytes(64))


def _explode_text(rng: Rng, content: bytes, size: int) -> bytes:
    way = int(rng.integers(3))
    shape = (b"16 14 8", b"2000 2000 1600", b"60000 60000 60000")[way]
    announced = re.sub(rb"(?m)^(sizes:|DimSize =).*$", rb"\1 " + shape, content)
    if b"gzip" not in content and b"CompressedData = True" not in content:
        return announced
    end = re.search(rb"\n\r?\n|ElementDataFile[^\n]*\n", announced)
    if end is None:
        return announced
    body = gzipped_zeros(size if way < 2 else 2**26) if b"gzip" in content else \
        b"\x78\x9c" + deflated_zeros(size if way < 2 else 2**26) + b"\0\0\0\0"
    head = re.sub(rb"(?m)^CompressedDataSize = \d+$", b"CompressedDataSize = %d" % len(body), announced[:end.end()])
    return head + body


def _explode_dicom(content: bytes, size: int) -> bytes:
    """The deflated transfer syntax around the same elements, followed by zeros."""
    syntax = b"1.2.840.10008.1.2.1.99"
    begin = 132 if content[128:132] == b"DICM" else 0
    if content[begin:begin + 4] != b"\x02\x00\x00\x00":
        return content
    length = struct.unpack_from("<I", content, begin + 8)[0]
    meta, rest = content[begin + 12:begin + 12 + length], content[begin + 12 + length:]
    at = meta.find(b"\x02\x00\x10\x00UI")
    old = struct.unpack_from("<H", meta, at + 6)[0]
    meta = meta[:at + 6] + struct.pack("<H", len(syntax)) + syntax + meta[at + 8 + old:]
    head = content[:begin] + content[begin:begin + 8] + struct.pack("<I", len(meta)) + meta
    return head + deflated_zeros(size, rest)


def _explode_zip(rng: Rng, content: bytes, size: int) -> bytes:
    """An archive one of whose members unpacks to gigabytes, said or unsaid."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            members = [(entry.filename, source.read(entry)) for entry in source.infolist()]
    except (zipfile.BadZipFile, OSError):
        return content
    n, packed = int(rng.integers(len(members))), io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for place, (name, held) in enumerate(members):
            target.writestr(name, b"@BOMB@" if place == n else held,
                            zipfile.ZIP_STORED if place == n else zipfile.ZIP_DEFLATED)
    return _swap_member(packed.getvalue(), members[n], deflated_zeros(size, members[n][1]), size,
                        honest=bool(rng.integers(2)))


def _swap_member(archive: bytes, member: tuple[str, bytes], body: bytes, size: int, *, honest: bool) -> bytes:
    """Put a packed body in the place of a stored one, and correct what the archive says of it."""
    name = member[0].encode()
    stated = size + len(member[1]) if honest else len(member[1])
    at = archive.find(b"@BOMB@")
    local = archive.rfind(b"PK\x03\x04", 0, at)
    fixed = struct.pack("<HHHIII", 8, 0, 0, zlib.crc32(member[1]), len(body), min(stated, 2**32 - 1))
    start = archive[:local + 8] + fixed + archive[local + 26:at]
    moved = len(body) - len(b"@BOMB@")
    rest = bytearray(archive[at + len(b"@BOMB@"):])
    for found in re.finditer(b"PK\x01\x02", bytes(rest)):
        entry = found.start()
        length = struct.unpack_from("<H", rest, entry + 28)[0]
        if bytes(rest[entry + 46:entry + 46 + length]) == name:
            rest[entry + 10:entry + 28] = fixed
        else:
            offset = struct.unpack_from("<I", rest, entry + 42)[0]
            if offset > local:
                struct.pack_into("<I", rest, entry + 42, offset + moved)
    end = bytes(rest).rfind(b"PK\x05\x06")
    struct.pack_into("<I", rest, end + 16, struct.unpack_from("<I", rest, end + 16)[0] + moved)
    return start + body + bytes(rest)


def _explode_csv(rng: Rng, content: bytes) -> bytes:
    way = int(rng.integers(4))
    if way == 0:
        return b"patient,image,mask," + b",".join(b"c%d" % n for n in range(60_000)) + b"\n1,a,b\n"
    if way == 1:
        return b"patient,image,mask\n" + b'"' * 3_000_000
    if way == 2:
        return b"patient,image,mask\n" + b"1,P1_t1.nii,P1_mask.nii\n" * 60_000
    return b"patient,image,mask\n1," + b"x" * 5_000_000 + b",P1_mask.nii\n"

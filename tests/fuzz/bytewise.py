"""Damage that knows no format: what transfers, disks and hands do to bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tests.fuzz.sample import Layout

Rng = np.random.Generator
Bytewise = Callable[[Rng, bytes, Layout], bytes]


def structure_of(content: bytes, layout: Layout) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Offsets of the bytes that are no voxel values."""
    kept = np.ones(len(content), bool)
    for start, stop in layout.voxels:
        kept[start:stop] = False
    return np.flatnonzero(kept)


def _places(content: bytes, layout: Layout) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The structure; anywhere in a file that has none."""
    found = structure_of(content, layout)
    return found if found.size else np.arange(len(content))


def truncate(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """End anywhere, within the structure, or a few bytes before the end."""
    size = max(1, len(content))
    structure = _places(content, layout)
    at = (int(rng.integers(size)), int(structure[rng.integers(structure.size)]) if structure.size else 0,
          max(0, len(content) - int(rng.integers(1, 40))))[int(rng.integers(3))]
    return content[:at]


def flip_bit(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """One bit of the structure."""
    return _flip(rng, content, _places(content, layout), 1)


def flip_bits(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """Two to thirty bits of the structure."""
    return _flip(rng, content, _places(content, layout), int(rng.integers(2, 31)))


def overwrite(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """One to eight bytes of the structure: anything, zeros, or ones."""
    changed = bytearray(content)
    structure = _places(content, layout)
    start = int(structure[rng.integers(structure.size)]) if structure.size else 0
    count = int(rng.integers(1, 9))
    fill = int(rng.integers(3))
    for at in range(start, min(start + count, len(changed))):
        changed[at] = (int(rng.integers(256)), 0, 255)[fill]
    return bytes(changed)


def lose_piece(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A piece is gone and the rest moved up."""
    start, stop = _piece(rng, content)
    return content[:start] + content[stop:]


def repeat_piece(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A piece is there twice."""
    start, stop = _piece(rng, content)
    return content[:stop] + content[start:]


def insert_noise(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """Foreign bytes in between."""
    at = int(rng.integers(len(content) + 1))
    return content[:at] + rng.bytes(int(rng.integers(1, 64))) + content[at:]


def zero_page(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """A page that the disk lost reads as zeros."""
    page = (64, 512, 4096)[int(rng.integers(3))]
    start = int(rng.integers(max(1, len(content) // page + 1))) * page
    stop = min(start + page, len(content))
    return content[:start] + bytes(max(0, stop - start)) + content[stop:]


def append_noise(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """Bytes behind the end."""
    return content + (rng.bytes(int(rng.integers(1, 600))), bytes(int(rng.integers(1, 600))))[int(rng.integers(2))]


def change_voxels(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """Some bits of the voxel values, in place; where there are none, some bits of anything."""
    values = np.concatenate([np.arange(*span) for span in layout.voxels]) if layout.voxels else np.arange(len(content))
    return _flip(rng, content, values, int(rng.integers(1, 20)))


def drop_text_mode(rng: Rng, content: bytes, layout: Layout) -> bytes:
    """What a transfer in text mode does: line ends are rewritten, or the eighth bit is lost."""
    way = int(rng.integers(3))
    if way == 0:
        return content.replace(b"\n", b"\r\n")
    return content.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if way == 1 else bytes(b & 0x7F for b in content)


def _flip(rng: Rng, content: bytes, offsets: np.ndarray[tuple[int], np.dtype[np.int64]], count: int) -> bytes:
    changed = bytearray(content)
    if not changed:
        return content
    for at in offsets[rng.integers(offsets.size, size=count)]:
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _piece(rng: Rng, content: bytes) -> tuple[int, int]:
    start = int(rng.integers(max(1, len(content))))
    return start, min(len(content), start + int(rng.integers(1, max(2, min(600, len(content))))))


BYTEWISE: dict[str, Bytewise] = {
    "truncated": truncate, "bit flip": flip_bit, "bit flips": flip_bits, "overwritten": overwrite,
    "piece lost": lose_piece, "piece twice": repeat_piece, "foreign bytes": insert_noise, "zeroed page": zero_page,
    "trailing bytes": append_noise, "voxel values": change_voxels, "text mode": drop_text_mode,
}
"""Only 'voxel values' leaves the structure alone."""

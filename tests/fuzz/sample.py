"""A sample: the undamaged files of one case, and which of their bytes are structure."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHAPE = (16, 14, 8)
AFFINE = np.array([[-3.9, 0.4, 0.0, 30.0], [0.4, 3.9, 0.0, -25.0], [0.0, 0.0, 6.0, 40.0], [0.0, 0.0, 0.0, 1.0]])
"""Voxel index to world RAS+, mm: turned a little, so that no axis is a world's and nothing is an identity."""


@dataclass(frozen=True)
class Layout:
    """What is known of a file's bytes.

    `kind` : which mutations of fields it takes ('nifti', 'text', 'dicom', 'xlsx', 'json', 'zip', or '' for none).
    `voxels` : spans (start, stop) of plain bytes that are voxel values: what is changed in place there is no structure.
    `packed` : whether it is stored gzipped, so that the damage can be done behind the compression.
    """

    kind: str = ""
    voxels: tuple[tuple[int, int], ...] = ()
    packed: bool = False


@dataclass(frozen=True)
class Sample:
    """The files of one case.

    `files` : plain content by path relative to the drop; `layouts` : of those that may be damaged.
    `image`, `mask` : what a request names; '' for none. `together` : files that are damaged alike (a DICOM series).
    """

    reader: str
    name: str
    files: Mapping[str, bytes]
    layouts: Mapping[str, Layout]
    image: str = ""
    mask: str = ""
    together: tuple[str, ...] = ()
    given: Mapping[str, object] = field(default_factory=dict)

    def stored(self, name: str, plain: bytes | None = None) -> bytes:
        """A file as it lies on the disk."""
        content = self.files[name] if plain is None else plain
        packed = name in self.layouts and self.layouts[name].packed
        return gzip.compress(content, 1, mtime=0) if packed else content

    def write(self, folder: Path, damaged: Mapping[str, bytes | None]) -> None:
        """Write the files into a folder; `damaged` holds stored bytes, or None for a file that is gone."""
        for name in self.files:
            content = damaged.get(name, b"") if name in damaged else self.stored(name)
            if content is None:
                continue
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def phantom(dtype: str = "int16") -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
    """A smooth body with a bright tumour, and the tumour's outline; shape (i, j, k)."""
    i, j, k = np.indices(SHAPE).astype(np.float64)
    depth = ((i - 7.2) / 4.1) ** 2 + ((j - 6.4) / 3.3) ** 2 + ((k - 3.6) / 2.4) ** 2
    inside = depth < 1
    noise = np.random.default_rng(11).normal(0, 6, SHAPE)
    grey = 300 + 90 * np.sin(i / 5) + 60 * np.cos(j / 4) + 12 * k + 400 * inside + noise
    return grey.astype(dtype), inside.astype(np.uint8)

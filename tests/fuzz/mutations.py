"""One input by its number: which sample, which damage, and the bytes that come of it."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.fuzz import bombs, containers, images, papers, scans
from tests.fuzz.bytewise import BYTEWISE, structure_of
from tests.fuzz.elements import ELEMENTWISE, change_elements, swap_byte_order
from tests.fuzz.headers import FIELDWISE
from tests.fuzz.sample import Sample

Rng = np.random.Generator
SAMPLES: dict[str, Callable[[], list[Sample]]] = {
    "nifti": images.nifti_samples, "analyze": images.analyze_samples, "nrrd": images.nrrd_samples,
    "metaimage": images.metaimage_samples, "dicom": scans.dicom_samples, "rtstruct": scans.rtstruct_samples,
    "seg": scans.seg_samples, "table": papers.table_samples, "recipe": papers.recipe_samples,
    "bundle": papers.bundle_samples,
}
_WHOLE = ("other content", "gone")
_IMAGES = (*BYTEWISE, *FIELDWISE, *_WHOLE, "zip bomb")
_DICOM = (*BYTEWISE, *ELEMENTWISE, "byte order", *_WHOLE, "zip bomb")
_TEXTS = tuple(way for way in BYTEWISE if way != "voxel values")
WAYS: dict[str, tuple[str, ...]] = {
    "nifti": _IMAGES, "analyze": _IMAGES, "nrrd": _IMAGES, "metaimage": _IMAGES,
    "dicom": _DICOM, "rtstruct": _DICOM, "seg": _DICOM,
    "table": (*_TEXTS, "inside", "odd names", *_WHOLE, "zip bomb"),
    "recipe": (*_TEXTS, "inside", "inside", "inside", "other content", "zip bomb"),
    "bundle": (*_TEXTS, "inside", "inside", "odd names", *_WHOLE, "zip bomb"),
}


@dataclass(frozen=True)
class Input:
    """A damaged case.

    `damaged` : stored bytes by file, None for a file that is gone. `exempt` : only voxel values were changed.
    """

    reader: str
    number: int
    way: str
    sample: Sample
    damaged: Mapping[str, bytes | None]
    exempt: bool


@cache
def samples_of(reader: str) -> tuple[Sample, ...]:
    """The samples of a reader."""
    return tuple(SAMPLES[reader]())


def make_input(seed: int, reader: str, number: int) -> Input:
    """The same input for the same seed, reader and number, always."""
    rng = np.random.default_rng([seed, zlib.crc32(reader.encode()), number])
    way, sample = way_of(reader, number), samples_of(reader)[number // len(WAYS[reader]) % len(samples_of(reader))]
    damaged = _damage(rng, sample, way)
    exempt = all(_changes_voxels_alone(sample, name, content) for name, content in damaged.items())
    return Input(reader, number, way, sample, damaged, exempt)


def way_of(reader: str, number: int) -> str:
    """How an input is damaged."""
    return WAYS[reader][number % len(WAYS[reader])]


def _changes_voxels_alone(sample: Sample, name: str, content: bytes | None) -> bool:
    """Whether a file has its size still and every byte of its structure."""
    layout, plain = sample.layouts[name], sample.files[name]
    if content is None or not layout.voxels or (layout.packed and content[:10] != sample.stored(name)[:10]):
        return False
    if len(content) > 2**20:
        return False
    try:
        changed = gzip.decompress(content) if layout.packed else content
    except (OSError, EOFError, zlib.error):
        return False
    kept = structure_of(plain, layout)
    whole = len(changed) == len(plain)
    return whole and bool((np.frombuffer(changed, "u1")[kept] == np.frombuffer(plain, "u1")[kept]).all())


def _damage(rng: Rng, sample: Sample, way: str) -> Mapping[str, bytes | None]:
    victims = [name for name in sample.layouts if _takes(sample, name, way)] or list(sample.layouts)
    victim = victims[int(rng.integers(len(victims)))]
    layout, plain = sample.layouts[victim], sample.files[victim]
    if way == "gone":
        return {victim: None}
    if way == "other content":
        return {victim: _other_content(rng, sample, victim)}
    if way == "zip bomb":
        return {victim: bombs.explode(rng, plain, layout, victim)}
    if way == "inside":
        return _inside(rng, sample, victim)
    if way == "odd names":
        return {victim: containers.odd_names(rng, plain)} if layout.kind == "zip" else {
            victim: BYTEWISE["foreign bytes"](rng, plain, layout)}
    if layout.kind == "dicom" and way == "byte order":
        return {victim: swap_byte_order(rng, plain)}
    if layout.kind == "dicom" and way in ELEMENTWISE:
        names = list(sample.together) if victim in sample.together and rng.integers(3) == 0 else [victim]
        changed = change_elements(rng, [sample.files[name] for name in names], ELEMENTWISE[way])
        return dict(zip(names, changed, strict=True))
    if way in FIELDWISE and layout.kind in ("nifti", "text"):
        return {victim: sample.stored(victim, FIELDWISE[way](rng, plain, layout))}
    if way in BYTEWISE:
        if layout.packed and rng.integers(2) and way != "voxel values":
            return {victim: BYTEWISE[way](rng, sample.stored(victim), type(layout)())}
        return {victim: sample.stored(victim, BYTEWISE[way](rng, plain, layout))}
    return {victim: sample.stored(victim, BYTEWISE["overwritten"](rng, plain, layout))}


def _takes(sample: Sample, name: str, way: str) -> bool:
    kind = sample.layouts[name].kind
    if way == "voxel values":
        return bool(sample.layouts[name].voxels)
    if way in FIELDWISE or way in ELEMENTWISE or way == "zip bomb":
        return kind != ""
    return kind in ("zip", "json", "csv") if way == "inside" else kind == "zip" if way == "odd names" else True


def _inside(rng: Rng, sample: Sample, victim: str) -> Mapping[str, bytes | None]:
    kind, plain = sample.layouts[victim].kind, sample.files[victim]
    if kind == "zip":
        changed = containers.change_member(rng, plain)
    elif kind == "json":
        changed = containers.change_json(rng, plain)
    elif kind == "csv":
        changed = _spoil_cells(rng, plain)
    else:
        changed = BYTEWISE["overwritten"](rng, plain, sample.layouts[victim])
    if sample.reader == "bundle" and victim != "model.zip" and rng.integers(4):
        signed = papers.resign({**sample.files, victim: changed})
        return {victim: signed[victim], "model/bundle.json": signed["model/bundle.json"]}
    return {victim: changed}


def _spoil_cells(rng: Rng, plain: bytes) -> bytes:
    """A cell that holds what no path, name or number is."""
    words = ("../../../../etc/passwd", "/dev/zero", "", '"', "x" * 300, "=1+1", "sub", "mask", "nan", "1e999",
             "P1_t1.nii\nP2_t1.nii", "http://example.org/x.nii", "\0", "Ünï.nii", ",;\t", "~/x.nii", ".")
    encoding = "utf-16" if plain[:2] == b"\xff\xfe" else "utf-8"
    text = plain.decode(encoding)
    cells = ("007", "P1_t1.nii", "P2_mask.nii", "Lyon", "61.5", "patient", "mask", "sub/P3_t1.nii")
    old, new = cells[int(rng.integers(len(cells)))], words[int(rng.integers(len(words)))]
    return text.replace(old, new, 1).encode(encoding)


def _other_content(rng: Rng, sample: Sample, victim: str) -> bytes:
    """What else may lie under the name."""
    others = [content for name, content in sample.files.items() if name != victim]
    choices = (b"", b"\0" * 5000, rng.bytes(5000), b"<!DOCTYPE html><html><body>Sign in</body></html>",
               b"\x89PNG\r\n\x1a\n" + rng.bytes(2000), b"%PDF-1.4\n" + rng.bytes(500),
               b"\x1f\x8b\x08\0" + rng.bytes(300),
               b"\0" * 128 + b"DICM" + rng.bytes(900), json.dumps({"a": 1}).encode(), b"PK\x03\x04" + rng.bytes(500),
               *others)
    return choices[int(rng.integers(len(choices)))]

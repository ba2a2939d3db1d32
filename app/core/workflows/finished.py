"""Cases that were measured before: found by the content of their files and by everything that decides the numbers.

A finished case is one small JSON file whose name is a digest of the files' bytes, the choices made about them, the
recipe, and the versions of the program and its libraries. Nothing in it, nor in any name, tells a patient or a path.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import app
from app.core.files import write_atomically
from app.core.io.identify import list_files
from app.core.io.nifti import pair_of
from app.core.io.source import SUFFIXES, suffix_of
from app.core.io.text_header import named_file
from app.core.paths import data_folder, program_folder
from app.core.recipe import Recipe
from app.core.requests import CaseFiles

PACKAGES = ("numpy", "scipy", "SimpleITK", "pyradiomics", "PyWavelets", "nibabel", "pydicom", "highdicom", "antspyx")
PREPARED_BY = ("app/core/data", "app/core/recipe.py", "app/core/io", "app/core/preprocess")
_CODE = (*PREPARED_BY, "app/core/radiomics", "app/core/workflows/measuring.py", "resources/radiomics")
_BUILD = "resources/build.json"  # in a frozen program only: what its code was, which does not lie open there
_SETTLED_NS = 2_000_000_000
_KEPT = ("features", "acquisition", "cautions", "seconds")


def default_cache() -> Path:
    """Where finished cases are kept unless a folder is named."""
    return data_folder() / "cache"


def program_digest(packages: Iterable[str] = PACKAGES, code: Iterable[str] = _CODE) -> str:
    """Digest what decides the numbers besides files and recipe: versions, and the source where it lies open.

    Parameters
    ----------
    packages : iterable of str
        Distributions whose versions count.
    code : iterable of str
        Files and folders of the program; the default is what measures a case.

    Returns
    -------
    str
        SHA-256, hexadecimal.
    """
    digest = hashlib.sha256(app.__version__.encode())
    for package in packages:
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "absent"
        digest.update(f"{package} {version}\n".encode())
    root = program_folder()
    for place in (*code, _BUILD):
        inside = root / place
        files = [inside] if inside.is_file() else sorted([*inside.rglob("*.py"), *inside.rglob("*.csv")])
        for file in files:
            digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()


class FinishedCases:
    """The finished cases of a folder.

    Parameters
    ----------
    folder : path
        Made when the first case is kept.
    program : str
        `program_digest()`; taken once, for it is the same for every case of a run.
    """

    def __init__(self, folder: str | Path, program: str) -> None:
        self._folder, self._program = Path(folder), program

    def key(self, files: CaseFiles, recipe: Recipe) -> str:
        """Name a case by content.

        Parameters
        ----------
        files : CaseFiles
            Its id and its clinical variables play no part.
        recipe : Recipe
            Its preparation and features; its name, description and model play no part.

        Returns
        -------
        str
            SHA-256, hexadecimal.

        Raises
        ------
        UnreadableImage, OSError
            A file is absent or cannot be read.
        """
        contents = {name: self._digest(files_of(path, image=True)) for name, path in files.images.items()}
        outline = self._digest(files_of(files.mask, image=False)) if files.mask else None
        parts = {
            "images": contents,
            "mask": outline,
            "choices": files.model_dump(mode="json", include={"series", "roi", "label", "orientation"}),
            "recipe": recipe.model_dump(mode="json", include={"prep", "features"}),
            "program": self._program,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def find(self, key: str) -> dict[str, Any] | None:
        """Read a finished case; None when there is none, or its file is damaged."""
        try:
            record = json.loads(self._case(key).read_bytes())
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) and all(name in record for name in _KEPT) else None

    def keep(self, key: str, record: dict[str, Any]) -> None:
        """Keep a finished case, whole or not at all."""
        kept = {name: record[name] for name in _KEPT}
        write_atomically(self._case(key), json.dumps(kept, allow_nan=False).encode())

    def _case(self, key: str) -> Path:
        return self._folder / "cases" / key[:2] / f"{key}.json"

    def _digest(self, files: list[Path]) -> str:
        """Digest files' bytes, or recall it: the same paths with the same sizes and times hold what they held."""
        states = [(path, path.stat()) for path in files]
        signature = json.dumps(
            [[str(path), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino] for path, state in states]
        )
        name = hashlib.sha256(signature.encode()).hexdigest()
        note = self._folder / "files" / name[:2] / name
        try:
            recalled = note.read_text(encoding="ascii")
        except (OSError, ValueError):
            recalled = ""
        if len(recalled) == 64:
            return recalled
        found = _digest_bytes(files)
        # a file that was written a moment ago may be written again within the same tick of its clock
        if states and time.time_ns() - max(_changed(state) for _, state in states) > _SETTLED_NS:
            write_atomically(note, found.encode())
        return found


def _changed(state: os.stat_result) -> int:
    """When a file last changed, in ns: its second time cannot be set, save on Windows."""
    return max(state.st_mtime_ns, state.st_ctime_ns)


def _digest_bytes(files: Iterable[Path]) -> str:
    """Digest several files: each by its bytes, whatever it is called and in whatever order they come."""
    digests = []
    for path in files:
        with path.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def files_of(given: str, *, image: bool) -> list[Path]:
    """List every file that reading a path may read."""
    path = Path(given).absolute()
    if path.is_dir():
        return list(list_files([path]))
    kind = SUFFIXES.get(suffix_of(path))
    if kind == "analyze":
        return [half for half in pair_of(path) if half.exists()]
    if kind in ("nrrd", "metaimage"):
        voxels = named_file(path)
        if voxels is None and suffix_of(path) in (".nhdr", ".mhd"):
            return [file for file in sorted(path.parent.iterdir()) if file.is_file()]  # the voxels lie in several
        return [path, *([voxels] if voxels is not None and voxels.exists() else [])]
    if kind is None and image:
        return [file for file in sorted(path.parent.iterdir()) if file.is_file()]  # a slice stands for its series
    return [path]

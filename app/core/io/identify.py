"""Finding out what dropped files and folders are, from names and headers; voxels stay on the disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.core.data import Acquisition, Caution
from app.core.errors import UnreadableImage
from app.core.io import damage
from app.core.io.formats import read_header
from app.core.io.locate import locate
from app.core.io.names import role_of
from app.core.io.nifti import pair_of
from app.core.io.source import SUFFIXES, Kind, Source, suffix_of
from app.core.io.text_header import named_file


def identify(paths: Sequence[str | Path]) -> list[Source]:
    """List what is readable among files and folders.

    Parameters
    ----------
    paths : sequence of str or Path
        In any order; folders are searched to the bottom, hidden files left out, a file named twice counted once.

    Returns
    -------
    list of Source
        Ordered by path. A file of a known format whose header is damaged is listed with the caution 'unreadable'.

    Raises
    ------
    UnreadableImage
        A path does not exist, or nothing readable was found.
    """
    files = list_files(paths)
    sources, others = [], []
    for path in files:
        kind = SUFFIXES.get(suffix_of(path))
        if kind is None:
            others.append(path)
        elif kind == "table":
            sources.append(Source("table", str(path), (str(path),), title=path.name))
        elif not (kind == "analyze" and pair_of(path)[0] != path and pair_of(path)[0] in files):
            sources.append(_describe(path, kind))
    if others:
        from app.core.io import dicom

        sources += dicom.find_sources(others)
    if not sources:
        names = ", ".join(f"'{Path(path).name}'" for path in paths[:3])
        raise UnreadableImage(f"Nothing readable was found in {names or 'an empty list'}.",
                              "Choose a NIfTI, Analyze, NRRD, MetaImage or DICOM image, or a table of cases.")
    return sorted(sources, key=lambda source: (source.path, source.series))


def list_files(paths: Iterable[str | Path]) -> dict[Path, None]:
    """List every file under the given paths once, absolute, in order; `UnreadableImage` when a path does not exist."""
    found: dict[Path, Path] = {}
    for given in paths:
        path = locate(given)
        if not path.exists():
            raise damage.missing_file(path.name)
        for file in [path] if path.is_file() else _walk(path):
            found.setdefault(Path(os.path.realpath(file)), file)
    return dict.fromkeys(found.values())


def list_ignored(paths: Sequence[str | Path], sources: Sequence[Source]) -> list[str]:
    """Name the files, given by themselves, that no source took up, one sentence each."""
    used = {Path(os.path.realpath(file)) for source in sources for file in source.files}
    files = [Path(path).absolute() for path in paths if Path(path).is_file()]
    return [f"{file.name} is not an image, an outline or a table and was left out."
            for file in files if Path(os.path.realpath(file)) not in used]


def _walk(folder: Path) -> list[Path]:
    found = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__MACOSX")))
        found += [Path(root, name) for name in sorted(files) if not name.startswith(".") and _is_file(root, name)]
    return found


def _is_file(root: str, name: str) -> bool:
    """Whether it is a file that is there: a pipe or a device would be waited for without end."""
    try:
        f"{root}/{name}".encode()  # a name of bytes that are no text cannot be written down
        return stat.S_ISREG(os.stat(f"{root}/{name}").st_mode)  # noqa: PTH116  of ten thousands, this is the quickest
    except (OSError, ValueError):
        return False


def _describe(path: Path, kind: Kind) -> Source:
    files: tuple[Path, ...] = (path,)
    if kind == "analyze":
        files = tuple(half for half in pair_of(path) if half.is_file()) or files
        path = files[0]
    elif (detached := named_file(path)) is not None:
        files = (path, detached)
    names = tuple(str(file) for file in files)
    role = role_of(path)
    try:
        header = read_header(path)
    except UnreadableImage as error:
        damaged = (Caution("unreadable", str(error)),)
        return Source(kind, str(path), names, title=path.name, role_hint=role, cautions=damaged)
    geometry = header.geometry
    if kind == "analyze" and not header.convention:
        kind = "nifti"
    details = {"matrix": " x ".join(str(length) for length in geometry.shape),
               "spacing": " x ".join(f"{size:.3g}" for size in geometry.spacing) + " mm", "type": header.dtype}
    return Source(kind, str(path), names, title=path.name, role_hint="mask" if header.is_labels else role,
                  geometry=geometry, details=details, cautions=header.cautions,
                  acquisition=Acquisition(convention=header.convention))

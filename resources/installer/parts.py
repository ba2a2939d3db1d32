"""Whose files the frozen program is made of: read from what the installed distributions say of themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from resources.installer import notices
from resources.installer.contents import NAME, ROOT

CPYTHON, SYSTEM, OURS = "Python", "system", "liposcope"
Entry = tuple[str, str, str]


@dataclass(frozen=True)
class Part:
    """Something that the program contains.

    Parameters
    ----------
    name : str
        Of the distribution, 'Python', 'liposcope', or 'system' for a library of the machine that built.
    files : tuple of str
        Where they were taken from.
    """

    name: str
    files: tuple[str, ...]


def version() -> str:
    """Return the program's version."""
    import app

    return app.__version__


def owners() -> dict[str, str]:
    """Map every file of every installed distribution to the distribution's name."""
    found = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        for file in distribution.files or ():
            found[str(Path(str(distribution.locate_file(file))).resolve())] = name
    return found


def find_owners(entries: Iterable[Entry]) -> dict[str, tuple[str, str]]:
    """Tell whose each file is.

    Parameters
    ----------
    entries : iterable of (str, str, str)
        What PyInstaller has gathered: (place in the program, source, kind).

    Returns
    -------
    dict
        Place in the program to (name of the part, source). Links within the program have no source of their own.
    """
    known, found = owners(), {}
    library = str(Path(metadata.__file__).resolve().parents[2])
    for place, source, kind in entries:
        if not source or source == "-" or kind == "SYMLINK":
            continue
        path = str(Path(source).resolve())
        if path in known:
            name = known[path]
        elif path.startswith(str(ROOT)) and "site-packages" not in path:
            name = OURS
        elif path.startswith((library, sys.base_prefix)) or place == "base_library.zip":
            name = CPYTHON
        else:
            name = SYSTEM
        found[place.replace("\\", "/")] = (name, path)
    return found


def group(found: Mapping[str, tuple[str, str]]) -> list[Part]:
    """Make parts of what `find_owners` found, in order of their names."""
    grouped: dict[str, set[str]] = {}
    for name, path in found.values():
        grouped.setdefault(name, set()).add(path)
    return [Part(name, tuple(sorted(grouped[name]))) for name in sorted(grouped, key=str.lower)]


def describe(entries: Iterable[Entry], made: Path) -> list[Entry]:
    """Write the notices and a list of parts, and name the files to add to the program.

    Parameters
    ----------
    entries : iterable of (str, str, str)
        What PyInstaller has gathered: (place in the program, source, kind).
    made : Path
        The folder to write to.

    Returns
    -------
    list of (str, str, str)
        The notices, and what each distribution says of itself, for the program to read.
    """
    entries = list(entries)
    found = find_owners(entries)
    parts = group(found)
    text, told = notices.write(parts)
    (made / "NOTICES.txt").write_text(text, encoding="utf-8")
    (made / "parts.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    (made / "places.json").write_text(json.dumps({place: name for place, (name, _) in found.items()}), encoding="utf-8")
    added = [("NOTICES.txt", str(made / "NOTICES.txt"), "DATA")]
    for part in parts:
        if part.name in (CPYTHON, SYSTEM, OURS):
            continue
        distribution = metadata.distribution(part.name)
        added += [(file.as_posix(), str(distribution.locate_file(file)), "DATA") for file in distribution.files or ()
                  if file.name in ("METADATA", "entry_points.txt") and file.parent.name.endswith(".dist-info")
                  and file.as_posix() not in found]
    return added


def information() -> dict[str, Any]:
    """Make the macOS bundle's property list."""
    return {
        "CFBundleName": NAME,
        "CFBundleDisplayName": NAME,
        "CFBundleShortVersionString": version(),
        "CFBundleVersion": version(),
        "LSApplicationCategoryType": "public.app-category.medical",
        "LSMinimumSystemVersion": "12.0",
        "NSHighResolutionCapable": True,
        "NSRequiresAquaSystemAppearance": False,
        "NSHumanReadableCopyright": "Apache-2.0. Research use only, not a medical device.",
    }

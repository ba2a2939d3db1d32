"""The notices of third parties: name, version, licence and its text, for every part that the program contains."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from resources.installer.parts import Part

TEXTS = Path(__file__).resolve().parent / "licences"
_LICENCE_WORDS = ("licen", "copying", "notice", "authors")
# Distributions that come without the text of their licence: which of the standard texts is theirs, and whose they are.
WITHOUT_TEXT = {
    "flatbuffers": (("Apache-2.0",), "Copyright 2014 Google Inc."),
    "onnxruntime": (("MIT",), "Copyright (c) Microsoft Corporation"),
    "pyjpegls": (("MIT", "charls"), "Copyright (c) 2023 pyjpegls contributors"),
    "PySide6_Essentials": (("LGPL-3.0", "GPL-3.0", "qt"), "Copyright (C) The Qt Company Ltd. and other contributors"),
    "shiboken6": (("LGPL-3.0", "GPL-3.0"), "Copyright (C) The Qt Company Ltd. and other contributors"),
    "xgboost-cpu": (("Apache-2.0",), "Copyright (c) 2014-2026 XGBoost contributors"),
}
_RULE = "=" * 100
_HEAD = """THIRD-PARTY NOTICES

LipoScope is Apache-2.0 (LICENSE). It contains the parts below, each under its own licence.
Qt and PySide6 are used under the LGPL, version 3: they are the libraries of the folder PySide6, loaded when the program
starts, and whoever has the program may replace them by versions of his own that fit.
"""


class MissingText(Exception):
    """A part has no licence text that could be passed on."""


def write(parts: Sequence[Part]) -> tuple[str, list[dict[str, Any]]]:
    """Write the notices of all parts.

    Returns
    -------
    text : str
    told : list of dict
        `name`, `version` and `licence` of each part.

    Raises
    ------
    MissingText
        A distribution carries no licence and `WITHOUT_TEXT` does not know it.
    """
    from resources.installer.parts import OURS

    told, texts, contents = [], [], []
    for part in parts:
        if part.name == OURS:
            continue
        for name, version, licence, text in _describe(part):
            told.append({"name": name, "version": version, "licence": licence})
            contents.append(f"  {name} {version}: {licence}")
            texts.append(f"{_RULE}\n{name} {version}\n{licence}\n{_RULE}\n\n{text.strip()}\n")
    return "\n".join([_HEAD, *contents, "", *texts]), told


def _describe(part: Part) -> list[tuple[str, str, str, str]]:
    from resources.installer.parts import CPYTHON, SYSTEM

    if part.name == CPYTHON:
        places = (Path(sys.base_prefix) / "LICENSE.txt", Path(metadata.__file__).resolve().parents[2] / "LICENSE.txt")
        text = next((place.read_text(encoding="utf-8") for place in places if place.exists()), "")
        if not text:
            raise MissingText("Python's own LICENSE.txt was not found beside it.")
        return [("Python", sys.version.split()[0], "PSF-2.0", text)]
    if part.name == SYSTEM:
        return _describe_system(part.files)
    about = metadata.metadata(part.name)
    return [(part.name, about["Version"], licence_of(about), text_of(part.name))]


def licence_of(about: Any) -> str:
    """Read a distribution's licence in a few words."""
    expression = about.get("License-Expression")
    if expression:
        return str(expression)
    named = [line.rsplit("::", 1)[-1].strip() for line in about.get_all("Classifier") or () if "License ::" in line]
    named = [name for name in named if name != "OSI Approved"]
    return ", ".join(named) or (about.get("License") or "see its text").strip().splitlines()[0][:80]


def text_of(name: str) -> str:
    """Gather every licence file of a distribution.

    Raises
    ------
    MissingText
        There is none, here or in `WITHOUT_TEXT`.
    """
    distribution = metadata.distribution(name)
    found = {}
    for file in distribution.files or ():
        stem = file.name.lower()
        if any(stem.startswith(word) for word in _LICENCE_WORDS) and file.suffix not in (".py", ".pyc", ".pyi", ".h"):
            path = Path(str(distribution.locate_file(file)))
            text = path.read_text(encoding="utf-8", errors="replace").strip() if path.is_file() else ""
            if text and text not in found.values():
                found[file.as_posix()] = text
    if found:
        return "\n\n".join(f"-- {place}\n\n{text}" for place, text in found.items())
    if name not in WITHOUT_TEXT:
        raise MissingText(f"{name} comes without the text of its licence: add it to WITHOUT_TEXT in notices.py.")
    standard, holder = WITHOUT_TEXT[name]
    return "\n\n".join([holder, *((TEXTS / f"{text}.txt").read_text(encoding="utf-8") for text in standard)])


def _describe_system(files: Sequence[str]) -> list[tuple[str, str, str, str]]:
    """Describe libraries of the machine that built; on Debian and its kin their packages tell the licence."""
    if shutil.which("dpkg-query") is None:
        return [("System libraries", "", "each its own", "\n".join(sorted({Path(file).name for file in files})))]
    packages: dict[str, set[str]] = {}
    for file in files:
        packages.setdefault(_package_of(file), set()).add(Path(file).name)
    return [_describe_package(package, sorted(names)) for package, names in sorted(packages.items())]


def _package_of(file: str) -> str:
    """Find a file's Debian package; the merged /usr hides some files' old path."""
    for path in (file, file.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "-S", path], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0].split(",")[0].strip()
    raise MissingText(f"{file} belongs to no package, so that its licence cannot be told.")


def _describe_package(package: str, names: list[str]) -> tuple[str, str, str, str]:
    words = ["dpkg-query", "-W", "-f", "${Version}\n", package]
    shown = subprocess.run(words, capture_output=True, text=True, check=True)
    path = Path("/usr/share/doc") / package / "copyright"
    if not path.exists():
        raise MissingText(f"{package} has no {path}, so that its licence cannot be told.")
    text = path.read_text(encoding="utf-8", errors="replace")
    licences = dict.fromkeys(line.split(":", 1)[1].strip() for line in text.splitlines()
                             if line.startswith("License:") and line.split(":", 1)[1].strip())
    licence = ", ".join(licences) or "see its text"
    return f"{package} ({', '.join(names)})", shown.stdout.split()[0], licence[:200], text

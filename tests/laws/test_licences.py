"""Every part may be passed on under Apache-2.0's terms, and every part that another needs is pinned."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PINS = dict(line.split("==") for line in (ROOT / "resources" / "pins.txt").read_text(encoding="utf-8").split())
# Licences whose parts may stand in a program under Apache-2.0: permissive ones, and those of files or libraries that
# stay replaceable (MPL, LGPL).
COMPATIBLE = re.compile(
    r"MIT(-CMU)?( License)?|(The )?(\d-Clause )?BSD(-[23]-Clause)?( License)?|"
    r"Apache(-2\.0| Software License| License 2\.0)( WITH LLVM-exception)?|PSF-2\.0|Python Software Foundation License|"
    r"BSL-1\.0|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)|LGPL-3\.0-only|The Unlicense \(Unlicense\)")
# What the packages' own words leave open, read in the licence that they carry.
READ_BY_HAND = {"skops": "MIT", "umap-learn": "BSD-3-Clause", "scikit-fuzzy": "BSD-3-Clause"}
# Needed on another system, or for building alone: the first are read by hand, the second are no part of the program,
# and the loader that PyInstaller adds to it carries an exception for exactly that.
ELSEWHERE = {"macholib": "MIT", "pefile": "MIT", "pywin32-ctypes": "BSD-3-Clause"}
BUILDING = {"pyinstaller", "pyinstaller-hooks-contrib"}
TOOLS = BUILDING | {"altgraph"}
"""What `run.py build` installs, and nothing else does."""
NOT_PINNED = {"pip", "pyradiomics", "setuptools-scm"}


def is_here(name: str) -> bool:
    """Whether a part is to be looked at: all are, but for the tools of building where nothing was built."""
    return name not in ELSEWHERE and not (name in TOOLS and not any(metadata.distributions(name=name)))


def licence_of(name: str) -> str:
    if name in READ_BY_HAND or name in ELSEWHERE:
        return READ_BY_HAND.get(name) or ELSEWHERE[name]
    about = metadata.metadata(name)
    classes = [line.rsplit("::", 1)[-1].strip() for line in about.get_all("Classifier") or () if "License" in line]
    return str(about.get("License-Expression") or " AND ".join(classes) or about.get("License") or "").split("\n")[0]


def is_compatible(licence: str) -> bool:
    """One of several that may be chosen, or all of those that hold together."""
    return any(all(COMPATIBLE.fullmatch(part.strip(" ()") + (")" if "(" in part else ""))
                   for part in choice.split(" AND ")) for choice in licence.split(" OR "))


def test_every_part_may_be_passed_on():
    looked_at = [name for name in PINS if name in ELSEWHERE or (is_here(name) and name not in BUILDING)]
    refused = {name: licence_of(name) for name in looked_at if not is_compatible(licence_of(name))}
    assert refused == {}
    assert is_compatible(licence_of("pyradiomics"))


@pytest.mark.parametrize(("licence", "compatible"), [
    ("MIT", True), ("GPL-3.0-only", False), ("LGPL-3.0-only OR GPL-3.0-only", True), ("MIT AND GPL-2.0-only", False),
    ("GNU Affero General Public License v3", False), ("", False), ("OSI Approved", False), ("Proprietary", False)])
def test_licences_are_told_apart(licence, compatible):
    assert is_compatible(licence) is compatible


def test_what_stands_read_by_hand_needs_it_still():
    told = {name: str(metadata.metadata(name).get("License-Expression")) for name in READ_BY_HAND}
    assert [name for name, licence in told.items() if is_compatible(licence)] == []


def test_whatever_a_pinned_part_needs_is_pinned_too():
    pinned = {canonicalize_name(name) for name in PINS}
    missing = {}
    for name in PINS:
        if not is_here(name):
            continue
        needed = [Requirement(line) for line in metadata.requires(name) or ()]
        wanted = {canonicalize_name(each.name) for each in needed if each.marker is None or each.marker.evaluate({
            "extra": ""})}
        if left := wanted - pinned - NOT_PINNED:
            missing[name] = left
    assert missing == {}


def test_what_is_installed_is_what_is_pinned():
    others = {name: found for name, version in PINS.items() if is_here(name)
              and (found := metadata.version(name)).split("+")[0] != version}
    assert others == {}

"""Damage inside archives and JSON: members, their names, their sizes; values of other types and depths."""

from __future__ import annotations

import io
import json
import stat
import warnings
import zipfile
from typing import Any

import numpy as np

from tests.fuzz.bytewise import BYTEWISE
from tests.fuzz.sample import Layout

Rng = np.random.Generator

ODD_NAMES = ("../outside.txt", "/tmp/outside.txt",  # noqa: S108
             "..\\outside.txt", "C:\\outside.txt", "a/../../outside.txt",
             "a/b/c/d.txt", "x" * 300, "bundle.json", "nul\0byte", "con.txt", "порт.txt", "", ".", "model/", "~root/x",
             "\udcff.txt".encode("utf-8", "surrogateescape").decode("latin-1"))
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), -0.0, "", "x" * 5000, "nan", "../x",
    [], {}, [[]], [1, "a", None], {"a": {"b": {}}}, "\ud800", "\0", 0.5, "logistic", 1e-300)


def change_member(rng: Rng, content: bytes) -> bytes:
    """Damage one member and pack the archive again."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as source:
            members = {entry.filename: source.read(entry) for entry in source.infolist()}
    except (zipfile.BadZipFile, OSError):
        return content
    names = sorted(members)
    name = names[int(rng.integers(len(names)))]
    ways = [way for way in BYTEWISE if way != "voxel values"]
    if name.endswith(("json", "schema")) and rng.integers(2):
        members[name] = change_json(rng, members[name])
    elif name.endswith(".xml") and rng.integers(3):
        members[name] = _change_xml(rng, members[name])
    else:
        members[name] = BYTEWISE[ways[int(rng.integers(len(ways)))]](rng, members[name], Layout())
    return _pack(list(members.items()))


def odd_names(rng: Rng, content: bytes) -> bytes:
    """Members with names that lead elsewhere, twice the same name, links, and members too many."""
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        members = [(entry.filename, source.read(entry)) for entry in source.infolist()]
    n, way = int(rng.integers(len(members))), int(rng.integers(5))
    odd = ODD_NAMES[int(rng.integers(len(ODD_NAMES)))]
    if way == 0:
        members[n] = (odd, members[n][1])
    elif way == 1:
        members.append((odd, b"outside"))
    elif way == 2:
        members.append(members[n])
    elif way == 3:
        members += [(f"lipoma/{k}.txt", b"") for k in range(3000)]
    else:
        return _pack(members, link=members[n][0])
    return _pack(members)


def change_json(rng: Rng, content: bytes) -> bytes:
    """Another value, a lost or foreign name, or nesting without end."""
    try:
        values = json.loads(content)
    except (ValueError, RecursionError):
        return content
    way = int(rng.integers(8))
    if way == 0:
        deep = 200_000 if rng.integers(2) else 900
        return b'{"name": ' + b"[" * deep + b"]" * deep + b"}"
    if way == 1:
        return b'{"name": ' + b"9" * 6000 + b"}"
    places = list(_places(values))
    holder, key = places[int(rng.integers(len(places)))]
    if way == 2:
        del holder[key]
    elif way == 3 and isinstance(holder, dict):
        holder[f"{key}x"] = holder.pop(key)
    elif way == 4 and isinstance(holder[key], (int, float)):
        holder[key] = holder[key] * (-1, 1000, 1e-6, 1e9)[int(rng.integers(4))]
    elif way == 5 and isinstance(holder[key], list):
        holder[key] = holder[key] * 1000
    else:
        holder[key] = _VALUES[int(rng.integers(len(_VALUES)))]
    return json.dumps(values).encode("utf-8", "surrogatepass")


def _places(values: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    held = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in list(held):
        found.append((values, key))
        found += _places(value)
    return found


def _change_xml(rng: Rng, content: bytes) -> bytes:
    """Numbers and references of a sheet, and what only XML can do."""
    way = int(rng.integers(6))
    if way == 0:
        laughs = b"".join(b'<!ENTITY a%d "%s">' % (n + 1, b"&a%d;" % n * 10) for n in range(12))
        return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">' + laughs + b"]><x>&a12;</x>"
    if way == 1:
        return b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'
    cells = [b'r="A2"', b'r="B1"', b'r="E4"', b'ref="A1:E4"', b't="s"', b"<v>", b't="n"', b'r="2"']
    cell = cells[int(rng.integers(len(cells)))]
    others = [b'r="XFD1048576"', b'r="A0"', b'r="ZZZZ9"', b'ref="A1:XFD1048576"', b't="e"', b"<v>99999", b'r="-1"',
              b'r="1048576"', b't="b"', b't="inlineStr"']
    return content.replace(cell, others[int(rng.integers(len(others)))], 1)


def _pack(members: list[tuple[str, bytes]], link: str = "") -> bytes:
    packed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        warnings.simplefilter("ignore")
        for name, content in members:
            entry = zipfile.ZipInfo("x")
            entry.filename = name
            entry.compress_type = zipfile.ZIP_DEFLATED
            if name == link:
                entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            target.writestr(entry, content)
    return packed.getvalue()

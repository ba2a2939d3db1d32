"""What the frozen program weighs and what it is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOP = 20
CODE = "Python code of all parts, compressed"


def measure(folder: Path, places: Mapping[str, str]) -> dict[str, Any]:
    """Weigh a frozen program.

    Parameters
    ----------
    folder : Path
        The one-dir program.
    places : mapping of str
        Path inside the program's inner folder to the part that it belongs to.

    Returns
    -------
    dict
        `bytes`, `files`, `components` (largest first: name, bytes, files) and `largest` (path, bytes).
    """
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and not file.is_symlink()]
    sizes = {file.relative_to(folder).as_posix(): file.stat().st_size for file in files}
    components: dict[str, list[int]] = {}
    for path, size in sizes.items():
        weight = components.setdefault(_component(path, places), [0, 0])
        weight[0] += size
        weight[1] += 1
    ranked = sorted(components.items(), key=lambda each: -each[1][0])
    return {
        "bytes": sum(sizes.values()),
        "files": len(sizes),
        "components": [{"name": name, "bytes": size, "files": count} for name, (size, count) in ranked],
        "largest": [{"path": path, "bytes": sizes[path]}
                    for path in sorted(sizes, key=lambda path: -sizes[path])[:TOP]],
    }


def _component(path: str, places: Mapping[str, str]) -> str:
    inner = path.partition("/")[2] if path.startswith(("_internal/", "Contents/")) else path
    if inner in places:
        return places[inner]
    if "/" not in path:
        return CODE if path.startswith("LipoScope") else "liposcope"
    top = inner.split("/")[0].split(".")[0].split("-")[0]
    return next((part for place, part in places.items() if place.startswith(f"{top}/")), top)


def as_text(report: Mapping[str, Any], title: str) -> str:
    """Lay the report out as a page of text."""
    lines = [f"{title}: {megabytes(report['bytes'])} MB in {report['files']} files"]
    lines += [f"{name}: {megabytes(size)} MB" for name, size in report.get("artefacts", {}).items()]
    lines += ["", "By component"]
    shown, rest = report["components"][:TOP], report["components"][TOP:]
    lines += [f"{megabytes(each['bytes']):>9}  {each['name']}" for each in shown]
    if rest:
        lines.append(f"{megabytes(sum(each['bytes'] for each in rest)):>9}  {len(rest)} more")
    lines += ["", f"The {TOP} largest files"]
    lines += [f"{megabytes(each['bytes']):>9}  {each['path']}" for each in report["largest"]]
    return "\n".join(lines) + "\n"


def megabytes(size: int) -> str:
    """Write a size in MB (10**6 bytes)."""
    return f"{size / 1e6:.1f}"


def write(report: Mapping[str, Any], title: str, stem: Path) -> None:
    """Write the report beside the artefact, as JSON and as text."""
    stem.with_name(f"{stem.name}.size.json").write_text(json.dumps(report, indent=1), encoding="utf-8")
    stem.with_name(f"{stem.name}.size.txt").write_text(as_text(report, title), encoding="utf-8")

"""Small questions about a case's files, as JSON of `CaseFiles` and of a view."""

from __future__ import annotations

from typing import Any


def shown_side(view: dict[str, Any]) -> str:
    """Return how an Analyze file is shown, 'las' or 'ras', from what its reading says."""
    said = [str(image.get("acquisition", {}).get("convention", "")) for image in view.get("images", {}).values()]
    return "ras" if "read as RAS" in " ".join(said) else "las"


def series_key(files: dict[str, Any], about: str) -> str:
    """Return where in `series` an answer belongs: the sequence or 'mask' that a question is about."""
    if about in files["images"] or about == "mask":
        return about
    if about and about == files.get("mask"):
        return "mask"
    return next((name for name, path in files["images"].items() if path == about), next(iter(files["images"])))


def identity_of(files: dict[str, Any]) -> tuple[Any, ...]:
    """Return what makes two drops the same case."""
    return (tuple(sorted(files["images"].items())), files.get("mask"), files.get("roi"), files.get("label"),
            tuple(sorted((files.get("series") or {}).items())), files.get("id"))

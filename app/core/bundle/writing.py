"""Writing a bundle, whole or not at all, and finding bundles again."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.core.bundle.model import Bundle
from app.core.bundle.reading import canonical, sha256
from app.core.bundle.specification import (
    CARD,
    EVALUATION,
    PIPELINE,
    RESAMPLES,
    SPECIFICATION,
    WEIGHTS,
    Specification,
)
from app.core.errors import InputError
from app.core.files import staged_folder


def check_target(folder: Path) -> None:
    """Refuse to put a model where something else lies: a bundle takes the place of nothing but a bundle.

    Raises
    ------
    InputError
        The folder holds files that are no model's, or is a file.
    """
    own = {SPECIFICATION, PIPELINE, RESAMPLES, WEIGHTS, EVALUATION, CARD}
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if (folder.exists() and not folder.is_dir()) or (held and not {SPECIFICATION} <= held <= own):
        raise InputError(
            f"{folder.name} already exists and is no model; it would be replaced.", "Choose a new folder for the model."
        )


def pack(model: Any) -> bytes:
    """A fitted classifier, or a list of them, as the bytes of a .skops file."""
    from app.core.bundle.archive import dumps

    return bytes(dumps(model, compression=zipfile.ZIP_DEFLATED, compresslevel=6))


def write_bundle(
    folder: Path,
    specification: Specification,
    card: str,
    evaluation: Mapping[str, Any],
    pipeline: Any = None,
    resamples: Sequence[Any] = (),
    weights: bytes | None = None,
) -> Bundle:
    """Write a bundle whole or not at all.

    Parameters
    ----------
    folder : Path
        Takes the place of an older bundle of that name.
    specification : Specification
        Its `files` and `digest` are filled in here.
    card : str
        Markdown.
    evaluation : mapping
        Performance, JSON.
    pipeline : fitted TunedClassifier, optional
        For a `PipelineEstimator`, or a `NetworkEstimator` whose features it learned from.
    resamples : sequence
        Its refits on resamples, as `refit_resamples` gives them.
    weights : bytes, optional
        For a `NetworkEstimator`: what `pack_tensors` gives.

    Returns
    -------
    Bundle
        As it reads back.

    Raises
    ------
    InputError
        As `check_target` does.
    """
    check_target(folder)
    contents: dict[str, bytes] = {CARD: card.encode(), EVALUATION: canonical(evaluation)}
    if pipeline is not None:
        contents[PIPELINE] = pack(pipeline)
        if resamples:
            contents[RESAMPLES] = pack(list(resamples))
    if weights is not None:
        contents[WEIGHTS] = weights
    values = specification.model_dump(mode="json")
    values |= {"files": {name: sha256(data) for name, data in contents.items()}, "digest": ""}
    values["digest"] = sha256(canonical(values))
    contents[SPECIFICATION] = canonical(values)
    with staged_folder(folder, replace=True) as staged:
        for name, data in contents.items():
            (staged / name).write_bytes(data)
    return Bundle.load(folder)


def find_bundles(folders: Sequence[Path]) -> dict[str, Path]:
    """Bundles by name; earlier folders win. What is still being written has a name that begins with a dot."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*/{SPECIFICATION}")):
            if not path.parent.name.startswith("."):
                found.setdefault(path.parent.name, path.parent)
    return found

"""Reading a bundle: every byte is verified against its hash, and no file is loaded that holds what no model has."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

from app.core.bundle.specification import SCHEMA, SPECIFICATION, Specification
from app.core.errors import BundleError, RecipeError

_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError, ValueError, AttributeError,
            ArithmeticError, RuntimeError, SyntaxError, AssertionError, TokenError)
"""What skops and numpy say of a file that was not written by them."""
COPY_AGAIN = "Copy it again from where it was made."


def sha256(data: bytes) -> str:
    """Hash of a file's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(values: Mapping[str, Any]) -> bytes:
    """The one way in which JSON is written in a bundle."""
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def read_specification(folder: Path) -> Specification:
    """Read `bundle.json` and check that it is what was written.

    Raises
    ------
    BundleError
        It is not there, was changed, has another schema, or does not validate.
    """
    name = folder.name
    try:
        raw = (folder / SPECIFICATION).read_bytes()
        values = json.loads(raw)
        digest, version = values["digest"], values["schema_version"]
        written, unsigned = canonical(values), canonical({**values, "digest": ""})
    except OSError as error:
        raise BundleError(
            f"'{name}' is not a model: it holds no readable {SPECIFICATION}.",
            "Choose a model's folder, or one of the names that 'models list' shows.",
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(
            f"The model '{name}' is damaged: its {SPECIFICATION} is not what was written.", COPY_AGAIN
        ) from error
    if version != SCHEMA:
        raise BundleError(
            f"The model '{name}' has schema {version}, this program reads schema {SCHEMA}.",
            "Use the program's version that made it, or train it again.",
        )
    if written != raw or sha256(unsigned) != digest:
        raise BundleError(
            f"The model '{name}' is damaged: its {SPECIFICATION} was changed after it was written.", COPY_AGAIN
        )
    try:
        return Specification.parse(values)
    except RecipeError as error:
        raise BundleError(f"The model '{name}' cannot be used. {error.message}", "Train it again.") from error


def verify_files(folder: Path, listed: Mapping[str, str]) -> None:
    """Check that a bundle holds the files of its specification, each with its hash, and no others.

    Raises
    ------
    BundleError
        A file is missing, added or changed.
    """
    name = folder.name
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    added = sorted(found - set(listed) - {SPECIFICATION})
    if added:
        raise BundleError(
            f"The model '{name}' holds a file that does not belong to it: {added[0]}.",
            "Remove the file, or copy the model again from where it was made.",
        )
    for file, expected in listed.items():
        if file not in found:
            raise BundleError(f"The model '{name}' lacks its file {file}.", COPY_AGAIN)
        if sha256((folder / file).read_bytes()) != expected:
            raise BundleError(f"The model '{name}' is damaged: {file} was changed after it was written.", COPY_AGAIN)


def read_classifier(path: Path) -> Any:
    """The `TunedClassifier` of a bundle.

    Raises
    ------
    BundleError
        The file holds something else, or a classifier that cannot be run safely.
    """
    from app.core.classify.saved import is_sound
    from app.core.classify.tuned import TunedClassifier

    model = _read_skops(path)
    if not isinstance(model, TunedClassifier) or not is_sound(model):
        raise _no_model(path)
    return model


def read_refits(path: Path) -> list[Any]:
    """The refits of a bundle's classifier on resamples; errors as for `read_classifier`."""
    from app.core.classify.saved import is_sound

    refits = _read_skops(path)
    if not isinstance(refits, list) or not all(map(is_sound, refits)):
        raise _no_model(path)
    return refits


def _no_model(path: Path) -> BundleError:
    return BundleError(
        f"The file {path.name} of the model '{path.parent.name}' holds no classifier that this program has made.",
        "It is not used. Train it again, or ask whoever sent it.",
    )


def _read_skops(path: Path) -> Any:
    from app.core.bundle.archive import get_untrusted_types, load
    from app.core.classify.saved import TRUSTED

    name = path.parent.name
    if not zipfile.is_zipfile(path):
        raise BundleError(f"The model '{name}' has no readable {path.name}.", "Train it again.")
    try:
        foreign = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
        if not foreign:
            return load(path, trusted=list(TRUSTED))
    except _DAMAGED as error:
        raise BundleError(
            f"The file {path.name} of the model '{name}' cannot be read as a classifier.",
            "It is not used. Train it again, or ask whoever sent it.",
        ) from error
    raise BundleError(
        f"The model '{name}' holds an object that no model of this program has ({foreign[0]}).",
        "It is not loaded. Train it again, or ask whoever sent it.",
    )

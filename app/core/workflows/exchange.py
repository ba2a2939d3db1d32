"""Models come and go as one file or one folder; nothing enters the library that does not verify to its last byte."""

from __future__ import annotations

import errno
import json
import shutil
import stat
import tempfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import Any

from app.core.bundle import SPECIFICATION, Bundle, find_bundles
from app.core.errors import BundleError, InputError
from app.core.files import staged_file, staged_folder
from app.core.jobs import Report
from app.core.paths import data_folder, program_folder
from app.core.requests import ExchangeRequest
from app.core.workflows.models import note_import, open_bundle

MOST_FILES = 64
MOST_BYTES = 2**30
"""A model with a network's weights has some hundred megabytes; an archive that unpacks to more is no model."""
_PIECE = 2**20
_BEGINNING = (1980, 1, 1, 0, 0, 0)
_ENCRYPTED = 0x1


def export_model(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Hand on a model: as a .zip file, the same bytes every time, or as a folder; its networks also as ONNX.

    Parameters
    ----------
    request : dict
        An `ExchangeRequest`: `model`, its name or folder; `out`, a name that ends in .zip, or a new folder; `onnx`, a
        name that ends so, in the place of `out` or beside it.

    Returns
    -------
    dict
        `written`, `name`, `digest`; with `onnx` also its `difference` and `opset`, see `onnx_files.write_onnx`.

    Raises
    ------
    BundleError
        The model does not verify, or a network answers otherwise in ONNX.
    InputError
        No target is named, something lies there, or no network of the model answers.
    """
    ask = ExchangeRequest.parse(request)
    if not ask.out and not ask.onnx:
        raise InputError(
            "'models export' needs a place to write to.", "Use --out FILE.zip, --out FOLDER or --onnx FILE.onnx."
        )
    report(0.0, "Verifying the model")
    bundle = _verify(open_bundle(ask.model).folder)
    told: dict[str, Any] = {"written": []}
    if ask.onnx:
        from app.core.workflows.onnx_files import write_onnx

        told = write_onnx(bundle, Path(ask.onnx), lambda share, words: report(0.1 + 0.7 * share, words))
    if ask.out:
        report(0.8, "Writing the model")
        _write(bundle, Path(ask.out))
        told = {**told, "written": [str(Path(ask.out)), *told["written"]]}
    report(1.0, "Done")
    return {**told, "name": bundle.specification.name, "digest": bundle.specification.digest}


def _write(bundle: Bundle, out: Path) -> None:
    """Write a .zip file, or a folder."""
    files = _own_files(bundle)
    if out.suffix.lower() == ".zip":
        with staged_file(out) as stage, zipfile.ZipFile(stage, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in files:
                entry = zipfile.ZipInfo(f"{bundle.specification.name}/{name}", _BEGINNING)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, (bundle.folder / name).read_bytes())
    else:
        with staged_folder(out) as stage:
            _copy(bundle, stage)


def import_model(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Bring a model into the user's library.

    Parameters
    ----------
    request : dict
        An `ExchangeRequest`: `model`, a .zip file or a folder; `replace`, whether an older model of the same name may
        give way.

    Returns
    -------
    dict
        `written`, `name`, `digest`, `cautions`.

    Raises
    ------
    BundleError
        It is no model, or does not verify.
    InputError
        The library has another model of that name.
    """
    ask = ExchangeRequest.parse(request)
    source = Path(ask.model)
    if not source.exists():
        raise InputError(f"There is nothing at {source}.", "Give a model's .zip file or folder.")
    with tempfile.TemporaryDirectory() as scratch:
        report(0.0, "Reading the model")
        folder = source if source.is_dir() else _unpack(source, Path(scratch))
        report(0.5, "Verifying the model")
        bundle = _verify(folder)
        name = bundle.specification.name
        target = data_folder() / "models" / name
        _check_place(bundle, target, replace=ask.replace)
        report(0.8, "Taking the model into the library")
        with staged_folder(target, replace=True) as stage:
            _copy(bundle, stage)
    report(1.0, "Done")
    taken = Bundle.load(target)
    note_import(name, taken.specification.digest)
    return {
        "written": [str(target)],
        "name": name,
        "digest": taken.specification.digest,
        "cautions": _say_what_lacks(taken),
    }


def _verify(folder: Path) -> Bundle:
    """Load a bundle with everything in it: hashes, schema, and that no file holds what no model has."""
    bundle = Bundle.load(folder)
    bundle.read_all()
    return bundle


def _own_files(bundle: Bundle) -> list[str]:
    return sorted([SPECIFICATION, *bundle.specification.files])


def _copy(bundle: Bundle, stage: Path) -> None:
    for name in _own_files(bundle):
        shutil.copyfile(bundle.folder / name, stage / name)


def _check_place(bundle: Bundle, target: Path, *, replace: bool) -> None:
    """Refuse a name that is taken: a shipped model's is never given away."""
    name, digest = bundle.specification.name, bundle.specification.digest
    shipped = find_bundles([program_folder() / "models"])
    if name in shipped and Bundle.load(shipped[name]).specification.digest != digest:
        raise InputError(
            f"A model of this program is named '{name}', and the one to import is another.",
            "Ask its maker for one of another name.",
        )
    if target.exists() and not replace and _digest(target) != digest:
        raise InputError(
            f"The library has another model named '{name}'.", "Use --replace if this one shall take its place."
        )


def _digest(folder: Path) -> str:
    try:
        return str(json.loads((folder / SPECIFICATION).read_text(encoding="utf-8")).get("digest"))
    except (OSError, ValueError, AttributeError):
        return ""


def _say_what_lacks(bundle: Bundle) -> list[dict[str, str]]:
    wanted = bundle.specification.comparator
    known = find_bundles([data_folder() / "models", program_folder() / "models"])
    if wanted is None or wanted in known:
        return []
    return [{"code": "no_comparator", "message": f"It is compared with the model '{wanted}', which the library lacks."}]


def _unpack(path: Path, scratch: Path) -> Path:
    """Unpack an archive of one flat folder; what a model's archive never holds is refused before it is written."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _check_entries(path.name, archive)
            folder = scratch / (path.stem or "model")
            folder.mkdir()
            left = MOST_BYTES
            for name, entry in entries.items():
                left = _write_piecewise(path.name, archive, entry, folder / name, left)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _not_readable(path) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):  # the disk's own fault, not that of a place the archive names
            raise
        raise _not_readable(path) from error
    return folder


def _not_readable(path: Path) -> BundleError:
    return BundleError(f"{path.name} is not a readable .zip file.", "Export the model again, or copy the file again.")


def _check_entries(archive_name: str, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The files of the archive by their names inside the model's folder."""
    entries: dict[str, zipfile.ZipInfo] = {}
    folders: set[tuple[str, ...]] = set()
    for entry in archive.infolist():
        if entry.filename.endswith("/"):
            continue
        name = entry.orig_filename
        path = PurePosixPath(name)
        odd = "\\" in name or ":" in name or "\0" in name or path.is_absolute() or ".." in path.parts or not path.name
        link = stat.S_ISLNK(entry.external_attr >> 16)
        if odd or link or entry.flag_bits & _ENCRYPTED or path.name in entries or len(path.parts) > 2:
            raise BundleError(
                f"{archive_name} holds something that no model has ({name[:80]!r}).", "It is not unpacked."
            )
        folders.add(path.parts[:-1])
        entries[path.name] = entry
    if len(folders) > 1 or SPECIFICATION not in entries:
        raise BundleError(f"{archive_name} is not one model: it needs one folder with a {SPECIFICATION}.",
                          "Give what 'models export' wrote.")
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries.values()) > MOST_BYTES:
        raise BundleError(f"{archive_name} would unpack to more than any model has.", "It is not unpacked.")
    return entries


def _write_piecewise(
    archive_name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int
) -> int:
    """Write a file and return how many bytes may still come; the sizes that an archive states are not believed."""
    with archive.open(entry) as source, target.open("wb") as written:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise BundleError(f"{archive_name} would unpack to more than any model has.", "It is not unpacked.")
            written.write(piece)
    return left

"""The pictures of a cohort on disk: cut once, named after what they come from, read back case by case."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Affine, Prepared
from app.core.deep.crops import Crops, make_crops
from app.core.errors import InputError
from app.core.files import staged_file, staged_folder, write_atomically
from app.core.jobs import Report
from app.core.network_recipe import CropRecipe

VERSION = 1
"""Of how pictures are cut: another one names other files, so that no old picture is taken for a new one."""
_REMEDY = "Cut the pictures again."


@dataclass(frozen=True)
class Source:
    """Where a case's pictures come from.

    Parameters
    ----------
    case : str
        The user's name for it; only its hash is stored.
    key : str
        Hash of the case's files and of how they are prepared.
    prepare : callable
        Gives the prepared case; only called where its pictures are not on disk.
    """

    case: str
    key: str
    prepare: Callable[[], Prepared]


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures of several cases, one after the other.

    Parameters
    ----------
    values : array of float32, shape (n, channels, y, x) or (n, channels, z, y, x)
    owners : array of int, shape (n,)
        Index of each picture's case among those that were asked for; rising.
    """

    values: NDArray[np.float32]
    owners: NDArray[np.int_]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.values)


class ImageSet:
    """Pictures of a cohort, memory-mapped.

    Parameters
    ----------
    path : Path
        The index, from `build_image_set`.

    Attributes
    ----------
    recipe : CropRecipe
    digest : str
        Names the pictures of all cases together: the same cases, prepared and cut alike, have the same.

    Raises
    ------
    InputError
        There is no such index.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            index = json.loads(self.path.read_text(encoding="utf-8"))
            self.recipe = CropRecipe.parse(index["recipe"])
            folders: dict[str, str] = dict(index["cases"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path.name} does not list any pictures.", _REMEDY) from error
        self._folders = {name: self.path.parent / folder for name, folder in folders.items()}
        self.digest = self.path.stem
        self._told: dict[Path, dict[str, Any]] = {}

    def __contains__(self, case: str) -> bool:
        """Whether the case has pictures here."""
        return _hash(case) in self._folders

    def __len__(self) -> int:
        """How many cases there are."""
        return len(self._folders)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture."""
        return self.recipe.shape

    def count(self, case: str) -> int:
        """How many pictures a case has."""
        return len(self._details(case)["positions"])

    def owners(self, cases: Sequence[str]) -> NDArray[np.int_]:
        """Index among `cases` of every picture that `take` gives, shape (n,), without reading any."""
        return np.repeat(np.arange(len(cases)), [self.count(case) for case in cases])

    def take(self, cases: Sequence[str]) -> Pictures:
        """Read all pictures of some cases, in the order of the cases.

        Raises
        ------
        InputError
            A case has no pictures here.
        """
        owners = self.owners(cases)
        values = np.empty((len(owners), *self.shape), dtype=np.float32)
        for place, case in enumerate(cases):
            values[owners == place] = self._widen(self._read(case, "values"))
        return Pictures(values, owners)

    def read(self, case: str, picture: int) -> NDArray[np.float32]:
        """Read one picture of a case, shape (channels, y, x) or (channels, z, y, x)."""
        return np.array(self._widen(self._read(case, "values")[picture : picture + 1])[0])

    def outlines(self, case: str) -> NDArray[np.bool_]:
        """Where the tumour is on a case's pictures, shape (slices, y, x) or (1, z, y, x)."""
        return np.array(self._read(case, "outlines"))

    def positions(self, case: str) -> tuple[int, ...]:
        """Index of each picture's slice, as in `Crops`."""
        return tuple(self._details(case)["positions"])

    def affines(self, case: str) -> Affine:
        """Pixel to world, mm, shape (pictures, 4, 4), as in `Crops`."""
        return np.array(self._details(case)["affines"])

    def _details(self, case: str) -> dict[str, Any]:
        folder = self._folder(case)
        if folder not in self._told:
            try:
                self._told[folder] = json.loads((folder / "details.json").read_text(encoding="utf-8"))
            except (OSError, ValueError) as error:
                raise InputError("Pictures of a case are gone from the disk.", _REMEDY) from error
        return self._told[folder]

    def _read(self, case: str, what: str) -> NDArray[Any]:
        try:
            mapped: NDArray[Any] = np.load(self._folder(case) / f"{what}.npy", mmap_mode="r")
        except (OSError, ValueError) as error:
            raise InputError("Pictures of a case are gone from the disk.", _REMEDY) from error
        return mapped

    def _folder(self, case: str) -> Path:
        try:
            return self._folders[_hash(case)]
        except KeyError:
            raise InputError(f"There are no pictures of the case {case}.", _REMEDY) from None

    def _widen(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Repeat the grey channel, which is stored once."""
        if not _is_repeated(self.recipe):
            return values
        return np.concatenate([np.repeat(values[:, :1], self.recipe.channels, axis=1), values[:, 1:]], axis=1)

    def __reduce__(self) -> tuple[type[ImageSet], tuple[Path]]:
        return ImageSet, (self.path,)


def build_image_set(
    root: str | Path, sources: Iterable[Source], recipe: CropRecipe, report: Report | None = None
) -> ImageSet:
    """Cut the pictures that are not on disk yet, and list those of all cases.

    Each case's pictures lie in a folder named after their content's origin, so that a run that was stopped goes on
    where it was, and cohorts share the cases that they share.

    Parameters
    ----------
    root : path
        Where the pictures of every cohort lie.
    sources : iterable of Source
        Each case once.
    recipe : CropRecipe
    report : callable, optional
        Told after each case; may raise `Cancelled`.

    Raises
    ------
    InputError
        A case is listed twice, or cannot be cut; see `make_crops`.
    """
    root, listed, cases = Path(root), list(sources), {}
    for number, source in enumerate(listed):
        name, folder = _hash(source.case), name_pictures(source.key, recipe)
        if name in cases:
            raise InputError(f"The case {source.case} is listed twice.", "List each case once.")
        if not (root / folder / "details.json").is_file():
            write_pictures(root / folder, make_crops(source.prepare(), recipe), recipe)
        cases[name] = folder
        if report is not None:
            report((number + 1) / len(listed), f"Pictures of case {number + 1} of {len(listed)}")
    settings = recipe.model_dump(mode="json")
    digest = _hash(json.dumps([VERSION, settings, sorted(cases.items())], sort_keys=True))
    path = root / f"{digest}.json"
    write_atomically(path, json.dumps({"recipe": settings, "cases": cases}, indent=1).encode())
    return ImageSet(path)


def name_pictures(key: str, recipe: CropRecipe) -> str:
    """Name the folder of a case's pictures after what they come from and how they are cut."""
    return _hash(json.dumps([VERSION, key, recipe.model_dump(mode="json")], sort_keys=True))


def hash_prepared(prepared: Prepared) -> str:
    """Hash what a prepared case shows: its voxels, outlines and places, and not its name."""
    told = hashlib.sha256()
    for sequence in sorted(prepared.images):
        for gridded in (prepared.images[sequence], prepared.masks[sequence]):
            told.update(json.dumps([sequence, gridded.voxels.shape, gridded.affine.tolist()]).encode())
            told.update(np.ascontiguousarray(gridded.voxels).tobytes())
    return told.hexdigest()


def write_pictures(folder: Path, crops: Crops, recipe: CropRecipe) -> None:
    """Write one case's pictures, all of them or nothing."""
    values = crops.values
    if _is_repeated(recipe):
        values = np.concatenate([values[:, :1], values[:, recipe.channels :]], axis=1)
    with staged_folder(folder, replace=True) as stage:
        np.save(stage / "values.npy", values)
        np.save(stage / "outlines.npy", crops.outlines)
        details = {"positions": list(crops.positions), "affines": crops.affines.tolist()}
        with staged_file(stage / "details.json") as path:
            path.write_text(json.dumps(details), encoding="utf-8")


def _is_repeated(recipe: CropRecipe) -> bool:
    return recipe.channels > 1 and recipe.set != "neighbours"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]

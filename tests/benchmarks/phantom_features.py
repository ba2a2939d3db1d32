"""Features of phantom cases without files between: each is drawn and measured in memory, and kept as it is finished."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pandas as pd

from app.core.data import Case
from app.core.phantom import bayes_score, make_case, make_sites
from app.core.preprocess.chain import prepare
from app.core.radiomics.extract import extract
from app.core.recipe import PrepRecipe, RadiomicsRecipe, Recipe

CONTEXT = ("patient", "label", "site", "vendor", "field_strength", "age", "sex", "location", "best")
"""Columns that describe a case; `best` is its exact log likelihood ratio, which no classifier can beat."""


@dataclass(frozen=True)
class Phantoms:
    """Which phantom cases: those of the cohort that belongs to `seed`, from case `first` on."""

    seed: int
    sites: int
    signal: float
    first: int
    count: int


def measure_phantoms(wanted: Phantoms, recipe: Recipe, keep: Path | None, jobs: int = 1) -> pd.DataFrame:
    """Draw and measure, or read what was measured before.

    Parameters
    ----------
    wanted : Phantoms
    recipe : Recipe
        Its preprocessing and features.
    keep : Path, optional
        Folder of finished cases, one line each; a run that was broken off goes on there.
    jobs : int
        Processes.

    Returns
    -------
    DataFrame
        `CONTEXT` and the features, a row per case.
    """
    assert recipe.features is not None
    told = json.dumps([recipe.prep.model_dump(mode="json"), recipe.features.model_dump(mode="json")])
    name = f"{wanted.seed}-{wanted.sites}-{wanted.signal:g}-{hashlib.sha256(told.encode()).hexdigest()[:12]}.jsonl"
    path = None if keep is None else keep / name
    found = {} if path is None or not path.exists() else dict(_read_lines(path))
    numbers = range(wanted.first, wanted.first + wanted.count)
    missing = [number for number in numbers if number not in found]
    work = partial(measure_phantom, wanted.seed, wanted.sites, wanted.signal, recipe.prep, recipe.features)
    with _runner(min(jobs, len(missing))) as run:
        for number, row in zip(missing, run(work, missing), strict=True):
            found[number] = row
            if path is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"number": number, **row}) + "\n")
    return pd.DataFrame([found[number] for number in numbers])


def measure_phantom(seed: int, sites: int, signal: float, prep: PrepRecipe, features: RadiomicsRecipe,
                    number: int) -> dict[str, object]:
    """Draw and measure one case; a feature that has no value is None."""
    drawn = make_case(number, seed=seed, signal=signal, sites=make_sites(sites, seed))
    case = Case(drawn.id, {"image": drawn.image}, drawn.mask, {"image": drawn.acquisition})
    row = extract(prepare(case, prep), features).as_dict()
    context = (drawn.id, drawn.label, f"{seed}-{drawn.site.name}", drawn.site.vendor, drawn.site.field_strength,
               drawn.reading["age"], drawn.reading["sex"], drawn.reading["location"], bayes_score(drawn.parameters))
    return {**dict(zip(CONTEXT, context, strict=True)),
            **{name: float(value) if math.isfinite(value) else None for name, value in row.items()}}


def _read_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """Whole lines only: the last may have been broken off."""
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            row = json.loads(line)
            yield row.pop("number"), row


@contextmanager
def _runner(jobs: int) -> Iterator[object]:
    """`map`, or one over processes."""
    if jobs < 2:
        with _one_thread_each():
            yield map
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_use_one_thread) as pool:
        yield pool.map


@contextmanager
def _one_thread_each() -> Iterator[None]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        yield


def _use_one_thread() -> None:
    from threadpoolctl import threadpool_limits

    threadpool_limits(limits=1)


def feature_columns(table: pd.DataFrame, part: str) -> list[str]:
    """Names of the features of a '2D' set (the largest slice), a '3D' one, or of both ('all')."""
    names = [name for name in table.columns if name not in CONTEXT]
    if part == "all":
        return names
    return [name for name in names if name.startswith("slice-") == (part == "2D")]


def drop_useless(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Leave out features that are constant, have no value, or repeat an earlier one; as training does."""
    values = table[list(names)].astype(float)
    telling: Iterable[str] = [name for name in names if values[name].nunique() > 1]
    return list(values[list(telling)].T.drop_duplicates().index)

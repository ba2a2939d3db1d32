"""Measuring cases: one case at a time, each kept as soon as it is finished, and none able to end the others.

What crosses from a worker is a row of numbers with what must be said about it, never a voxel.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from app.core.data import Acquisition, Caution, Volume
from app.core.errors import AppError, Failure, RecipeError
from app.core.io.source import stem_of
from app.core.jobs import Report, describe_failure
from app.core.jobs.failures import outline_traceback
from app.core.paths import logs_folder
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import RadiomicsRecipe, Recipe
from app.core.requests import CaseFiles
from app.core.workflows.finished import FinishedCases, program_digest
from app.core.workflows.parallel import run_each

ACQUISITION = ("manufacturer", "model", "field_strength", "repetition_time", "echo_time", "thickness", "kernel")
SHORTEST_NAME = 4
"""A shorter file name tells nobody's, and might be a number of the sentence itself."""


def measure_cases(
    cases: Sequence[CaseFiles],
    recipe: Recipe,
    report: Report,
    *,
    jobs: int = 1,
    cache: str | Path | None = None,
    cluster: str | None = None,
    tls: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Measure cases, or recall those that were measured before.

    Parameters
    ----------
    cases : sequence of CaseFiles
        Their sequences may differ.
    recipe : Recipe
        Preparation and features.
    report : callable
        Told after each case; may raise `Cancelled`, which leaves the finished cases kept.
    jobs : int
        Processes on this machine.
    cache : path, optional
        The folder of finished cases; without it nothing is recalled or kept.
    cluster : str, optional
        The URL of a Dask scheduler, whose workers measure in place of this machine's processes.
    tls : mapping, optional
        Its certificate files: 'ca', 'cert', 'key'.

    Returns
    -------
    list of dict
        In the order of `cases`: `names` (tuple), `values` (float64, NaN where missing), `acquisition` by sequence,
        `cautions` (code, message), `seconds`, `reused`; or `error`, a sentence.

    Raises
    ------
    RecipeError
        The recipe measures nothing, or something that does not exist.
    """
    from app.core.radiomics.extract import check_recipe

    sequences = sorted({sequence for case in cases for sequence in case.images})
    check_recipe(_wanted(recipe), sequences)
    program = program_digest()
    requests = [
        {
            "case": case.model_dump(mode="json"),
            "recipe": for_sequences(recipe, list(case.images), sequences).model_dump(mode="json"),
            "cache": str(cache) if cache is not None else None,
            "program": program,
        }
        for case in cases
    ]
    tally = _Tally()
    if cluster is None:
        return run_each(
            measure_case, requests, jobs, report, "Measuring case", tell=tally.tell, lost=lose_case, isolate=True
        )
    from app.core.workflows.cluster import measure_on_cluster

    return measure_on_cluster(requests, cluster, dict(tls or {}), report, tell=tally.tell, lost=lose_case)


def measure_case(request: dict[str, Any]) -> dict[str, Any]:
    """Measure one case, or recall it; the work of a worker process.

    Parameters
    ----------
    request : dict
        `case`, `recipe`, `cache` (a folder or null), `program`.

    Returns
    -------
    dict
        As `measure_cases` lists them.
    """
    files = CaseFiles.parse(request["case"])
    try:
        recalled, key = recall_case(request)
        if recalled is not None:
            return recalled
        record = _measure(files, Recipe.parse(request["recipe"]))
    except Exception as error:  # noqa: BLE001 - whatever a case meets is told in its own row and ends no other
        return explain(error)
    keep_case(request, key, record)
    return _as_answer(record, reused=False)


def recall_case(request: dict[str, Any]) -> tuple[dict[str, Any] | None, str]:
    """Look a case up among the finished ones.

    Returns
    -------
    answer : dict or None
        As `measure_case` gives it; None when it has to be measured.
    key : str
        Its name among them; empty when there is no cache, or when its files cannot be read.
    """
    if request["cache"] is None:
        return None, ""
    finished = FinishedCases(request["cache"], request["program"])
    files = CaseFiles.parse(request["case"])
    key = ""
    with suppress(OSError, AppError):  # what is wrong with a file is told when it is read
        key = finished.key(files, Recipe.parse(request["recipe"]))
    record = finished.find(key) if key else None
    if record is None:
        return None, key
    told = [(code, _tell_names(message, files)) for code, message in record["cautions"]]
    return _as_answer({**record, "cautions": told}, reused=True), key


def keep_case(request: dict[str, Any], key: str, record: dict[str, Any]) -> None:
    """Keep what was measured, without the names of its files; a full disk loses the record and not the answer."""
    if not key:
        return
    files = CaseFiles.parse(request["case"])
    hidden = [(code, _hide_names(message, files)) for code, message in record["cautions"]]
    with suppress(OSError):
        FinishedCases(request["cache"], request["program"]).keep(key, {**record, "cautions": hidden})


def column_names(names: Sequence[str], files: CaseFiles, several: bool) -> Sequence[str]:
    """Begin a lone sequence's features with its name, where the cohort has several."""
    if not several or len(files.images) > 1:
        return names
    [sequence] = files.images
    return [name if name in SIZE_NAMES else f"{sequence}_{name}" for name in names]


def as_record(answer: dict[str, Any]) -> dict[str, Any]:
    """Turn an answer back into the record that is kept."""
    values = [value if math.isfinite(value) else None for value in answer["values"].tolist()]
    kept = {name: answer[name] for name in ("acquisition", "cautions", "seconds")}
    return {"features": dict(zip(answer["names"], values, strict=True)), **kept}


def lose_case(_request: dict[str, Any], failure: Failure) -> dict[str, Any]:
    """Answer for a case whose process died."""
    return {"error": f"{failure.message} {failure.remedy}"}


def _measure(files: CaseFiles, recipe: Recipe) -> dict[str, Any]:
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare
    from app.core.radiomics.extract import extract

    begun = time.perf_counter()
    case = load_case(files)
    prepared = prepare(case, recipe.prep)
    row = extract(prepared, _wanted(recipe)).as_dict()
    missing = sum(not math.isfinite(value) for value in row.values())
    cautions = [*prepared.cautions]
    if missing:
        told = f"{missing} of {len(row)} features have no value for this outline."
        cautions.append(Caution("missing_features", told))
    return {
        "features": {name: value if math.isfinite(value) else None for name, value in row.items()},
        "acquisition": {name: _tags(volume, case.acquisition[name]) for name, volume in case.images.items()},
        "cautions": [(caution.code, caution.message) for caution in cautions],
        "seconds": time.perf_counter() - begun,
    }


def _wanted(recipe: Recipe) -> RadiomicsRecipe:
    if recipe.features is None:
        raise RecipeError(f"The recipe '{recipe.name}' measures nothing.", "Choose one with features.")
    return recipe.features


def _tags(volume: Volume, acquisition: Acquisition) -> dict[str, Any]:
    """Say how an image was made; spacing along (i, j, k) in mm, the field in tesla, times in ms."""
    tags = {name: value for name, value in asdict(acquisition).items() if name in ACQUISITION}
    spacing = {f"spacing_{axis}": round(size, 6) for axis, size in zip("ijk", volume.geometry.spacing, strict=True)}
    return {**{name: value if value != "" else None for name, value in tags.items()}, **spacing}


def _as_answer(record: dict[str, Any], *, reused: bool) -> dict[str, Any]:
    values = [math.nan if value is None else value for value in record["features"].values()]
    return {
        "names": tuple(record["features"]),
        "values": np.array(values, dtype=np.float64),
        "acquisition": record["acquisition"],
        "cautions": [tuple(caution) for caution in record["cautions"]],
        "seconds": record["seconds"],
        "reused": reused,
    }


def explain(error: Exception) -> dict[str, str]:
    """Answer for a case that met a failure; an unforeseen one is written in full in the log of cohorts."""
    failure = describe_failure(error)
    if failure.kind != "unexpected":
        options = "; ".join(str(option["value"]) for option in failure.extra.get("options", []))
        listed = f"There are: {options}." if options else ""
        return {"error": " ".join(filter(None, (failure.message, failure.remedy, listed)))}
    with suppress(AppError, OSError), (logs_folder() / "cohort.log").open("a", encoding="utf-8") as log:
        log.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')}\n{outline_traceback(error)}\n")
    return {"error": f"Something unforeseen happened ({type(error).__name__}). Details are in the log of cohorts."}


def for_sequences(recipe: Recipe, own: Sequence[str], every: Sequence[str]) -> Recipe:
    """Adapt a choice of features, which names those of every sequence, to the sequences that a case has."""
    if recipe.features is None or recipe.features.names is None or len(every) < 2:
        return recipe
    kept = []
    for name in recipe.features.names:
        sequence = next((each for each in sorted(every, key=len, reverse=True) if name.startswith(f"{each}_")), None)
        if sequence is None or (sequence in own and len(own) > 1):
            kept.append(name)
        elif sequence in own:
            kept.append(name.removeprefix(f"{sequence}_"))
    features = recipe.features.model_copy(update={"names": tuple(dict.fromkeys(kept))})
    return recipe.model_copy(update={"features": features})


def _names(files: CaseFiles) -> Iterator[tuple[re.Pattern[str], str, str]]:
    """Give what a sentence may quote of a case's files, as a pattern, with its stand-in in what is kept."""
    quoted = {f"image {sequence}": path for sequence, path in files.images.items()}
    quoted |= {"outline": files.mask} if files.mask else {}
    for what, path in quoted.items():
        for word, name in ((f"<{what}>", Path(path).name), (f"<{what}, stem>", stem_of(path))):
            if len(name) >= SHORTEST_NAME:
                yield re.compile(rf"(?<![\w.]){re.escape(name)}(?!\w)"), name, word


def _hide_names(message: str, files: CaseFiles) -> str:
    for pattern, _, word in sorted(_names(files), key=lambda each: -len(each[1])):
        message = pattern.sub(word, message)
    return message


def _tell_names(message: str, files: CaseFiles) -> str:
    for _, name, word in _names(files):
        message = message.replace(word, name)
    return message


class _Tally:
    """Puts each answer into words as it comes, and lets rows of the same features share one tuple of names."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], tuple[str, ...]] = {}

    def tell(self, request: dict[str, Any], answer: dict[str, Any]) -> str:
        name = request["case"]["id"]
        if "error" in answer:
            return f"{name} failed: {answer['error']}"
        names = answer["names"]
        answer["names"] = self._known.setdefault(names, names)
        return f"{name} was measured before" if answer["reused"] else f"{name} measured"

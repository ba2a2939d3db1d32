"""Kills of scoring, extracting, training and saving: what is finished stays, what is half-written is never seen."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from app.core.bundle import Bundle
from app.core.jobs import run_workflow
from app.core.paths import data_folder
from tests.faults.killing import Extent, Work, kill_at, measure, run_child
from tests.faults.material import RECIPE, quiet, write_cohort, write_training
from tests.faults.tally import Tally, hidden_in, visible_in


def do(workflow: str, request: dict[str, Any]) -> Work:
    """A workflow as work for a child."""
    return lambda: run_workflow(f"app.core.workflows:{workflow}", request, quiet)


def is_whole(path: Path) -> bool:
    """Whether a file that a user sees is all there."""
    content = path.read_bytes()
    if path.suffix == ".json":
        try:
            json.loads(content)
        except ValueError:
            return False
        return True
    if path.suffix == ".gz":
        import nibabel

        try:
            return bool(nibabel.load(path).get_fdata().size)
        except (OSError, EOFError, ValueError):
            return False
    ends = {".html": b"</html>", ".pdf": b"%%EOF", ".png": b"IEND\xaeB`\x82", ".csv": b"\n", ".md": b"\n"}
    return content.rstrip(b"\n" if path.suffix not in (".csv", ".md") else b"").endswith(ends.get(path.suffix, b""))


def _campaign(name: str, work: Callable[[int], Work], folder: Path, rng: Random, kills: int, extent: Extent,
              look: Callable[[Tally], None]) -> Tally:
    """Kill a work so often, and look at what it leaves each time."""
    tally, begun, number = Tally(name), time.monotonic(), 0
    while tally.kills < kills and number < 3 * kills:
        number += 1
        ended = kill_at(work(number), folder, extent.draw(rng))
        if ended.trouble:
            tally.losses.append(f"{name}: {ended.trouble.strip().splitlines()[-1]}")
        tally.kills += ended.killed
        look(tally)
    tally.seconds = time.monotonic() - begun
    return tally


def _finish(tally: Tally, work: Work, *folders: Path) -> None:
    """Do the work to its end; afterwards nothing may lie about."""
    ended = run_child(work)
    if ended.trouble:
        tally.losses.append(f"{tally.name}: the last run fails: {ended.trouble.strip().splitlines()[-1]}")
    tally.leftovers = sum(len(hidden_in(folder)) for folder in folders)


def _broken(tally: Tally, folder: Path) -> None:
    tally.losses += [f"{path.name} is half-written" for path in visible_in(folder) if not is_whole(path)]


def scoring(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill the scoring of a table whose reports are written."""
    table, out = write_cohort(folder / "cohort"), folder / "out"
    work = do("score_cohort", {"table": str(table), "model": "lipoma-size", "out": str(out), "jobs": 1})
    extent = measure(work, folder, afresh=lambda: shutil.rmtree(out))
    first = _answers(out)
    finished: set[str] = set()

    def look(tally: Tally) -> None:
        nonlocal finished
        _broken(tally, out)
        found = _answers(out)
        tally.losses += [f"the score of {case} is gone" for case in finished - set(found)]
        tally.losses += [f"the score of {case} is another" for case in found if found[case] != first[case]]
        tally.states[f"with {len(found)} of {len(first)} scores"] += 1
        finished = set(found)
        if len(found) == len(first):
            shutil.rmtree(out)
            finished = set()

    shutil.rmtree(out)
    tally = _campaign("scoring", lambda _n: work, folder, rng, kills, extent, look)
    _finish(tally, work, folder)
    if _answers(out) != first:
        tally.losses.append("the last run scores otherwise than the first")
    return tally


def _answers(out: Path) -> dict[str, float]:
    return {path.parent.name: json.loads(path.read_bytes())["probability"] for path in out.glob("*/score.json")
            if is_whole(path)}


def extracting(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill the measuring of a cohort; finished cases are not measured again."""
    table, out, cache = write_cohort(folder / "cohort"), folder / "features.csv", folder / "cache"
    work = do("extract", {"source": str(table), "recipe": RECIPE, "out": str(out), "cache": str(cache), "jobs": 1})

    def clear() -> None:
        out.unlink()
        shutil.rmtree(cache)

    extent = measure(work, folder, afresh=clear)
    first = out.read_bytes()
    clear()
    before: dict[Path, int] = {}

    def look(tally: Tally) -> None:
        nonlocal before
        records = {path: path.stat().st_mtime_ns for path in (cache / "cases").rglob("*.json")
                   if not path.name.startswith(".")}
        _broken(tally, cache)
        tally.losses += ["a finished case was lost or measured again" for path, when in before.items()
                         if records.get(path) != when]
        if out.exists() and out.read_bytes() != first:
            tally.losses.append("the table is another")
        tally.states[f"with {len(records)} of 4 cases{' and the table' if out.exists() else ''}"] += 1
        before = records
        if out.exists():
            clear()
            before = {}

    tally = _campaign("extracting", lambda _n: work, folder, rng, kills, extent, look)
    _finish(tally, work, folder)
    if out.read_bytes() != first:
        tally.losses.append("the last run measures otherwise than the first")
    return tally


def training(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill a training; finished folds are kept, and the model is there as a whole or not at all."""
    out, keep = data_folder() / "models" / "mine", folder / "keep"
    work = do("train", write_training(folder, out, keep=str(keep), jobs=1))

    def clear() -> None:
        for path in (out, keep):
            shutil.rmtree(path)

    extent = measure(work, folder, afresh=clear)
    first = _held_out(out)
    clear()
    before: dict[Path, int] = {}

    def look(tally: Tally) -> None:
        nonlocal before
        _broken(tally, keep)
        folds = {path: path.stat().st_mtime_ns for path in visible_in(keep)}
        tally.losses += ["a finished fold was lost or fitted again" for path, when in before.items()
                         if folds.get(path) != when]
        saved = out.exists()
        if saved and _held_out(out) != first:
            tally.losses.append("the model is another")
        tally.states[f"with {len(folds)} of 4 folds{' and the model' if saved else ''}"] += 1
        before = folds
        if saved:
            clear()
            before = {}

    tally = _campaign("training", lambda _n: work, folder, rng, kills, extent, look)
    _finish(tally, work, folder)
    if _held_out(out) != first:
        tally.losses.append("the last run learns otherwise than the first")
    return tally


def _held_out(model: Path) -> Any:
    bundle = Bundle.load(model)
    _ = bundle.pipeline, bundle.resamples
    evaluation = bundle.evaluation()
    return evaluation["models"][evaluation["saved"]]["out_of_fold"]


def saving(folder: Path, rng: Random, kills: int) -> Tally:
    """Kill the saving of a model in the place of an older one: the library has the one or the other."""
    out = data_folder() / "models" / "mine"
    ended = run_child(do("train", write_training(folder, out, jobs=1)))
    if ended.trouble:
        raise RuntimeError(ended.trouble)
    package = folder / "mine.zip"
    run_child(do("export_model", {"model": "mine", "out": str(package)}))
    original = _title()
    known = {original}

    def work(number: int) -> Work:
        if number % 3 == 0:
            known.add(original)
            return do("import_model", {"model": str(package), "replace": True})
        known.add(f"title {number}")
        return do("finish_model", {"model": "mine", "title": f"title {number}", "purpose": "A test."})

    extent = measure(work(1), data_folder())

    def look(tally: Tally) -> None:
        at_once = out.exists()
        title = _title()
        tally.losses += [f"the library lists {title!r}"] if title not in known else []
        tally.states["brought back" if not at_once else "as before" if title == look.last else "replaced"] += 1
        look.last = title
        known.intersection_update({title})
        tally.leftovers += len(hidden_in(data_folder() / "models"))

    look.last = _title()  # type: ignore[attr-defined]
    return _campaign("saving", work, data_folder(), rng, kills, extent, look)


def _title() -> str:
    """The title of the one model of the user's own, as the library lists it; else what is wrong."""
    listed = run_workflow("app.core.workflows:list_models", {}, quiet)["models"]
    own = [model for model in listed if model["home"] != "shipped"]
    if len(own) != 1:
        return f"{len(own)} models: {[model['name'] for model in own]}"
    return str(own[0]["title"]) if own[0]["verified"] else f"a broken model: {own[0]['problem']}"

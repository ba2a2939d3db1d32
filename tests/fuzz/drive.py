"""What the program does with what was dropped, step by step, and how each step ended."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.core.data import Caution
from app.core.errors import AppError
from app.core.jobs import describe_failure
from tests.fuzz.sample import Sample

MODEL = "lipoma-size"
_NO_MEMORY = ("bad_alloc", "allocate memory", "out of memory")
_LONGEST = 600


@dataclass(frozen=True)
class Answer:
    """What a score said: the volume, the cautions, the outline's and the image's voxels as digests."""

    volume_ml: float
    cautions: frozenset[Caution] = frozenset()
    outline: str = ""
    grey: str = ""


@dataclass
class Course:
    """How a drop went: sentences of refusal, answers by case, and faults that must not be."""

    refusals: list[str] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rows: int = 0
    told: list[str] = field(default_factory=list)

    def step(self, name: str, work: Callable[[], Any], *, disk: bool = False) -> Any:
        """Carry out a step; `disk` : a full or closed disk may be told by the operating system's own error."""
        try:
            found = work()
            json.dumps(found, default=str).encode()
        except Exception as error:  # noqa: BLE001  what the engine would tell the window
            self._judge(name, error, disk)
            return None
        return found

    def _judge(self, name: str, error: Exception, disk: bool) -> None:
        failure = describe_failure(error)
        sentence = f"{name}: {failure.message} {failure.remedy}".strip()
        origin = f"{type(error).__name__}({str(error)[:200]}) {failure.traceback.splitlines()[-2:]}"
        if not isinstance(error, AppError) and not (disk and failure.kind == "input"):
            self.faults.append(f"{name}: {origin}")
        elif _is_about_memory(error):
            self.faults.append(f"{name}: memory was asked for before the refusal: {origin}")
        elif len(sentence) > _LONGEST or not sentence.isprintable():
            self.faults.append(f"{name}: no sentence: {sentence[:200]!r} ... ({len(sentence)} letters)")
        self.refusals.append(sentence)


def drive_case(
    folder: Path, sample: Sample, scratch: Path, *, paths: list[str] | None = None, image: str | None = None,
    mask: str | None = None, disk: bool = False, out: Path | None = None,
) -> Course:
    """Drop a folder, look at its case and score it; then the same with the files named by hand."""
    from app.core.workflows.score import score_case
    from app.core.workflows.view import identify_drop, view_case

    course = Course()
    image = str(folder / sample.image) if image is None else image
    mask = str(folder / sample.mask) if mask is None else mask
    named = {"id": "case", "images": {"image": image}, "mask": mask, **sample.given}
    found = course.step("identify", lambda: identify_drop({"paths": paths or [str(folder)]}, _ignore), disk=disk)
    course.told += found["notes"] if found else []
    cases = [{**case, **sample.given} for case in (found or {}).get("cases", [])][:4]
    cases += [named] if not any(_is_same(case, named) for case in cases) else []
    for case in cases:
        seen = course.step("view", lambda case=case: view_case({"case": case, "folder": str(scratch)}, _ignore),
                           disk=disk)
        problem = (seen or {}).get("mask_problem")
        if problem and problem["kind"] in ("unexpected", "engine"):
            course.faults.append(f"view: the outline's problem: {problem['message']} {problem['traceback'][-300:]}")
        request = {"case": case, "model": MODEL, "out": str(out) if out else None}
        score = course.step("score", lambda request=request: score_case(request, _ignore), disk=disk)
        if score is not None:
            course.answers.append(_answer(score, seen))
    return course


def drive_table(folder: Path, sample: Sample, scratch: Path) -> Course:
    """Drop a table, read it as a plain one, and score its rows."""
    from app.core.io.table import read_table
    from app.core.workflows.score import score_cohort
    from app.core.workflows.view import identify_drop

    course, table = Course(), folder / str(sample.given["table"])
    found = course.step("identify", lambda: identify_drop({"paths": [str(table)]}, _ignore))
    course.told += found["notes"] if found else []
    frame = course.step("read", lambda: read_table(table).to_dict("list"))
    course.rows = max((len(column) for column in (frame or {}).values()), default=0)
    if course.rows > 200:
        return course
    scored = course.step("score", lambda: score_cohort(
        {"table": str(table), "model": MODEL, "out": str(scratch / "out")}, _ignore))
    for result in (scored or {}).get("results", []):
        error = result.get("error")
        if error is None:
            course.answers.append(_answer(result, None))
        elif error["kind"] in ("unexpected", "engine"):
            course.faults.append(f"score: a row's error is '{error['message']}'")
        else:
            course.refusals.append(error["message"])
    return course


def drive_recipe(folder: Path, sample: Sample, scratch: Path) -> Course:
    """Read a recipe, list it among the user's own, save it, prepare and measure a tiny case by it."""
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare
    from app.core.radiomics.extract import extract
    from app.core.requests import CaseFiles
    from app.core.workflows.recipes import find_recipe, list_recipes, save_recipe
    from tests.fuzz.mutations import samples_of

    course, path = Course(), folder / "own.json"
    own = Path(os.environ["LIPOSCOPE_DATA"], "recipes")
    own.mkdir(parents=True, exist_ok=True)
    for old in own.iterdir():
        old.unlink()
    recipe = course.step("read", lambda: find_recipe(str(path)))
    if path.is_file():
        shutil.copyfile(path, own / "mine.json")
    listed = course.step("list", lambda: list_recipes({}, _ignore))
    course.refusals += [problem["message"] for problem in (listed or {}).get("problems", [])]
    if recipe is None:
        return course
    course.step("save", lambda: save_recipe({"recipe": recipe.model_dump(mode="json")}, _ignore))
    case = samples_of("nifti")[0]
    case.write(scratch, {})
    loaded = load_case(CaseFiles(id="case", images={"image": str(scratch / case.image)}, mask=str(scratch / case.mask)))
    prepared = course.step("prepare", lambda: _Opaque(prepare(loaded, recipe.prep)))
    if prepared is not None and recipe.features is not None:
        course.step("measure", lambda: list(extract(prepared.value, recipe.features).names))
    course.answers.append(Answer(0.0))
    return course


def drive_bundle(folder: Path, sample: Sample, scratch: Path) -> Course:
    """Import a model, look at it, and score with it; and find it in the library as it is."""
    from app.core.workflows.exchange import import_model
    from app.core.workflows.models import list_models, show_model, verify_models
    from app.core.workflows.score import score_case
    from tests.fuzz.mutations import samples_of

    course = Course()
    library = Path(os.environ["LIPOSCOPE_DATA"], "models")
    shutil.rmtree(library, ignore_errors=True)
    source = folder / "model.zip" if "model.zip" in sample.files else folder / "model"
    if source.is_dir():
        shutil.copytree(source, library / "dropped")
        course.step("list", lambda: list_models({}, _ignore))
        course.step("verify", lambda: verify_models({"model": str(source)}, _ignore))
        shutil.rmtree(library)
    taken = course.step("import", lambda: import_model({"model": str(source)}, _ignore))
    if (folder.parent / "outside.txt").exists() or Path("/tmp/outside.txt").exists():  # noqa: S108
        course.faults.append("import: a file was written outside the model's folder")
    if taken is None:
        return course
    course.step("show", lambda: show_model({"model": taken["name"]}, _ignore))
    case = samples_of("nifti")[0]
    case.write(scratch, {})
    request = {"case": {"id": "case", "images": {"image": str(scratch / case.image)},
                        "mask": str(scratch / case.mask)}, "model": str(library / taken["name"])}
    score = course.step("score", lambda: score_case(request, _ignore))
    if score is not None:
        course.answers.append(_answer(score, None))
    return course


class _Opaque:
    """A value that is not JSON, and need not be."""

    def __init__(self, value: Any) -> None:
        self.value = value


def _answer(score: Mapping[str, Any], seen: Mapping[str, Any] | None) -> Answer:
    cautions = frozenset(Caution(each["code"], each["message"]) for each in score["cautions"])
    shown = next(iter(seen["images"].values())) if seen else {}
    volume = float(score["features"]["volume_ml"])
    return Answer(volume, cautions, _digest(shown.get("mask")), _digest(shown.get("array")))


def _digest(path: str | None) -> str:
    return hashlib.sha256(np.load(path).tobytes()).hexdigest()[:16] if path else ""


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return list(one["images"].values()) == list(other["images"].values()) and one["mask"] == other["mask"]


def _is_about_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or any(word in str(error) for word in _NO_MEMORY):
            return True
        error = error.__cause__ or error.__context__
    return False


def _ignore(_fraction: float, _message: str) -> None:
    return None

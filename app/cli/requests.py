"""From the words of a command line to the request of a workflow."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.core.data import Score
from app.core.errors import InputError
from app.core.paths import program_folder
from app.core.preprocess.nyul import load_landmarks
from app.core.requests import CaseFiles

TABLES = (".csv", ".tsv", ".xlsx", ".parquet")
MODEL_WORKFLOWS = {"list": "list_models", "show": "show_model", "verify": "verify_models", "import": "import_model",
                   "export": "export_model", "build": "ship_models"}
OF_NETWORKS = ("network", "attention")
SCORE_KEYS = tuple(name for name in Score.__dataclass_fields__ if name not in OF_NETWORKS)
"""Of a score's file; those of networks are absent from one that was written before there were any."""
CASE_CHOICES = ("image", "series", "roi", "mask_label", "orientation", "site", "set")
N4_SETTINGS = ("engine", "levels", "iterations", "mesh", "shrink", "tolerance", "fwhm", "noise", "bins", "mean_one")


def add_anonymise(command: argparse.ArgumentParser) -> None:
    """Add the switch that leaves out of what is written whatever tells a patient."""
    said = "numbers in place of names; no paths, dates or scanners in what is printed and written"
    command.add_argument("--anonymise", action="store_true", help=said)


def choose_workflow(options: argparse.Namespace) -> str:
    """The workflow's name: some commands have one for each kind of input or action."""
    if options.command == "models":
        if options.action in ("show", "export", "import") and not options.name:
            needs = "a .zip file or a folder" if options.action == "import" else "a model's name"
            raise InputError(f"'models {options.action}' needs {needs}.", "'models list' shows the library.")
        return MODEL_WORKFLOWS[options.action]
    if options.command == "score" and _is_cohort(options):
        return "score_cohort"
    workflow = options.workflow
    return str(workflow(options) if callable(workflow) else workflow)


def path_word(text: str) -> str:
    """A path; an empty word would mean the working directory."""
    if not text:
        raise argparse.ArgumentTypeError("a path is expected, not an empty word")
    return text


def at_least_one(text: str) -> int:
    """A number of processes."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def at_least_nought(text: str) -> int:
    """A seed of everything random."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 0 or more")
    return int(text)


def whole_numbers(text: str) -> int | tuple[int, ...]:
    """'4', or '4,4,1'."""
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither a whole number nor several of them, as in 4,4,1"
        ) from error
    return numbers[0] if len(numbers) == 1 else numbers


def one_or_three(text: str) -> int | tuple[int, ...]:
    """'4' for every axis, or '4,4,1' along (i, j, k)."""
    numbers = whole_numbers(text)
    if isinstance(numbers, tuple) and len(numbers) != 3:
        raise argparse.ArgumentTypeError(
            f"'{text}' holds {len(numbers)} factors, one or three are expected, as in 4,4,1"
        )
    return numbers


def convert_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `ConvertRequest`."""
    return {
        "source": options.source,
        "target": options.target,
        "roi": options.roi,
        "orientation": options.orientation,
        "jobs": options.jobs,
    }


def n4_request(options: argparse.Namespace) -> dict[str, Any]:
    """An `N4Request`."""
    settings = {name: getattr(options, name) for name in N4_SETTINGS if getattr(options, name) is not None}
    return {
        "image": options.image,
        "out": options.out,
        "mask": options.mask,
        "field": options.field,
        "settings": settings,
    }


def normalise_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `NormaliseRequest`; landmarks imply the method that uses them."""
    settings: dict[str, Any] = {"method": "nyul"} if options.landmarks else {}
    settings |= {name: getattr(options, name) for name in ("method", "region") if getattr(options, name) is not None}
    if options.landmarks:
        settings["landmarks"] = load_landmarks(options.landmarks)
    return {"image": options.image, "out": options.out, "mask": options.mask, "settings": settings}


def landmarks_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `LandmarksRequest`."""
    return {"table": options.cohort, "out": options.out, "sequence": options.sequence}


def _is_cohort(options: argparse.Namespace) -> bool:
    (*_, path) = options.inputs
    return len(options.inputs) == 1 and path.lower().endswith(TABLES) and not Path(path).is_dir()


def score_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `ScoreRequest`, or a `ScoreCohortRequest` when the only input is a table."""
    settings = {
        "model": options.model,
        "prevalence": options.prevalence,
        "error_rate": options.error_rate,
        "threshold": options.threshold,
        "out": options.out,
        "anonymise": options.anonymise,
    }
    if _is_cohort(options):
        own = [f"--{name.replace('_', '-')}" for name in CASE_CHOICES if getattr(options, name)]
        if own:
            raise InputError(
                f"{own[0]} is a choice about one case, and {options.inputs[0]} is a table.",
                "Give it as a column of the table.",
            )
        return {"table": options.inputs[0], "jobs": options.jobs, **settings}
    return {"case": _case(options).model_dump(mode="json"), **settings}


def _case(options: argparse.Namespace) -> CaseFiles:
    if len(options.inputs) > 2:
        raise InputError(
            f"'score' takes an image and an outline, or a table; {len(options.inputs)} paths were given.",
            "Give further sequences with --image SEQ=PATH.",
        )
    for path in options.inputs:
        if not Path(path).exists():
            raise InputError(f"There is nothing at {path}.", "Check the path.")
    choices = {
        "roi": options.roi,
        "label": options.mask_label,
        "orientation": options.orientation,
        "site": options.site,
        "reading": read_pairs(options.set, "--set"),
        "series": read_pairs(options.series, "--series"),
    }
    given = {name: value for name, value in choices.items() if value not in (None, {})}
    if len(options.inputs) == 1:
        from app.core.io.identify import identify
        from app.core.io.pairing import pair

        found = pair(identify(options.inputs)).cases
        if len(found) != 1:
            raise InputError(
                f"{options.inputs[0]} holds {len(found)} pairs of an image and an outline, 'score' takes one.",
                "Give the image and the outline, or a table of cases.",
            )
        files = found[0]
        images = {**files.images, **read_pairs(options.image, "--image")}
        return files.model_copy(update={**given, "images": images})
    image, mask = options.inputs
    further = read_pairs(options.image, "--image")
    if "image" in further:
        raise InputError(
            "--image image=PATH would take the place of the first path.", "Name the sequence, as in t2=PATH."
        )
    images = {"image": str(Path(image).absolute())}
    images |= {name: str(Path(path).absolute()) for name, path in further.items()}
    return CaseFiles.parse(
        {"id": case_name(Path(image)), "images": images, "mask": str(Path(mask).absolute()), **given}
    )


def case_name(image: Path) -> str:
    """A case's name from its image's path: what the file's name says of the patient, or else the folder's."""
    from app.core.io.names import read_name, subject_folder
    from app.core.io.source import stem_of

    subject = read_name(stem_of(image)).subject if image.is_file() else ""
    return subject or subject_folder(image.resolve().parent if image.is_file() else image.resolve()).name


def read_pairs(words: list[str], flag: str) -> dict[str, str]:
    """What a flag that may be given several times says, NAME=VALUE each."""
    pairs = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not value:
            raise InputError(f"{flag} got '{word}', NAME=VALUE is expected.", "Put an equals sign between them.")
        pairs[name] = value
    return pairs


def evaluate_request(options: argparse.Namespace) -> dict[str, Any]:
    """An `EvaluateRequest`."""
    columns = {name: getattr(options, name) for name in ("label", "positive", "patient", "site")}
    return {"bundle": options.bundle, "table": options.table, **columns, "out": options.out, "jobs": options.jobs,
            "anonymise": options.anonymise}  # fmt: skip


def models_request(options: argparse.Namespace) -> dict[str, Any]:
    """An `ExchangeRequest`, or what the library's other actions take."""
    if options.action in ("import", "export"):
        return {"model": options.name, "out": options.out, "onnx": options.onnx, "replace": options.replace}
    out = options.out or str(program_folder() / "models")
    return {"model": options.name, "out": out, "jobs": options.jobs}


def demo_request(options: argparse.Namespace) -> dict[str, Any]:
    """A `DemoRequest`."""
    seed = {} if options.seed is None else {"seed": options.seed}
    return {
        "kind": options.kind,
        "out": options.out,
        "cases": options.cases,
        "sites": options.sites,
        "signal": options.signal,
        "jobs": options.jobs,
        **seed,
    }

"""What networks cost on this computer's processor: parameters, an epoch, a scored case, memory, frozen features."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch

from app.core.deep.augment import make_vary
from app.core.deep.device import find_device
from app.core.deep.estimator import NetworkClassifier
from app.core.deep.fit import Epoch, train_network
from app.core.deep.image_set import ImageSet, Source, build_image_set
from app.core.deep.networks import build_network
from app.core.deep.phases import list_phases
from app.core.deep.predict import Sample, gather_cases, predict_logits, spread_over_views, to_probability
from app.core.deep.weights import hash_file, start_network
from app.core.io.case import load_case
from app.core.jobs import run_workflow
from app.core.network_recipe import NetworkRecipe
from app.core.preprocess.chain import prepare
from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from tests.benchmarks.timing import Row, peak_memory

CORES = 2
TRAINING_CASES, SLICES = 54, 10
"""Of 85 cases: four folds of five, less those that are watched; and pictures of a case where every slice counts."""
RUNS = 3
HEAVY = ("resnet", "densenet")
SHIPPED_MODELS = ("lipoma-size", "lipoma-phantom-demo", "lipoma-phantom-cnn")


def describe_costs(recipes: list[Recipe]) -> list[Row]:
    """Time every network on made-up pictures, and a score with every shipped model on the demonstration case."""
    return [*(describe_network(recipe) for recipe in recipes), *(score_demo(model) for model in SHIPPED_MODELS)]


def describe_network(recipe: Recipe) -> Row:
    """Parameters; an epoch and an answer on two threads, by the clock and in processor time."""
    asked = recipe.network
    assert asked is not None
    network = asked.model_copy(update={"weights": None})
    count, heavy = build_network(network).count_parameters(), asked.kind.startswith(HEAVY)
    each = SLICES if asked.crop.set in ("slices", "neighbours") else 1
    pictures = TRAINING_CASES * min(each, asked.crop.most or each)
    row: Row = {"what": recipe.name, "parameters": count.total, "pictures": pictures, "load": os.getloadavg()[0]}
    with peak_memory(pause=0.5) as peak:
        if asked.tune:
            clock, spent = time_epoch(network, 4 if heavy else 64)
            row |= {"epoch_s": clock * pictures, "epoch_cpu_s": spent * pictures}
        row |= time_answer(network, min(each, asked.crop.most or each))
    return row | {"peak_mb": peak.mb}


def time_epoch(recipe: NetworkRecipe, pictures: int) -> tuple[float, float]:
    """Seconds for a picture of the last phase: by the clock, and of the processor; the quietest of some epochs."""
    rng = np.random.default_rng(0)
    values, labels = rng.random((pictures, *recipe.crop.shape), dtype=np.float32), np.arange(pictures) % 2
    told: list[tuple[float, float]] = [(time.perf_counter(), time.process_time())]
    last = list_phases(recipe.fit)[-1].model_copy(update={"epochs": RUNS + 1})
    fit = recipe.fit.model_copy(update={"phases": (last,), "stop_patience": RUNS + 1})
    given, nobody = Sample(values, np.arange(pictures), np.arange(pictures)), Sample(values, *[np.arange(0)] * 2)

    def note(_epoch: Epoch) -> None:
        told.append((time.perf_counter(), time.process_time()))

    train_network(build_network(recipe), recipe.model_copy(update={"fit": fit}), given, nobody, labels, 0,
                  find_device("cpu", CORES), vary=make_vary(recipe), on_epoch=note)  # fmt: skip
    steps = np.diff(np.array(told), axis=0)[1:] / pictures
    return float(steps[:, 0].min()), float(steps[:, 1].min())


def time_answer(recipe: NetworkRecipe, pictures: int) -> Row:
    """Seconds for one case: each copy asked once, and asked about its views too."""
    values = np.random.default_rng(0).random((pictures, *recipe.crop.shape), dtype=np.float32)
    sample, device = Sample(values, np.arange(pictures), np.zeros(pictures, dtype=int)), find_device("cpu", CORES)
    networks, vary = [build_network(recipe, seed).eval() for seed in range(recipe.copies)], make_vary(recipe)

    def ask() -> None:
        for network in networks:
            gather_cases(to_probability(predict_logits(network, sample, device)), sample.cases, 1, recipe.aggregate)

    def vary_too() -> None:
        for network in networks:
            if vary is not None and recipe.views:
                spread_over_views(network, sample, 1, recipe.aggregate, vary, recipe.views, device)

    ask()
    answer = {"answer_s": _median(ask)}
    return answer | {"views_s": _median(vary_too)} if recipe.use == "score" else answer


def score_demo(model: str) -> Row:
    """A whole score of the demonstration case, preparation and everything shown included; the first is not counted."""
    case = run_workflow("app.core.workflows:demo_case", {}, _quiet)["case"]
    ask = {"case": case, "model": model}
    row: Row = {"what": f"score_case, {model}", "load": os.getloadavg()[0]}
    with peak_memory(pause=0.5) as peak:
        run_workflow("app.core.workflows:score_case", ask, _quiet)
        seconds = [_seconds(partial(run_workflow, "app.core.workflows:score_case", ask, _quiet)) for _ in range(RUNS)]
    return row | {"score_s": statistics.median(seconds), "peak_mb": peak.mb}


def describe_frozen(recipe: Recipe, cases: int) -> list[Row]:
    """The first phase, in which only the head learns, without and with features that lie there already.

    All cases have pictures of the demonstration case: what they show does not matter to the time.
    """
    assert recipe.network is not None
    fit = recipe.network.fit.model_copy(update={"phases": recipe.network.fit.phases[:1]})
    network, labels = recipe.network.model_copy(update={"fit": fit}), np.arange(cases) % 2
    import pandas as pd

    table = pd.DataFrame({"case": [str(place) for place in range(cases)]})
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch:
        images = _repeat_demo(network, Path(scratch), cases)
        for what in ("first run", "second run"):
            model = NetworkClassifier(network, images.path, folder=Path(scratch) / "networks", threads=CORES)
            with peak_memory(pause=0.5) as peak:
                spent, clock = time.process_time(), _seconds(lambda: model.fit(table, labels))  # noqa: B023
            rows.append({"what": f"{recipe.network.kind}, phase 1 (head only), {what}", "pictures": cases,
                         "epochs": len(model.history_[0]), "seconds": clock, "cpu_s": time.process_time() - spent,
                         "peak_mb": peak.mb, "load": os.getloadavg()[0]})  # fmt: skip
    return rows


def _repeat_demo(recipe: NetworkRecipe, folder: Path, cases: int) -> ImageSet:
    files = CaseFiles.parse(run_workflow("app.core.workflows:demo_case", {}, _quiet)["case"])
    prepared = prepare(load_case(files), Recipe(name="demo").prep)
    sources = [Source(str(place), "demo", lambda: prepared) for place in range(cases)]
    return build_image_set(folder, sources, recipe.crop)


def write_random_resnet(path: Path) -> str:
    """Write ResNet-50 as torchvision lays it out, with random numbers; its SHA-256."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        crop = {"size": 64, "channels": 3, "scale": "unit"}
        network, _ = start_network(NetworkRecipe.parse({"kind": "resnet50", "crop": crop}), 50)
        state = {name.removeprefix("backbone."): value for name, value in network.state_dict().items()
                 if name.startswith("backbone.")}  # fmt: skip
        torch.save({**state, "fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}, path)
    return hash_file(path)


def _median(work: Callable[[], object]) -> float:
    return statistics.median(_seconds(work) for _ in range(RUNS))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _quiet(_fraction: float, _message: str) -> None: ...

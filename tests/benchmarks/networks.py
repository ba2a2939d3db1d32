"""Networks on phantoms and on real tumours: what they reach, what they cost, and what stands beside them.

    python -m tests.benchmarks networks              a smoke test: the quick network on few cases
    python -m tests.benchmarks.networks [cnn-small ...] keep=build/networks cases=85 sites=43 folds=5 further=170

Words: what is wanted (recipes by their names; `ensemble`, `pictures`, `imbalance`, `sarcomas`, `costs`, `frozen`; all
of it without any); `signal` (1: classes differ as published; 0: not at all; `1,0`: both), `seed`, `cases`, `sites` of
the cohort; `folds`; `further`, cases of 200 other sites that the networks trained on the whole cohort answer for;
`jobs`; `keep=DIR` for pictures, finished folds and trainings, so that a run that was broken off goes on.

- Size stands beside on the same folds; `more` is the paired difference of the AUC from the best of it.
- `slices` is the AUC of single slices; `max` and `majority` are the same networks with slices, or networks, combined in
  another way.
- No weights are fetched: rows of ResNet-50 start from a file in torchvision's layout with random numbers in it, so
  they show that the path works and what it costs, not what ImageNet's weights would give.
Printed, never asserted.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from app.core.evaluate.comparators import TITLES, build_size_model, find_headline
from app.core.evaluate.crossvalidate import OutOfFold
from app.core.evaluate.intervals import Estimate
from app.core.jobs import run_workflow
from app.core.network_recipe import NetworkRecipe, PhaseRecipe
from app.core.recipe import Recipe
from app.core.requests import TrainRequest
from app.core.workflows.cohort import Cohort, read_cohort
from app.core.workflows.comparing import measure_comparators
from app.core.workflows.course import Course
from app.core.workflows.crew import Crew
from app.core.workflows.validating import Trial, make_plan
from tests.benchmarks.network_costs import describe_costs, describe_frozen, write_random_resnet
from tests.benchmarks.network_folds import Judged, estimate_on, judge, make_witness
from tests.benchmarks.timing import Row, peak_memory

RECIPES = Path(__file__).resolve().parents[2] / "resources" / "recipes"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
SHIPPED = ("cnn-2019", "cnn-small", "cnn-quick", "resnet50-2phase", "resnet50-features-xgb", "resnet3d")
SUBJECTS = (*SHIPPED, "ensemble", "pictures", "imbalance", "sarcomas", "costs", "frozen")
PUBLISHED = {"cnn-2019": "2D .500 (SD .10), 3D .531 (.09)", "resnet50-2phase": "2D .878 (.11), 3D .800 (.11)",
             "resnet50-features-xgb": "2D .833 (.10), 3D .782 (.13)"}  # fmt: skip
"""AUROC of the 2019 study, on its own patients."""
RARE = 15
"""Lipomas that are left where unequal classes are tried."""
OUTSIDE_SEED, OUTSIDE_SITES = 5000, 200
SARCOMA_LABELS = ("lung_metastasis", "liposarcoma")
SMOKE = {"cases": "20", "sites": "10", "folds": "2", "further": "0", "signal": "1"}
FULL = {"cases": "85", "sites": "43", "folds": "5", "further": "170", "signal": "1,0"}


def main(words: Sequence[str] = ()) -> list[Row]:
    """Draw the cohorts, train, and describe."""
    asked = {**(FULL if words else SMOKE), **dict(word.split("=", 1) for word in words if "=" in word)}
    wanted = [word for word in words if "=" not in word] or (list(SUBJECTS) if words else ["cnn-quick"])
    rows: list[Row] = []
    with _folder(asked.get("keep")) as folder:
        write_random_resnet(Path(os.environ["LIPOSCOPE_DATA"]) / "weights" / "resnet50.pth")
        for signal in asked["signal"].split(","):
            rows += study_phantoms(float(signal), wanted, asked, folder)
        if "sarcomas" in wanted:
            rows += study_sarcomas(asked, folder)
        if "costs" in wanted:
            rows += describe_costs([read_recipe(name) for name in SHIPPED])
        if "frozen" in wanted:
            rows += describe_frozen(cut_short(read_recipe("resnet50-2phase")), int(asked["cases"]))
    return rows


def read_recipe(name: str) -> Recipe:
    """As the program ships it."""
    return Recipe.parse(RECIPES / f"{name}.json")


def cut_short(recipe: Recipe) -> Recipe:
    """What two cores can bear: of the largest networks fewer epochs, or smaller pictures; the row's name says so."""
    assert recipe.network is not None
    if recipe.name == "resnet3d":
        small = _change(recipe, crop={"size": 48, "depth": 16}, fit={"epochs": 12})
        return small.model_copy(update={"name": "resnet3d, 48 x 48 x 16, 12 epochs"})
    if recipe.name == "resnet50-2phase":
        phases = (recipe.network.fit.phases[0], PhaseRecipe(unfreeze="last", epochs=1, rate=1e-5))
        short = _change(recipe, fit={"phases": [phase.model_dump() for phase in phases]})
        return short.model_copy(update={"name": "resnet50-2phase, random weights, 1 epoch of phase 2"})
    if recipe.name == "resnet50-features-xgb":
        return recipe.model_copy(update={"name": "resnet50-features-xgb, random weights"})
    return recipe


def make_ensemble() -> Recipe:
    """Two kinds of network on the same small pictures, two copies each."""
    quick = read_recipe("cnn-quick")
    assert quick.network is not None
    plain = quick.network.model_copy(update={"copies": 2})
    other = plain.model_copy(update={"kind": "cnn-2019", "dropout": 0.5})
    return quick.model_copy(update={"name": "ensemble of cnn-small and cnn-2019, two copies each",
                                    "network": plain.model_copy(update={"members": (other,)})})  # fmt: skip


def vary_pictures() -> list[Recipe]:
    """One small network, with size to be seen and without, and on more slices than the largest."""
    small = _change(read_recipe("cnn-small"), copies=1)
    crops: dict[str, dict[str, object]] = {
        "largest slice": {},
        "largest slice, box and margin": {"field_mm": None},
        "up to 6 slices, 64 pixels": {"set": "slices", "smallest": 0.2, "most": 6, "size": 64},
    }
    return [_change(small, crop=crop).model_copy(update={"name": f"cnn-small, one network, {name}"})
            for name, crop in crops.items()]  # fmt: skip


def vary_imbalance() -> list[Recipe]:
    """The small network with every answer to unequal classes."""
    small = _change(read_recipe("cnn-small"), copies=1)
    return [_change(small, fit={"imbalance": how}).model_copy(update={"name": f"cnn-small, {how}"})
            for how in ("none", "weights", "oversample", "focal")]  # fmt: skip


def _change(recipe: Recipe, **parts: Any) -> Recipe:
    """The same recipe with parts of its network changed."""
    assert recipe.network is not None
    told = recipe.network.model_dump(mode="json")
    for name, value in parts.items():
        told[name] = {**told[name], **value} if isinstance(value, dict) else value
    return recipe.model_copy(update={"network": NetworkRecipe.parse(told)})


def study_phantoms(signal: float, wanted: Sequence[str], asked: Mapping[str, str], folder: Path) -> list[Row]:
    """All that is wanted on one phantom cohort."""
    recipes = [cut_short(read_recipe(name)) for name in SHIPPED if name in wanted]
    recipes += [make_ensemble()] if "ensemble" in wanted else []
    recipes += vary_pictures() if "pictures" in wanted and signal else []
    rows: list[Row] = []
    seed, cases, sites = int(asked.get("seed", 2019)), int(asked["cases"]), int(asked["sites"])
    if recipes or "imbalance" in wanted:
        table = draw_phantoms(folder, seed, cases, sites, signal)
    if recipes:
        further = int(asked["further"]) if signal else 0
        outside = draw_phantoms(folder, seed + OUTSIDE_SEED, further, OUTSIDE_SITES, signal) if further else None
        rows += study_table(f"phantom, signal {signal:g}", table, "label", "ALT/WDL", recipes, asked, folder, outside)
    if "imbalance" in wanted and signal:
        rare = thin_out(table)
        rows += study_table(f"phantom, {RARE} lipomas", rare, "label", "ALT/WDL", vary_imbalance(), asked, folder)
    return rows


def study_sarcomas(asked: Mapping[str, str], folder: Path) -> list[Row]:
    """Real tumours: every slice, and the largest alone."""
    table, rows = SHARED / "sts" / "cohort.csv", list[Row]()
    if not table.exists():
        return [{"data": "sarcomas", "note": "skipped: the shared data are not there"}]
    recipes = [*(read_recipe(name) for name in ("cnn-small", "cnn-2019")), vary_pictures()[-1]]
    for label in SARCOMA_LABELS:
        rows += study_table(f"sarcomas, {label}", table, label, "1", recipes, asked, folder)
    return rows


def study_table(data: str, table: Path, label: str, positive: str, recipes: list[Recipe], asked: Mapping[str, str],
                folder: Path, outside: Path | None = None) -> list[Row]:  # fmt: skip
    """Every recipe on the same folds, and size beside."""
    words = {"table": str(table), "label": label, "positive": positive, "patient": "patient",
             "recipes": [recipe.model_dump(mode="json") for recipe in recipes], "out": str(folder / "out"),
             "folds": int(asked["folds"]), "repeats": 1, "jobs": int(asked.get("jobs", 1)),
             "keep": str(folder / "runs" / data.replace(", ", "-").replace(" ", "-"))}  # fmt: skip
    words["ignore"] = [name for name in SARCOMA_LABELS if name != label] if label in SARCOMA_LABELS else []
    ask = TrainRequest.parse(words)
    rows: list[Row] = []
    with peak_memory(pause=0.5) as reading:
        cohort = read_cohort(ask, _told)
    plan, course = make_plan(ask, cohort), Course(_told, 0.0, 1.0, 1.0)
    others = read_cohort(ask.model_copy(update={"table": str(outside)}), _told) if outside else None
    with Crew(ask.jobs, course.listen) as crew:
        beside = measure_comparators(Trial(ask, cohort, crew.map, course), plan).found
        rows += [describe_size(data, cohort, name, found, others) for name, found in beside.items()
                 if name != "prevalence"]  # fmt: skip
        rows[0] |= {"peak_mb": reading.mb, "note": f"{len(cohort.labels)} cases, {int(cohort.labels.sum())} of "
                    f"'{cohort.classes[1]}', {plan.folds.k} folds x {plan.folds.repeats}; memory: cutting pictures"}
        for recipe in recipes:
            with peak_memory(pause=0.5) as peak:
                judged = judge(recipe, cohort, ask, plan.folds, crew.map)
                more = {} if others is None else answer_further(recipe, cohort, others, ask)
            described = describe_judged(data, judged, beside) | more
            described["peak_mb"] = peak.mb
            sys.stderr.write(f"{json.dumps(described, default=str)}\n")
            rows.append(described)
    return rows


def describe_size(data: str, cohort: Cohort, name: str, found: OutOfFold, others: Cohort | None) -> Row:
    """Size alone, on the folds and on further cases."""
    row: Row = {"data": data, "what": TITLES[name], "auc": found.auc.value, "auc_95%": _span(found.auc)}
    if others is not None:
        known, asked = (next(size.values for size in each.sizes if size.kind == name) for each in (cohort, others))
        alone = build_size_model().fit(np.asarray(known)[:, None], cohort.labels)
        row |= _further(others, alone.predict_proba(np.asarray(asked)[:, None])[:, 1])
    return row


def describe_judged(data: str, judged: Judged, beside: Mapping[str, OutOfFold]) -> Row:
    """A recipe's figures, and what else the same networks say."""
    found, headline = judged.found, find_headline(judged.found, beside)
    network = judged.recipe.network
    assert network is not None
    row: Row = {"data": data, "what": judged.recipe.name, "auc": found.auc.value, "auc_95%": _span(found.auc),
                "more": headline.auc.value, "more_95%": _span(headline.auc), "p": headline.p,
                "published": PUBLISHED.get(judged.recipe.name.split(",")[0])}  # fmt: skip
    if judged.answers:
        row |= {"epochs": float(np.mean(judged.epochs)), "pictures": judged.pictures}
    if judged.answers and network.crop.set in ("slices", "neighbours"):
        row |= {"slices": judged.read_slices().auc.value, "max": judged.read("max", network.combine).auc.value}
    if judged.answers and len(judged.answers[0]["logits"]) > 1:
        single = [judged.found.aucs * 0 + _one(judged, place) for place in range(len(judged.answers[0]["logits"]))]
        row |= {"one_network": float(np.mean(single)), "majority": judged.read(network.aggregate, "majority").auc.value}
    return row


def _one(judged: Judged, place: int) -> Any:
    """AUCs of one of the networks, fold by fold."""
    assert judged.recipe.network is not None
    alone = tuple({"logits": each["logits"][place : place + 1], "cases": each["cases"]} for each in judged.answers)
    return Judged(judged.recipe, judged.found, alone).read(judged.recipe.network.aggregate, "mean").aucs


def answer_further(recipe: Recipe, cohort: Cohort, others: Cohort, ask: TrainRequest) -> Row:
    """Train on the whole cohort, as the saved model is, and answer for cases of other sites."""
    assert ask.keep is not None
    kept = Path(ask.keep) / recipe.name / f"further-{len(others.labels)}.json"
    work = {"recipe": recipe.model_dump(mode="json"), "pictures": cohort.pictures[recipe.name].stem}
    if kept.exists() and (found := json.loads(kept.read_text(encoding="utf-8")))["work"] == work:
        return _further(others, np.array(found["answers"]))
    model = make_witness(recipe, cohort, ask)()
    told = {"patients": cohort.patients} if recipe.network and recipe.network.use == "score" else {}
    model.fit(cohort.table, cohort.labels, **told)
    for each in (model, getattr(model, "harmonise_", None)):
        if hasattr(each, "images"):
            each.images = others.pictures[recipe.name]
    if recipe.network and recipe.network.use == "features":
        return {}  # its pictures are bound to the cohort's
    answers = model.predict_proba(others.table)[:, 1]
    kept.write_text(json.dumps({"work": work, "answers": answers.tolist()}), encoding="utf-8")
    return _further(others, answers)


def _further(others: Cohort, answers: Any) -> Row:
    area, low, high = estimate_on(others.labels, np.asarray(answers, dtype=float))
    return {"further": area, "further_95%": f"{low:.2f} to {high:.2f}"}


def draw_phantoms(folder: Path, seed: int, cases: int, sites: int, signal: float) -> Path:
    """Draw a cohort, unless it lies there already; its table."""
    out = folder / "cohorts" / f"{cases}-{sites}-{signal:g}-{seed}"
    if not (out / "cohort.csv").exists():
        ask = {"kind": "cohort", "out": str(out), "cases": cases, "sites": sites, "signal": signal, "seed": seed}
        run_workflow("app.core.workflows:make_demo", ask, _told)
    return out / "cohort.csv"


def thin_out(table: Path) -> Path:
    """The same cohort with few of the rarer class."""
    rows, out = pd.read_csv(table, dtype={"patient": str}), table.with_name("rare.csv")
    rare = rows[rows["label"] == "lipoma"].head(RARE)
    pd.concat([rare, rows[rows["label"] != "lipoma"]]).sort_values("patient").to_csv(out, index=False)
    return out


@contextmanager
def _folder(keep: str | None) -> Iterator[Path]:
    """Where everything lies, with a data folder of its own in it; deleted afterwards unless it is kept."""
    with tempfile.TemporaryDirectory(prefix="liposcope-") as scratch:
        before, folder = os.environ.get("LIPOSCOPE_DATA"), Path(keep or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["LIPOSCOPE_DATA"] = str(folder / "data")
        try:
            yield folder
        finally:
            os.environ.pop("LIPOSCOPE_DATA")
            os.environ.update({"LIPOSCOPE_DATA": before} if before is not None else {})


def _span(found: Estimate) -> str:
    return f"{found.low:.2f} to {found.high:.2f}" if found.low is not None and found.high is not None else ""


def _told(_fraction: float, _message: str) -> None: ...


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table as lay_out

    print(lay_out(main(sys.argv[1:] or ["keep=build/networks"])), flush=True)

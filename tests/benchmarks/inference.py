"""Networks asked about one case, beside plain torch on the same pictures; and from the files on, beside a plain script.

`same` is the largest difference between the two probabilities. The networks have the weights that they begin with:
what they have learned does not change what an answer costs. The program asks on one thread, so that a case gets the
same answer wherever it is scored; plain torch is timed on one thread and on all cores.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.core.paths import program_folder
from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from tests.benchmarks.room import own_data_folder
from tests.benchmarks.timing import Row, alternate, peak_memory, row

RUNS = 7
RECIPES = ("cnn-small", "cnn-2019", "resnet3d", "resnet50-2phase")
Array = NDArray[np.float64]


def main(names: Sequence[str] = RECIPES, runs: int = RUNS) -> list[Row]:
    """Ask every kind of network about the demonstration case."""
    from app.core.jobs import run_workflow

    rows: list[Row] = []
    with own_data_folder():
        files = CaseFiles.parse(run_workflow("app.core.workflows:demo_case", {}, lambda *_: None)["case"])
        for name in names:
            with peak_memory() as peak:
                rows += _measure(Recipe.parse(program_folder() / "resources" / "recipes" / f"{name}.json"), files, runs)
            rows[-1]["peak_mb"] = peak.mb
    return rows


def _measure(recipe: Recipe, files: CaseFiles, runs: int) -> list[Row]:
    import torch

    from app.core.deep.answer import Networks
    from app.core.deep.crops import make_crops
    from app.core.deep.networks import build_network
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare

    network = recipe.network
    assert network is not None
    network = network.model_copy(update={"weights": None})
    modules = [build_network(network, seed).eval() for seed in range(network.copies)]
    ours = Networks(network)
    for module in modules:
        ours.add(network, build_network(network), module.state_dict())
    pictures = make_crops(prepare(load_case(files), recipe.prep), network.crop).values
    found: dict[str, float] = {}

    def ask() -> None:
        found["ours"] = float(ours.ask([pictures]).mean())

    def ask_plainly(threads: int) -> None:
        before = torch.get_num_threads()
        torch.set_num_threads(threads)
        with torch.inference_mode():
            given = torch.from_numpy(np.array(pictures))
            each = torch.stack([torch.sigmoid(module(given).reshape(-1)) for module in modules])
            whole = each.amax(1) if network.aggregate == "max" else each.mean(1)
        found["theirs"] = float(whole.mean())
        torch.set_num_threads(before)

    def whole() -> None:
        ours.ask([make_crops(prepare(load_case(files), recipe.prep), network.crop).values])

    def whole_plainly() -> None:
        cut = cut_plainly(Path(files.images["image"]), Path(str(files.mask)), pictures.shape,
                          with_outline=network.crop.mask_channel)
        with torch.inference_mode():
            for module in modules:
                torch.sigmoid(module(torch.from_numpy(cut)))

    cores = torch.get_num_threads()
    mine, one, every = alternate([ask, partial(ask_plainly, 1), partial(ask_plainly, cores)], runs, warm=1)
    all_mine, all_theirs = alternate([whole, whole_plainly], max(runs // 2, 1), warm=1)
    shape, same = "x".join(map(str, pictures.shape)), abs(found["ours"] - found["theirs"])
    return [row(f"{recipe.name}, {len(modules)} networks asked", mine, one, pictures=shape, same=same,
                parameters=ours.parameters),
            row(f"plain torch, {recipe.name}, one thread", one),
            row(f"plain torch, {recipe.name}, {cores} threads", every),
            row(f"{recipe.name}, files to answer", all_mine, all_theirs),
            row(f"plain script, {recipe.name}, files to answer", all_theirs)]


def cut_plainly(image_path: Path, mask_path: Path, shape: tuple[int, ...], *,
                with_outline: bool) -> NDArray[np.float32]:
    """What a script does: read, z-score, crop around the outline, resize; pictures in the shape that is asked for."""
    import SimpleITK as sitk
    from scipy.ndimage import zoom

    values = sitk.GetArrayFromImage(sitk.ReadImage(str(image_path), sitk.sitkFloat32))
    inside = sitk.GetArrayFromImage(sitk.ReadImage(str(mask_path))) > 0
    values = (values - values.mean()) / values.std()
    where = [slice(int(line.min()), int(line.max()) + 1) for line in np.nonzero(inside)]
    if len(shape) == 4:  # (pictures, channels, y, x): the largest slices
        order = np.argsort(-inside.sum(axis=(1, 2)), kind="stable")[: shape[0]]
        order = np.resize(order, shape[0])
        cuts = [(values[k][where[1], where[2]], inside[k][where[1], where[2]]) for k in order]
    else:
        cuts = [(values[tuple(where)], inside[tuple(where)])]
    made = []
    for grey, outline in cuts:
        factors = [wanted / had for wanted, had in zip(shape[2:], grey.shape, strict=True)]
        parts = [zoom(grey, factors, order=1)] * (1 if with_outline else shape[1])
        made.append(np.stack([*parts, zoom(outline.astype(np.float32), factors, order=0)] if with_outline else parts))
    return np.ascontiguousarray(np.stack(made), dtype=np.float32)

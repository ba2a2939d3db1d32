"""Networks in a run: pictures cut once, the same folds as the others, nothing of a held-out case, taken up exactly."""

import json
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from app.core.bundle import Bundle
from app.core.errors import Cancelled, CohortError
from app.core.evaluate.crossvalidate import fit_fold
from app.core.evaluate.folds import make_folds
from app.core.recipe import Recipe
from app.core.workflows import train
from app.core.workflows.making import make_model
from app.core.workflows.pictures import name_cases, picture_folder
from tests.core.deep.toy_images import CROP, make_images
from tests.core.small_cohorts import quiet, write_ball, write_features

SMALL = {"folds": 2, "repeats": 1, "resamples": 0, "search": {"folds": 2}}
NETWORK = {"kind": "cnn-small", "crop": {"size": 24, "margin_mm": 4, "mask_channel": True}, "augment": None,
           "fit": {"epochs": 8, "batch": 8, "rate": 0.003}, "views": 0}
LOOKS = {"name": "looks", "features": None, "model": SMALL, "network": NETWORK}
LINEAR = {"name": "linear", "features": {"classes": ["firstorder"]}, "model": SMALL}
BOTH = {"name": "both", "features": {"classes": ["firstorder"]}, "model": SMALL, "network": {
    **NETWORK, "use": "features", "fit": {"epochs": 1, "batch": 8, "watched": 0}}}


def write_cases(folder, cases=16):
    """Balls, every other one with a dark core; the last two belong to one patient."""
    rows = []
    for place in range(cases):
        image, mask = write_ball(folder / f"case{place}", 9.0 + 0.2 * (place % 5), (1.5, 1.5, 3.0), seed=place)
        if place % 2:
            loaded = nib.load(image)
            voxels = loaded.get_fdata(dtype=np.float32)
            middle = tuple(slice(size // 2 - 2, size // 2 + 2) for size in voxels.shape)
            voxels[middle] = 0
            nib.save(nib.Nifti1Image(voxels, loaded.affine), image)
        rows.append({"patient": f"P{min(place, cases - 2)}", "image": image, "mask": mask,
                     "label": ["lipoma", "ALT"][place % 2]})
    rows[-1]["label"] = rows[-2]["label"]
    pd.DataFrame(rows).to_csv(folder / "cases.csv", index=False)
    return folder / "cases.csv"


def ask(table, *recipes, **changes):
    return {"table": str(table), "label": "label", "positive": "ALT", "patient": "patient", "recipes": list(recipes),
            "out": str(table.parent / "model"), "confirmed": ["patient"], **changes}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A network and a model of features in one run that keeps its folds."""
    folder, told, before = tmp_path_factory.mktemp("networks"), [], set(picture_folder().rglob("*"))
    request = ask(write_cases(folder), LOOKS, LINEAR, keep=str(folder / "keep"))
    result = train(request, lambda _fraction, message: told.append(message))
    pictures = [path.name for path in {*picture_folder().rglob("*")} - before]  # in this fixture's data folder
    return result, request, told, folder, pictures


def test_a_network_stands_among_the_models_on_the_same_folds(run):
    result, _, told, *_ = run
    assert list(result["models"]) == ["looks", "linear"]
    looks, linear = result["models"].values()
    assert [fit["tested_rows"] for fit in looks["fits"]] == [fit["tested_rows"] for fit in linear["fits"]]
    assert all(fit["patients_on_both_sides"] == 0 for fit in looks["fits"])
    assert "looks 1: epoch" not in looks["fits"][0]["settings"]
    assert looks["auc"]["mean"] > 0.8, "the dark core is plain to see"
    assert {"volume", "longest_diameter"} <= set(result["comparators"])
    assert any(message.startswith("looks: fold 1 of 2. Epoch") for message in told)
    assert "original_firstorder_Mean" in result["features"]


def test_what_is_saved_is_the_network(run):
    result, request, *_ = run
    specification = Bundle.load(Path(request["out"])).specification
    assert specification.estimator.kind == "network"
    assert specification.recipe.network.kind == "cnn-small"
    assert result["saved"] == "looks"


def test_epochs_are_told_while_it_runs(run):
    _, _, _, folder, _ = run
    lines = [list(map(json.loads, path.read_text().splitlines())) for path in (folder / "keep" / "epochs").iterdir()]
    assert len(lines) == 3, "two folds and the model that is saved"
    assert sorted(each[0]["title"] for each in lines) == ["looks", "looks", "looks, final"]
    for first, *epochs, last in lines:
        assert (first["network"], first["networks"]) == ("cnn-small", 1)
        assert [each["epoch"] for each in epochs] == list(range(1, len(epochs) + 1))
        assert last == {"done": True}
    assert list((folder / "keep" / "networks").glob("*.pt")) == []


def test_folds_that_are_kept_are_not_trained_again_and_processes_change_nothing(run):
    result, request, _, folder, _ = run
    told = []
    again = train({**request, "jobs": 2, "keep": str(folder / "other"), "out": str(folder / "second")}, quiet)
    assert again["models"]["looks"]["out_of_fold"] == result["models"]["looks"]["out_of_fold"]
    once_more = train({**request, "out": str(folder / "third")}, lambda _share, message: told.append(message))
    assert once_more["models"]["looks"]["out_of_fold"] == result["models"]["looks"]["out_of_fold"]
    assert not any("Epoch" in message and "fold" in message for message in told)


def test_a_network_that_is_stopped_goes_on_where_it_was(run):
    result, request, _, folder, _ = run
    asked = {**request, "recipes": [LOOKS], "keep": str(folder / "stopped"), "out": str(folder / "fourth")}

    def stop(_fraction, message):
        if "fold 2 of 2. Epoch 5" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        train(asked, stop)
    assert len(list((folder / "stopped" / "networks").glob("*.pt"))) == 1
    told = []
    found = train(asked, lambda _fraction, message: told.append(message))
    assert found["models"]["looks"]["out_of_fold"] == result["models"]["looks"]["out_of_fold"]
    assert not any("fold 2 of 2. Epoch 4 " in message for message in told)


def test_pooled_features_beside_measured_ones(run):
    _, request, _, folder, _ = run
    found = train({**request, "recipes": [BOTH], "keep": None, "out": str(folder / "fifth")}, quiet)
    area = found["models"]["both"]["auc"]
    assert 0 <= area["mean"] <= 1
    kept = Bundle.load(folder / "fifth").specification
    assert any(name.startswith("cnn-small_") for name in kept.features)
    assert "original_firstorder_Mean" in kept.features


def test_networks_alone_measure_the_size(run):
    _, request, _, folder, _ = run
    found = train({**request, "recipes": [LOOKS], "out": str(folder / "sixth")}, quiet)
    assert set(found["features"]) == {"volume_ml", "longest_diameter_mm"}


def test_pictures_are_cut_once_and_named_after_nobody(run):
    *_, pictures = run
    assert sum(name == "values.npy" for name in pictures) == 16
    assert not any("P1" in name or "case1" in name for name in pictures)


def test_a_table_of_features_shows_no_pictures(tmp_path):
    table = write_features(tmp_path / "features.csv")
    with pytest.raises(CohortError, match="cannot be learned from") as caught:
        train(ask(table, LOOKS), quiet)
    assert caught.value.issues == ["'looks' learns from pictures, and the table has no columns 'image' and 'mask'."]


def test_a_case_whose_pictures_cannot_be_cut_is_left_out_and_told(tmp_path):
    table = write_cases(tmp_path, cases=14)
    frame = pd.read_csv(table)
    image = nib.load(frame["image"][3])
    voxels = image.get_fdata(dtype=np.float32)
    voxels[voxels.shape[0] // 2, voxels.shape[1] // 2] = np.nan
    nib.save(nib.Nifti1Image(voxels, image.affine), frame["image"][3])
    looks = {**LOOKS, "network": {**NETWORK, "fit": {"epochs": 1, "batch": 8}}}
    found = train(ask(table, looks), quiet)
    assert [each["case"] for each in found["failed"]] == ["P3"]
    assert len(found["cases"]["label"]) == 13


@pytest.mark.parametrize("use", ["score", "features"])
def test_nothing_of_a_held_out_case_reaches_a_network(tmp_path, use):
    network = {"kind": "cnn-small", "use": use, "crop": CROP.model_dump(mode="json"), "augment": None,
               "fit": {"epochs": 1, "batch": 8}, "views": 0}
    recipe = Recipe.parse({"name": "looks", "features": None, "model": SMALL, "network": network})
    images, _, labels = make_images(tmp_path / "pictures", 16, signal=1.0)
    spoilt, _, _ = make_images(tmp_path / "pictures", 16, signal=9.0, seed=1)
    patients = np.arange(16)
    split = make_folds(labels, patients, 4, 1, seed=3).splits[0]

    def learn(index, truth):
        cohort = SimpleNamespace(features=(), pictures={"looks": index})
        make, made = make_model(recipe, cohort, SimpleNamespace(seed=0, keep=str(tmp_path / index.stem))), []
        table = name_cases(pd.DataFrame(index=range(16)), patients)
        table["case"] = [f"case {place}" for place in range(16)]
        fit_fold(lambda: made.append(make()) or made[-1], table, truth, patients, split)
        model = made[0]
        networks = model.networks_ if use == "score" else model.fitted_.steps[0][1].network_.networks_
        tensors = [{name: np.asarray(value).tolist() for name, value in each.items()} for each in networks]
        return tensors, model.calibrator_, model.thresholds_, model.conformal_

    index = json.loads(images.path.read_text())
    foreign = json.loads(spoilt.path.read_text())["cases"]
    mixed = images.path.with_name(f"{'0' * 32}.json")
    from app.core.deep.image_set import _hash

    index["cases"] |= {_hash(f"case {row}"): foreign[_hash(f"case {row}")] for row in split[1]}
    mixed.write_text(json.dumps(index))
    swapped = labels.copy()
    swapped[split[1]] = 1 - labels[split[1]]
    assert learn(images.path, labels) == learn(mixed, swapped)

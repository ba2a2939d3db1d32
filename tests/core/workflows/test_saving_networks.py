"""Networks trained, saved and read again: the same answers as in memory, the facts of their training, and no more."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from app.core.bundle import WEIGHTS, Bundle
from app.core.deep.weights import hash_file, load_weights, start_network
from app.core.network_recipe import NetworkRecipe
from app.core.requests import CaseFiles
from app.core.workflows import evaluate, export_model, finish_model, saving, score_case, train, verify_models
from app.core.workflows.looking import cut_case
from tests.core.small_cohorts import quiet
from tests.core.small_networks import small_recipe, write_balls


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Path:
    return write_balls(tmp_path_factory.mktemp("balls"))


def run(cohort, folder, recipe, **more):
    """Train a recipe; its bundle and the model in memory that it was made from."""
    fitted = []
    own = saving.refit

    def keep(ask, recipe, cohort, *rest):
        fitted.append((own(ask, recipe, cohort, *rest), cohort.table.copy()))
        return fitted[-1][0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(saving, "refit", keep)
        train({"table": str(cohort), "label": "label", "positive": "ALT", "patient": "patient", "site": "site",
               "recipe": recipe.model_dump(mode="json"), "out": str(folder), **more}, quiet)  # fmt: skip
    return Bundle.load(folder), *fitted[0]


@pytest.fixture(scope="module")
def trained(cohort, tmp_path_factory):
    recipe = small_recipe(copies=2, fit={"epochs": 6, "batch": 8, "watched": 0.25, "rate": 0.01})
    return run(cohort, tmp_path_factory.mktemp("models") / "net", recipe)


@pytest.fixture(scope="module")
def frozen(cohort, trained, tmp_path_factory):
    """A classifier of the pooled features of the first network of another model, and of what is measured beside."""
    recipe = small_recipe(use="features", tune=False, weights=str(trained[0].folder), weights_origin="balls",
                          weights_licence="CC0", fit={"epochs": 1})  # fmt: skip
    recipe = recipe.model_copy(update={"features": recipe.features or _few_features()})
    return run(cohort, tmp_path_factory.mktemp("models") / "frozen", recipe)


def _few_features():
    from app.core.recipe import RadiomicsRecipe

    names = ("volume_ml", "longest_diameter_mm", "original_firstorder_Kurtosis")
    return RadiomicsRecipe(classes=("firstorder",), names=names)


def cases(cohort):
    from app.core.io.table import read_cases

    return read_cases(cohort, strict=True).cases


def score(bundle, files, **more):
    return score_case({"case": files.model_dump(mode="json"), "model": str(bundle.folder), **more}, quiet)


def test_read_again_answers_as_in_memory(cohort, trained):
    bundle, model, table = trained
    expected = model.predict_proba(table)[:6, 1]
    found = np.array([score(bundle, files)["probability"] for files in cases(cohort)[:6]])
    assert np.abs(found - expected).max() < 1e-6
    assert np.ptp(found) > 1e-3


def test_facts_of_the_training(trained):
    specification = trained[0].specification
    estimator = specification.estimator
    assert specification.features == ()
    assert [network.kind for network in estimator.networks] == ["cnn-small", "cnn-small"]
    assert all(1 <= network.epoch <= network.epochs <= 6 for network in estimator.networks)
    assert estimator.parameters == 2 * sum(int(np.prod(tensor.shape)) for name, tensor in estimator.tensors.items()
                                           if name.startswith("0/"))  # fmt: skip
    assert estimator.contract["inputs"]["image"]["spatial_shape"] == [16, 16]
    assert estimator.device
    assert {"torch", "monai"} <= set(specification.versions)
    pooled = sum(network.features for network in trained[0].pictures.networks.modules)
    assert len(specification.training.space.centre) == pooled
    assert set(specification.training.ranges) == {"volume_ml", "longest_diameter_mm"}


def test_a_foreign_picture_is_unlike_the_training(cohort, trained, tmp_path):
    """Neither the training cases nor a new one of their kind is; a checkerboard is."""
    bundle = trained[0]
    own = [score(bundle, files) for files in cases(cohort)[:4]]
    assert not any("unlike_training" in [caution["code"] for caution in each["cautions"]] for each in own)
    files = cases(cohort)[0]
    image = nib.load(files.images["image"])
    places = np.indices(image.shape).sum(axis=0)
    foreign = tmp_path / "foreign.nii.gz"
    nib.save(nib.Nifti1Image(np.where(places % 2, 1000.0, 0.0).astype(np.float32), image.affine), foreign)
    found = score(bundle, CaseFiles(id="foreign", images={"image": str(foreign)}, mask=files.mask))
    assert found["verdict"] == "unlike_training"
    assert "unlike_training" in [caution["code"] for caution in found["cautions"]]


def test_nothing_of_this_machine_and_nobody_travels(cohort, trained, frozen):
    for bundle in (trained[0], frozen[0]):
        text = "".join(path.read_text() for path in bundle.folder.glob("*.json")) + bundle.card()
        assert not [word for word in (str(cohort.parent), str(bundle.folder.parent), "P03", "c03") if word in text]


def test_pooled_features_and_those_beside_answer_as_in_memory(cohort, frozen):
    bundle, model, _ = frozen
    specification = bundle.specification
    assert (bundle.folder / "pipeline.skops").exists()
    assert specification.features[:2] == ("cnn-small_0000", "cnn-small_0001")
    pooled = bundle.pictures.networks.modules[0].features
    assert bundle.pictures.beside == specification.features[pooled:]
    assert bundle.pictures.beside == ("volume_ml", "longest_diameter_mm", "original_firstorder_Kurtosis")
    files = cases(cohort)[2]
    found = score(bundle, files)
    features = found["features"]
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare

    pictures = cut_case(bundle, prepare(load_case(files), specification.recipe.prep)).values
    row = bundle.pictures.locate(pictures, features)
    table = [dict(zip(specification.features, row, strict=True))]
    import pandas as pd

    expected = model.predict_proba(pd.DataFrame(table))[0, 1]
    assert found["probability"] == pytest.approx(expected, abs=1e-9)
    assert {each["feature"] for each in found["contributions"]} == set(bundle.pictures.beside)
    assert found["attention"]["share"] is None or 0 <= found["attention"]["share"] <= 1
    low, high = found["interval"]
    assert low < found["probability"] < high


def test_origin_of_the_weights_is_kept(trained, frozen):
    [origin] = frozen[0].specification.estimator.weights
    assert (origin.file, origin.origin, origin.licence) == (trained[0].folder.name, "balls", "CC0")
    assert origin.sha256 == hash_file(trained[0].folder / WEIGHTS)
    assert "tensors of weights.safetensors were taken (100% of the numbers)" in origin.found
    assert frozen[0].specification.recipe.network.weights == trained[0].folder.name


def test_a_network_starts_from_the_first_of_a_saved_model(trained):
    recipe = NetworkRecipe.parse({**small_recipe().network.model_dump(mode="json"), "weights": str(trained[0].folder)})
    network, loaded = start_network(recipe)
    assert (loaded.missing, loaded.unexpected, loaded.reshaped) == ((), (), ())
    first = trained[0].pictures.networks.modules[0].state_dict()
    assert all((value == first[name]).all() for name, value in network.state_dict().items())
    load_weights(network, recipe, strict=True)


def test_finished_exported_verified_and_tested(cohort, frozen, tmp_path, monkeypatch):
    bundle = frozen[0]
    assert verify_models({"model": str(bundle.folder)}, quiet)["ok"]
    export_model({"model": str(bundle.folder), "out": str(tmp_path / "copy")}, quiet)
    monkeypatch.setattr("app.core.workflows.finishing.data_folder", lambda: tmp_path)
    own = tmp_path / "models" / "frozen"
    export_model({"model": str(bundle.folder), "out": str(own)}, quiet)
    finish_model({"model": str(own), "title": "Another title"}, quiet)
    again = Bundle.load(own)
    assert again.specification.title == "Another title"
    files = cases(cohort)[1]
    assert score(again, files)["probability"] == score(bundle, files)["probability"]
    found = evaluate({"bundle": str(own), "table": str(cohort), "out": str(tmp_path / "out")}, quiet)
    assert found["cases"] == 16
    assert "training_cases" in [each["code"] for each in found["cautions"]]
    assert json.loads((tmp_path / "out" / "evaluation.json").read_text())["cases"] == 16

"""With the program's own networks, small: features for the classical models, weights from a file, where they look."""

import numpy as np
import pandas as pd
import pytest
import torch

from app.core.classify.tuned import TunedClassifier
from app.core.deep.attention import find_attention
from app.core.deep.device import find_device
from app.core.deep.estimator import NetworkClassifier
from app.core.deep.features import NetworkFeatures
from app.core.deep.networks import build_network
from app.core.deep.weights import save_weights
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.network_recipe import FitRecipe, NetworkRecipe, PhaseRecipe
from app.core.recipe import ModelRecipe, SearchRecipe
from tests.core.deep.toy_images import CROP, make_images

CPU = find_device("cpu")
FIT = FitRecipe(epochs=6, batch=16, rate=0.003, watched=0.25)
RECIPE = NetworkRecipe(kind="cnn-small", crop=CROP, augment=None, fit=FIT, dropout=0.0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    images, names, labels = make_images(tmp_path_factory.mktemp("pictures"), 40, signal=2.0)
    return images, pd.DataFrame({"case": names, "size": np.arange(40.0)}), labels


def test_pooled_features_feed_a_classical_model(cohort, tmp_path, monkeypatch):
    images, table, labels = cohort
    step = NetworkFeatures(RECIPE, images.path, frozen=True, beside=("size",), folder=tmp_path)
    model = ModelRecipe(kind="logistic", search=SearchRecipe(folds=2))
    folds = make_folds(labels, np.arange(40), 2, 1, 0)
    found = cross_validate(lambda: TunedClassifier(model, harmonise=step), table, labels, folds, lambda _: None)
    assert found.auc.value > 0.7
    assert step.fit(table, labels).get_feature_names_out().tolist() == [
        *(f"cnn-small_{place:04d}" for place in range(128)), "size"
    ]
    monkeypatch.setattr("app.core.deep.embed.embed_pictures", lambda *_: pytest.fail("computed again"))
    columns = step.transform(table)
    assert columns.shape == (40, 129)
    assert (columns[:, -1] == table["size"]).all()


def test_a_trained_network_gives_features_that_tell_the_classes(cohort):
    images, table, labels = cohort
    features = NetworkFeatures(RECIPE, images.path).fit(table, labels)
    assert (features.transform(table) == features.network_.embed(table)).all()


def test_two_phases_from_a_file_end_where_an_unbroken_training_ends_and_look_at_the_tumour(cohort, tmp_path):
    images, table, labels = cohort
    save_weights(build_network(RECIPE, 5), RECIPE, tmp_path / "start.safetensors")
    phases = (PhaseRecipe(unfreeze="head", epochs=2, rate=0.01), PhaseRecipe(unfreeze="all", epochs=5, rate=0.003))
    fit = FIT.model_copy(update={"phases": phases, "earlier": 0.9})
    recipe = RECIPE.model_copy(update={"weights": str(tmp_path / "start.safetensors"), "fit": fit})
    model = NetworkClassifier(recipe, images.path, folder=tmp_path / "kept").fit(table, labels)
    assert "start.safetensors" in model.weights_[0]
    assert [epoch.phase for epoch in model.history_[0]] == [1, 1, 2, 2, 2, 2, 2]
    plain = NetworkClassifier(recipe, images.path).fit(table, labels)
    for name, value in plain.networks_[0].items():
        assert (model.networks_[0][name] == value).all()
    (tmp_path / "start.safetensors").unlink()
    answers = model.predict_proba(table)[:, 1]
    assert answers[labels == 1].mean() > answers[labels == 0].mean() + 0.3
    networks = [network for network, _ in model.load_networks(CPU)]
    case = f"case {int(np.flatnonzero(labels == 1)[0])}"
    found = find_attention(
        networks, images.take([case]).values, images.outlines(case), label=1, device=CPU, occlusion=True
    )
    assert found.gradcam.shape == found.occlusion.shape == images.outlines(case).shape
    assert 0 <= found.share <= 1
    assert found.attainable == pytest.approx(found.expected), "this map is too coarse to tell the tumour apart"
    assert found.caution is not None
    inside = images.outlines(case)
    assert found.occlusion[inside].mean() > found.occlusion[~inside].mean()
    assert all(torch.isfinite(value).all() for value in networks[0].state_dict().values())

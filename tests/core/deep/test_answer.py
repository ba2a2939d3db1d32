"""Networks asked about pictures in memory: as the estimator answers, and looking where their answers come from."""

import numpy as np
import pandas as pd
import pytest
import torch

from app.core.deep.answer import Networks
from app.core.deep.combine import combine_answers
from app.core.deep.estimator import NetworkClassifier, list_networks
from app.core.deep.explain import draw_gradcam
from app.core.deep.networks import build_network
from app.core.network_recipe import AugmentRecipe, FitRecipe, NetworkRecipe
from tests.core.deep.toy_images import CROP, make_images

RECIPE = NetworkRecipe(crop=CROP, augment=AugmentRecipe(), fit=FitRecipe(epochs=2, batch=16, watched=0.25), copies=2,
                       views=2)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    images, names, labels = make_images(tmp_path_factory.mktemp("pictures"), 24, signal=2.0)
    table = pd.DataFrame({"case": names})
    return NetworkClassifier(RECIPE, images.path, threads=1).fit(table, labels), images, table


def take_over(model):
    networks = Networks(model.recipe)
    for (recipe, _, _), state in zip(list_networks(model.recipe), model.networks_, strict=True):
        networks.add(recipe, build_network(recipe), state)
    return networks


def test_answers_features_and_variants_are_the_estimator_s(trained):
    model, images, table = trained
    networks = take_over(model)
    sets = [images.take([name]).values for name in table["case"]]
    answers = networks.ask(sets)
    assert np.abs(answers - model.ask_networks(table)).max() < 1e-6
    assert np.abs(networks.embed(sets) - model.embed(table)).max() < 1e-5
    curve = model.calibrator_
    varied = networks.ask(networks.vary(sets[0]))
    log_odds = curve["slope"] * combine_answers(varied, "mean") + curve["intercept"]
    expected = model.ask_views(table.iloc[:1])[:, 0]
    assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(expected, abs=1e-6)


def test_a_case_alone_answers_exactly_as_ever(trained):
    model, images, table = trained
    networks = take_over(model)
    pictures = images.take([table["case"][3]]).values
    assert (networks.ask([pictures]) == take_over(model).ask([pictures])).all()
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert (networks.ask([pictures]) == take_over(model).ask([pictures])).all()
    finally:
        torch.set_num_threads(threads)


def test_weights_are_frozen_and_looking_leaves_them(trained):
    model, images, table = trained
    networks = take_over(model)
    pictures, outlines = images.take([table["case"][1]]).values, images.outlines(table["case"][1])
    before = networks.ask([pictures])
    pictures.flags.writeable = False
    found = networks.look(pictures, outlines, 1, occlusion=True)
    assert found.gradcam.shape == found.occlusion.shape == outlines.shape
    assert (networks.ask([pictures]) == before).all()
    assert not any(each.requires_grad for network in networks.modules for each in network.parameters())


def test_covering_tells_how_far_and_can_be_stopped(trained):
    model, images, table = trained
    networks = take_over(model)
    pictures, outlines = images.take([table["case"][1]]).values, images.outlines(table["case"][1])
    told = []
    networks.look(pictures, outlines, 1, occlusion=True, tell=told.append)
    assert told == sorted(told)
    assert told[-1] == pytest.approx(1.0)

    def stop(fraction):
        if fraction > 0.3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        networks.look(pictures, outlines, 1, occlusion=True, tell=stop)


def test_a_judge_of_pooled_features_is_followed(trained):
    """With the network's own head as judge the maps are its own; with another judge they are others."""
    model, images, table = trained
    recipe = RECIPE.model_copy(update={"copies": 1})
    networks, network = Networks(recipe), build_network(recipe)
    networks.add(recipe, network, model.networks_[0])
    own = networks.modules[0].head[-1]
    weights = own.weight.detach().numpy()[0].astype(np.float64)
    pictures, outlines = images.take([table["case"][1]]).values, images.outlines(table["case"][1])
    expected = networks.look(pictures, outlines, 1, occlusion=True)
    found = networks.look(pictures, outlines, 1, occlusion=True, steps=np.full(network.features, 0.5),
                          judge=lambda rows: rows @ weights + own.bias.item())  # fmt: skip
    assert np.abs(found.gradcam - expected.gradcam).max() < 1e-3
    assert np.abs(found.occlusion - expected.occlusion).max() < 1e-4
    other = networks.look(pictures, outlines, 1, judge=lambda rows: -3 * rows @ weights)
    assert np.abs(other.gradcam - expected.gradcam).max() > 0.1
    assert (draw_gradcam(networks.modules[0], np.array(pictures), 1) == expected.gradcam).all()

import json
import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from app.core.deep import estimator
from app.core.deep.combine import combine_answers
from app.core.deep.estimator import NetworkClassifier, estimate_epochs, list_networks
from app.core.deep.journal import Journal
from app.core.errors import Cancelled, RecipeError
from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds
from app.core.network_recipe import AugmentRecipe, FitRecipe, NetworkRecipe
from tests.core.deep.toy_images import CROP, make_images
from tests.core.deep.toy_networks import ToyNetwork

FIT = FitRecipe(epochs=6, batch=16, rate=0.03, imbalance="none", watched=0.25)
RECIPE = NetworkRecipe(crop=CROP, augment=None, fit=FIT)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    """A network of a few hundred numbers in place of those of the recipes."""

    def build(_recipe, seed=0):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return ToyNetwork()

    monkeypatch.setattr(estimator, "build_network", build)
    monkeypatch.setattr(estimator, "start_network", lambda recipe, seed=0: (build(recipe, seed), None))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    images, names, labels = make_images(tmp_path_factory.mktemp("pictures"), 48, signal=2.0)
    return images, pd.DataFrame({"case": names}), labels


def test_a_signal_is_learned_in_cross_validation(cohort):
    images, table, labels = cohort
    folds = make_folds(labels, np.arange(48), 3, 1, 0)
    found = cross_validate(lambda: NetworkClassifier(RECIPE, images.path), table, labels, folds, lambda _: None)
    assert found.auc.value > 0.9
    for each in found.fits:
        assert {"youden", "sensitivity 90%", "prior"} <= set(each.thresholds)
        assert set(each.conformal) == {0.05, 0.1, 0.2}
        assert list(each.settings) == ["cnn-small 1: epoch"]


def test_noise_teaches_nothing(tmp_path):
    images, names, labels = make_images(tmp_path, 60, signal=0.0)
    recipe = RECIPE.model_copy(update={"fit": FIT.model_copy(update={"epochs": 3})})
    folds = make_folds(labels, np.arange(60), 3, 2, 0)
    table = pd.DataFrame({"case": names})
    found = cross_validate(lambda: NetworkClassifier(recipe, images.path), table, labels, folds, lambda _: None)
    assert abs(found.auc.value - 0.5) < 0.2


def test_nothing_held_out_is_read_while_training_and_no_patient_is_on_both_sides(cohort, monkeypatch):
    """Two rows are one patient; the pictures of every other case are taken away."""
    images, table, labels = cohort
    patients = np.arange(48) // 4 * 2 + labels
    train, test = make_folds(labels, patients, 3, 1, 0).splits[0]
    asked = []
    seen = []
    own = estimator.train_network

    def watch(network, recipe, trained, watched, labels, *rest, **more):
        seen.append((set(np.unique(trained.cases)), set(np.unique(watched.cases))))
        return own(network, recipe, trained, watched, labels, *rest, **more)

    take = estimator.ImageSet.take
    monkeypatch.setattr(estimator.ImageSet, "take", lambda self, cases: asked.extend(cases) or take(self, cases))
    monkeypatch.setattr(estimator, "train_network", watch)
    recipe = RECIPE.model_copy(update={"copies": 4, "fit": FIT.model_copy(update={"epochs": 1})})
    model = NetworkClassifier(recipe, images.path).fit(table.iloc[train], labels[train], patients[train])
    held = set(table["case"].iloc[test])
    assert held.isdisjoint(asked)
    groups = patients[train]
    for trained, watched in seen:
        assert trained | watched == set(range(len(train)))
        assert {groups[row] for row in trained}.isdisjoint({groups[row] for row in watched})
    assert set.union(*(watched for _, watched in seen)) == set(range(len(train)))
    assert np.isfinite(model.inner_).all()


def test_one_network_tells_only_of_those_it_watched(cohort):
    images, table, labels = cohort
    model = NetworkClassifier(RECIPE, images.path).fit(table, labels)
    assert np.isfinite(model.inner_).sum() == 12
    assert len(model.networks_) == 1


def test_the_same_seed_gives_the_same_answers_also_after_pickling(cohort):
    images, table, labels = cohort
    first = NetworkClassifier(RECIPE, images.path, random_state=3).fit(table, labels)
    other = clone(first).fit(table, labels)
    expected = first.predict_proba(table)
    assert (other.predict_proba(table) == expected).all()
    read = pickle.loads(pickle.dumps(first))  # noqa: S301
    assert (read.predict_proba(table) == expected).all()
    assert read.history_ == first.history_
    assert expected.sum(axis=1) == pytest.approx(1)
    assert ((expected[:, 1] > 0.5) == first.predict(table)).all()


def test_stopped_between_and_within_networks_goes_on_exactly(cohort, tmp_path):
    images, table, labels = cohort
    recipe = RECIPE.model_copy(update={"copies": 2, "fit": FIT.model_copy(update={"epochs": 3})})
    whole = NetworkClassifier(recipe, images.path).fit(table, labels)
    told = []

    def report(fraction, message):
        told.append((fraction, message))
        if fraction > 0.7:
            raise Cancelled

    model = NetworkClassifier(recipe, images.path, folder=tmp_path, report=report)
    with pytest.raises(Cancelled):
        model.fit(table, labels)
    assert [fraction for fraction, _ in told] == sorted(fraction for fraction, _ in told)
    assert told[-1][1].startswith("Network 2 of 2. Epoch")
    assert len(list(tmp_path.glob("*.pt"))) == 2
    model.report, model.journal = None, Journal(tmp_path / "epochs", "two networks")
    model.fit(table, labels)
    [path] = (tmp_path / "epochs").iterdir()
    first, *heard, last = map(json.loads, path.read_text().splitlines())
    assert (first["title"], first["networks"], first["epochs"], last) == ("two networks", 2, 3, {"done": True})
    assert [(each["network"], each["epoch"]) for each in heard] == [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3)]
    assert all(each["loss"] > 0 for each in heard)
    for ours, theirs in zip(model.networks_, whole.networks_, strict=True):
        assert all((ours[name] == theirs[name]).all() for name in theirs)
    assert model.thresholds_ == whole.thresholds_
    assert list(tmp_path.glob("*.pt")) == []


def test_features_are_pooled_and_kept(cohort, tmp_path, monkeypatch):
    images, table, labels = cohort
    model = NetworkClassifier(RECIPE, images.path, folder=tmp_path).fit(table, labels)
    features = model.embed(table)
    assert features.shape == (48, 6)
    network = next(iter(model.load_networks(estimator.find_device("cpu"))))[0]
    with torch.no_grad():
        expected = network.embed(torch.from_numpy(images.take(["case 7"]).values)).mean(dim=0).numpy()
    assert features[7] == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr("app.core.deep.embed.embed_pictures", lambda *_: pytest.fail("computed again"))
    assert (model.embed(table) == features).all()
    assert not any("case" in path.name for path in tmp_path.rglob("*"))


def test_variants_are_trained_on_and_views_spread(cohort):
    images, table, labels = cohort
    recipe = RECIPE.model_copy(update={"augment": AugmentRecipe(flip="none"), "views": 3})
    model = NetworkClassifier(recipe, images.path).fit(table, labels)
    views = model.ask_views(table.iloc[:4])
    assert views.shape == (3, 4)
    assert (views.std(axis=0) > 0).all()
    assert (model.ask_views(table.iloc[:4]) == views).all()
    assert NetworkClassifier(RECIPE, images.path).fit(table, labels).ask_views(table).shape == (0, 48)


def test_pictures_of_another_recipe_are_refused(cohort):
    images, table, labels = cohort
    other = RECIPE.model_copy(update={"crop": CROP.model_copy(update={"margin_mm": 3.0})})
    with pytest.raises(RecipeError, match="other settings"):
        NetworkClassifier(other, images.path).fit(table, labels)


def test_without_watched_patients_nothing_is_ruled_out(cohort):
    images, table, labels = cohort
    recipe = RECIPE.model_copy(update={"fit": FIT.model_copy(update={"epochs": 1, "watched": 0.0})})
    model = NetworkClassifier(recipe, images.path).fit(table, labels)
    assert model.thresholds_ == {"prior": 0.5}
    assert set(model.conformal_.values()) == {(1.0, 1.0)}
    assert model.calibrator_ == {"slope": 1.0, "intercept": 0.0}


def test_members_and_more_copies_than_folds_are_trained_and_vote(cohort):
    images, table, labels = cohort
    short = RECIPE.model_copy(update={"fit": FIT.model_copy(update={"epochs": 3, "watched": 0.5})})
    recipe = short.model_copy(update={"copies": 3, "members": (short,), "combine": "majority"})
    model = NetworkClassifier(recipe, images.path).fit(table, labels)
    assert len(model.networks_) == 4
    assert np.isfinite(model.inner_).all()
    votes = model.ask_networks(table) >= 0.5
    order = np.argsort(votes.mean(axis=0), kind="stable")
    assert (np.diff(model.predict_proba(table)[order, 1]) >= 0).all()


def test_the_time_is_told_beforehand():
    recipe = RECIPE.model_copy(update={"copies": 2})
    (time, epochs), other = estimate_epochs(recipe, 40, estimator.find_device("cpu"))
    assert epochs == 6
    assert time.epoch == pytest.approx(40 * time.picture)
    assert other == (time, 6)


def test_members_and_copies_are_listed():
    recipe = RECIPE.model_copy(update={"copies": 2, "members": (RECIPE,)})
    assert [(member, copy) for _, member, copy in list_networks(recipe)] == [(0, 0), (0, 1), (1, 0)]


def test_answers_are_combined():
    given = np.array([[0.9, 0.2, np.nan], [0.6, 0.4, np.nan], [0.3, np.nan, np.nan]])
    means = combine_answers(given, "mean")
    assert means[:2] == pytest.approx([np.log(0.6 / 0.4), np.log(0.3 / 0.7)])
    assert combine_answers(given, "majority")[:2] == pytest.approx([2 / 3 - 0.5, -0.5])
    assert np.isnan(means[2])

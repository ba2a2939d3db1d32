"""Networks in words: in the methods of a run, its checklists, its settings and the model card."""

import pytest

from app.core.bundle import NetworkEstimator, TrainedNetwork, WeightsOrigin
from app.core.bundle.card import write_card
from app.core.network_recipe import NetworkRecipe
from app.core.report.checklist import mark_checklist
from app.core.report.content import list_settings
from app.core.report.methods import describe_methods
from app.core.report.network_methods import describe_network, tabulate_networks
from app.core.workflows.recipes import find_recipe
from tests.core.trained_run import make_run

SHIPPED = ("cnn-2019", "cnn-small", "cnn-quick", "resnet50-2phase", "resnet50-features-xgb", "resnet3d")
HASH = "ab" * 32
SLICES = NetworkRecipe.parse({
    "crop": {"set": "slices", "size": 96, "smallest": 0.2, "most": 12, "mask_channel": True}, "dropout": 0.3,
    "fit": {"optimiser": "adamw", "rate": 0.001, "weight_decay": 0.01, "epochs": 60}})  # fmt: skip


def of_network(name, kind="cnn-small"):
    """A run whose saved model has a network, otherwise as `make_run` gives it: specification and evaluation."""
    specification, evaluation, *_ = make_run()
    recipe = find_recipe(name).model_copy(update={"name": specification.recipe.name})
    if name == "cnn-small":
        recipe = recipe.model_copy(update={"network": SLICES})
    estimator = NetworkEstimator(
        networks=(TrainedNetwork(kind=kind, parameters=391169, epochs=40, epoch=25),) * 2, contract={}, tensors={},
        slope=1.0, intercept=0.0, device="A card, 24 GiB", notices=("The batch was halved to 8.",),
        weights=(WeightsOrigin(file="start.pth", sha256=HASH, origin="ImageNet", licence="BSD-3-Clause",
                               found="12 tensors were taken. Origin: ImageNet. Licence: BSD-3-Clause."),))  # fmt: skip
    features = () if recipe.network.use == "score" else ("a", "b", "c")
    changed = specification.model_copy(update={"recipe": recipe, "estimator": estimator, "features": features})
    recipes = {name: dict(each) for name, each in (evaluation.get("recipes") or {}).items()}
    recipes[recipe.name] = recipe.model_dump(mode="json")
    return changed.model_dump(mode="json"), {**evaluation, "recipes": recipes}


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_can_be_told(name):
    recipe = find_recipe(name).model_dump(mode="json")
    text = " ".join(describe_network(name, recipe["network"], 1234567))
    assert "1,234,567 parameters" in text
    assert not [word for word in ("None", "{", "  ", "..") if word in text]
    assert f"{recipe['network']['crop']['size']} x {recipe['network']['crop']['size']} pixels" in text
    trained = recipe["network"]["tune"]
    assert ("only watched" in text) == trained
    assert ("resnet50.pth" in text) == ("resnet50" in name)


def test_phases_copies_and_votes_are_told():
    network = find_recipe("resnet50-2phase").model_dump(mode="json")["network"] | {"copies": 3, "combine": "majority"}
    text = " ".join(describe_network("x", network))
    for words in ("the layers behind the pooled features for at most 60 epochs at a learning rate of 0.001, then ",
                  "then these and the last block for at most 60 epochs at a learning rate of 1e-05",
                  "16 pictures at a time",
                  "Three networks, each watched on other patients, gave the majority of their votes",
                  "with ImageNet's mean and deviation", "mirrored along each axis", "turned by up to 15 degrees"):
        assert words in text, words
    assert "noise" not in text


def test_methods_of_a_network_name_no_classifier_and_no_features():
    specification, evaluation = of_network("cnn-small")
    evaluation["recipes"] = {specification["recipe"]["name"]: specification["recipe"]}
    text = describe_methods(specification, evaluation)
    for words in ("a small residual network with group norm", "(782,338 parameters in all)", "every slice with tumour",
                  "at most 12 of a case", "the outline as a further channel", "AdamW (learning rate 0.001, weight ",
                  "weight decay 0.01) trained it for at most 60 epochs",
                  "20% of the training patients were only watched",
                  "A case's probability is the mean of its slices'", "Images were prepared by intensities to mean 0"):
        assert words in text, words
    for absent in ("logistic regression;", "inner folds", "features were", "ComBat", "harmonised", "None", "  "):
        assert absent not in text, absent


def test_methods_of_pooled_features_name_their_classifier_too():
    specification, evaluation = of_network("resnet50-features-xgb", "resnet50")
    text = describe_methods(specification, evaluation)
    assert "takes pooled features of a ResNet-50" in text
    assert "It was not trained further: its weights are those of the file resnet50.pth" in text
    assert "gradient-boosted trees" in text


def test_checklists_claim_nothing_of_features():
    specification, evaluation = of_network("cnn-small")
    view = {"measured": True, "versions": {}, "titles": {}, "comparators": ["volume"], "advice": None, "saved": "wide",
            "importance": {}, "learning_curve": None, "calibration": {}, "headline": None, "selection": None,
            "roc": {"wide": {"auc": {"mean": 0.7, "interval": None}}}, "target": "new patients", "comparisons": [],
            "folds": evaluation["folds"]}
    marked = [each for name in ("clear", "metrics") for each in mark_checklist(name, view, specification, {}).items]
    text = " ".join(each.evidence for each in marked)
    for absent in ("0 features", "logistic regression.", "Replaced by", "None."):
        assert absent not in text, absent
    for words in ("None: the networks learned from pictures.", "Methods: cnn-small.", "balancing: weights",
                  "Every interval holds the spread", "epochs by patients of the training rows who were only watched"):
        assert words in text, words


def test_settings_of_a_classifier_that_takes_no_part_are_not_listed():
    recipe = find_recipe("cnn-small").model_dump(mode="json")
    view = {"folds": {"k": 5, "repeats": 1, "scheme": "patients"}, "measured": True}
    keys = [row[1] for row in list_settings({"cnn-small": recipe}, view).rows]
    assert "network.crop.size" in keys
    assert "prep.normalise.method" in keys
    assert not [key for key in keys if key.startswith(("model.", "harmonise.", "features."))]
    beside = list_settings({"f": find_recipe("resnet50-features-xgb").model_dump(mode="json")}, view)
    assert "model.kind" in [row[1] for row in beside.rows]


def test_the_card_has_the_facts_of_the_networks():
    specification, evaluation = of_network("cnn-small")
    card = write_card(specification, evaluation, "cd" * 32)
    for words in ("## Networks", "| 1: cnn-small | 391,169 | 40 | 25 |", "| 2: cnn-small | 391,169 | 40 | 25 |",
                  "Trained on A card, 24 GiB.", f"SHA-256 {'cd' * 32}", f"- Started from start.pth (SHA-256 {HASH}).",
                  "Licence: BSD-3-Clause.", "- The batch was halved to 8.", "Pictures are not harmonised",
                  "a small residual network"):
        assert words in card, words
    for absent in ("0 features", "Not harmonised.", "None", "\n\n\n"):
        assert absent not in card, absent
    pooled, evaluation = of_network("resnet50-features-xgb", "resnet50")
    assert " 3 features, those pooled by the network." in write_card(pooled, evaluation, "")


def test_a_run_s_report_lists_the_networks_with_the_epoch_that_was_kept():
    estimator = of_network("cnn-small")[0]["estimator"]
    history = [[{"epoch": number, "watched": 0.9 - 0.01 * number} for number in range(1, 41)]] * 2
    told = {"networks": estimator["networks"], "device": estimator["device"], "weights": estimator["weights"],
            "notices": estimator["notices"], "history": history}
    header, rows, note = tabulate_networks(told)
    assert len(header) == len(rows[0])
    assert rows == (("1: cnn-small", "391,169", "40", "25", "0.650"), ("2: cnn-small", "391,169", "40", "25", "0.650"))
    for words in ("Trained on A card, 24 GiB.", f"Started from start.pth (SHA-256 {HASH}).", "The batch was halved"):
        assert words in note
    _, rows, note = tabulate_networks({**told, "history": [], "device": "", "weights": [], "notices": []})
    assert (rows[0][-1], note) == ("not known", "")

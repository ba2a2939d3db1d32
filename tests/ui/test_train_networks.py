"""Networks in the wizard: offered with what they need, changed in their form, previewed, followed while they run."""

import json
import os
from pathlib import Path

import pytest
from network_answers import CUDA, MISSING, RECIPES, described, epoch, previewed, write_epochs
from PySide6.QtWidgets import QFileDialog
from train_answers import RECIPES as FEATURE_RECIPES
from train_answers import column

from app.core.errors import Failure
from app.core.recipe import Recipe
from app.core.requests import TrainRequest


def list_recipes(wizard, *own):
    wizard.training.recipes.load()
    wizard.jobs.answer("list_recipes", {"recipes": [*FEATURE_RECIPES, *RECIPES, *own], "problems": []})


@pytest.fixture
def networks(wizard):
    """The wizard at its models, on a table of images."""
    list_recipes(wizard)
    wizard.open(holds_images=True, features=109)
    wizard.go(3)
    return wizard


def describe(wizard, **more):
    wizard.jobs.answer("describe_networks", described(wizard.jobs.request("describe_networks"), **more))


def test_networks_are_a_group_of_their_own_with_what_they_need(networks):
    step = networks.page.models
    assert list(step.models) == ["default", "logistic", "rf", "cnn-small", "resnet"]
    assert step.heading.isVisible()
    asked = networks.jobs.request("describe_networks")
    assert [recipe["name"] for recipe in asked["recipes"]] == ["cnn-small", "resnet"]
    assert step.device.text() == "The networks are being looked at."
    describe(networks)
    assert step.device.text().startswith("Runs on: CPU, ")
    small, resnet = step.models["cnn-small"], step.models["resnet"]
    assert small.facts.text() == ("391,169 parameters; looks at up to 12 slices of each tumour, 64 × 64 pixels, and "
                                  "its outline; starts from scratch.")
    assert small.weights.isHidden()
    assert small.choose.isHidden()
    assert small.button.isEnabled()
    assert "'resnet18.pth' are not there" in resnet.weights.text()
    assert resnet.choose.isVisible()
    assert not resnet.button.isEnabled()
    assert step.times["resnet"].text() == "needs its weights"
    for row in (small, resnet):
        networks.qtbot.waitUntil(lambda row=row: row.height() >= row.heightForWidth(row.width()))
        assert row.edit.height() >= row.edit.sizeHint().height()


def test_the_keyboard_goes_from_network_to_network(networks):
    step, order = networks.page.models, []
    widget = step.total.nextInFocusChain()
    while widget is not step.total:
        order.append(widget)
        widget = widget.nextInFocusChain()
    small, resnet = step.models["cnn-small"], step.models["resnet"]
    places = [order.index(each) for each in (step.models["rf"].button, small.button, small.edit, resnet.button,
                                             resnet.edit, resnet.choose, step.efforts["quick"])]
    assert places == sorted(places)


def test_what_cannot_be_found_out_is_not_asked_for_ever(networks):
    count = networks.jobs.count("describe_networks")
    networks.jobs.failed.emit(networks.jobs.last("describe_networks"), Failure("engine", "It ended."))
    networks.training.changed.emit()
    assert networks.jobs.count("describe_networks") == count
    networks.page.go_to(2)
    networks.page.go_to(3)
    assert networks.jobs.count("describe_networks") == count + 1


def test_a_graphics_card_is_named_with_its_memory(networks):
    describe(networks, device=CUDA)
    assert networks.page.models.device.text() == (
        "Runs on: NVIDIA H100 with 80 GiB of memory, one training after the other.")


def test_weights_are_chosen_and_tried(networks, monkeypatch):
    describe(networks)
    step, path = networks.page.models, "/elsewhere/resnet18.pth"
    monkeypatch.setattr(QFileDialog, "open", lambda dialog: dialog.fileSelected.emit(path))
    step.models["resnet"].choose.click()
    asked = {each["name"]: each for each in networks.jobs.request("describe_networks")["recipes"]}
    assert asked["resnet"]["network"]["weights"] == path
    assert "cnn-small" not in asked  # known already
    describe(networks, weights={**MISSING, "fits": True, "message": "120 tensors were taken."})
    assert step.models["resnet"].weights.text() == "Weights: 120 tensors were taken."
    step.models["resnet"].button.click()
    request = networks.training.request()
    assert next(each for each in request.recipes if each.name == "resnet").network.weights == path


def test_a_network_that_lacks_its_weights_stops_the_step(networks):
    describe(networks, weights={**MISSING, "fits": True})
    networks.page.models.models["resnet"].button.click()
    assert networks.page.next.isEnabled()
    networks.page.go_to(0)
    networks.training.networks._known.clear()
    networks.page.go_to(3)
    describe(networks)
    assert "needs its file of weights" in networks.page.why.text()


def test_a_table_of_features_greys_networks_out_and_says_why(wizard):
    list_recipes(wizard)
    wizard.open()
    wizard.go(3)
    step = wizard.page.models
    assert wizard.jobs.count("describe_networks") == 0
    assert "holds features alone" in step.about.text()
    assert not step.models["cnn-small"].button.isEnabled()
    assert not step.models["cnn-small"].edit.isEnabled()
    assert step.times["cnn-small"].text() == "needs images and outlines"
    wizard.training.choose(models=("cnn-small",))
    assert "needs images" in wizard.page.why.text()


def test_a_network_runs_on_its_own_preparation_and_the_others_on_the_features(networks):
    describe(networks)
    networks.page.models.models["cnn-small"].button.click()
    request = networks.training.request()
    default, small = request.recipes
    assert (default.name, small.name) == ("default", "cnn-small")
    assert default.features.bin_width == 25.0
    assert small.features is None
    assert small.prep == Recipe.parse(RECIPES[0]["recipe"]).prep
    assert (small.model.folds, small.model.repeats) == (9, 5)


def test_the_sequence_is_asked_where_there_are_several(networks):
    assert not networks.page.models.sequence_row.isVisible()
    networks.training.look()
    images = [column(name, "file", "text") for name in ("image_T1", "image_t2_fs")]
    networks.look(holds_images=True, features=109, columns=[column("patient", "patient", "text"), *images])
    step = networks.page.models
    assert step.sequence_row.isVisible()
    assert [step.sequence.itemData(row) for row in range(step.sequence.count())] == ["t1", "t2_fs"]
    networks.training.choose(models=("cnn-small",))
    assert networks.training.request().recipes[0].network.crop.sequence == "t1"
    step.sequence.setCurrentIndex(1)
    step.sequence.activated.emit(1)
    assert networks.training.request().recipes[0].network.crop.sequence == "t2_fs"


def test_a_long_run_of_networks_is_told_how_to_be_shorter(networks):
    describe(networks)
    networks.training.choose(models=("cnn-small",))
    networks.training.time_again()
    networks.look(holds_images=True, features=109, seconds={"default": 1.0})  # asked before
    networks.look(holds_images=True, features=109, seconds={"cnn-small": 1200.0})
    step = networks.page.models
    assert step.times["cnn-small"].text() == "about 1.7 h at most"
    assert "with the effort 'Quick', about 20 min" in step.warning.text()
    step.efforts["quick"].click()
    assert "Quick" not in step.warning.text()


def test_combat_does_not_reach_networks_and_is_not_counted_for_them(networks):
    describe(networks)
    networks.training.choose(models=("rf", "cnn-small"), repeats=1, folds=4, harmonise="combat")
    networks.training.seconds = {"rf": 10.0, "cnn-small": 100.0}
    assert networks.training.estimate() == 2 * 10 + 100
    networks.training.choose(primary="cnn-small")
    assert networks.training.estimate() == 2 * 10 + 100 + 100 / 4  # the last one learns from all
    networks.training.choose(primary="")
    networks.training.found["advice"]["sizes"]["S4"] = 3  # from five sites on they are held out
    assert networks.training.estimate() == 3 * 10 + 2 * 100
    del networks.training.found["advice"]["sizes"]["S4"]
    networks.page.models.refresh()
    assert "ComBat" in networks.page.models.about.text()
    networks.training.choose(harmonise="none")
    assert networks.training.estimate() == 110
    assert "ComBat" not in networks.page.models.about.text()


@pytest.fixture
def editor(networks, qtbot):
    """The form of the small network, with its preview."""
    describe(networks)
    networks.page.models.models["cnn-small"].edit.click()
    editor = networks.page._editor
    yield editor
    if networks.page._editor is not None:
        editor.accept()


def show_pictures(wizard, qtbot, folder, **more):
    before = wizard.jobs.count("preview_pictures")
    qtbot.waitUntil(lambda: wizard.jobs.count("preview_pictures") >= max(before, 1))
    request = wizard.jobs.request("preview_pictures")
    wizard.jobs.answer("preview_pictures", previewed(request, folder, **more))
    return request


def test_the_form_shows_pictures_of_the_users_own_case(networks, editor, qtbot, tmp_path):
    request = show_pictures(networks, qtbot, tmp_path / "p")
    strip = editor.sheet.strip
    assert request["source"] == str(networks.table)
    assert request["recipe"]["name"] == "cnn-small"
    assert strip.count == 9
    assert strip.list.item(0).text() == "As it is cut"
    assert strip.said.text() == "P1 (case 1 of 24): 12 pictures, the largest shown."
    strip.others.click()
    qtbot.waitUntil(lambda: networks.jobs.count("preview_pictures") == 2)
    assert networks.jobs.request("preview_pictures")["seed"] == request["seed"] + 8
    networks.jobs.answer("preview_pictures", previewed(networks.jobs.request("preview_pictures"), tmp_path / "p"))
    strip.case.click()
    qtbot.waitUntil(lambda: networks.jobs.count("preview_pictures") == 3)
    assert networks.jobs.request("preview_pictures")["place"] == 1
    failure = Failure("input", "P2 has no outline.", "Draw it.")
    networks.jobs.failed.emit(networks.jobs.last("preview_pictures"), failure)
    assert "P2 has no outline." in strip.problem.text()
    assert strip.list.isHidden()


def test_the_pictures_follow_the_form_one_wish_at_a_time(networks, editor, qtbot, tmp_path):
    show_pictures(networks, qtbot, tmp_path / "p")
    editor.duplicate()
    sheet = editor.sheet
    sheet.augment.form.fields["rotate"].box.setValue(60)
    qtbot.waitUntil(lambda: networks.jobs.count("preview_pictures") == 2)
    assert networks.jobs.request("preview_pictures")["recipe"]["network"]["augment"]["rotate"] == 60
    sheet.augment.form.fields["rotate"].box.setValue(70)
    sheet.augment.form.fields["rotate"].box.setValue(80)
    qtbot.wait(500)
    assert networks.jobs.count("preview_pictures") == 2, "the first wish is carried out first"
    assert networks.jobs.stopped == []
    networks.jobs.answer("preview_pictures", previewed(networks.jobs.request("preview_pictures"), tmp_path / "p"))
    qtbot.waitUntil(lambda: networks.jobs.count("preview_pictures") == 3)
    assert networks.jobs.request("preview_pictures")["recipe"]["network"]["augment"]["rotate"] == 80
    sheet.augment.switch.click()
    networks.jobs.answer("preview_pictures", previewed(networks.jobs.request("preview_pictures"), tmp_path / "p"))
    qtbot.waitUntil(lambda: networks.jobs.count("preview_pictures") == 4)
    networks.jobs.answer("preview_pictures", previewed(networks.jobs.request("preview_pictures"), tmp_path / "p"))
    assert sheet.strip.count == 1


def pick(field, value):
    field.box.setCurrentIndex(field.box.findData(value))
    field.box.activated.emit(field.box.currentIndex())


def test_choices_follow_from_one_another(editor):
    editor.duplicate()
    sheet = editor.sheet
    crop, network = sheet.forms["crop"][0], sheet.forms["network"][0]
    assert not crop.fields["depth"].isVisibleTo(sheet)
    pick(crop.fields["set"], "volume")
    assert sheet.value().network.kind == "resnet10-3d"
    assert crop.fields["depth"].isVisibleTo(sheet)
    pick(network.fields["kind"], "densenet121")
    assert sheet.value().network.crop.set == "largest_slice"
    pick(crop.fields["set"], "neighbours")
    assert sheet.value().network.crop.channels == 3
    pick(crop.fields["set"], "slices")
    assert sheet.value().network.crop.channels == 1
    rest = sheet.forms["crop"][1]
    assert rest.fields["most"].value() == 12
    pick(crop.fields["set"], "largest_slice")
    assert rest.fields["most"].isHidden()
    rest.fields["field_mm"].used.click()
    assert sheet.value().network.crop.field_mm == 200
    assert rest.fields["margin_mm"].isHidden()
    assert "in a field of 200 mm" in sheet.told.text()
    pick(crop.fields["set"], "slices")
    crop.fields["size"].box.setValue(16)
    assert "at least 32 pixels" in sheet.problem.text()
    assert not editor.buttons["save"].isEnabled()
    crop.fields["size"].box.setValue(48)
    assert sheet.refusal == ""
    assert sheet.value().network.crop.size == 48
    sheet.phases.switch.click()
    assert [phase.unfreeze for phase in sheet.value().network.fit.phases] == ["head", "last"]
    assert not sheet.forms["fit"][0].fields["epochs"].isVisibleTo(sheet)
    sheet.phases.forms[1].fields["epochs"].box.setValue(33)
    assert sheet.value().network.fit.phases[1].epochs == 33
    sheet.weights.switch.click()
    assert "Choose the file" in sheet.problem.text()
    sheet.weights.file._take("/elsewhere/w.pth")
    assert sheet.value().network.weights == "/elsewhere/w.pth"
    assert sheet.refusal == ""


def test_a_changed_network_takes_the_place_of_what_it_came_from(networks, editor):
    networks.training.choose(models=("default", "cnn-small"))
    editor.duplicate()
    assert editor.sheet.name.text() == "cnn-small-own"
    editor.sheet.forms["fit"][0].fields["epochs"].box.setValue(12)
    editor.sheet.forms["network"][0].fields["copies"].box.setValue(3)
    editor.buttons["save"].click()
    saved = networks.jobs.request("save_recipe")["recipe"]
    assert Recipe.parse(saved).network.fit.epochs == 12
    assert saved["model"]["folds"] == 5
    networks.jobs.answer("save_recipe", {"name": "cnn-small-own", "written": "/data/cnn-small-own.json"})
    own = {"name": "cnn-small-own", "title": "cnn-small-own", "description": "", "shipped": False, "kind": "network",
           "features": None, "recipe": saved}
    list_recipes(networks, own)
    editor.accept()
    assert networks.training.draft.models == ("default", "cnn-small-own")
    row = networks.page.models.models["cnn-small-own"]
    assert row.button.isChecked()
    describe(networks)
    assert row.facts.text().startswith("3 networks, 391,169 parameters each")


def test_curves_are_shown_while_a_network_trains(networks):
    describe(networks)
    networks.training.choose(models=("cnn-small",))
    request = networks.train()
    run, keep = networks.page.run, Path(request.keep)
    assert not run.epochs.isVisible()
    write_epochs(keep, *(epoch(number, watched=0.9 - 0.1 * number if number < 4 else 0.7, auc=0.5 + 0.1 * number,
                               phase=1 + (number > 3), batch=8 if number < 3 else 4) for number in range(1, 5)))
    networks.training.folds.read()
    assert run.epochs.isVisible()
    assert run.epochs.said.text() == (
        "Small network: network 1 of 2, epoch 4 of at most 60; best so far: epoch 3, AUC 0.80")
    assert run.epochs.left.text() == "CPU, 1 thread"
    assert run.epochs.notice.text() == "Memory ran out with 8 pictures at a time; from epoch 3 on it is 4."
    write_epochs(keep, epoch(5, watched=0.4, auc=None))
    path = write_epochs(keep, epoch(1, watched=0.8, auc=0.6), name="b", title="cnn-small: sites")
    networks.training.folds.read()
    assert "epoch 5" in run.epochs.said.text()
    assert run.epochs.choice.isVisible()
    assert run.epochs.choice.count() == 2
    write_epochs(keep, {"done": True})
    with path.open("a") as file:
        file.write('{"network": 1, "epoch": 2, "pha')  # half a line
    networks.training.folds.read()
    assert not run.epochs.choice.isVisible()
    assert run.epochs.said.text().startswith("Small network: sites: network 1 of 2, epoch 1")
    for theme in ("light", "dark"):
        networks.window.state.choose("theme", theme)
        assert not networks.page.grab().isNull()
    run.pause.click()
    assert not run.epochs.isVisible()


def test_epochs_of_an_earlier_run_are_not_shown(networks):
    networks.training.choose(models=("cnn-small",))
    request = networks.train()
    keep = Path(request.keep)
    path = write_epochs(keep, epoch(1, watched=0.8, auc=0.6))
    networks.page.run.stop.click()
    os.utime(path, (1.0, 1.0))
    networks.page.run.start.click()
    assert networks.jobs.request("train") == json.loads(TrainRequest.parse(
        networks.jobs.request("train")).model_dump_json())
    networks.training.folds.read()
    assert not networks.page.run.epochs.isVisible()
    write_epochs(keep, epoch(1, watched=0.8, auc=0.6), name="b")
    networks.training.folds.read()
    assert len(networks.training.epochs.running) == 1
    assert networks.page.run.epochs.isVisible()


def test_a_features_run_shows_no_epochs(wizard):
    wizard.open()
    wizard.train()
    wizard.training.folds.read()
    assert not wizard.page.run.epochs.isVisible()

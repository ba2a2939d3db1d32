"""The training wizard with an engine that answers when told."""


from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QPushButton
from train_answers import RECIPES, looked
from window_fixtures import RecordedJobs

from app.core.store import Store
from app.ui.training_words import STEPS
from app.ui.window import MainWindow


def said(wizard):
    return [item.data(Qt.ItemDataRole.UserRole) for item in
            (wizard.page.list.item(row) for row in range(wizard.page.list.count()))]


def test_an_empty_wizard_invites_and_goes_nowhere(wizard):
    page = wizard.page
    assert page.cases.invitation.isVisible()
    assert not page.next.isEnabled()
    assert [state.title for state in said(wizard)] == list(STEPS)
    assert [state.open for state in said(wizard)] == [True] + [False] * 7
    page.go_to(5)
    page.list.setCurrentRow(4)
    page.next.click()
    assert wizard.training.draft.step == 0
    assert not page.run.start.isEnabled()


def test_a_table_is_shown_with_its_roles_counts_and_notes(wizard):
    wizard.open()
    cases = wizard.page.cases
    assert cases.facts.text().startswith("60 cases of 58 patients, 20 features, 4 sites")
    assert cases.counts.words_at(30) == "42 lipoma, 18 ALT"
    assert cases.positive.currentData() == "ALT"
    assert [cases.boxes[role].currentData() for role in ("label", "patient", "site")] == ["label", "patient", "site"]
    told = [each["message"] for each in cases.problems.problems]
    assert told[0].startswith("'tumour_grade' is left out")
    assert len(told) == 3
    assert cases.table.columns.rowCount() == 24
    cases.search.setText("clinical")
    shown = [row for row in range(24) if not cases.table.isRowHidden(row)]
    assert [cases.table.columns.columns[row]["name"] for row in shown] == ["age"]
    assert wizard.page.next.isEnabled()


def test_problems_stop_and_name_their_fix(wizard):
    wizard.open(problems=[{"message": "2 rows have no 'label'.", "fix": "Fill them.", "stops": True, "row": 3,
                           "column": "label"}])
    assert not wizard.page.next.isEnabled()
    assert wizard.page.why.text() == "1 problem to put right first."
    assert wizard.page.cases.problems.problems[0]["fix"] == "Fill them."


def test_a_changed_role_is_asked_for_at_once_and_remembered(wizard, qtbot, monkeypatch):
    monkeypatch.setattr(QMenu, "popup", lambda *_: None)
    wizard.open()
    table = wizard.page.cases.table
    names = [each["name"] for each in table.columns.columns]
    row = names.index("f3")
    table.setCurrentIndex(table.columns.index(row, 0))
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert [action.text() for action in table.menu.actions() if action.isChecked()] == [
        "Feature: measured; the model learns from it"]
    before = wizard.jobs.count("preview_training")
    next(action for action in table.menu.actions() if action.text().startswith("Not used")).trigger()
    qtbot.waitUntil(lambda: wizard.jobs.count("preview_training") > before)
    assert wizard.jobs.request("preview_training")["ignore"] == ["f3"]
    wizard.page.cases.boxes["site"].setCurrentIndex(0)
    wizard.page.cases.boxes["site"].activated.emit(0)
    before = wizard.jobs.count("preview_training")
    qtbot.waitUntil(lambda: wizard.jobs.count("preview_training") > before)
    assert wizard.jobs.request("preview_training")["site"] == ""
    assert wizard.training.role_of("site") == "ignore"
    assert wizard.training.role_of("f3") == "ignore"


def test_several_columns_take_a_role_together(wizard):
    wizard.open()
    table = wizard.page.cases.table
    rows = [place for place, each in enumerate(table.columns.columns) if each["name"] in ("f1", "f2")]
    table.setSelectionMode(table.SelectionMode.MultiSelection)
    for row in rows:
        table.selectRow(row)
    with_roles = []
    table.role_chosen.connect(lambda names, role: with_roles.append((sorted(names), role)))
    table._take(rows[0], "clinical")
    assert with_roles == [(["f1", "f2"], "clinical")]


def test_diagnoses_of_a_folder_come_from_a_second_table(wizard, tmp_path):
    folder = tmp_path / "cases"
    folder.mkdir()
    wizard.page.take([str(folder)])
    wizard.look(holds_images=True, chosen={"label": "", "patient": "patient", "site": "", "clinical": [],
                                           "positive": None}, classes={},
                problems=[{"message": "No column is chosen as the label.", "fix": "", "stops": True}])
    assert wizard.page.cases.buttons["labels"].isVisible()
    labels = tmp_path / "labels.csv"
    labels.write_text("id,diagnosis\n")
    wizard.page.take([str(labels)])
    asked = wizard.jobs.request("preview_training")
    assert asked["table"] == str(folder)
    assert asked["labels"] == str(labels)


def test_features_in_the_table_leave_nothing_to_choose(wizard):
    wizard.open()
    wizard.go(1)
    assert "already holds 20 features" in wizard.page.features.said.text()
    assert not wizard.page.features.card.isVisible()


def test_images_are_measured_by_a_chosen_recipe_and_can_be_looked_at(wizard, qtbot):
    wizard.open(holds_images=True, features=109)
    wizard.go(1)
    step = wizard.page.features
    assert step.card.isVisible()
    assert step.recipe.name == "pyradiomics"
    step.recipe.choose("ibsi")
    assert wizard.jobs.request("preview_training")["measures"]["name"] == "ibsi"
    step.preview.click()
    case = {"id": "P1", "images": {"t1": "/data/P1/t1.nii"}, "mask": "/data/P1/gtv.nii"}
    wizard.jobs.answer("list_cohort", {"cases": [case], "rows": []})
    assert wizard.window.pages.currentWidget() is wizard.window.score_page
    entries = wizard.window.reading.worklist.entries
    qtbot.waitUntil(lambda: bool(entries()))
    assert entries()[-1].files["id"] == "P1"


def test_what_looks_wrong_can_be_confirmed(wizard):
    wizard.open(problems=[{"message": "Ids repeat.", "fix": "", "stops": True, "row": 3, "column": "",
                           "confirm": "patient"}])

    def press(words):
        next(each for each in wizard.page.cases.problems.widget().findChildren(QPushButton)
             if each.text() == words).click()

    press("'tumour_grade' is right")
    assert wizard.jobs.request("preview_training")["confirmed"] == ["tumour_grade"]
    press("'patient' is right")
    wizard.look(held_out=[])
    assert wizard.page.next.isEnabled()
    assert wizard.training.request().confirmed == ["tumour_grade", "patient"]


def test_some_images_are_shown_and_opened(wizard, qtbot, tmp_path):
    wizard.open(holds_images=True, features=109)
    strip = wizard.page.cases.pictures
    assert wizard.jobs.request("draw_thumbnails")["source"] == str(wizard.table)
    case = {"id": "P1", "images": {"t1": "/data/P1/t1.nii"}, "mask": "/data/P1/gtv.nii"}
    wizard.jobs.answer("draw_thumbnails", {"cases": 60, "thumbnails": [
        {"case": "P1", "files": case, "picture": None, "message": "It cannot be read."}]})
    assert wizard.page.cases.pictures_heading.text() == "Pictures (1 of 60 cases)"
    assert strip.item(0).toolTip() == "It cannot be read."
    strip.setFocus()
    strip.setCurrentRow(0)
    qtbot.keyClick(strip, Qt.Key.Key_Return)
    assert wizard.window.pages.currentWidget() is wizard.window.score_page
    asked = wizard.jobs.count("draw_thumbnails")
    wizard.window.show_named("Train")
    wizard.training.changed.emit()
    assert wizard.jobs.count("draw_thumbnails") == asked


def test_sites_give_advice_and_nothing_is_harmonised_unless_asked(wizard):
    wizard.open()
    wizard.go(2)
    step = wizard.page.sites
    assert step.recommendation.text() == "Leave harmonisation off."
    assert step.choices["none"].button.isChecked()
    assert not step.policy.isVisible()
    assert "25 % of the features differ" in step.test.text()
    step.choices["combat"].button.click()
    assert step.policy.isVisible()
    assert wizard.training.draft.harmonise == "combat"
    step.policies["unseen"].setCurrentIndex(step.policies["unseen"].findData("refuse"))
    step.policies["unseen"].activated.emit(0)
    assert wizard.training.request().harmonise.unseen == "refuse"


def test_without_sites_there_is_nothing_to_harmonise(wizard):
    wizard.open(advice=None, sites={}, site_classes={}, chosen={"label": "label", "patient": "patient", "site": "",
                                                                "clinical": [], "positive": None})
    wizard.go(2)
    assert not wizard.page.sites.choices["combat"].button.isEnabled()
    assert "No column names the hospital" in wizard.page.sites.recommendation.text()
    wizard.go(4)
    assert "nothing can be told of hospitals" in wizard.page.validation.sites.text()


def test_models_are_timed_on_the_table(wizard):
    wizard.open()
    wizard.go(3)
    step = wizard.page.models
    assert next(iter(step.models)) == "default"
    assert step.models["default"].button.isChecked()
    assert [recipe["name"] for recipe in wizard.jobs.request("preview_training")["recipes"]] == ["default"]
    wizard.look(seconds={"default": 30.0})
    assert step.times["default"].text() == "about 2 min"  # five repeats of half a minute
    assert step.total.text().startswith("In all about 2 min")
    step.efforts["thorough"].click()
    assert wizard.training.draft.repeats == 10
    assert step.total.text().startswith("In all about 5 min")
    step.models["rf"].button.click()
    assert [recipe["name"] for recipe in wizard.jobs.request("preview_training")["recipes"]] == ["rf"]
    wizard.look(seconds={"rf": None})
    assert step.times["rf"].text() == "cannot be fitted here"
    assert "2 models on the same patients" in step.warning.text()
    for name in ("rf", "default"):
        step.models[name].button.click()
    assert not wizard.page.next.isEnabled()
    assert wizard.page.why.text() == "Choose at least one model."


def test_validation_says_what_each_test_tells(wizard):
    wizard.open()
    wizard.go(3)
    wizard.page.models.models["rf"].button.click()
    wizard.go(4)
    step = wizard.page.validation
    assert step.folds.maximum() == 9
    assert "More than 9 folds" in step.few.text()
    assert step.sites.text().startswith("5 sites are needed")
    assert "this table names 4" in step.sites.text()
    assert step.one_site_row.isHidden(), "no more sites than folds: they are held out one by one as it is"
    step.primary.setCurrentIndex(step.primary.findData("rf"))
    step.primary.activated.emit(1)
    step.audit.click()
    step.repeats.setValue(3)
    request = wizard.training.request()
    assert (request.primary, request.audit, request.repeats) == ("rf", True, 3)
    wizard.page.go_to(3)
    assert not any(button.isChecked() for button in wizard.page.models.efforts.values())


def test_going_back_loses_nothing_and_a_restart_neither(wizard, tmp_path, qtbot):
    wizard.open()
    wizard.go(3)
    wizard.page.models.models["logistic"].button.click()
    wizard.go(4)
    for _ in range(4):
        wizard.page.back.click()
    assert wizard.training.draft.step == 0
    assert wizard.training.draft.furthest == 4
    wizard.page.list.setCurrentRow(4)
    assert wizard.training.draft.step == 4
    assert wizard.training.draft.models == ("default", "logistic")
    wizard.window.close()
    jobs = RecordedJobs()
    again = MainWindow(Store(tmp_path / "store.sqlite3"), jobs)
    qtbot.addWidget(again)
    again.show()
    again.show_named("Train")
    qtbot.waitUntil(lambda: again.train_page.is_made and again.train_page.stack.isVisible())
    jobs.answer("list_recipes", {"recipes": RECIPES, "problems": []})
    jobs.answer("preview_training", looked(str(wizard.table)))
    assert again.train_page.training.draft == wizard.training.draft
    assert again.train_page.stack.currentIndex() == 4
    assert again.train_page.next.isEnabled()
    again.close()


def test_a_new_beginning_can_be_taken_back(wizard):
    wizard.open()
    wizard.go(2)
    wizard.page.anew.click()
    assert wizard.training.draft.source == ""
    assert wizard.page.cases.invitation.isVisible()
    wizard.window.undo()
    assert wizard.training.draft.source == str(wizard.table)
    assert wizard.training.draft.step == 2


def test_keys_go_forth_and_back(wizard, qtbot):
    wizard.open()
    wizard.window.activateWindow()
    qtbot.waitUntil(wizard.window.isActiveWindow)
    qtbot.keyClick(wizard.page, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert wizard.training.draft.step == 1
    qtbot.keyClick(wizard.page, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert wizard.training.draft.step == 0


def test_the_keyboard_reaches_models_before_the_effort(wizard):
    wizard.open()
    wizard.go(3)
    step, order = wizard.page.models, []
    widget = step.total.nextInFocusChain()
    while widget is not step.total:
        order.append(widget)
        widget = widget.nextInFocusChain()
    places = [order.index(each.button) for each in step.models.values()]
    assert places == sorted(places)
    assert places[-1] < order.index(step.efforts["quick"])

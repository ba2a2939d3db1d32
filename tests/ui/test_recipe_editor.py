"""Recipes in a form: looked at, duplicated, changed, kept, deleted, brought back, exchanged; refusals said."""

import json

import pytest
from cohort_results import IBSI, SHIPPED
from PySide6.QtTest import QTest

from app.core.errors import Failure
from app.core.recipe import Recipe


@pytest.fixture
def editor(cohort):
    cohort.editor = cohort.cohort_page.edit_recipe("ibsi")
    yield cohort.editor
    cohort.editor.accept()


def pick(field, value):
    field.box.setCurrentIndex(field.box.findData(value))
    field.box.activated.emit(field.box.currentIndex())


def test_a_shipped_recipe_is_shown_whole_and_cannot_be_changed(cohort, editor):
    assert [editor.list.item(row).text() for row in range(editor.list.count())] == ["IBSI", "pyradiomics"]
    assert editor.sheet.value() == Recipe.parse(IBSI["recipe"])
    assert editor.sheet.quantised.switch.isChecked()
    assert not editor.sheet.gabor.switch.isChecked()
    assert editor.sheet.filters.boxes["LoG"].isChecked()
    assert not editor.sheet.widget().isEnabled()
    assert not editor.buttons["save"].isEnabled()
    assert not editor.buttons["delete"].isEnabled()


def test_a_duplicate_is_changed_kept_and_chosen(cohort, editor):
    editor.duplicate()
    assert editor.sheet.name.text() == "ibsi-own"
    sheet = editor.sheet
    sheet.gabor.switch.click()
    sheet.n4.switch.click()
    sheet.n4.form.fields["levels"].box.setValue(3)
    sheet.features.fields["classes"].boxes["shape"].click()
    sheet.filters.boxes["Wavelet"].click()
    sheet.filters.sizes["LoG"].setText("2; 5")
    sheet.filters.sizes["LoG"].editingFinished.emit()
    editor.buttons["save"].click()
    request = cohort.jobs.request("save_recipe")
    recipe = Recipe.parse(request["recipe"])
    assert request["replaces"] is None
    assert "model" not in request["recipe"]
    assert recipe.prep.n4.levels == 3
    assert recipe.features.gabor is not None
    assert "shape" not in recipe.features.classes
    assert recipe.features.filters == {"Original": {}, "LoG": {"sigma": [2.0, 5.0]}, "Wavelet": {}}
    assert recipe.features.bin_count == 32
    cohort.jobs.answer("save_recipe", {"name": "ibsi-own", "written": "/data/ibsi-own.json"})
    assert editor.chosen == "ibsi-own"
    editor.accept()
    assert cohort.cohort_page.features.panel.recipe.name == "ibsi-own"
    assert cohort.cohort_page.features.panel.recipe.box.currentText() == "ibsi-own (own)"


def test_own_recipes_are_renamed_deleted_and_brought_back(cohort, editor):
    editor.duplicate()
    editor.save()
    cohort.jobs.answer("save_recipe", {"name": "ibsi-own"})
    editor.sheet.name.setText("mine")
    editor.sheet.name.textEdited.emit("mine")
    editor.save()
    assert cohort.jobs.request("save_recipe")["replaces"] == "ibsi-own"
    cohort.jobs.answer("save_recipe", {"name": "mine"})
    editor.delete()
    assert cohort.jobs.request("save_recipe")["delete"]
    cohort.jobs.answer("save_recipe", {"name": "mine", "written": None})
    assert editor.buttons["undo"].isVisible()
    assert editor.chosen == "ibsi"
    editor.buttons["undo"].click()
    again = cohort.jobs.request("save_recipe")
    assert (again["recipe"]["name"], again["delete"]) == ("mine", False)
    cohort.jobs.answer("save_recipe", {"name": "mine"})
    assert editor.chosen == "mine"


def test_what_is_refused_is_said(cohort, editor):
    editor.duplicate()
    editor.sheet.name.setText("")
    editor.save()
    assert "no name" in editor.problem.text()
    editor.sheet.name.setText("pyradiomics")
    editor.save()
    cohort.jobs.failed.emit(cohort.jobs.last("save_recipe"), Failure(
        "input", "'pyradiomics' is a recipe that the program ships.", "Save it under a name of your own."))
    assert editor.problem.text().startswith("'pyradiomics' is a recipe that the program ships.")
    field = editor.sheet.quantised.form.fields["levels"]
    field.text.setText("eight")
    QTest.keyClick(field.text, "\r")
    assert editor.sheet.refusal
    assert not editor.buttons["save"].isEnabled()


def test_recipes_are_exchanged_as_files(cohort, editor, tmp_path):
    out = tmp_path / "ibsi.json"
    editor.write(str(out))
    assert Recipe.parse(out) == Recipe.parse(IBSI["recipe"])
    out.write_text(json.dumps({**SHIPPED["recipe"], "name": "theirs"}), encoding="utf-8")
    editor.read(str(out))
    assert editor.sheet.name.text() == "theirs"
    assert editor.buttons["save"].isEnabled()
    out.write_text("{", encoding="utf-8")
    editor.read(str(out))
    assert "cannot be read" in editor.problem.text()


def test_filters_keep_what_the_form_does_not_draw(editor):
    field = editor.sheet.filters
    given = {"Original": {}, "Wavelet": {"wavelet": "haar", "level": 2}, "Mean": {"support": [15], "boundary": "zero"}}
    field.set_value(given)
    assert field.value() == given
    field.sizes["Mean"].setText("many")
    field.sizes["Mean"].editingFinished.emit()
    assert field.sizes["Mean"].text() == "3"
    assert field.value()["Mean"] == {"support": [3], "boundary": "zero"}
    assert field.sizes["LoG"].isHidden()


def test_filters_begin_with_settings_that_can_be_used(editor):
    editor.duplicate()
    field = editor.sheet.filters
    field.set_value({"Original": {}})
    for name in ("LBP2D", "Mean", "Gabor"):
        field.boxes[name].click()
    field.sizes["Mean"].setText("4, 5, 15")
    field.sizes["Mean"].editingFinished.emit()
    assert field.value() == {"Original": {}, "LBP2D": {"binWidth": 1.0, "binCount": None},
                             "Mean": {"support": [5, 15]}, "Gabor": {"wavelength": [4.0, 8.0]}}
    assert field.sizes["Mean"].text() == "5, 15"

"""A form drawn from a recipe: every setting of every recipe, what is refused, and what a slider does."""

from typing import Literal

import pytest
from pydantic import Field
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.core.recipe import (
    ModelRecipe,
    N4Recipe,
    NormaliseRecipe,
    PrepRecipe,
    RadiomicsRecipe,
    ResampleRecipe,
    Settings,
)
from app.ui.widgets.form_fields import Choice, Maybe, Number, Numbers, Scale, Switch, Text
from app.ui.widgets.recipe_form import Look, RecipeForm


@pytest.fixture
def form(qtbot):
    form = RecipeForm(N4Recipe, {"levels": Look("Levels", heading="Fit"),
                                 "iterations": Look("Iterations", low=1, high=500, log=True),
                                 "fwhm": Look("Width", unit="log", low=0.01, high=1, log=True)})
    qtbot.addWidget(form)
    return form


@pytest.mark.parametrize("kind", [N4Recipe, NormaliseRecipe, ResampleRecipe, PrepRecipe, RadiomicsRecipe, ModelRecipe])
def test_every_recipe_has_a_form_that_gives_back_what_it_was_given(qtbot, kind):
    form = RecipeForm(kind)
    qtbot.addWidget(form)
    assert form.value == kind()
    said = []
    form.changed.connect(said.append)
    next(iter(form.fields.values())).changed.emit()
    assert form.value == kind()
    assert said == []
    assert form.problem.isHidden()


def test_kinds_of_settings_become_kinds_of_fields(form):
    kinds = {name: type(field) for name, field in form.fields.items()}
    assert kinds["engine"] is Choice
    assert kinds["levels"] is Number
    assert kinds["iterations"] is Numbers
    assert kinds["mean_one"] is Switch
    assert list(kinds)[:3] == ["levels", "iterations", "fwhm"]
    for name in ("levels", "fwhm"):
        assert form.fields[name].parts[0].toolTip() == N4Recipe.model_fields[name].description
    assert form.fields["fwhm"].box.suffix() == " log"


def test_a_moving_slider_tells_each_value(form, qtbot):
    told = []
    form.changed.connect(told.append)
    form.fields["levels"].slider.setValue(form.fields["levels"].slider.value() + 1)
    form.fields["iterations"].slider.setValue(form.fields["iterations"].slider.maximum())
    assert [value.levels for value in told] == [5, 5]
    assert told[-1].iterations == 500
    assert form.fields["iterations"].text.text() == "500"


def test_numbers_per_level_are_taken_and_a_wrong_count_is_said(form, qtbot):
    refused = []
    form.refused.connect(refused.append)
    text = form.fields["iterations"].text
    for words, valid in (("50, 40, 30, 20", True), ("50, 40", False), ("many", False), ("60", True)):
        text.setText(words)
        QTest.keyClick(text, Qt.Key.Key_Return)
        assert form.problem.isHidden() is valid, words
    assert refused[0] == "Iterations: 2 numbers for 4 levels."
    assert form.value.iterations == 60
    assert refused[-1] == ""


def test_a_refused_number_keeps_the_last_valid_settings(form):
    form.fields["fwhm"].box.setValue(0.0)
    assert "Width" in form.problem.text()
    assert form.value.fwhm == 0.15
    form.fields["fwhm"].box.setValue(0.2)
    assert form.value.fwhm == pytest.approx(0.2)


def test_showing_settings_tells_nothing(form):
    told = []
    form.changed.connect(told.append)
    wanted = N4Recipe(levels=2, iterations=(7, 9), shrink=(2, 2, 1), mask="body", mean_one=True, fwhm=0.33)
    form.set_value(wanted)
    assert told == []
    assert {name: field.value() for name, field in form.fields.items()} == wanted.model_dump()


def test_the_wheel_scrolls_the_page_and_not_a_field_out_of_use(form, qtbot):
    form.show()
    slider = form.fields["levels"].slider
    turn = QWheelEvent(QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
                       Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(slider, turn)
    assert form.value.levels == 4
    assert not turn.isAccepted()


class Odd(Settings):
    """Settings of kinds that no recipe has yet."""

    name: str = "a"
    names: tuple[str, ...] = ("a", "b")
    spacing: tuple[float, float, float] = (1.0, 2.0, 3.0)
    margin: float | None = Field(None, ge=0)
    method: Literal["x", "y"] | None = None
    table: dict[str, int] = Field({"kept": 1})


def test_words_lists_and_settings_that_may_be_left_out(qtbot):
    form = RecipeForm(Odd)
    qtbot.addWidget(form)
    assert {name: type(field) for name, field in form.fields.items()} == {
        "name": Text, "names": Text, "spacing": Numbers, "margin": Maybe, "method": Maybe}
    form.fields["margin"].used.click()
    assert form.value.margin == 1.0
    form.fields["names"].text.setText("c, d ,")
    form.fields["names"].text.editingFinished.emit()
    assert form.value.names == ("c", "d")
    form.fields["spacing"].text.setText("1; 1; 5")
    form.fields["spacing"].text.editingFinished.emit()
    assert form.value.spacing == (1.0, 1.0, 5.0)
    assert form.value.table == {"kept": 1}


@pytest.mark.parametrize(("scale", "value"), [
    (Scale(1, 8, log=False, whole=True), 5), (Scale(1, 2000, log=True, whole=True), 50),
    (Scale(0.01, 1, log=True, whole=False), 0.15), (Scale(0, 1, log=False, whole=False), 0.5)])
def test_a_slider_comes_close_to_every_value_and_reaches_its_ends(scale, value):
    assert scale.value(scale.place(value)) == pytest.approx(value, rel=0.04)
    assert scale.value(0) == scale.low
    assert scale.value(scale.steps) == scale.high
    assert scale.place(-5) == 0
    assert scale.place(1e9) == scale.steps

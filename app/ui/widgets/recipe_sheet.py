"""A whole recipe as one form: its name, how images are prepared, what is measured."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from app.core.recipe import (
    GaborRecipe,
    N4Recipe,
    NormaliseRecipe,
    PrepRecipe,
    QuantisedRecipe,
    RadiomicsRecipe,
    Recipe,
    ResampleRecipe,
)
from app.ui import recipe_looks as looks
from app.ui.widgets.filter_field import FilterField
from app.ui.widgets.recipe_form import RecipeForm
from app.ui.widgets.recipe_group import RecipeGroup
from app.ui.widgets.result_panel import heading

WIDTH = 560


class RecipeSheet(QScrollArea):
    """Fields for every setting of a recipe for features.

    Signals
    -------
    changed()
        The reader has changed something.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._value = Recipe(name="")
        self._refusals: dict[object, str] = {}
        self.name, self.description = QLineEdit(), QLineEdit()
        self.name.setAccessibleName("Name of the recipe")
        self.description.setAccessibleName("Description of the recipe")
        self.n4 = RecipeGroup("Bias correction (N4)", "Even out the coil's sensitivity first", N4Recipe, looks.N4)
        self.normalise = RecipeGroup("Normalise intensities", "Make images of several scanners comparable",
                                     NormaliseRecipe, looks.NORMALISE)
        self.resample = RecipeGroup("Resample", "Bring every image to one voxel size", ResampleRecipe, looks.RESAMPLE)
        self.prep, self.features = RecipeForm(PrepRecipe, looks.PREP), RecipeForm(RadiomicsRecipe, looks.FEATURES)
        self.filters = FilterField()
        self.quantised = RecipeGroup("Texture after equal-probability quantisation",
                                     "Every grey level holds the same number of voxels", QuantisedRecipe,
                                     looks.QUANTISED)
        self.gabor = RecipeGroup("Gabor filter bank", "Responses by size and direction, in plane", GaborRecipe,
                                 looks.GABOR)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(4, 4, 16, 16)
        column.setSpacing(10)
        top = QFormLayout()
        top.setHorizontalSpacing(12)
        top.addRow("Name", self.name)
        top.addRow("Description", self.description)
        column.addLayout(top)
        for title, parts in (("Preparation, in this order", (self.n4, self.normalise, self.resample, self.prep)),
                             ("Features", (self.features,)), ("Filters before measuring", (self.filters,)),
                             ("More texture", (self.quantised, self.gabor))):
            column.addSpacing(6)
            column.addWidget(heading(title))
            for part in parts:
                column.addWidget(part)
        column.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setMinimumWidth(WIDTH)
        self.name.textEdited.connect(lambda _text: self.changed.emit())
        self.description.textEdited.connect(lambda _text: self.changed.emit())
        for form in (self.prep, self.features):
            form.changed.connect(lambda _value: self.changed.emit())
            form.refused.connect(lambda words, part=form: self._refuse(part, words))
        for group in self.groups:
            group.changed.connect(self.changed)
            group.refused.connect(lambda words, part=group: self._refuse(part, words))
        self.filters.changed.connect(self.changed)

    @property
    def groups(self) -> tuple[RecipeGroup, ...]:
        """The parts that can be left out."""
        return self.n4, self.normalise, self.resample, self.quantised, self.gabor

    @property
    def refusal(self) -> str:
        """What cannot be used as it is entered; '' when all can."""
        return next((words for words in self._refusals.values() if words), "")

    def value(self) -> Recipe:
        """The recipe as the fields have it; of what was refused, the last that was valid."""
        features = self.features.value.model_copy(update={
            "filters": self.filters.value(), "quantised": self.quantised.value(), "gabor": self.gabor.value()})
        prep = self.prep.value.model_copy(update={"n4": self.n4.value(), "normalise": self.normalise.value(),
                                                  "resample": self.resample.value()})
        return self._value.model_copy(update={"name": self.name.text().strip(), "prep": prep, "features": features,
                                              "description": self.description.text().strip()})

    def set_value(self, recipe: Recipe) -> None:
        """Show a recipe."""
        self._value, self._refusals = recipe, {}
        features = recipe.features or RadiomicsRecipe()
        self.name.setText(recipe.name)
        self.description.setText(recipe.description)
        self.description.setCursorPosition(0)
        self.n4.set_value(recipe.prep.n4)
        self.normalise.set_value(recipe.prep.normalise)
        self.resample.set_value(recipe.prep.resample)
        self.prep.set_value(recipe.prep)
        self.features.set_value(features)
        self.filters.set_value(features.filters)
        self.quantised.set_value(features.quantised)
        self.gabor.set_value(features.gabor)

    def _refuse(self, part: object, words: str) -> None:
        self._refusals[part] = words
        self.changed.emit()

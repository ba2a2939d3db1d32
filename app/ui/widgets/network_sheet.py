"""The recipe of a network as one form: what it looks at, how its pictures are varied, how it learns; with a preview."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QFormLayout, QLineEdit, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.core.network_recipe import AugmentRecipe, CropRecipe, FitRecipe, NetworkRecipe
from app.core.recipe import N4Recipe, NormaliseRecipe, Recipe, ResampleRecipe
from app.ui import network_looks as looks
from app.ui import recipe_looks
from app.ui.network_facts import NetworkFacts
from app.ui.network_settings import join, mend_crop, mend_network, with_crop
from app.ui.network_words import facts_words, weights_words
from app.ui.picture_preview import PicturePreview
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.phases_field import PhasesField
from app.ui.widgets.picture_strip import PictureStrip
from app.ui.widgets.recipe_form import Look, RecipeForm
from app.ui.widgets.recipe_group import INDENT, RecipeGroup
from app.ui.widgets.result_panel import heading
from app.ui.widgets.weights_field import WeightsField

WIDTH = 640
_PAUSE_MS = 700
_LABELS = 190
"""Pixels of the labels, the same in every form."""


class NetworkSheet(QWidget):
    """Fields for every setting of a network's recipe, those most wanted first.

    Parameters
    ----------
    preview : PicturePreview
        Shows what the network would see.
    facts : NetworkFacts
        Knows how large it is, and whether its weights fit.
    adapt : callable
        Gives a recipe as it would be run on the reader's table.

    Signals
    -------
    changed()
        The reader has changed something.
    """

    changed = Signal()

    def __init__(self, preview: PicturePreview, facts: NetworkFacts, adapt: Callable[[Recipe], Recipe],
                 parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview, self._facts, self._adapt = preview, facts, adapt
        self._value = Recipe(name="", features=None, network=NetworkRecipe())
        self._network = NetworkRecipe()
        self._refusals: dict[object, str] = {}
        self.strip = PictureStrip(preview)
        self.name, self.description, self.told = QLineEdit(), QLineEdit(), wrapped(role="dim")
        self.name.setAccessibleName("Name of the recipe")
        self.description.setAccessibleName("Description of the recipe")
        self.problem = wrapped(role="warning")
        self.weights, self.phases = WeightsField(), PhasesField()
        self.forms: dict[str, list[RecipeForm]] = {
            "network": [_form(NetworkRecipe, each, mend_network) for each in (looks.NETWORK, looks.NETWORK_MORE)],
            "crop": [_form(CropRecipe, each, mend_crop) for each in (looks.CROP, looks.CROP_MORE)],
            "fit": [_form(FitRecipe, each) for each in (looks.FIT, looks.FIT_MORE)]}
        self.augment = RecipeGroup("Vary the pictures while it learns", "Each epoch sees other variants of a picture",
                                   AugmentRecipe, looks.AUGMENT)
        self.augment.form.align(_LABELS - INDENT)
        self.prep = {
            "n4": RecipeGroup("Bias correction (N4)", "Even out the coil's sensitivity first", N4Recipe,
                              recipe_looks.N4),
            "normalise": RecipeGroup("Normalise intensities", "Make images of several scanners comparable",
                                     NormaliseRecipe, recipe_looks.NORMALISE),
            "resample": RecipeGroup("Resample", "Bring every image to one voxel size", ResampleRecipe,
                                    recipe_looks.RESAMPLE)}
        self.more = QPushButton("Every setting")
        self.more.setCheckable(True)
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(_PAUSE_MS)
        self._soon.timeout.connect(lambda: facts.ask([adapt(self.value())]))
        self._build()
        self._bind()

    def _build(self) -> None:
        body, rest = QWidget(), QWidget()
        self._area = QScrollArea()
        column, self._rest, whole = QVBoxLayout(body), rest, QVBoxLayout(self)
        column.setContentsMargins(4, 4, 16, 16)
        column.setSpacing(10)
        top = QFormLayout()
        top.setHorizontalSpacing(12)
        top.addRow("Name", self.name)
        top.addRow("Description", self.description)
        column.addLayout(top)
        _fill(column, (("Network", (self.forms["network"][0], self.weights)), ("Pictures", (self.forms["crop"][0],)),
                       ("Variants", (self.augment,)), ("Training", (self.forms["fit"][0], self.phases))))
        column.addWidget(self.more)
        inner = QVBoxLayout(rest)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(10)
        _fill(inner, (("Preparation, in this order", tuple(self.prep.values())),
                      ("More of the pictures", (self.forms["crop"][1],)),
                      ("More of the training", (self.forms["fit"][1],)),
                      ("More of the network", (self.forms["network"][1],))))
        rest.hide()
        column.addWidget(rest)
        column.addStretch(1)
        self._area.setWidget(body)
        self._area.setWidgetResizable(True)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(self.strip)
        whole.addWidget(self.told)
        whole.addWidget(self._area, 1)
        whole.addWidget(self.problem)
        self.problem.hide()
        self.setMinimumWidth(WIDTH)

    def _bind(self) -> None:
        for line in (self.name, self.description):
            line.textEdited.connect(lambda _text: self.changed.emit())
        for part, forms in self.forms.items():
            for form in forms:
                form.changed.connect(lambda value, part=part: self._take(part, value))
                form.refused.connect(lambda words, form=form: self._refuse(form, words))
        for group in (self.augment, *self.prep.values()):
            group.refused.connect(lambda words, group=group: self._refuse(group, words))
        self.augment.changed.connect(lambda: self._change({"augment": self.augment.value()}))
        for group in self.prep.values():
            group.changed.connect(self._follow)
        self.weights.changed.connect(self._take_weights)
        self.phases.changed.connect(lambda: self._take("fit", self._network.fit.model_copy(
            update={"phases": self.phases.value()})))
        self.more.toggled.connect(self._show_rest)
        self._facts.changed.connect(self._tell)

    def widget(self) -> QWidget:
        """The part that is changed; the preview beside it is for looking."""
        return self._area.widget()

    @property
    def refusal(self) -> str:
        """What cannot be used as it is entered; '' when all can."""
        return next((words for words in self._refusals.values() if words), "")

    def value(self) -> Recipe:
        """The recipe as the fields have it; of what was refused, the last that was valid."""
        prep = self._value.prep.model_copy(update={name: group.value() for name, group in self.prep.items()})
        return self._value.model_copy(update={"name": self.name.text().strip(), "prep": prep,
                                              "description": self.description.text().strip(),
                                              "network": self._network})

    def set_value(self, recipe: Recipe) -> None:
        """Show a recipe."""
        self._value, self._refusals = recipe, {}
        self._network = recipe.network or NetworkRecipe()
        self.name.setText(recipe.name)
        self.description.setText(recipe.description)
        self.description.setCursorPosition(0)
        for name, group in self.prep.items():
            group.set_value(getattr(recipe.prep, name))
        self._show()
        self._follow()

    def _show(self) -> None:
        network = self._network
        for part, forms in self.forms.items():
            for form in forms:
                form.set_value(network if part == "network" else getattr(network, part))
        self.weights.set_value(network.weights)
        self.augment.set_value(network.augment)
        self.phases.set_value(network.fit.phases)
        volume = network.crop.set == "volume"
        basic, rest = self.forms["crop"]
        basic.show_field("depth", shown=volume)
        rest.show_field("margin_mm", shown=network.crop.field_mm is None)
        for name in ("smallest", "most"):
            rest.show_field(name, shown=network.crop.set in ("slices", "neighbours"))
        for form, names in ((self.forms["fit"][0], ("epochs",)), (self.forms["fit"][1], ("rate",))):
            for name in names:  # each phase has its own
                form.show_field(name, shown=not network.fit.phases)

    def _show_rest(self, shown: bool) -> None:
        self._rest.setVisible(shown)
        self.more.setText("Fewer settings" if shown else "Every setting")

    def _take(self, part: str, value: Any) -> None:
        if part == "network":
            self._change({name: getattr(value, name) for name in NetworkRecipe.model_fields})
        elif part == "crop":
            self._change(with_crop(self._network, value))
        else:
            self._change({part: value})

    def _take_weights(self) -> None:
        path = self.weights.value()
        if self.weights.switch.isChecked() and path is None:
            self._refuse(self.weights, "Choose the file that the network starts from, or switch it off.")
            return
        self._refuse(self.weights, "")
        tune = {"tune": True} if path is None else {}
        self._change({"weights": path, "weights_sha256": "", **tune})

    def _change(self, changes: Mapping[str, Any]) -> None:
        self._network, problem = join(self._network, changes)
        if not problem:
            self._show()
        self._refuse(self, problem)
        self._follow()

    def _refuse(self, part: object, words: str) -> None:
        self._refusals[part] = words
        if part in (self, self.weights):
            told = self._refusals.get(self) or self._refusals.get(self.weights) or ""
            self.problem.setText(told)
            self.problem.setVisible(bool(told))
        self.changed.emit()

    def _follow(self) -> None:
        """Show the picture, and the facts, of what is entered now."""
        self.changed.emit()
        self._tell()
        if not self.refusal:
            self._preview.ask(self._adapt(self.value()))
            self._soon.start()

    def _tell(self) -> None:
        facts = self._facts.of(self._adapt(self.value()))
        self.told.setText(facts_words(self._network, facts))
        self.weights.say(weights_words(facts))


def _form(kind: Any, shown: Mapping[str, Look], mend: Any = None) -> RecipeForm:
    form = RecipeForm(kind, shown, only=True, mend=mend)
    form.align(_LABELS)
    return form


def _fill(column: QVBoxLayout, sections: tuple[tuple[str, tuple[QWidget, ...]], ...]) -> None:
    for title, parts in sections:
        column.addSpacing(6)
        column.addWidget(heading(title))
        for part in parts:
            column.addWidget(part)

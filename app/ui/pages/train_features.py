"""Step 2: images to features. What is measured is chosen here; a table that holds features needs nothing."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.recipe_choice import RecipeChoice


class FeaturesStep(Step):
    """A recipe with the way to its form and to a preview, or a sentence.

    Signals
    -------
    edit_requested(str)
        The reader wants this recipe's form.
    preview_requested()
        The reader wants to see a case, as it is and after its bias correction.
    """

    edit_requested = Signal(str)
    preview_requested = Signal()

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.said = wrapped()
        self.card = QFrame()
        self.card.setProperty("role", "card")
        self.recipe = RecipeChoice(training.recipes, training.draft.recipe)
        self.preview = QPushButton("Look at a case of your own…")
        self.preview.setToolTip("Opens the first case in the viewer, with the preview of its bias correction")
        self.card.setMaximumWidth(720)
        inner = QVBoxLayout(self.card)
        inner.setContentsMargins(16, 12, 16, 16)
        inner.setSpacing(8)
        add_heading(inner, "What is measured")
        inner.addWidget(self.recipe)
        inner.addWidget(wrapped("'Edit recipe…' shows every setting: bias correction, normalisation, resampling, "
                                "filters, texture. Shipped recipes are duplicated before they are changed.", "dim"))
        inner.addWidget(wrapped("Networks, at step 4, look at the images themselves: they use none of this.", "dim"))
        add_heading(inner, "Preview")
        inner.addWidget(wrapped("See on one of your cases what the preparation does to the image. The wizard waits.",
                                "dim"))
        inner.addWidget(self.preview, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.said)
        self.column.addWidget(self.card)
        self.column.addStretch(1)
        self.recipe.chosen.connect(self._take)
        self.recipe.edit_requested.connect(self.edit_requested)
        self.preview.clicked.connect(self.preview_requested)

    def enter(self) -> None:
        """Count what the recipe measures."""
        super().enter()
        found = self.training.found
        if found and found["holds_images"] and not found["features"] and self.recipe.name:
            self.training.look()

    def _take(self, name: str) -> None:
        if name and name != self.training.draft.recipe:
            self.training.choose(recipe=name)
            if self.training.found.get("holds_images"):
                self.training.look()

    def refresh(self) -> None:
        """Show whether there is something to choose."""
        found = self.training.found
        images = bool(found.get("holds_images"))
        self.card.setVisible(images)
        if self.recipe.name != self.training.draft.recipe:
            self.recipe.choose(self.training.draft.recipe)
        features = int(found.get("features") or 0)
        if not found:
            self.said.setText("")
        elif images:
            each = f", {features:,} features each," if features else ""
            self.said.setText(f"The table names the images and outlines of {found['cases']:,} cases. They are "
                              f"measured{each} when the training begins; a case that was measured before is "
                              "not measured again.")
        else:
            self.said.setText(f"The table already holds {features:,} features: there is nothing to choose here. They "
                              "are used as they are; missing values, scaling and selection are part of the learning.")

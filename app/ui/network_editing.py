"""From the wizard to a network's form and back: what was made there is chosen in the place of what it came from."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.paths import data_folder
from app.ui.picture_preview import PicturePreview
from app.ui.training import Training
from app.ui.training_draft import sequences_of
from app.ui.widgets.network_sheet import NetworkSheet
from app.ui.widgets.recipe_editor import RecipeEditor
from app.ui.widgets.weights_field import KINDS


def edit_network(training: Training, name: str, parent: QWidget) -> RecipeEditor:
    """Open the form of a network's recipe.

    Parameters
    ----------
    training : Training
        Knows the table, whose cases are shown.
    name : str
        Of the recipe.
    parent : QWidget
        The window's page.
    """
    preview = PicturePreview(training.jobs, training.state, str(training.found.get("table") or ""))
    sheet = NetworkSheet(preview, training.networks,
                         lambda recipe: training.draft.adapt(recipe, sequences_of(training.found)))
    editor = RecipeEditor(training.recipes, name, parent, sheet)
    preview.setParent(editor)
    screen = parent.screen().availableGeometry()
    editor.resize(min(editor.width(), screen.width() - 40), min(editor.height(), screen.height() - 60))

    def close() -> None:
        preview.end()
        take(training, name, editor.chosen)
        editor.deleteLater()

    editor.finished.connect(lambda _code: close())
    editor.open()
    return editor


def take(training: Training, before: str, after: str) -> None:
    """Choose a recipe that was made in the place of another; only looking at one changes nothing."""
    chosen = training.draft.models
    if after != before and training.recipes.is_own(after) and after not in chosen:
        chosen = tuple(after if name == before else name for name in chosen)
        training.choose(models=chosen if after in chosen else (*chosen, after))
    known = set(training.recipes.known)
    training.choose(models=tuple(name for name in training.draft.models if name in known))
    training.time_again(after)
    training.describe_networks()


def ask_weights(training: Training, name: str, parent: QWidget) -> QFileDialog:
    """Let the reader choose the file that a network starts from; it holds for this training."""
    now = Path(training.draft.weights.get(name, ""))
    folder = now.parent if training.draft.weights.get(name) else data_folder() / "weights"
    place = folder if folder.is_dir() else Path.home()
    dialog = QFileDialog(parent, "The weights that the network starts from", str(place), KINDS)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda path: choose_weights(training, name, path))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def choose_weights(training: Training, name: str, path: str) -> None:
    """Start a network from this file, and see whether it fits."""
    training.choose(weights={**training.draft.weights, name: path})
    training.describe_networks()
    training.time_models()

"""The left column of the bias-correction page: presets, the settings' form, an own outline, files, the slow engines."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.core.recipe import N4Recipe
from app.ui.bias_preview import LIVE_ENGINES
from app.ui.bias_settings import LOOKS, PRESETS
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.recipe_form import RecipeForm

WIDTH = 348
_SLOW = {"itk": "ITK's own filter takes minutes on a large image, so it does not follow the sliders.",
         "ants": "ANTs takes minutes on a large image, so it does not follow the sliders."}


class BiasControls(QScrollArea):
    """Settings and where they come from.

    Signals
    -------
    changed()
        The reader has changed the settings or the outline.
    preview_requested(), stop_requested()
        Of an engine that is too slow to follow the sliders.
    own_requested(), load_requested(), save_requested()
        The reader wants to choose a file.
    """

    changed = Signal()
    preview_requested = Signal()
    stop_requested = Signal()
    own_requested = Signal()
    load_requested = Signal()
    save_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.own = ""
        self._working = False
        self.form = RecipeForm(N4Recipe, LOOKS, PRESETS[0].settings)
        self.form.changed.connect(lambda _settings: self._follow())
        self.presets, self.about = QComboBox(), wrapped(role="dim")
        self.presets.setAccessibleName("Preset")
        for number, preset in enumerate(PRESETS):
            self.presets.addItem(preset.title, number)
            self.presets.setItemData(number, preset.words, Qt.ItemDataRole.ToolTipRole)
        self.presets.setPlaceholderText("Own settings")
        self.presets.activated.connect(lambda row: self.choose(PRESETS[row].settings))
        self.own_button, self.own_drop = QPushButton("Outline from a file…"), QPushButton("Let go")
        self.own_button.setToolTip("Estimate the field within an outline of your own, in place of a found one")
        self.own_button.clicked.connect(self.own_requested)
        self.own_drop.clicked.connect(lambda: self.choose_own(""))
        self.slow, self.run = wrapped(), QPushButton("Preview")
        self.run.setProperty("role", "primary")
        self.run.clicked.connect(lambda: (self.stop_requested if self._working else self.preview_requested).emit())
        load, save = QPushButton("Load…"), QPushButton("Save…")
        load.setToolTip("Take settings from a recipe's JSON file")
        save.setToolTip("Keep these settings as JSON, for other cases and for training")
        load.clicked.connect(self.load_requested)
        save.clicked.connect(self.save_requested)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.presets)
        column.addWidget(self.about)
        column.addWidget(self.slow)
        column.addWidget(self.run, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(4)
        column.addWidget(self.form)
        for pair in ((self.own_button, self.own_drop), (load, save)):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in pair:
                row.addWidget(button)
            row.addStretch(1)
            column.addLayout(row)
        column.addStretch(1)
        self.setWidget(body)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFixedWidth(WIDTH)
        self.show_settings(PRESETS[0].settings, "")

    @property
    def settings(self) -> N4Recipe:
        """The last valid settings."""
        value = self.form.value
        return value if isinstance(value, N4Recipe) else N4Recipe()

    @property
    def is_live(self) -> bool:
        """Whether the engine follows the sliders."""
        return self.settings.engine in LIVE_ENGINES

    def choose(self, settings: N4Recipe) -> None:
        """Take settings over, as if the reader had entered them."""
        if settings != self.settings:
            self.form.set_value(settings)
            self._follow()

    def choose_own(self, path: str) -> None:
        """Take an outline file over; '' lets it go."""
        if path != self.own:
            self.own = path
            self._follow()

    def show_settings(self, settings: N4Recipe, own: str) -> None:
        """Show settings and outline without telling."""
        self.own = own
        self.form.set_value(settings)
        self._show()

    def show_working(self, working: bool) -> None:
        """Say whether a preview is on its way."""
        self._working = working
        self.run.setText("Stop" if working else "Preview")

    def _follow(self) -> None:
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        row = next((number for number, preset in enumerate(PRESETS) if preset.settings == self.settings), -1)
        self.presets.setCurrentIndex(row)
        self.about.setText(PRESETS[row].words if row >= 0 else "Your own settings.")
        self.own_button.setText(Path(self.own).name if self.own else "Outline from a file…")
        self.own_drop.setVisible(bool(self.own))
        self.form.fields["mask"].setEnabled(not self.own)
        self.slow.setText(_SLOW.get(self.settings.engine, ""))
        for widget in (self.slow, self.run):
            widget.setVisible(not self.is_live)

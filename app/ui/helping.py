"""Help where the reader is: one guide window, opened at the page that speaks of what is on screen."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.ui.guide import PLACES
from app.ui.pages.guide import Guide
from app.ui.pages.score import ScorePage
from app.ui.pages.train import TrainPage
from app.ui.widgets.keymap import Keymap

STEPS = ("cases", "features", "sites", "models", "validation", "run", "results", "save")


class Helping(QObject):
    """Makes the guide when it is first asked for.

    Parameters
    ----------
    keymap : Keymap
    window : QWidget
        Whose look it takes.
    """

    def __init__(self, keymap: Keymap, window: QWidget) -> None:
        super().__init__(window)
        self._keymap, self._window = keymap, window
        self.guide: Guide | None = None

    def show(self, page: str = "index", anchor: str = "") -> Guide:
        """Open a page of the guide."""
        guide = self._open()
        guide.go(page, anchor)
        return guide

    def show_keys(self) -> Guide:
        """Open the map of keys."""
        return self.show("keys")

    def show_place(self, title: str, page: QWidget | None = None) -> Guide:
        """Open the page about a page of the window, at what it shows."""
        anchor = ""
        if isinstance(page, TrainPage) and page.training is not None:
            anchor = STEPS[page.stack.currentIndex()]
        elif isinstance(page, ScorePage):
            anchor = "bias" if page.steering.is_on else "read" if page.result.shows_score else ""
        return self.show(PLACES.get(title, "index"), anchor)

    def explain(self, caution: str) -> Guide:
        """Open what a caution means."""
        guide = self._open()
        guide.explain(caution)
        return guide

    def restyle(self) -> None:
        """Follow another theme."""
        if self.guide is not None:
            self.guide.restyle()

    def _open(self) -> Guide:
        if self.guide is None:
            self.guide = Guide(self._keymap, self._window)
        self.guide.show()
        self.guide.raise_()
        self.guide.activateWindow()
        self.guide.text.setFocus()
        return self.guide

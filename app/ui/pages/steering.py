"""Between the viewer and the bias-correction page: who is on screen, and at which place in the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QStackedWidget

from app.ui.pages.bias import BiasPage
from app.ui.reading import Reading
from app.ui.widgets.case_bar import CaseBar
from app.ui.widgets.viewer import Viewer


class Steering(QObject):
    """Puts the bias-correction page in the viewer's place, and the viewer back.

    Parameters
    ----------
    reading : Reading
    stack : QStackedWidget
        Holds the viewer; the page is added to it.
    viewer : Viewer
    bar : CaseBar
        Hidden while the page is on screen.
    fold : callable
        Shows or hides what stands beside the stack, by what is on it.
    """

    def __init__(self, reading: Reading, stack: QStackedWidget, viewer: Viewer, bar: CaseBar,
                 fold: Callable[[], None]) -> None:
        super().__init__(stack)
        self.page = BiasPage(reading, viewer.keymap)
        self._reading, self._stack, self._viewer, self._bar, self._fold = reading, stack, viewer, bar, fold
        stack.addWidget(self.page)
        bar.bias_requested.connect(self.open)
        self.page.closed.connect(self.close)
        self.page.action_requested.connect(viewer.action_requested)

    @property
    def is_on(self) -> bool:
        """Whether the bias-correction page is on screen."""
        return self._stack.currentWidget() is self.page

    def open(self) -> None:
        """Steer the bias correction of the image on screen."""
        state = self._viewer.state
        if self._reading.view is None or state.image is None:
            return
        self._stack.setCurrentWidget(self.page)
        self._show_around()
        self.page.open(self._reading.view, state.sequence, state.world, self._viewer.windows.window(prepared=False))

    def close(self) -> None:
        """Go back to the viewer, at the place that was looked at last."""
        place, state = self.page.compare.states["original"], self._viewer.state
        if place.case is not None and state.case is not None:
            state.set_world(place.world)
        self._stack.setCurrentWidget(self._viewer)
        self._show_around()
        self.page.close_case()
        self._viewer.active_pane.setFocus()

    def show_choice(self, key: str) -> None:
        """Make room for another case: the page stays, if it is on, and takes it up once it can be seen."""
        if key != self.page.key:
            self.page.close_case()
        if key and not self.is_on:
            self._stack.setCurrentWidget(self._viewer)
        if key:
            self._show_around()

    def show_view(self, view: dict[str, Any]) -> None:
        """Take up a case that has been read, if the page is on."""
        if self.is_on and self.page.key == self._reading.current:
            self.page.follow(view)
        elif self.is_on:
            self.open()

    def escape(self) -> bool:
        """Stop a slow preview, or else leave the page; False when it is not on screen."""
        if self.is_on and not self.page.stop():
            self.close()
            return True
        return self.is_on

    def handle_key(self, event: QKeyEvent) -> bool:
        """Give the pictures a key that nothing else wanted."""
        return (self.page if self.is_on else self._viewer).handle_key(event)

    def _show_around(self) -> None:
        self._fold()
        self._bar.setVisible(not self.is_on)

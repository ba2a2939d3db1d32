"""The network that is trained now: its curves, where it stands, what it met, and the time that it may still take."""

from __future__ import annotations

import math
from collections.abc import Mapping

from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.training_epochs import Course, RunningEpochs, best_of
from app.ui.training_words import with_title
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.epoch_plots import EpochPlots
from app.ui.words import left_words

_CAPTION = ("The watched patients are set aside from those it learns from, and say when to stop; the ring is the epoch "
            "that is kept. How good the model is, only the folds tell: they hold patients that it has never seen.")


class LiveEpochs(QWidget):
    """Shows the trainings under way as far as they are known when it is told to follow; hidden while there is none.

    Parameters
    ----------
    epochs : RunningEpochs
    """

    def __init__(self, epochs: RunningEpochs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._epochs, self._titles = epochs, dict[str, str]()
        self._course: Course | None = None
        self.choice, self.said, self.left = QComboBox(), ElidedLabel(), ElidedLabel(role="dim")
        self.notice, self.plots = wrapped(role="warning"), EpochPlots()
        self.choice.setAccessibleName("Trainings under way")
        self.choice.setToolTip("Trainings that go on side by side")
        self.choice.setMinimumContentsLength(12)
        row, column = QHBoxLayout(), QVBoxLayout(self)
        row.setSpacing(12)
        row.addWidget(self.choice)
        row.addWidget(self.said)
        row.addStretch(1)
        row.addWidget(self.left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(row)
        column.addWidget(self.plots, 1)
        column.addWidget(wrapped(_CAPTION, "dim"))
        column.addWidget(self.notice)
        self.choice.activated.connect(self._choose)
        self.follow()

    @property
    def course(self) -> Course | None:
        """The training that is shown."""
        return self._course

    def name_models(self, titles: Mapping[str, str]) -> None:
        """Take the titles of the models."""
        if dict(titles) != self._titles:
            self._titles = dict(titles)
            self.follow()

    def follow(self) -> None:
        """Show the chosen training, or another one when it has ended."""
        running = self._epochs.running
        if self._course not in running:
            self._course = running[0] if running else None
        self.setVisible(self._course is not None)
        if self._course is None:
            return
        titles = [f"{self._title(course)} ({place + 1})" if len(running) > 1 else self._title(course)
                  for place, course in enumerate(running)]
        if [self.choice.itemText(row) for row in range(self.choice.count())] != titles:
            self.choice.clear()
            self.choice.addItems(titles)
        self.choice.setCurrentIndex(running.index(self._course))
        self.choice.setVisible(len(running) > 1)
        self._show(self._course)

    def _choose(self, row: int) -> None:
        running = self._epochs.running
        if 0 <= row < len(running):
            self._course = running[row]
            self._show(self._course)

    def _title(self, course: Course) -> str:
        return with_title(course.title, self._titles)

    def _show(self, course: Course) -> None:
        alone = "" if self.choice.isVisible() or len(self._epochs.running) > 1 else f"{self._title(course)}: "
        self.said.setText(f"{alone}{standing(course)}")
        self.left.setText("; ".join(filter(None, (course.device, _at_most(course.left())))))
        self.notice.setText(" ".join(course.notices))
        self.notice.setVisible(bool(course.notices))
        self.plots.show_curve(course.curve, course.most)

    def restyle(self) -> None:
        """Follow another theme."""
        self.plots.restyle()


def standing(course: Course) -> str:
    """Say where a training stands: 'network 2 of 5, epoch 14 of at most 60; best so far: epoch 9, AUC 0.84'."""
    network = f"network {course.network} of {course.networks}, " if course.networks > 1 else ""
    if not course.curve:
        return f"{network}beginning"
    most = f" of at most {course.most}" if course.most else ""
    best = best_of(course.curve)
    told = f"{network}epoch {course.curve[-1].epoch}{most}"
    if best is None or not math.isfinite(best.watched):
        return told
    area = f", AUC {best.auc:.2f}" if math.isfinite(best.auc) else ""
    return f"{told}; best so far: epoch {best.epoch}{area}"


def _at_most(seconds: float) -> str:
    told = left_words(seconds)
    return f"this training: at most {told}" if told else ""

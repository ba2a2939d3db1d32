"""Where a network looked, beside the picture: how much of it was the tumour, the map's switch, and what a map is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.ui.attention_words import MEANING, elsewhere_sentence, network_sentence, share_sentence
from app.ui.theme import theme
from app.ui.widgets.attention_map import METHODS, AttentionMap
from app.ui.widgets.colour_bar import ColourBar, ColourScale
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.progress_line import PATIENCE_MS
from app.ui.widgets.share_bar import ShareBar
from app.ui.widgets.verdict_mark import VerdictMark
from app.ui.words import left_words

_WAYS = {"gradcam": "Grad-CAM: which places of the network's last maps speak for its answer; a moment",
         "occlusion": "Occlusion: how much of the answer is lost when a place is covered; takes longer"}


class AttentionSection(QWidget):
    """The part of the finding that only a network's score has.

    Signals
    -------
    switched(bool)
        Lay the map over the picture, or take it off.
    method_chosen(str)
        'gradcam' or 'occlusion'.
    opacity_chosen(float)
    revealed()
        The reader has asked for the map and it is there.
    peak_requested(), cancel_requested()
    explained()
        The reader asks what a map means.
    """

    switched = Signal(bool)
    method_chosen = Signal(str)
    opacity_chosen = Signal(float)
    revealed = Signal()
    peak_requested = Signal()
    cancel_requested = Signal()
    explained = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._score: Mapping[str, Any] = {}
        self.title = QLabel("Where it looked")
        self.title.setProperty("role", "heading")
        self.explain = QPushButton("What it means")
        self.explain.setProperty("role", "link")
        self.explain.setToolTip("Open the guide at these maps")
        self.explain.clicked.connect(self.explained)
        self.share, self.bar = wrapped(), ShareBar()
        self.elsewhere, self.elsewhere_words = QWidget(), wrapped()
        self._mark = VerdictMark()
        self.switch = QCheckBox("Show on the picture")
        self.switch.toggled.connect(self.switched)
        self.method = QComboBox()
        self.method.setAccessibleName("How the map is made")
        for name, title in METHODS.items():
            self.method.addItem(title, name)
            self.method.setItemData(self.method.count() - 1, _WAYS[name], Qt.ItemDataRole.ToolTipRole)
        self.method.activated.connect(lambda _row: self.method_chosen.emit(self.method.currentData()))
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(10, 100)
        self.opacity.setAccessibleName("Opacity of the map")
        self.opacity.setToolTip("Opacity of the map")
        self.opacity.valueChanged.connect(lambda value: self.opacity_chosen.emit(value / 100))
        self.peak = QPushButton("Go to its strongest slice")
        self.peak.setProperty("role", "link")
        self.peak.clicked.connect(self.peak_requested)
        self.colour_title, self.colours, self.place = wrapped(role="dim"), ColourBar(), wrapped(role="dim")
        self.meaning, self.problem = wrapped(MEANING), wrapped(role="warning")
        self.network = wrapped(role="dim")
        self.step, self.progress, self.cancel = ElidedLabel(role="dim"), QProgressBar(), QPushButton("Cancel")
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Progress of the map")
        self.cancel.clicked.connect(self.cancel_requested)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(PATIENCE_MS)
        self._patience.timeout.connect(lambda: self._waiting.show())
        self._lay_out()
        self.show_map(None)
        self.show_wait(None)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self.elsewhere)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.elsewhere_words, 1)
        self._looks, self._waiting, self._shown = QWidget(), QWidget(), QWidget()
        head, choice = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.explain)
        choice.setSpacing(8)
        choice.addWidget(self.switch)
        choice.addStretch(1)
        choice.addWidget(self.method)
        waiting = QHBoxLayout(self._waiting)
        waiting.setContentsMargins(0, 0, 0, 0)
        waiting.setSpacing(8)
        steps = QVBoxLayout()
        steps.setSpacing(4)
        steps.addWidget(self.step)
        steps.addWidget(self.progress)
        waiting.addLayout(steps, 1)
        waiting.addWidget(self.cancel)
        slider = QHBoxLayout()
        slider.setSpacing(8)
        label = QLabel("Opacity")
        label.setProperty("role", "dim")
        slider.addWidget(label)
        slider.addWidget(self.opacity, 1)
        for holder, parts in ((self._shown, (self.colour_title, self.colours, slider, self.place, self.peak)),
                              (self._looks, (self.share, self.bar, self.elsewhere, choice, self._waiting, self.problem,
                                             self._shown, self.meaning)),
                              (self, (head, self._looks, self.network))):
            column = QVBoxLayout(holder)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(6)
            for part in parts:
                column.addLayout(part) if isinstance(part, QHBoxLayout) else column.addWidget(part)

    def show_score(self, score: Mapping[str, Any]) -> None:
        """Show what a score says of its network; nothing where it has none."""
        self._score = score
        self.setVisible(bool(score.get("network") or score.get("attention")))
        self._looks.setVisible(bool(score.get("attention")))
        self.explain.setVisible(bool(score.get("attention")))
        self.title.setText("Where it looked" if score.get("attention") else "Network")
        self._mark.show_mark("exclamation", theme().warning)
        self.network.setText(network_sentence(score))
        self.network.setVisible(bool(self.network.text()))
        self._say_share(None)

    def show_choices(self, *, on: bool, method: str, opacity: float, key: str = "") -> None:
        """Show how the switch, the method and the opacity stand."""
        for widget, change in ((self.switch, lambda: self.switch.setChecked(on)),
                               (self.method, lambda: self.method.setCurrentIndex(self.method.findData(method))),
                               (self.opacity, lambda: self.opacity.setValue(round(100 * opacity)))):
            blocked = widget.blockSignals(True)
            change()
            widget.blockSignals(blocked)
        self.method.setToolTip(_WAYS[method])
        self.switch.setToolTip(f"Lay the map over the slices ({key})" if key else "Lay the map over the slices")

    def show_map(self, found: AttentionMap | None, place: str = "") -> None:
        """Explain the map that lies over the picture, and say where; None when none does."""
        scale = ColourScale.of(found) if found is not None else None
        self.colours.show_scale(scale)
        self.colour_title.setText(scale.title if scale else "")
        self.place.setText(place)
        self.place.setVisible(bool(place))
        self.peak.setVisible(found is not None and found.peak is not None)
        self._shown.setVisible(scale is not None)
        self._say_share(found)

    def show_wait(self, step: str | None, fraction: float = 0.0, left: float = -1.0) -> None:
        """Name the step that is waited for, once it takes longer than half a second; None when none is."""
        if step is None:
            self._patience.stop()
            self._waiting.hide()
            return
        if self._waiting.isHidden() and not self._patience.isActive():
            self._patience.start()
        self.step.setText(", ".join(part for part in (step, left_words(left)) if part))
        self.progress.setValue(round(1000 * fraction))

    def show_problem(self, sentence: str) -> None:
        """Say why there is no map; '' when nothing stands in its way."""
        self.problem.setText(sentence)
        self.problem.setVisible(bool(sentence))

    def _say_share(self, found: AttentionMap | None) -> None:
        """Say the share of the map shown, or that of the score's own where none is."""
        told = self._score.get("attention")
        if not told:
            return
        share, expected = (found.share, found.expected) if found is not None else (told["share"], told["expected"])
        sentence = share_sentence(share, expected, told["class"], found.method if found is not None else "gradcam")
        self.share.setText(sentence)
        self.elsewhere_words.setText(elsewhere_sentence(self._score, found))
        self.elsewhere.setVisible(bool(self.elsewhere_words.text()))
        self.bar.setVisible(share is not None and expected is not None)
        if share is not None and expected is not None:
            self.bar.show_shares(share, expected, sentence)

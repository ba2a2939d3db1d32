"""Step 8: the model's name, what it is for, where it fails, and from which probability it calls a tumour."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import Failure
from app.ui.calls import Call
from app.ui.class_names import class_title
from app.ui.pages.train_step import Step, add_heading
from app.ui.result_words import point_goal
from app.ui.training import Training
from app.ui.training_draft import subject
from app.ui.training_words import ERROR_RATES
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained, field_row
from app.ui.widgets.operating_curve import OperatingCurve, known_points

_KEEP_MS = 600


class SaveStep(Step):
    """Texts at the left, the operating point at the right.

    Signals
    -------
    used(str)
        The model shall score from now on: its name in the library.
    """

    used = Signal(str)

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.title, self.purpose, self.limits = QLineEdit(), QPlainTextEdit(), QPlainTextEdit()
        self.use, self.save = QCheckBox("Use it for scoring now"), QPushButton("Save the model")
        self.save.setProperty("role", "primary")
        self.points, self.curve = QComboBox(), OperatingCurve()
        self.rates, self.group = dict[float, Explained](), QButtonGroup(self)
        self.said = wrapped()
        self.known: dict[str, Any] = {}
        self._of = ""
        self._asking = Call(training.jobs, "describe_finish", parent=self)
        self._asking.finished.connect(self._take)
        self._asking.failed.connect(training.failed)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_KEEP_MS)
        self._later.timeout.connect(self._remember)
        self._build()
        for field in (self.title, self.purpose, self.limits):
            field.textChanged.connect(lambda *_: self._later.start())
        self.points.activated.connect(lambda _row: self._take_point())
        self.curve.chosen.connect(lambda _value: self._show_point(keep=True))
        self.use.clicked.connect(lambda _on: self._remember())
        self.save.clicked.connect(self._save)
        training.saved.connect(self._take_saved)
        training.failed.connect(lambda _failure: self.save.setEnabled(True))

    def _build(self) -> None:
        sides, left, right = QHBoxLayout(), QVBoxLayout(), QVBoxLayout()
        add_heading(left, "Name")
        self.title.setAccessibleName("Name of the model")
        left.addWidget(self.title)
        for words, field, name in (("Intended use", self.purpose, "What the model is for, and for whom not"),
                                   ("Limits, one a line", self.limits, "Where the model is known to fail")):
            add_heading(left, words)
            field.setAccessibleName(name)
            field.setToolTip(f"{name}; it stands on the model's card and in its reports")
            field.setTabChangesFocus(True)
            field.setMinimumHeight(84)
            field.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            left.addWidget(field, 1)
        add_heading(left, "Then")
        left.addWidget(Explained(self.use, "New cases are scored with it; another can be chosen at any time."))
        row = QHBoxLayout()
        row.addWidget(self.save)
        row.addWidget(self.said, 1)
        left.addSpacing(4)
        left.addLayout(row)
        add_heading(right, "Operating point")
        self.points.setMinimumWidth(280)
        right.addWidget(field_row("Threshold", self.points))
        right.addWidget(self.curve, 1)
        add_heading(right, "Error rate of the verdict")
        for rate, sentence in ERROR_RATES.items():
            button = QRadioButton(f"{100 * rate:.0f} %")
            self.rates[rate] = Explained(button, sentence)
            self.group.addButton(button)
            button.clicked.connect(lambda _on: self._remember())
            right.addWidget(self.rates[rate])
        sides.setSpacing(24)
        for layout in (left, right):
            layout.setSpacing(8)
        sides.addLayout(left, 1)
        sides.addLayout(right, 1)
        self.column.addLayout(sides, 1)

    def enter(self) -> None:
        """Ask what can still be chosen about the model."""
        if self.training.model and self._of != self.training.model:
            self._asking.start({"model": self.training.model}, "Reading the model")
        super().enter()

    def refresh(self) -> None:
        """Let be what the reader is writing."""
        self.save.setEnabled(bool(self.known) and self._of == self.training.model)

    def _take(self, known: dict[str, Any]) -> None:
        if self._asking.request["model"] != self.training.model:
            return  # another wizard was begun meanwhile
        self.known, self._of = known, self.training.model
        finish = self.training.draft.finish
        label = str(self.training.draft.run["request"]["label"])
        other, sought = (class_title(label, name) for name in known["classes"])
        draft, found = self.training.draft, self.training.found
        title = f"{subject(found, draft) if found else sought}, {draft.declared}"
        purpose = (f"To tell {sought} from {other}. Trained on {known['training']}. For research: a second opinion, "
                   "never the only reason for a decision.")
        for field, name, text in ((self.title, "title", title), (self.purpose, "purpose", purpose)):
            value = str(finish.get(name, text))
            field.setText(value) if isinstance(field, QLineEdit) else field.setPlainText(value)
        self.limits.setPlainText(str(finish.get("limits", "\n".join(known["limits"]))))
        default = next((point for point in known["points"] if point["default"]), known["points"][0])
        self.points.clear()
        for name, threshold in known_points(known["points"]):
            self.points.addItem(f"{point_goal(name).capitalize()}: from {threshold:.2f}", threshold)
        self.points.addItem("Where the line stands", None)
        self.curve.show_curve(known["curve"], (other, sought), float(finish.get("threshold", default["threshold"])))
        self._show_point()
        for each in known["verdicts"]:
            rate = round(each["error_rate"], 3)
            if rate in self.rates and each.get("verdict") is not None:
                self.rates[rate].say(f"{ERROR_RATES[rate]} Of 100 held-out cases {100 * each['verdict']:.0f} got a "
                                     f"verdict, {100 * each['wrong']:.0f} a wrong one.")
        rate = float(finish.get("error_rate", self.training.state["error_rate"]))
        self.rates[min(self.rates, key=lambda each: abs(each - rate))].button.setChecked(True)
        self.use.setChecked(bool(finish.get("use", True)))
        self._later.stop()
        self.refresh()

    def _take_point(self) -> None:
        if self.points.currentData() is not None:
            self.curve.take(float(self.points.currentData()))
        self._remember()

    def _show_point(self, *, keep: bool = False) -> None:
        row = next((row for row in range(self.points.count() - 1)
                    if abs(float(self.points.itemData(row)) - self.curve.threshold) < 5e-4), self.points.count() - 1)
        self.points.setCurrentIndex(row)
        if keep:
            self._remember()

    @property
    def error_rate(self) -> float:
        """The error rate that is chosen."""
        return next((rate for rate, each in self.rates.items() if each.button.isChecked()), 0.05)

    @property
    def threshold(self) -> float:
        """The operating point: a known one to the last digit, or where the line stands."""
        known = self.points.currentData()
        return float(known) if known is not None else self.curve.threshold

    def _remember(self) -> None:
        if self.known:
            self.training.choose(finish={
                "title": self.title.text(), "purpose": self.purpose.toPlainText(), "limits": self.limits.toPlainText(),
                "threshold": self.threshold, "error_rate": self.error_rate, "use": self.use.isChecked()})

    def _save(self) -> None:
        title, purpose = self.title.text().strip(), self.purpose.toPlainText().strip()
        if not title or not purpose:
            missing, field = ("a name", self.title) if not title else ("an intended use", self.purpose)
            self.training.failed.emit(Failure("input", f"The model has no text for {missing}.", "Write a few words."))
            field.setFocus()
            return
        self._later.stop()
        self._remember()
        self.save.setEnabled(False)
        self.said.setText("Being saved.")
        limits = [line.strip().removeprefix("- ") for line in self.limits.toPlainText().splitlines() if line.strip()]
        self.training.finish({"title": title, "purpose": purpose, "limits": limits, "threshold": self.threshold})

    def _take_saved(self, folder: str) -> None:
        name = folder.replace("\\", "/").rstrip("/").rpartition("/")[2]
        self.save.setEnabled(True)
        self.said.setText(f"Saved in your library as {name}.")
        if self.use.isChecked():
            self.training.state.choose("error_rate", self.error_rate)
            self.used.emit(name)

    def restyle(self) -> None:
        """Follow another theme."""
        self.curve.restyle()

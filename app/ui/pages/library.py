"""The library: which models are there, what each is for, how well it did, and whether its files are what they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCharFormat, QTextCursor, QTextFormat
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.ui.jobs import Jobs
from app.ui.messages import words_for
from app.ui.theme import tabular_font, theme
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.result_panel import heading
from app.ui.words import DEMONSTRATION

VERIFY = "app.core.workflows:verify_models"
SHOW = "app.core.workflows:show_model"
HEADING_SPACE = 8


def figures_text(model: Mapping[str, Any]) -> str:
    """Say a model's figures in words: area under the curve with interval, thresholds, counts."""
    lines = []
    auc = model.get("auc")
    if isinstance(auc, Mapping) and auc.get("mean") is not None:
        text = f"Area under the ROC curve {auc['mean']:.2f}"
        if auc.get("interval"):
            text += f" (95 % interval {auc['interval'][0]:.2f}\N{EN DASH}{auc['interval'][1]:.2f})"
        lines.append(f"{text}, {auc.get('kind') or 'for new patients of the same sites'}.")
    elif isinstance(auc, (int, float)):
        lines.append(f"Area under the ROC curve {auc:.2f}.")
    classes = model.get("classes") or ("the other class", "the class looked for")
    lines += [f"At the threshold {point['threshold']:.3f} it found {point['sensitivity'] * 100:.0f} % of {classes[1]} "
              f"and cleared {point['specificity'] * 100:.0f} % of {classes[0]} among cases held out of its fit."
              for point in model.get("thresholds") or () if isinstance(point, Mapping)]
    counts = (model.get("training") or {}).get("counts") or {}
    if counts:
        lines.append("Trained on " + ", ".join(f"{count:,} {name}" for name, count in counts.items()) + ".")
    return "\n".join(lines) or "No figures are kept with this model."


class LibraryPage(QWidget):
    """Models on the left, the chosen one's card on the right; nothing can be changed here."""

    def __init__(self, jobs: Jobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._models: list[Mapping[str, Any]] = []
        self._cards: dict[str, str] = {}
        self._asked: dict[str, str] = {}
        self.list = QListWidget()
        self.list.setAccessibleName("Models")
        self.list.setFixedWidth(320)
        self.list.currentRowChanged.connect(self._show)
        self.title, self.purpose = wrapped("", "title"), wrapped()
        self.standing, self.figures = wrapped(), wrapped()
        self.card = QTextBrowser()
        self.card.setOpenLinks(False)
        self.card.setAccessibleName("Card of the model")
        self.verify = QPushButton("Verify every byte")
        self.verify.clicked.connect(self._verify)
        right = QVBoxLayout()
        right.setSpacing(8)
        for widget in (self.title, self.purpose, heading("State"), self.standing, heading("Figures"), self.figures,
                       heading("Card")):
            right.addWidget(widget)
        right.addWidget(self.card, 1)
        right.addWidget(self.verify, 0, Qt.AlignmentFlag.AlignLeft)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(24)
        layout.addWidget(self.list)
        layout.addLayout(right, 1)
        jobs.finished.connect(self._finish)
        jobs.failed.connect(self._fail)

    def show_models(self, models: Sequence[Mapping[str, Any]]) -> None:
        """Show the library as the engine lists it."""
        chosen = self.list.currentRow()
        self._models = list(models)
        self.list.clear()
        for model in self._models:
            title = str(model.get("title") or model["name"])
            if model.get("demonstration"):
                title += f"\n{DEMONSTRATION}"
            if not model.get("verified", True):
                title += "\n! does not verify"
            self.list.addItem(QListWidgetItem(title))
        if self._models:
            self.list.setCurrentRow(min(max(0, chosen), len(self._models) - 1))
        else:
            self.title.setText("There is no model in the library.")

    def _show(self, row: int) -> None:
        if not 0 <= row < len(self._models):
            return
        model = self._models[row]
        version = f"  {model['version']}" if model.get("version") else ""
        self.title.setText(f"{model.get('title') or model['name']}{version}")
        purpose = [str(model.get("purpose") or "")]
        if model.get("demonstration"):
            purpose.append(f"{DEMONSTRATION[:1].upper()}{DEMONSTRATION[1:]}: never for a patient.")
        self.purpose.setText(" ".join(part for part in purpose if part))
        verified = model.get("verified", True)
        self.standing.setText("Its files are what they were when it was made." if verified
                              else str(model.get("problem") or "Its files are not what they were when it was made."))
        self.figures.setText(figures_text(model) if verified else "")
        name = str(model["name"])
        self._show_card(self._cards.get(name, ""))
        if verified and name not in self._cards and self.isVisible():
            self._ask_card(name)

    def showEvent(self, event: Any) -> None:  # noqa: N802
        """Fetch the chosen card when the page is first seen."""
        super().showEvent(event)
        self._show(self.list.currentRow())

    def _show_card(self, text: str) -> None:
        """Show Markdown in the theme's two sizes: headings stand out by weight alone."""
        self.card.setMarkdown(text)
        heading_format = QTextCharFormat()
        heading_format.setFont(tabular_font(theme().normal_px, bold=True))
        heading_format.setProperty(QTextFormat.Property.FontSizeAdjustment, 0)
        cursor, block = QTextCursor(self.card.document()), self.card.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                cursor.setPosition(block.position())
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.mergeCharFormat(heading_format)
                space = block.blockFormat()
                space.setTopMargin(HEADING_SPACE if block.blockNumber() else 0)
                cursor.setBlockFormat(space)
            block = block.next()

    def _ask_card(self, name: str) -> None:
        self._cards[name] = ""
        self._asked[self._jobs.start("score", SHOW, {"model": name}, "Reading the model's card")] = name

    def _verify(self) -> None:
        self._asked[self._jobs.start("score", VERIFY, {}, "Verifying the models")] = ""
        self.standing.setText("Being verified.")

    def _finish(self, job: str, result: dict[str, Any]) -> None:
        if job not in self._asked:
            return
        name = self._asked.pop(job)
        if name:
            self._cards[name] = str(result.get("card") or "")
        else:
            found = {row["name"]: row for row in result.get("models") or ()}
            self._models = [{**model, **{key: value for key, value in found.get(model["name"], {}).items()
                                         if key in ("verified", "problem")}} for model in self._models]
        self._show(self.list.currentRow())

    def _fail(self, job: str, failure: object) -> None:
        if job in self._asked:
            self._asked.pop(job)
            message = words_for(failure)  # type: ignore[arg-type]
            self.standing.setText(f"{message.sentence} {message.remedy}".strip())

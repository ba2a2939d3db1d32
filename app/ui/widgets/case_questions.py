"""Questions that only the reader can answer, asked beside the picture and never in its way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.core.errors import Failure
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.flow import FlowLayout
from app.ui.widgets.sequence_picker import SequencePicker, thumbnail_icon

THUMBNAIL = QSize(96, 96)


class ChoiceCard(QFrame):
    """One question with its possible answers as buttons: thumbnail, title, the tags that tell them apart.

    Signals
    -------
    answered(str, str, str)
        Field, what the question is about, the chosen value.
    """

    answered = Signal(str, str, str)

    def __init__(self, failure: Failure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.question = wrapped(failure.message, "title")
        self.buttons: list[QPushButton] = []
        flow = FlowLayout()
        field, about = str(failure.extra.get("field", "")), str(failure.extra.get("about", ""))
        for option in failure.extra.get("options", ()):
            value = str(option["value"])
            button = QPushButton(self._caption(option))
            icon = thumbnail_icon(option.get("thumbnail"))
            if not icon.isNull():
                button.setIcon(icon)
                button.setIconSize(THUMBNAIL)
            button.setStyleSheet("text-align: left")
            button.setAccessibleName(self._caption(option).replace("\n", ", "))
            button.clicked.connect(lambda _checked=False, value=value: self.answered.emit(field, about, value))
            self.buttons.append(button)
            flow.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.question)
        layout.addLayout(flow)

    @staticmethod
    def _caption(option: Mapping[str, Any]) -> str:
        details = [f"{name} {value}" for name, value in (option.get("details") or {}).items() if str(value)]
        return "\n".join([str(option["title"]), *details[:5]])


class PairingCard(QFrame):
    """Ask which of the files that found no partner is the image, or are the images, and which the outline.

    Signals
    -------
    paired(dict)
        `CaseFiles` as JSON.
    declined()
        Leave them for later.
    """

    paired = Signal(dict)
    declined = Signal()

    def __init__(self, sources: Sequence[Mapping[str, Any]], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._sources = list(sources)
        possible = [row for row, source in enumerate(self._sources) if source.get("role_hint") != "mask"]
        self._possible = possible or list(range(len(self._sources)))
        self.images, self.masks = QComboBox(), QComboBox()
        self.images.setAccessibleName("Image")
        self.masks.setAccessibleName("Outline")
        self.masks.addItem("none, only look", -1)
        for row, source in enumerate(self._sources):
            title = str(source.get("title") or Path(source["path"]).name)
            details = ", ".join(str(value) for value in (source.get("details") or {}).values() if str(value))
            for box in (self.images, self.masks):
                box.addItem(title, row)
                box.setItemData(box.count() - 1, f"{source['path']}\n{details}", Qt.ItemDataRole.ToolTipRole)
        self._preselect()
        self.picker = SequencePicker([self._sources[row] for row in self._possible], [self._first_image()]) \
            if len(self._possible) > 1 and len(self._sources) > 2 else None
        asked = "Which of these are images of one tumour, and which is its outline?" if self.picker is not None \
            else "Which of these is the image, and which the outline?"
        self.question = wrapped(asked, "title")
        form = QFormLayout()
        form.setSpacing(6)
        form.addRow("Images" if self.picker else "Image", self.picker or self.images)
        form.addRow("Outline", self.masks)
        self.add = QPushButton("Open as a case")
        self.add.setProperty("role", "primary")
        self.add.clicked.connect(self._answer)
        later = QPushButton("Not now")
        later.clicked.connect(self.declined)
        self.problem = wrapped(role="warning")
        self.problem.hide()
        buttons = QHBoxLayout()
        buttons.addWidget(self.add)
        buttons.addWidget(later)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(8)
        layout.addWidget(self.question)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)

    def _preselect(self) -> None:
        hints = [str(source.get("role_hint") or "either") for source in self._sources]
        image = next((row for row, hint in enumerate(hints) if hint == "image"),
                     next((row for row, hint in enumerate(hints) if hint == "either"), 0))
        mask = next((row for row, hint in enumerate(hints) if hint == "mask" and row != image),
                    next((row for row, hint in enumerate(hints) if hint == "either" and row != image), -1))
        self.images.setCurrentIndex(image)
        self.masks.setCurrentIndex(self.masks.findData(mask))

    def _first_image(self) -> int:
        image = self.images.currentData()
        return self._possible.index(image) if image in self._possible else 0

    def _chosen(self) -> list[dict[str, str]]:
        if self.picker is not None:
            return self.picker.chosen()
        source = self._sources[self.images.currentData()]
        return [{"name": "image", "path": str(source["path"]), "series": str(source.get("series") or "")}]

    def _answer(self) -> None:
        chosen, mask = self._chosen(), self.masks.currentData()
        outline = self._sources[mask] if mask >= 0 else None
        problem = self.picker.problem() if self.picker is not None else ""
        if outline is not None and any(item["path"] == str(outline["path"])
                                       and item["series"] == str(outline.get("series") or "") for item in chosen):
            problem = "Image and outline are the same file. Choose two different ones."
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        if problem:
            return
        files: dict[str, Any] = {"id": _name(Path(chosen[0]["path"])),
                                 "images": {item["name"]: item["path"] for item in chosen},
                                 "series": {item["name"]: item["series"] for item in chosen if item["series"]}}
        if outline is not None:
            files["mask"] = str(outline["path"])
            if outline.get("series"):
                files["series"]["mask"] = outline["series"]
        self.paired.emit(files)


def _name(path: Path) -> str:
    return path.name.split(".")[0] if path.suffix else path.name


class SideBar(QFrame):
    """The quiet bar for an Analyze file, which does not say which side is left.

    Signals
    -------
    confirmed(bool)
        True: as shown; False: mirror it.
    """

    confirmed = Signal(bool)

    def __init__(self, shown_as: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.question = QLabel("This Analyze file does not say which side is left. "
                               f"It is shown as {shown_as}. Is this correct?")
        self.question.setWordWrap(True)
        self.yes, self.no = QPushButton("Yes, as shown"), QPushButton("No, mirror it")
        self.yes.clicked.connect(lambda: self.confirmed.emit(True))
        self.no.clicked.connect(lambda: self.confirmed.emit(False))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(12, 6, 12, 6)
        layout.addWidget(self.question, 1)
        layout.addWidget(self.yes)
        layout.addWidget(self.no)

"""Choosing which images make a case, and which sequence each of them is."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QIcon, QImage, QPixmap
from PySide6.QtWidgets import QCheckBox, QComboBox, QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.ui.widgets.copy_label import ElidedLabel

TITLES = {"t1": "T1", "t1_fs": "T1 fs", "t1_gd": "T1 Gd", "t1_fs_gd": "T1 fs Gd", "t2": "T2", "t2_fs": "T2 fs",
          "pd": "PD", "pd_fs": "PD fs"}
_SMALL = QSize(40, 40)
_TELLING = ("sequence", "description", "stack", "plane", "TR", "TE", "TI", "slices", "matrix", "thickness", "spacing")


def thumbnail_icon(rows: Sequence[Sequence[int]] | None) -> QIcon:
    """Turn a nested list of grey values (rows, columns), 0 to 255, into an icon; empty when there is none."""
    if not rows:
        return QIcon()
    grey = np.ascontiguousarray(rows, dtype=np.uint8)
    height, width = grey.shape
    picture = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8).copy()
    return QIcon(QPixmap.fromImage(picture))


def title_of_sequence(key: str) -> str:
    """Say a sequence's key as a radiologist writes it: 't1_fs_gd' is 'T1 fs Gd'."""
    return TITLES.get(key, key)


def key_of_sequence(text: str) -> str:
    """Make a key of what the reader typed: 'T1 fs Gd' is 't1_fs_gd'."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def guess_sequence(source: Mapping[str, Any]) -> str:
    """Guess an image's sequence: what was read from its header, or else what its name says; may be empty."""
    known = str(source.get("sequence") or (source.get("details") or {}).get("sequence") or "")
    name = f" {source.get('title') or ''} ".lower()
    weighting = re.search(r"(?<![a-z0-9])(t1|t2|pd)(?!\d)", name)
    if known or weighting is None:
        return known
    suppressed = re.search(r"fs(?![a-z])|fat.?s|stir|spair", name)
    return weighting[1] + ("_fs" if suppressed else "") + ("_gd" if re.search(r"gd|gad|post|contrast", name) else "")


@dataclass(frozen=True)
class _Row:
    source: Mapping[str, Any]
    box: QCheckBox
    name: QComboBox


class SequencePicker(QWidget):
    """A row per image: tick it, and say which sequence it is.

    Parameters
    ----------
    sources : sequence of mapping
        `path`, `series`, `title`, `details`, `thumbnail`, `sequence` as far as they are known.
    ticked : collection of int
        Rows to begin with; none means the first image of each guessed sequence.
    names : mapping of int to str
        Keys of sequences that rows have already.

    Signals
    -------
    changed()
    """

    changed = Signal()

    def __init__(self, sources: Sequence[Mapping[str, Any]], ticked: Collection[int] = (),
                 names: Mapping[int, str] | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: list[_Row] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(2, 1)
        guesses = [(names or {}).get(row) or guess_sequence(source) for row, source in enumerate(sources)]
        for row, source in enumerate(sources):
            self._add(grid, row, source, guesses[row])
        for row in ticked or _first_of_each(sources, guesses):
            self.rows[row].box.setChecked(True)
        self._follow()

    def chosen(self) -> list[dict[str, str]]:
        """Return the ticked images: `name` (the sequence's key), `path`, `series`."""
        ticked = [row for row in self.rows if row.box.isChecked()]
        return [{"name": key_of_sequence(row.name.currentText()) if len(ticked) > 1 else "image",
                 "path": str(row.source.get("path") or ""), "series": str(row.source.get("series") or "")}
                for row in ticked]

    def problem(self) -> str:
        """Say what keeps the choice from being taken; empty when it can be."""
        names = [item["name"] for item in self.chosen()]
        if not names:
            return "Tick at least one image."
        if "" in names:
            return "Say which sequence each of the ticked images is."
        if "mask" in names:
            return "An image cannot be called mask. Choose another name."
        twice = next((name for name in names if names.count(name) > 1), "")
        return f"Two images are called {title_of_sequence(twice)}. Give each its own name." if twice else ""

    def _add(self, grid: QGridLayout, row: int, source: Mapping[str, Any], guess: str) -> None:
        title, details = str(source.get("title") or "image"), source.get("details") or {}
        box, name = QCheckBox(), QComboBox()
        box.setAccessibleName(f"Use {title}")
        box.toggled.connect(self._follow)
        picture = QLabel()
        picture.setPixmap(thumbnail_icon(source.get("thumbnail")).pixmap(_SMALL))
        words = ", ".join(f"{key} {details[key]}" for key in _TELLING
                          if details.get(key) and key not in ("sequence", "description"))
        about = QWidget()
        lines = QVBoxLayout(about)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        for text, role in ((title, ""), (words, "dim")):
            label = ElidedLabel(text, role)
            label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
            label.setToolTip(str(source.get("path") or ""))
            label.setVisible(bool(text))
            lines.addWidget(label)
        about.setMinimumWidth(48)
        about.setStyleSheet("background: transparent")
        name.setEditable(True)
        name.setAccessibleName(f"Sequence of {title}")
        name.setToolTip("Which sequence this is; other names can be typed")
        name.setMinimumWidth(80)
        name.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        name.setMinimumContentsLength(8)
        name.setMaximumWidth(144)
        for key, label in TITLES.items():
            name.addItem(label, key)
        name.setCurrentText(title_of_sequence(guess))
        name.editTextChanged.connect(lambda _text: self.changed.emit())
        for column, widget in enumerate((box, picture, about, name)):
            grid.addWidget(widget, row, column, Qt.AlignmentFlag.AlignVCenter if column != 2 else Qt.AlignmentFlag(0))
        self.rows.append(_Row(source, box, name))

    def _follow(self) -> None:
        alone = sum(row.box.isChecked() for row in self.rows) < 2
        for row in self.rows:
            row.name.setEnabled(row.box.isChecked() and not alone)
        self.changed.emit()


def _first_of_each(sources: Sequence[Mapping[str, Any]], guesses: Sequence[str]) -> list[int]:
    usable = [row for row, source in enumerate(sources)
              if guesses[row] and "localiser" not in str((source.get("details") or {}).get("stack", ""))]
    return [row for row in usable if guesses.index(guesses[row]) == row] or [0]

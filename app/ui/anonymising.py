"""Exports that name nobody: the switch, shown wherever something is exported, and tables without names."""

from __future__ import annotations

import csv
import io

from PySide6.QtWidgets import QCheckBox, QWidget

from app.ui.state import SessionState

SETTING, TITLE = "anonymise", "Anonymise"
MEANING = "Exports tell no names, paths, dates or scanners: cases and sites become numbers"
_NUMBERED = {"Case": ("case", 4), "Patient": ("case", 4), "Site": ("site", 2)}
_LEFT_OUT = {"Maker", "Model", "Findings", "Message"}


class AnonymousBox(QCheckBox):
    """The switch; every copy of it shows the same.

    Parameters
    ----------
    state : SessionState
    """

    def __init__(self, state: SessionState, parent: QWidget | None = None) -> None:
        super().__init__(TITLE, parent)
        self.setToolTip(MEANING)
        self.setAccessibleDescription(MEANING)
        self.setChecked(bool(state[SETTING]))
        self.toggled.connect(lambda on: state.choose(SETTING, on))
        state.changed.connect(lambda name, value: self.setChecked(bool(value)) if name == SETTING else None)


def anonymise_csv(text: str) -> str:
    """Number cases and sites of a table in the order of its rows; leave out scanners and sentences."""
    rows = list(csv.reader(io.StringIO(text)))
    places = [place for place, title in enumerate(rows[0]) if title not in _LEFT_OUT]
    numbers: dict[str, dict[str, str]] = {title: {} for title in _NUMBERED}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([rows[0][place] for place in places])
    for row in rows[1:]:
        writer.writerow([_number(numbers, rows[0][place], row[place]) for place in places])
    return out.getvalue()


def _number(numbers: dict[str, dict[str, str]], title: str, cell: str) -> str:
    if title not in _NUMBERED or not cell:
        return cell
    kind, digits = _NUMBERED[title]
    known = numbers[title]
    return known.setdefault(cell, f"{kind}-{len(known) + 1:0{digits}d}")

"""Step 1: the cases. A table or a folder is dropped; what its columns are is shown, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.requests import ThumbnailsRequest
from app.ui.calls import Call
from app.ui.class_names import class_title
from app.ui.folders import short_path
from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_words import facts
from app.ui.widgets.class_counts import ClassCounts
from app.ui.widgets.column_roles import ColumnRoles
from app.ui.widgets.copy_label import ElidedLabel, wrapped
from app.ui.widgets.elided_combo import ElidedCombo
from app.ui.widgets.invitation import Invitation
from app.ui.widgets.problem_list import ProblemList
from app.ui.widgets.thumbnail_strip import ThumbnailStrip

_SIDE = 400
_PICKED = {"label": ("Diagnosis", "What the model shall tell: a column with two different values"),
           "patient": ("Patient", "Cases of one patient are never learned from and tested at the same time"),
           "site": ("Hospital or scanner", "Shows whether the model tells tumours or scanners apart")}


class CasesStep(Step):
    """Invitation while nothing is there, else columns at the left, and what they hold at the right.

    Signals
    -------
    choose_requested(str)
        The reader wants a dialog: 'table', 'folder' or 'labels'.
    case_opened(dict)
        The reader wants to see this case (its `CaseFiles`).
    """

    choose_requested = Signal(str)
    case_opened = Signal(dict)

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.stack, self.boxes = QStackedWidget(), dict[str, QComboBox]()
        self.table, self.search = ColumnRoles(), QLineEdit()
        self.positive = ElidedCombo()
        self.counts, self.facts = ClassCounts("Cases of each class"), wrapped()
        self.problems, self.pictures = ProblemList(), ThumbnailStrip()
        self._drawing = Call(training.jobs, "draw_thumbnails", parent=self)
        self._drawn = ""
        self.source = ElidedLabel(role="title", middle=True)
        table, folder = QPushButton("Choose a table…"), QPushButton("Choose a folder…")
        table.setProperty("role", "primary")
        table.clicked.connect(lambda: self.choose_requested.emit("table"))
        folder.clicked.connect(lambda: self.choose_requested.emit("folder"))
        self.invitation = Invitation(
            "Drop a table of features or of cases (CSV, XLSX, Parquet), or a folder of cases",
            "A row for each tumour: patient, diagnosis, and features or the paths of image and outline. Nothing is "
            "learned before you have seen what was recognised.", (table, folder))
        self.stack.addWidget(self.invitation)
        self.stack.addWidget(self._build())
        self.column.addWidget(self.stack, 1)
        self.table.role_chosen.connect(training.set_role)
        self.search.textChanged.connect(self.table.find)
        self.problems.confirmed.connect(training.confirm)
        self.pictures.opened.connect(self.case_opened)
        self._drawing.finished.connect(self._show_pictures)
        self._drawing.failed.connect(lambda _failure: self._show_pictures({"thumbnails": [], "cases": 0}))

    def _build(self) -> QWidget:
        whole, top, sides = QWidget(), QHBoxLayout(), QHBoxLayout()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(8)
        top.addWidget(self.source)
        top.addStretch(1)
        self.buttons: dict[str, QPushButton] = {}
        for name, title, tip in (("table", "Table…", "Take another table; or drop one anywhere on the page"),
                                 ("folder", "Folder…", "Take the cases of a folder; or drop one anywhere on the page"),
                                 ("labels", "Add diagnoses…", "A second table with the same patients' ids"),
                                 ("again", "Read again", "Look again at what lies there")):
            button = self.buttons[name] = QPushButton(title)
            button.setToolTip(tip)
            button.clicked.connect(self.training.look if name == "again"
                                   else lambda _on=False, name=name: self.choose_requested.emit(name))
            top.addWidget(button)
        left, right, side = QVBoxLayout(), QVBoxLayout(), QWidget()
        side.setFixedWidth(_SIDE)
        side.setLayout(right)
        right.setContentsMargins(0, 0, 0, 0)
        for layout in (left, right):
            layout.setSpacing(8)
        head = QHBoxLayout()
        self.heading = ElidedLabel("Columns", "heading")
        self.search.setPlaceholderText("Find a column")
        self.search.setAccessibleName("Show columns by name or role")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(140)
        head.addWidget(self.heading)
        head.addStretch(1)
        head.addWidget(self.search)
        left.addLayout(head)
        left.addWidget(self.table, 1)
        for role, (title, tip) in _PICKED.items():
            box = self.boxes[role] = ElidedCombo()
            box.activated.connect(lambda _row, role=role, box=box: self.training.pick(role, box.currentData() or ""))
            right.addLayout(_make_row(title, tip, box))
            if role == "label":
                self.positive.activated.connect(lambda _row: self.training.choose(positive=self.positive.currentData()))
                right.addLayout(_make_row("Looked for", "The kind of tumour that the model shall find", self.positive))
        add_heading(right, "Cases")
        right.addWidget(self.counts)
        right.addWidget(self.facts)
        self.problems_heading = add_heading(right, "Problems")
        right.addWidget(self.problems, 1)
        self.pictures_heading = add_heading(right, "Pictures")
        right.addWidget(self.pictures, 2)
        sides.setSpacing(20)
        sides.addLayout(left, 1)
        sides.addWidget(side)
        column.addLayout(top)
        column.addLayout(sides, 1)
        return whole

    def glow(self, *, on: bool) -> None:
        """Light the target while something hovers over the window."""
        self.invitation.glow(on=on)

    def refresh(self) -> None:
        """Show what was recognised."""
        training, found = self.training, self.training.found
        self.stack.setCurrentIndex(1 if training.draft.source else 0)
        self.source.setText(short_path(training.draft.source))
        if not found:
            reading = training.is_looking
            self.facts.setText("Reading the table." if reading else "The table could not be read.")
            self.problems.show_problems([])
            self.table.show_columns([], training.role_of, 0)
            self.counts.show_counts({}, ())
            return
        columns = found["columns"]
        self.table.show_columns(columns, training.role_of, found["cases"])
        self.search.setVisible(len(columns) > 12)
        self.heading.setText(f"Columns ({len(columns):,}); a click on a role changes it")
        self._offer(columns, found)
        self.facts.setText(facts(found))
        self._show_counts(found)
        told = [*found["problems"], *_notes(found)]
        self.problems.show_problems(told)
        self.problems.setVisible(bool(told) or not found["holds_images"])
        stops = sum(bool(each["stops"]) for each in told)
        self.problems_heading.setText(f"Problems ({stops}) and notes ({len(told) - stops})" if stops
                                      else f"No problems; notes ({len(told)})" if told else "No problems")
        self._draw_pictures(found)
        self.buttons["labels"].setVisible(not found["chosen"]["label"])

    def _offer(self, columns: list[dict[str, Any]], found: Mapping[str, Any]) -> None:
        chosen = found["chosen"]
        for role, box in self.boxes.items():
            wanted = self.training.draft.picked.get(role, chosen[role])
            names = [each["name"] for each in columns if _may_be(role, each, found["cases"])]
            names += [wanted] if wanted and wanted not in names else []
            offered = [("none" if role == "site" else "choose…", ""), *((name, name) for name in names)]
            if [(box.itemText(row), box.itemData(row)) for row in range(box.count())] != offered:
                box.clear()
                for title, name in offered:
                    box.addItem(title, name)
            box.setCurrentIndex(max(0, box.findData(wanted)))
        self.positive.clear()
        for value in sorted(found["classes"]):
            self.positive.addItem(class_title(chosen["label"], value), value)
        self.positive.setCurrentIndex(self.positive.findData(self.training.draft.positive_class(found)))
        self.positive.setEnabled(len(found["classes"]) == 2)

    def _draw_pictures(self, found: Mapping[str, Any]) -> None:
        images = bool(found["holds_images"])
        for widget in (self.pictures, self.pictures_heading):
            widget.setVisible(images)
        if images and found["table"] != self._drawn:
            self._drawn = found["table"]
            self.pictures.clear()
            self.pictures_heading.setText("Pictures; being drawn")
            request = ThumbnailsRequest(source=found["table"], out=str(self.training.state.new_view_folder()))
            self._drawing.start(request.model_dump(mode="json"), "Drawing some of the cases")

    def _show_pictures(self, drawn: Mapping[str, Any]) -> None:
        self.pictures.show_cases(drawn["thumbnails"])
        shown = len(drawn["thumbnails"])
        self.pictures_heading.setText(f"Pictures ({shown} of {drawn['cases']:,} cases)" if shown else "No pictures")

    def _show_counts(self, found: Mapping[str, Any]) -> None:
        sought = self.training.draft.positive_class(found)
        classes = [name for name in found["classes"] if name != sought] + ([sought] if sought else [])
        label = found["chosen"]["label"]
        named = {name: class_title(label, name) for name in classes}
        self.counts.show_counts({"": {named[name]: found["classes"][name] for name in classes}} if classes else {},
                                list(named.values()))
        self.counts.setVisible(bool(classes))


def _may_be(role: str, column: Mapping[str, Any], cases: int) -> bool:
    """Whether a column can be what is asked: a diagnosis has few values, a site recurs."""
    if column["role_guess"] == "file" or column["kind"] == "empty":
        return False
    if role == "label":
        return column["values"] is not None and column["distinct"] >= 2
    return role == "patient" or 2 <= column["distinct"] < cases


def _make_row(title: str, tip: str, box: QComboBox) -> QHBoxLayout:
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(5)
    box.setAccessibleName(title)
    box.setToolTip(tip)
    label = QLabel(title)
    label.setBuddy(box)
    label.setToolTip(tip)
    label.setFixedWidth(130)
    row = QHBoxLayout()
    row.addWidget(label)
    row.addWidget(box, 1)
    return row


def _notes(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What does not stop the training, but should be known."""
    notes = [{"message": f"'{each['column']}' is left out: {each['reason']}.",
              "fix": "It looks like the diagnosis under another name. Was it known before the diagnosis?",
             "stops": False, "confirm": each["column"]}
             for each in found["held_out"]]
    notes += [{"message": each["message"], "fix": "", "stops": False} for each in found["cautions"]]
    if 0 < found["patients"] < found["cases"]:
        notes.append({"message": f"{found['cases'] - found['patients']} patients' cases come more than once: they stay "
                                 "together in every test.", "fix": "", "stops": False})
    return notes

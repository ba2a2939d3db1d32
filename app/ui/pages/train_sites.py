"""Step 3: the sites. Their sizes, how they go with the diagnosis, and whether their differences are taken out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from app.ui.class_names import class_title
from app.ui.pages.train_step import Step, add_heading
from app.ui.training import Training
from app.ui.training_words import SMALL, UNSEEN
from app.ui.widgets.class_counts import ClassCounts
from app.ui.widgets.copy_label import wrapped
from app.ui.widgets.explained import Explained, field_row
from app.ui.widgets.problem_list import ProblemList

_CHOICES = {"none": ("Leave the features as they are",
                     "What is tested is what a new hospital would get. The usual choice."),
            "combat": ("Take out the differences between sites (ComBat)",
                       "Fitted in each test's training patients alone; the result without it always stands beside.")}


class SitesStep(Step):
    """The advice and the sizes, then the choice."""

    def __init__(self, training: Training, parent: QWidget | None = None) -> None:
        super().__init__(training, parent)
        self.recommendation, self.test = wrapped(role="title"), wrapped(role="dim")
        self.sizes, self.cautions = ClassCounts("Cases of each site", titles=200), ProblemList()
        self.group, self.choices = QButtonGroup(self), dict[str, Explained]()
        self.policies = {"unseen": QComboBox(), "small": QComboBox()}
        self.column.addWidget(self.recommendation)
        self.column.addWidget(self.test)
        sides, left, right = QHBoxLayout(), QVBoxLayout(), QVBoxLayout()
        sides.setSpacing(24)
        for layout in (left, right):
            layout.setSpacing(8)
        self.sizes_heading = add_heading(left, "Cases of each site")
        left.addWidget(self.sizes)
        left.addStretch(1)
        add_heading(right, "What to do")
        for name, (title, sentence) in _CHOICES.items():
            button = QRadioButton(title)
            self.choices[name] = Explained(button, sentence)
            self.group.addButton(button)
            button.toggled.connect(lambda on, name=name: on and training.choose(harmonise=name))
            right.addWidget(self.choices[name])
        self.policy = QWidget()
        rows = QVBoxLayout(self.policy)
        rows.setContentsMargins(24, 0, 0, 0)
        for name, title, options in (("unseen", "Unknown sites later", UNSEEN), ("small", "Small sites", SMALL)):
            box = self.policies[name]
            for key, (words, sentence) in options.items():
                if key != "nearest":  # wants columns that name the scanner's protocol
                    box.addItem(words, key)
                    box.setItemData(box.count() - 1, sentence, 3)
            box.activated.connect(lambda _row, name=name, box=box: training.choose(**{name: str(box.currentData())}))
            rows.addWidget(field_row(title, box))
        self.meaning = wrapped(role="dim")
        rows.addWidget(self.meaning)
        right.addWidget(self.policy)
        add_heading(right, "To know")
        right.addWidget(self.cautions, 1)
        sides.addLayout(left, 3)
        sides.addLayout(right, 3)
        self.column.addLayout(sides, 1)

    def refresh(self) -> None:
        """Show the advice and the choice."""
        found, draft = self.training.found, self.training.draft
        advice: Mapping[str, Any] = found.get("advice") or {}
        known = (found.get("site_classes") or {}).items()
        sites = dict(sorted(known, key=lambda each: (-sum(each[1].values()), each[0])))
        self.recommendation.setText(str(advice.get("recommendation") or (
            "No column names the hospital or the scanner: nothing is known of differences between sites, and nothing "
            "can be taken out. You can name one at step 1.")))
        self.test.setText(_say_test(advice))
        self.test.setVisible(bool(self.test.text()))
        sought = draft.positive_class(found) if found else ""
        classes = [name for name in found.get("classes") or () if name != sought] + ([sought] if sought else [])
        named = {name: class_title(found["chosen"]["label"], name) for name in classes}
        self.sizes.show_counts({site: {named[name]: count for name, count in counts.items() if name in named}
                                for site, counts in sites.items()}, list(named.values()), advice.get("too_few") or ())
        self.sizes.setVisible(bool(sites))
        self.sizes_heading.setText(f"Cases of each site ({len(sites)}; pale: fewer than {advice['at_least']} cases)"
                                   if advice else "Cases of each site")
        self.cautions.show_problems([{"message": each, "fix": "", "stops": False}
                                     for each in advice.get("cautions") or ("Nothing else.",)])
        can = len(sites) > 1
        self.choices["combat"].button.setEnabled(can)
        chosen = draft.harmonise if can else "none"
        self.choices[chosen].button.setChecked(True)
        self.policy.setVisible(chosen == "combat")
        for name, box in self.policies.items():
            box.setCurrentIndex(max(0, box.findData(getattr(draft, name))))
        self.meaning.setText(f"{UNSEEN[draft.unseen][1]} {SMALL[draft.small][1]}")

    def restyle(self) -> None:
        """Follow another theme."""
        self.cautions.restyle()


def _say_test(advice: Mapping[str, Any]) -> str:
    if advice.get("p_value") is None:
        return ""
    p_value = advice["p_value"]
    said = "" if advice["confounded"] else (
        f"Diagnosis and site do not visibly go together (Cramér's V {advice['cramers_v']:.2f}, p "
        f"{'< 0.001' if p_value < 0.001 else f'= {p_value:.2f}' if p_value >= 0.01 else f'= {p_value:.3f}'}).")
    if advice.get("affected") is not None:
        said += f"{' ' * bool(said)}{100 * advice['affected']:.0f} % of the features differ between the larger sites."
    return said

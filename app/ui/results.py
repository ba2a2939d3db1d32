"""What a training run or an external test has found, as the page reads it: numbers by name, never a figure of its own.

The one exception is what follows from a threshold that the reader moves: counts on the cases' own probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DEFAULT_POINT = "youden"


@dataclass(frozen=True)
class Estimate:
    """A number with its interval of 95 %, either of which may be unknown (NaN)."""

    mean: float
    low: float = float("nan")
    high: float = float("nan")

    @classmethod
    def read(cls, value: Any) -> Estimate:
        """Read a number, or a mapping with `mean` or `value` and `interval` or `low` and `high`."""
        if not isinstance(value, Mapping):
            return cls(as_number(value))
        interval = value.get("interval") or (value.get("low"), value.get("high"))
        return cls(as_number(value.get("mean", value.get("value"))), *map(as_number, interval))

    @property
    def is_known(self) -> bool:
        """Whether there is a number."""
        return bool(np.isfinite(self.mean))

    @property
    def has_interval(self) -> bool:
        """Whether both ends are known."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


@dataclass(frozen=True)
class Confusion:
    """Cases by truth and call at one threshold."""

    found: int
    missed: int
    alarmed: int
    cleared: int

    @property
    def sensitivity(self) -> float:
        """Share of the positive cases that were found; NaN without any."""
        return _share(self.found, self.found + self.missed)

    @property
    def specificity(self) -> float:
        """Share of the negative cases that were cleared; NaN without any."""
        return _share(self.cleared, self.cleared + self.alarmed)

    @property
    def ppv(self) -> float:
        """Share of the positive calls that are right; NaN without any."""
        return _share(self.found, self.found + self.alarmed)

    @property
    def npv(self) -> float:
        """Share of the negative calls that are right; NaN without any."""
        return _share(self.cleared, self.cleared + self.missed)

    @property
    def cases(self) -> int:
        """All of them."""
        return self.found + self.missed + self.alarmed + self.cleared


@dataclass(frozen=True)
class Results:
    """The answer of `view_results`.

    Parameters
    ----------
    raw : mapping
        As the engine gives it; entries may be null or absent.
    """

    raw: Mapping[str, Any]

    @property
    def is_external(self) -> bool:
        """Whether the cases were not those of the training."""
        return self.raw.get("kind") == "external"

    @property
    def is_side_by_side(self) -> bool:
        """Whether several results stand together, each on its own cases."""
        return self.raw.get("kind") == "side_by_side"

    @property
    def is_joined(self) -> bool:
        """Whether more than one result is on the table."""
        return self.is_side_by_side or (self.is_external and len(self.models) > 1)

    @property
    def title(self) -> str:
        """What is shown."""
        return str(self.raw.get("title") or self.raw.get("name") or "")

    @property
    def negative(self) -> str:
        """The class that the other is told from."""
        return str(self.raw["classes"][0])

    @property
    def positive(self) -> str:
        """The class looked for."""
        return str(self.raw["classes"][1])

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, the saved one first."""
        return tuple(map(str, self.raw.get("models") or ()))

    @property
    def comparators(self) -> tuple[str, ...]:
        """Names of the simpler things on the same cases."""
        return tuple(name for name in map(str, self.raw.get("comparators") or ()) if name in self.part("roc"))

    def part(self, name: str) -> Mapping[str, Any]:
        """A part of the results by name; empty where there is none."""
        found = self.raw.get(name)
        return found if isinstance(found, Mapping) else {}

    def rows(self, name: str) -> list[Mapping[str, Any]]:
        """A part that is a list; empty where there is none."""
        found = self.raw.get(name)
        return [each for each in found if isinstance(each, Mapping)] if isinstance(found, Sequence) else []

    def of(self, part: str, name: str) -> Any:
        """What a part says of a model or comparator; None where it says nothing."""
        return self.part(part).get(name)

    def word(self, name: str) -> str:
        """Name a model or comparator for a reader."""
        title = name if name in self.models else str(self.part("titles").get(name) or name.replace("_", " "))
        return title if name in self.models else f"{title[:1].upper()}{title[1:]}"

    def auc(self, name: str) -> Estimate:
        """AUC of a model or comparator."""
        return Estimate.read((self.of("roc", name) or {}).get("auc"))

    # Cases

    @cached_property
    def labels(self) -> NDArray[np.int_]:
        """1 for the class looked for: shape (cases,)."""
        return np.asarray(self.part("cases").get("label") or (), dtype=int)

    def probabilities(self, name: str) -> Array:
        """Of each case, NaN where unknown: shape (cases,)."""
        found = (self.part("cases").get("probability") or {}).get(name)
        return as_array(found) if found else np.full(len(self.labels), np.nan)

    def case_column(self, name: str) -> list[Any]:
        """An entry of every case, None where unknown."""
        found = self.part("cases").get(name)
        return list(found) if found else [None] * len(self.labels)

    @property
    def prevalence(self) -> float:
        """Share of the class looked for among the cases; NaN without cases."""
        return float(self.labels.mean()) if len(self.labels) else float("nan")

    # Thresholds

    def points(self, name: str) -> list[Mapping[str, Any]]:
        """The operating points that were chosen before these cases were seen, the default first."""
        found = [each for each in self.of("points", name) or () if isinstance(each, Mapping)]
        found = [each for each in found if np.isfinite(Estimate.read(each.get("threshold")).mean)]
        return sorted(found, key=lambda each: (not each.get("default"), each.get("name") != DEFAULT_POINT))

    def default_threshold(self, name: str) -> float:
        """Threshold of the default point; one half where a model has none."""
        points = self.points(name)
        return Estimate.read(points[0]["threshold"]).mean if points else 0.5

    def confusion(self, name: str, threshold: float) -> Confusion:
        """Count the cases at or above a threshold, and those below."""
        scores = self.probabilities(name)
        known = np.isfinite(scores)
        called, truth = scores[known] >= threshold, self.labels[known] == 1
        return Confusion(int((called & truth).sum()), int((~called & truth).sum()), int((called & ~truth).sum()),
                         int((~called & ~truth).sum()))

    def steps(self, name: str) -> tuple[Array, Array, Array]:
        """ROC of the cases' probabilities: false positive share, sensitivity and threshold, each shape (steps,)."""
        scores, labels = self.probabilities(name), self.labels
        known = np.isfinite(scores)
        scores, labels = scores[known], labels[known]
        if not 0 < labels.sum() < len(labels):
            return np.empty(0), np.empty(0), np.empty(0)
        order = np.argsort(-scores, kind="stable")
        scores, hits = scores[order], np.cumsum(labels[order])
        last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
        wrong = last + 1 - hits[last]
        return wrong / wrong[-1], hits[last] / hits[-1], scores[last]


def side_by_side(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Put the saved models of several results together; each keeps its own cases, so that nothing paired is said.

    Parameters
    ----------
    found : sequence of mapping
        Answers of `view_results`.

    Returns
    -------
    dict
        In the form of `view_results`, without cases, comparators and comparisons.
    """
    saved = {str(raw["name"]): (raw, str(raw.get("saved") or raw["models"][0])) for raw in found}
    parts = ("roc", "metrics", "calibration", "decision", "points", "importance", "fits")
    together = {part: {name: (raw.get(part) or {}).get(own) for name, (raw, own) in saved.items()} for part in parts}
    first = found[0]
    return {"kind": "side_by_side", "title": f"{len(saved)} models side by side", "name": "comparison",
            "classes": first["classes"], "models": list(saved), "saved": "", **together,
            "methods": "\n\n".join(f"{name}: {raw['methods']}" for name, (raw, _own) in saved.items()
                                   if raw.get("methods"))}


def as_number(value: Any) -> float:
    """Read a number, NaN for null."""
    return float(value) if isinstance(value, (int, float)) else float("nan")


def as_array(values: Sequence[Any]) -> Array:
    """Read numbers, NaN for null."""
    return np.array([as_number(value) for value in values], dtype=float)


def _share(hits: int, cases: int) -> float:
    return hits / cases if cases else float("nan")

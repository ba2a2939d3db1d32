"""Results in words: what was found, beside what, and how far to trust it. Pure functions, so they can be tested."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from app.ui.results import Estimate, Results, as_number
from app.ui.words import per_cent

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
FEW = 50
_NEGATIVE = re.compile(r"(?<![\w.-])-(?=\d)")
_GOALS = {"sensitivity": "find", "specificity": "clear"}
_ODD_SLOPE, _VAGUE_SLOPE = (0.8, 1.25), (0.5, 2.0)


def share_text(value: float, digits: int = 2) -> str:
    """Write a number between 0 and 1; empty where unknown."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def signed_text(value: float, digits: int = 2) -> str:
    """Write a difference: '+0.09'."""
    return "" if math.isnan(value) else f"{round(value, digits) + 0.0:+.{digits}f}".replace("-", MINUS)


def range_text(figure: Estimate, *, signed: bool = False, digits: int = 2) -> str:
    """Write an interval: '0.74–0.91', '−0.02 to +0.17'; empty where unknown."""
    if not figure.has_interval:
        return ""
    if signed:
        return f"{signed_text(figure.low, digits)} to {signed_text(figure.high, digits)}"
    if figure.low < 0:
        return f"{figure.low:.{digits}f} to {figure.high:.{digits}f}".replace("-", MINUS)
    return f"{figure.low:.{digits}f}{DASH}{figure.high:.{digits}f}"


def figure_text(figure: Estimate, *, signed: bool = False, digits: int = 2) -> str:
    """Write a number with its interval: '0.84 (0.74–0.91)'."""
    value = signed_text(figure.mean, digits) if signed else share_text(figure.mean, digits)
    interval = range_text(figure, signed=signed, digits=digits)
    return f"{value} ({interval})" if value and interval else value


def p_text(value: Any) -> str:
    """Write a p value: 'p = 0.03', 'p < 0.001'; empty where unknown."""
    if not isinstance(value, (int, float)) or math.isnan(value):
        return ""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def scope_sentence(results: Results) -> str:
    """Say what kind of result it is and on how many cases."""
    if results.is_side_by_side:
        return "Each model on its own cases: their figures stand side by side, and no difference is claimed."
    labels = results.labels
    kind = "External test" if results.is_external else "Cross-validation"
    sites = {site for site in results.case_column("site") if site not in (None, "")}
    where = f" of {len(sites)} sites" if len(sites) > 1 else ""
    positives = int(labels.sum())
    counts = f"{positives} {results.positive}, {len(labels) - positives} {results.negative}"
    folds = results.part("folds")
    how = ""
    if folds.get("k") and not results.is_external:
        repeats = int(folds.get("repeats") or 1)
        how = f", {folds['k']} folds" + (f" repeated {repeats} times" if repeats > 1 else "")
    return f"{kind}: {len(labels):,} cases{where} ({counts}){how}." if len(labels) else f"{kind}."


def auc_sentence(results: Results, name: str) -> str:
    """Say what an AUC means for the reader."""
    figure = results.auc(name)
    if not figure.is_known:
        return f"{results.word(name)}: these cases allow no AUC."
    interval = range_text(figure)
    pairs = round(figure.mean * 100)
    return (f"AUC {figure.mean:.2f}" + (f", 95 % interval {interval}" if interval else "")
            + f": of one {results.positive} and one {results.negative}, it ranks the {results.positive} higher "
            f"in {pairs} of 100 pairs.")


def difference_sentence(results: Results, name: str) -> str:
    """Say what a model adds to something simpler on the same cases; the saved model's as the run said it."""
    head = results.part("headline")
    if head.get("sentence") and name == (results.raw.get("saved") or next(iter(results.models), "")):
        return minus_signs(str(head["sentence"]))
    other = str(head.get("comparator") or "volume")
    found = pair_of(results, name, other)
    if found is None:
        return ""
    figure = Estimate.read(found)
    figures = f"AUC {signed_text(figure.mean, 3)}, 95 % interval {range_text(figure, signed=True, digits=3)}"
    beside = results.word(other)
    beside = f"{beside[:1].lower()}{beside[1:]}"
    if figure.low > 0:
        return f"It adds to {beside}: {figures}."
    if figure.high < 0:
        return f"It does worse than {beside}: {figures}."
    return f"It adds nothing measurable to {beside}: {figures}."


def pair_of(results: Results, one: str, other: str) -> dict[str, Any] | None:
    """Find the comparison of two, signed as the first less the second; None where they were not compared."""
    for row in results.rows("comparisons"):
        if (row.get("a"), row.get("b")) == (one, other):
            return dict(row)
        if (row.get("b"), row.get("a")) == (one, other):
            figure = Estimate.read(row)
            interval = [-figure.high, -figure.low] if figure.has_interval else None
            return {**row, "a": one, "b": other, "mean": -figure.mean, "interval": interval}
    return None


def trust_sentences(results: Results, name: str) -> list[str]:
    """Say how far to trust the figures: choice among models, probabilities, numbers, where it holds."""
    told = []
    selection = results.part("selection")
    if selection.get("sentence"):
        told.append(str(selection["sentence"]))
    slope = calibration_sentence(results.of("calibration", name))
    if slope:
        told.append(slope)
    labels = results.labels
    fewest = int(min(labels.sum(), len(labels) - labels.sum())) if len(labels) else 0
    if len(labels) and fewest < FEW:
        rare = results.positive if labels.sum() == fewest else results.negative
        told.append(f"Only {fewest} {rare}: read the interval, not the figure.")
    if not results.is_external and not results.is_side_by_side:
        target = str(results.raw.get("target") or "new patients of the same sites")
        elsewhere = Estimate.read(results.of("new_sites", name))
        if elsewhere.is_known:
            told.append(f"The figures are for {target}; at sites held out whole, as a new hospital is, the AUC is "
                        f"{figure_text(elsewhere)}.")
        else:
            told.append(f"The figures are for {target}; another hospital's cases can only be judged by an external "
                        "test.")
    audit = results.part("audit")
    naive = audit.get("naive")
    if isinstance(naive, Mapping) and naive.get("sentence") and as_number(naive.get("optimism")) > 0:
        told.append("The audit shows what looking at the held-out cases would have seemed to gain.")
    return told


def calibration_sentence(found: Any) -> str:
    """Say whether probabilities can be taken at their word; empty where it is not known."""
    if not isinstance(found, Mapping):
        return ""
    slope = Estimate.read({"mean": found.get("slope"), "interval": found.get("slope_interval")})
    if not slope.is_known:
        return ""
    text = f"(calibration slope {slope.mean:.2f}" + (f", {range_text(slope)}" if slope.has_interval else "") + ")"
    if slope.has_interval and (slope.low < _VAGUE_SLOPE[0] or slope.high > _VAGUE_SLOPE[1]) \
            and slope.low <= 1 <= slope.high:
        return f"Too few cases to tell whether its probabilities can be taken at their word {text}."
    if not slope.has_interval:
        return f"No interval is known: it cannot be told whether its probabilities can be taken at their word {text}."
    spans_one = slope.low <= 1 <= slope.high
    if _ODD_SLOPE[0] <= slope.mean <= _ODD_SLOPE[1] and spans_one:
        return f"Its probabilities can be taken at their word {text}."
    if slope.mean < 1:
        words = "are more extreme than the truth" if not spans_one else "may be more extreme than the truth"
    else:
        words = "are more timid than the truth" if not spans_one else "may be more timid than the truth"
    return f"Its probabilities {words} {text}."


def threshold_sentence(results: Results, name: str, threshold: float, *, moved: bool) -> str:
    """Say where the threshold comes from; one moved here was chosen after seeing these cases."""
    if moved:
        return (f"Threshold {threshold:.3f}, chosen after seeing these cases: its shares flatter, and no interval is "
                "honest.")
    points = results.points(name)
    if not points:
        return f"Threshold {threshold:.3f}; this model has no operating point of its own."
    words = f"Threshold {threshold:.3f}: {point_title(points[0])}. It is the model's own"
    if results.is_external:
        return f"{words}, chosen before these cases were seen."
    return f"{words}; shares with an interval were measured with each fold's own, on cases it was not chosen on."


def point_title(point: Mapping[str, Any]) -> str:
    """Name an operating point."""
    name = str(point.get("name") or "")
    words = {"youden": "best sum of sensitivity and specificity (Youden)", "": "default"}
    return words.get(name, name.replace("%", " %"))


def minus_signs(text: str) -> str:
    """Write negative numbers with a minus sign."""
    return _NEGATIVE.sub(MINUS, text)


def point_goal(name: str) -> str:
    """Say in few words what an operating point was chosen for, where it is one of several."""
    words = {"youden": "best balance (Youden)", "prior": "the share in training", "chosen": "chosen by you",
             "": "default"}
    kind, _, share = name.partition(" ")
    if kind in _GOALS and share.endswith("%"):
        return f"meant to {_GOALS[kind]} {share.removesuffix('%').strip()} of 100"
    return words.get(name, name)


def benefit_sentence(threshold: float, model: float, treat_all: float, positive: str, word: str) -> str:
    """Say the net benefit at a threshold, per 100 patients."""
    weight = (1 - threshold) / threshold if threshold > 0 else math.inf
    best = max(treat_all, 0.0)
    rival = f"treating all ({100 * treat_all:+.1f})" if treat_all > 0 else "treating none (0)"
    gain = 100 * (model - best)
    verdict = f"{abs(gain):.1f} {'more' if gain >= 0 else 'fewer'} than {rival}"
    return (f"Who acts from {per_cent(threshold)} weighs a missed {positive} as {weight:.3g} needless treatments: "
            f"{word} is worth {100 * model:+.1f} {positive} found per 100 patients at no needless treatment, {verdict}."
            ).replace("-", MINUS)

"""Features in the order in which they go with the label, beside what chance alone would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.figures.page import INK, PALE, RULE, Drawing, head, new_figure, rule, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
MOST_SHOWN = 30
RATE = 0.05
_UNADJUSTED = "In-sample and unadjusted for the choice among many: the first of a list is better here than elsewhere."
_BLUE, _ORANGE = "#0072B2", "#E69F00"


def draw_label_correlation(table: Sequence[Row], label: str, cases: int) -> Drawing:
    """Draw the correlation of each feature with the label, and all of them beside those of unrelated features.

    Parameters
    ----------
    table : sequence of mapping
        `title`, `r_label`, `rho_label` of each feature; None where there is none.
    label : str
        What the label says, as in 'liposarcoma = 1'.
    cases : int
        With a label.
    """
    shown = sorted((row for row in table if row["rho_label"] is not None), key=lambda row: -abs(row["rho_label"]))
    best = shown[:MOST_SHOWN]
    figure = new_figure(_height(len(best)))
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    places = _places(left, best)
    left.scatter([row["rho_label"] for row in best], places, marker="o", s=22, color=_BLUE, label="Spearman's ρ")
    known = [(row["r_label"], place) for row, place in zip(best, places, strict=True) if row["r_label"] is not None]
    left.scatter(
        *zip(*known, strict=True), marker="D", s=16, facecolor="none", edgecolor=INK, linewidth=0.8, label="Pearson's r"
    )
    rule(left, x=0)
    left.set_xlim(-1, 1)
    left.set_xlabel(f"Correlation with {shorten(label, 34)}")
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handletextpad=0.2, borderaxespad=0.1)
    edges = np.linspace(-1, 1, 41)
    values = np.array([row["rho_label"] for row in shown])
    right.hist(values, edges, color=PALE, edgecolor="white", linewidth=0.4, label=f"these {len(values)} features")
    points = np.linspace(-1, 1, 401)
    chance = np.exp(-(points**2) * (cases - 1) / 2) * np.sqrt((cases - 1) / (2 * np.pi))
    right.plot(points, chance * len(values) * (edges[1] - edges[0]), color=INK, label="expected of unrelated ones")
    right.set_xlim(-1, 1)
    right.set_xlabel("Spearman's ρ with the label")
    right.set_ylabel("Features")
    right.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1)
    head(figure, f"Correlation with the label, {len(best)} of {len(shown)} features, {cases} cases")
    caption = (
        f"Left: the features that correlate most with {label} in {cases} cases. Right: all features, and the spread "
        "that features without any relation to the label would have. Correlated features move together, so a shift of "
        f"the whole histogram may be one finding and not many. {_UNADJUSTED}"
    )
    rows = [(row["feature"], row["title"], row["r_label"], row["rho_label"]) for row in shown]
    return Drawing(
        "label_correlation",
        "Correlation with the label",
        caption,
        figure,
        ("feature", "title", "r_label", "rho_label"),
        rows,
    )


def draw_areas(table: Sequence[Row], label: str, counts: tuple[int, int], volume: float | None) -> Drawing:
    """Draw the AUC of each feature alone with its interval, and all p values in order.

    Parameters
    ----------
    table : sequence of mapping
        `title`, `auc`, `low`, `high`, `p`, `p_bonferroni`, `q` of each feature; None where there is none.
    label : str
        The positive class.
    counts : tuple of int
        Cases of the other class and of the positive one.
    volume : float or None
        The AUC of the tumour's volume.
    """
    judged = sorted((row for row in table if row["p"] is not None), key=lambda row: (row["p"], -abs(row["auc"] - 0.5)))
    best = judged[:MOST_SHOWN]
    figure = new_figure(_height(len(best)))
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    places = _places(left, best)
    left.hlines(places, [row["low"] for row in best], [row["high"] for row in best], color=RULE, linewidth=1.0)
    for found, face, words in ((True, _BLUE, f"q ≤ {RATE}"), (False, "white", f"q > {RATE}")):
        part = [(row["auc"], place) for row, place in zip(best, places, strict=True) if (row["q"] <= RATE) is found]
        if part:
            left.scatter(*zip(*part, strict=True), s=22, facecolor=face, edgecolor=_BLUE, zorder=3, label=words)
    rule(left, x=0.5)
    if volume is not None:
        left.axvline(volume, color=_ORANGE, linestyle="--", zorder=0, label="volume alone")
    left.set_xlim(0, 1)
    left.set_xlabel(f"AUC for {shorten(label, 30)}, 95 % interval")
    left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, handletextpad=0.3, columnspacing=1, borderaxespad=0.1)
    _draw_p_values(right, np.array([row["p"] for row in judged]))
    total = sum(counts)
    head(figure, f"Features one by one, {len(best)} of {len(judged)}, {counts[1]} + {counts[0]} cases")
    under = sum(row["q"] <= RATE for row in judged)
    caption = (
        f"Left: AUC of each feature alone for {label} ({counts[1]} of {total} cases), smallest p first; below 0.5 "
        "small values go with it. The interval (DeLong, logit scale) is of one feature chosen beforehand. Right: all p "
        f"values (Mann-Whitney) in order; {under} of {len(judged)} pass Benjamini and Hochberg's rule at "
        f"{RATE:.0%}. {_UNADJUSTED}"
    )
    columns = ("feature", "title", "auc", "low", "high", "p", "p_bonferroni", "q")
    return Drawing(
        "univariate_auc",
        "Features one by one",
        caption,
        figure,
        columns,
        [[row[column] for column in columns] for row in judged],
    )


def _draw_p_values(axes: Axes, p: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    share = (np.arange(len(p)) + 1) / len(p)
    axes.plot(share, np.maximum(p, 1e-12), marker=".", markersize=3, linestyle="none", color=_BLUE, label="p values")
    axes.plot(share, share, color=INK, label="expected of unrelated features")
    axes.plot(share, share * RATE, color=INK, linestyle="--", label=f"false discovery rate {RATE:.0%}")
    axes.axhline(RATE / len(p), color=INK, linestyle=":", label=f"Bonferroni {RATE:.0%}")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("Rank of p over their number")
    axes.set_ylabel("p, Mann-Whitney")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.1, handlelength=1.6, fontsize=6)


def _places(axes: Axes, rows: Sequence[Row]) -> list[int]:
    """Write the titles on the left, the first on top, over stripes that lead the eye; return their heights."""
    places = list(range(len(rows) - 1, -1, -1))
    for place in places[1::2]:
        axes.axhspan(place - 0.5, place + 0.5, color="#f3f5f7", zorder=-1)
    axes.set_yticks(places, [shorten(row["title"]) for row in rows])
    axes.set_ylim(-0.7, max(len(rows), 1) - 0.3)
    axes.tick_params(axis="y", length=0)
    return places


def _height(rows: int) -> float:
    return max(3.0, 0.165 * rows + 1.3)

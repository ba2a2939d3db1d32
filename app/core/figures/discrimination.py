"""What held-out answers are worth, drawn: ROC curves with their band, calibration, and net benefit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.figures.page import INK, PALE, RULE, Drawing, head, new_figure, rule, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Values = Mapping[str, Any]
BLUE, ORANGE = "#0072B2", "#E69F00"
# Colour, dash and marker of the models that stand beside the first; the dashes and markers tell them apart in grey.
STYLES = (
    (ORANGE, (0, (5, 1.5)), "s"),
    (INK, (0, (1, 1)), "^"),
    ("#009E73", (0, (4, 1, 1, 1)), "D"),
    ("#D55E00", (0, (7, 2)), "v"),
    ("#56B4E9", (0, (2, 1)), "P"),
    ("#CC79A7", (0, (3, 1, 1, 1, 1, 1)), "X"),
)
BAND = "#B9D3EA"
MOST_BESIDE = len(STYLES)


def draw_roc(curves: Mapping[str, Values], titles: Mapping[str, str], first: str, positive: str) -> Drawing:
    """Draw every fold's ROC curve, their mean with its band, and what stands beside on the same axes.

    Parameters
    ----------
    curves : mapping of str to mapping
        `auc`, `grid`, `mean`, `low`, `high`, `folds` and `pooled` of each model and comparator.
    titles : mapping of str to str
        Names as a reader sees them.
    first : str
        The model that is looked at.
    positive : str
        The class that is looked for.
    """
    figure = new_figure(4.1)
    grid = figure.add_gridspec(2, 2, width_ratios=[1.45, 1], height_ratios=[len(curves) + 1.2, 4.5])
    left, right, key = figure.add_subplot(grid[:, 0]), figure.add_subplot(grid[0, 1]), figure.add_subplot(grid[1, 1])
    own = curves[first]
    left.fill_between(own["grid"], own["low"], own["high"], color=BAND, linewidth=0, label="pointwise 95 % band")
    for place, fold in enumerate(own["folds"]):
        label = f"{len(own['folds'])} folds" if place == 0 else None
        left.plot(fold["fpr"], fold["tpr"], color=RULE, linewidth=0.35, alpha=0.45, label=label)
    left.plot(own["grid"], own["mean"], color=BLUE, linewidth=2.0, label="mean" if own["folds"] else "all cases")
    if own["folds"] and own.get("pooled"):
        pooled = own["pooled"]
        left.plot(pooled["fpr"], pooled["tpr"], color=INK, linewidth=0.8, label="all held-out answers, one threshold")
    _beside(left, curves, titles, first)
    left.plot([0, 1], [0, 1], color=RULE, linewidth=0.7, linestyle=(0, (1, 3)))
    left.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal")
    left.set_xlabel("False positive rate (1 - specificity)")
    left.set_ylabel(f"True positive rate (sensitivity for {shorten(positive, 20)})")
    key.axis("off")
    legend = key.legend(*left.get_legend_handles_labels(), loc="upper left", handlelength=3, borderaxespad=0)
    legend.set_in_layout(False)
    draw_areas(right, [(titles.get(name, name), curves[name]["auc"]) for name in curves])
    head(figure, f"Discrimination: {shorten(titles.get(first, first), 60)}")
    folds = (
        "Thin grey: each fold. Thick: their mean at each false positive rate; folds of few negatives cannot tell low "
        "rates apart, and the mean is too high there, which the band allows for. "
        if own["folds"]
        else "The band comes from resampled cases. "
    )
    caption = f"{folds}Right: AUC with its 95 % interval; a hollow mark has none. Chance is one half."
    rows = [
        (name, fpr, *(curve[part][place] for part in ("mean", "low", "high")))
        for name, curve in curves.items()
        for place, fpr in enumerate(curve["grid"])
    ]
    return Drawing("roc", "ROC curves", caption, figure, ("name", "fpr", "tpr", "low", "high"), rows)


def _beside(axes: Axes, curves: Mapping[str, Values], titles: Mapping[str, str], first: str) -> None:
    others = [name for name in curves if name != first and len(curves[name]["grid"])]
    for name, (colour, dash, marker) in zip(others, STYLES, strict=False):
        curve = curves[name]
        axes.plot(
            curve["grid"],
            curve["mean"],
            color=colour,
            linestyle=dash,
            linewidth=1.2,
            marker=marker,
            markevery=(10, 20),
            markersize=3,
            label=shorten(titles.get(name, name), 34),
        )


def draw_areas(axes: Axes, lines: Sequence[tuple[str, Values]]) -> None:
    """Draw AUCs with their intervals, one below another, the first in bold strokes."""
    for place, (title, auc) in enumerate(lines):
        mean, interval = auc.get("mean"), auc.get("interval")
        told = "not known" if mean is None else f"{mean:.3f}"
        told += f" ({interval[0]:.3f} to {interval[1]:.3f})" if interval else ""
        for text, x, side in ((shorten(title, 30), 0.0, "left"), (told, 1.0, "right")):
            weight = "bold" if place == 0 and side == "left" else "normal"
            axes.annotate(
                text,
                (x, place - 0.2),
                xycoords=("axes fraction", "data"),
                fontsize=6,
                ha=side,
                va="bottom",
                fontweight=weight,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        if mean is None:
            continue
        if interval:
            width = 1.8 if place == 0 else 1.0
            axes.plot(interval, [place, place], color=INK, linewidth=width, solid_capstyle="butt")
        face = (BLUE if place == 0 else INK) if interval else "white"
        axes.plot([mean], [place], marker="o", markersize=5, color=face, markeredgecolor=INK, markeredgewidth=0.8)
    axes.plot([0.5, 0.5], [-0.25, len(lines) - 0.6], color=RULE, linewidth=0.7, linestyle=(0, (1, 3)), zorder=0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_ylim(len(lines) - 0.6, -0.75)
    lows = [auc["interval"][0] for _, auc in lines if auc.get("interval")]
    axes.set_xlim(min([0.45, *(low - 0.03 for low in lows)]), 1.0)
    axes.set_xlabel("AUC, 95 % interval")


def draw_calibration(calibration: Values, probabilities: Sequence[float], name: str, positive: str) -> Drawing:
    """Draw what happened against what was predicted: curve with its band, groups with intervals, and the spread.

    Parameters
    ----------
    calibration : mapping
        `slope`, `intercept`, their intervals, `curve` and `bins`.
    probabilities : sequence of float
        Held-out ones, for the histogram; empty where unknown.
    name, positive : str
    """
    figure = new_figure(3.7)
    upper, lower = figure.subplots(2, 1, height_ratios=[5, 1], sharex=True)
    curve, bins = calibration.get("curve") or {}, calibration.get("bins") or []
    upper.plot([0, 1], [0, 1], color=RULE, linewidth=0.7, linestyle=(0, (1, 3)), label="ideal")
    if curve.get("predicted"):
        upper.fill_between(curve["predicted"], curve["low"], curve["high"], color=BAND, linewidth=0, label="95 % band")
        upper.plot(curve["predicted"], curve["observed"], color=BLUE, linewidth=1.6, label="logistic spline")
    if bins:
        middle = [each["predicted"] for each in bins]
        ends = [[each["observed"] - each["low"] for each in bins], [each["high"] - each["observed"] for each in bins]]
        upper.errorbar(
            middle,
            [each["observed"] for each in bins],
            yerr=np.maximum(ends, 0),
            fmt="s",
            markersize=4,
            color=INK,
            linewidth=0.8,
            label=f"groups of about {np.mean([each['cases'] for each in bins]):.0f} cases",
        )
    upper.set(xlim=(0, 1), ylim=(-0.02, 1.02))
    upper.set_ylabel(f"Observed share of {shorten(positive, 24)}")
    upper.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=4, borderaxespad=0.2)
    lower.hist(np.asarray(probabilities, dtype=float), np.linspace(0, 1, 41), color=PALE, edgecolor=RULE, linewidth=0.3)
    lower.set_xlabel(f"Predicted probability of {shorten(positive, 24)}")
    lower.set_ylabel("Cases")
    told = "; ".join(_figure(part, calibration) for part in ("slope", "intercept"))
    head(figure, f"Calibration: {shorten(name, 50)}")
    caption = (
        f"{told}. A slope of 1 and an intercept of 0 are ideal; a slope below 1 means that the probabilities are too "
        "extreme, an intercept below 0 that they are too high on average."
    )
    parts = ("predicted", "observed", "low", "high")
    rows = [("group", *(each[part] for part in parts), each["cases"]) for each in bins]
    rows += [("curve", *each, None) for each in zip(*(curve.get(part) or () for part in parts), strict=True)]
    return Drawing("calibration", "Calibration", caption, figure, ("what", *parts, "cases"), rows)


def _figure(part: str, calibration: Values) -> str:
    value, interval = calibration.get(part), calibration.get(f"{part}_interval")
    if value is None:
        return f"The {part} cannot be told" if part == "slope" else f"the {part} cannot be told"
    span = f" ({interval[0]:.2f} to {interval[1]:.2f})" if interval else ""
    return f"{part.capitalize() if part == 'slope' else part} {value:.2f}{span}".replace(" -0.00", " 0.00")


def draw_decision(
    curves: Mapping[str, Values], titles: Mapping[str, str], first: str, prevalence: float, positive: str
) -> Drawing:
    """Draw the net benefit of acting on a model, on everybody and on nobody.

    Parameters
    ----------
    curves : mapping of str to mapping
        `threshold`, `sensitivity`, `specificity`, and of the first `low` and `high` at the cases' own prevalence.
    titles, first, positive
        As for `draw_roc`.
    prevalence : float
        Of the cases.
    """
    figure = new_figure(3.1)
    axes = figure.subplots()
    own = curves[first]
    limits = np.asarray(own["threshold"], dtype=float)
    everybody = prevalence - limits / (1 - limits) * (1 - prevalence)
    benefit = {name: _net_benefit(curve, prevalence) for name, curve in curves.items()}
    if own.get("low"):
        axes.fill_between(limits, own["low"], own["high"], color=BAND, linewidth=0, label="pointwise 95 % band")
    axes.plot(limits, everybody, color=RULE, linewidth=1.0, linestyle=(0, (1, 2)), label="act on everybody")
    rule(axes, y=0)
    axes.annotate("act on nobody", (0.99, 0), (0, -8), textcoords="offset points", fontsize=6.5, color=RULE, ha="right")
    axes.plot(limits, benefit[first], color=BLUE, linewidth=1.8, label=shorten(titles.get(first, first), 34))
    for name, (colour, dash, marker) in zip([name for name in curves if name != first], STYLES, strict=False):
        axes.plot(
            curves[name]["threshold"],
            benefit[name],
            color=colour,
            linestyle=dash,
            linewidth=1.1,
            marker=marker,
            markevery=(7, 15),
            markersize=3,
            label=shorten(titles.get(name, name), 34),
        )
    top = max(prevalence, 0.05)
    axes.set(xlim=(0, 1), ylim=(-0.25 * top, 1.12 * top))
    axes.set_xlabel(f"Threshold probability of {shorten(positive, 24)}")
    axes.set_ylabel("Net benefit, true positives per patient")
    axes.legend(loc="upper right")
    head(figure, f"Decision curve at the cases' own share of {shorten(positive, 24)}, {100 * prevalence:.0f} %")
    caption = (
        "What acting on those at or above a threshold probability is worth, in true positives per patient, when a "
        "false alarm costs what the threshold says. A model earns its place where it lies above both acting on "
        "everybody and acting on nobody (Vickers and Elkin 2006, 10.1177/0272989X06295361)."
    )
    rows = [
        (name, threshold, value)
        for name, curve in curves.items()
        for threshold, value in zip(curve["threshold"], benefit[name].tolist(), strict=True)
    ]
    return Drawing("decision", "Decision curve", caption, figure, ("name", "threshold", "net_benefit"), rows)


def _net_benefit(curve: Values, prevalence: float) -> Any:
    limits, caught, cleared = (np.asarray(curve[key], float) for key in ("threshold", "sensitivity", "specificity"))
    return prevalence * caught - limits / (1 - limits) * (1 - prevalence) * (1 - cleared)

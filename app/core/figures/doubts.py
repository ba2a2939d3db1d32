"""What to think of a result, drawn: site by site, feature by feature, under audit, and with more cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from app.core.figures.discrimination import BAND, BLUE, draw_areas
from app.core.figures.page import INK, PALE, RULE, Drawing, head, new_figure, rule, shorten

Values = Mapping[str, Any]
MOST_SITES, MOST_FEATURES = 24, 24


def draw_sites(sites: Sequence[Values], whole: Values, positive: str, *, folds: bool = True) -> Drawing:
    """Draw the AUC in every site as a forest plot, the whole cohort below.

    Parameters
    ----------
    sites : sequence of mapping
        `site`, `cases`, `positive`, `auc`, `low`, `high`; the largest first.
    whole : mapping
        `mean` and `interval` of the AUC.
    positive : str
        The class that is looked for.
    folds : bool
        Whether the whole is a mean within folds, or of all cases.
    """
    shown = list(sites[:MOST_SITES])
    figure = new_figure(1.1 + 0.19 * (len(shown) + 1))
    axes = figure.subplots()
    for place, each in enumerate(shown):
        if each["auc"] is None:
            axes.annotate("too few cases of a class", (0.5, place), fontsize=6.5, color=RULE, ha="center", va="center")
            continue
        axes.plot([each["low"], each["high"]], [place, place], color=INK, linewidth=0.9)
        axes.plot([each["auc"]], [place], marker="s", color=INK, markersize=2.5 + 0.45 * np.sqrt(each["cases"]))
    bottom = len(shown) + 0.3
    low, high = whole.get("interval") or (whole["mean"], whole["mean"])
    corners = [(low, bottom), (whole["mean"], bottom - 0.3), (high, bottom), (whole["mean"], bottom + 0.3)]
    axes.fill(*zip(*corners, strict=True), facecolor=BLUE, edgecolor=INK, linewidth=0.6)
    rule(axes, x=whole["mean"], dash=(0, (3, 2)))
    rule(axes, x=0.5, dash=(0, (1, 3)))
    told = [f"{shorten(each['site'], 26)}  ({each['positive']} of {each['cases']})" for each in shown]
    axes.set_yticks([*range(len(shown)), bottom], [*told, "within folds, all sites" if folds else "all cases"])
    axes.set(xlim=(0, 1.0), ylim=(bottom + 0.7, -0.7))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"AUC, 95 % interval; in brackets: {shorten(positive, 24)} of all cases")
    head(figure, f"By site, {len(shown)} of {len(sites)}")
    caption = (
        "A square's size follows the cases. "
        + ("Within a site, answers of all folds are pooled; the diamond is the mean within folds. " if folds else "")
        + "Small sites can say little: look at the widths before the order."
    )
    parts = ("site", "cases", "positive", "auc", "low", "high")
    rows = [tuple(each[part] for part in parts) for each in sites]
    return Drawing("sites", "By site", caption, figure, parts, rows)


def draw_importance(ranked: Sequence[Values], name: str) -> Drawing:
    """Draw which features the folds kept, and what weight they gave them.

    Parameters
    ----------
    ranked : sequence of mapping
        `feature`, `title`, `share`, `mean`, `low`, `high`.
    name : str
        Of the model.
    """
    shown = list(ranked[:MOST_FEATURES])
    places = np.arange(len(shown))
    figure = new_figure(1.0 + 0.19 * len(shown))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[1, 1.6])
    left.barh(places, [100 * each["share"] for each in shown], height=0.62, color=PALE, edgecolor=RULE, linewidth=0.4)
    left.set_xlim(0, 100)
    left.set_xlabel("Folds that kept it, %")
    left.set_yticks(places, [shorten(each["title"], 46) for each in shown])
    left.set_ylim(len(shown) - 0.4, -0.6)
    left.tick_params(axis="y", length=0)
    numbers = np.array([[each[part] for part in ("mean", "low", "high")] for each in shown], dtype=float)
    means, low, high = numbers.T
    spread = np.maximum([means - low, high - means], 0)
    right.errorbar(means, places, xerr=spread, fmt="o", color=BLUE, ecolor=INK, markersize=4, linewidth=0.9)
    if not np.isfinite(means).any():
        told = "The weights of a kernel or a network\nare not of features."
        right.annotate(told, (0.5, 0.5), color=RULE, ha="center", xycoords="axes fraction")
    rule(right, x=0)
    right.set_xlabel("Share of the weight: mean, 2.5th to 97.5th percentile")
    right.tick_params(axis="y", length=0)
    head(figure, f"Features of {shorten(name, 40)}, {len(shown)} of {len(ranked)}")
    caption = (
        "How often the folds kept a feature among their 40 heaviest, and the share of the model's weight that it had "
        "there: of absolute coefficients of scaled features, or of impurity and gain in trees. Weights are of the "
        "model, not of the disease: of features that move together one may stand for the others, in each fold another."
    )
    parts = ("feature", "share", "mean", "low", "high")
    rows = [tuple(each[part] for part in parts) for each in ranked]
    return Drawing("importance", "Features and their stability", caption, figure, parts, rows)


def draw_audit(audit: Values) -> Drawing:
    """Draw the honest figure beside what looking at every case and what chance alone would show.

    Parameters
    ----------
    audit : mapping
        `honest`, `naive` and `permuted`, each with `auc`; the last two may be missing.
    """
    figure = new_figure(2.2)
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    naive, permuted = audit.get("naive"), audit.get("permuted")
    lines = [("honest: fitted in folds", audit["honest"]["auc"])]
    lines += [("naive: every case was seen", {**naive["auc"], "interval": None})] if naive else []
    lines += [("permuted labels", {**permuted["auc"], "interval": None})] if permuted else []
    draw_areas(left, lines)
    lowest = min([0.4, *((permuted or {}).get("auc", {}).get("each") or ())])
    left.set_xlim(lowest - 0.02, 1.0)
    each = (permuted or {}).get("auc", {}).get("each") or []
    if each:
        right.hist(each, np.linspace(lowest, 1, 31), color=PALE, edgecolor=RULE, linewidth=0.4, label="permuted")
        right.axvline(permuted["observed"], color=BLUE, linewidth=1.6, label="true labels")  # type: ignore[index]
        right.set_xlabel(f"AUC of {len(each)} permutations")
        right.set_ylabel("Permutations")
        right.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    else:
        right.axis("off")
    head(figure, "Audit")
    told = [naive.get("sentence", "") if naive else ""]
    if permuted:
        told.append(
            f"With labels that mean nothing, the same pipeline reached {permuted['auc']['mean']:.3f} on average; "
            f"p = {permuted['p_value']:.2g} from {permuted['permutations']} permutations."
        )
    told.append("Only the honest figure is an estimate; hollow marks have no interval.")
    rows = [("honest", audit["honest"]["auc"]["mean"])]
    rows += [("naive", naive["auc"]["mean"])] if naive else []
    rows += [("permuted", value) for value in each]
    return Drawing("audit", "Audit", " ".join(filter(None, told)), figure, ("what", "auc"), rows)


def draw_learning(points: Sequence[Values]) -> Drawing:
    """Draw the AUC after training on part of each fold.

    Parameters
    ----------
    points : sequence of mapping
        `share`, `patients` and `auc` (mean, interval).
    """
    figure = new_figure(2.4)
    axes = figure.subplots()
    at = [each["patients"] for each in points]
    means = [each["auc"]["mean"] for each in points]
    ends = np.array([each["auc"]["interval"] for each in points], dtype=float)
    axes.fill_between(at, ends[:, 0], ends[:, 1], color=BAND, linewidth=0, label="95 % interval")
    axes.plot(at, means, color=BLUE, marker="o", markersize=4, linewidth=1.6, label="mean within folds")
    rule(axes, y=0.5, dash=(0, (1, 3)))
    axes.set_xlabel("Patients trained on")
    axes.set_ylabel("AUC")
    axes.set_ylim(min(0.45, float(ends.min()) - 0.02), 1.0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2)
    head(figure, "Learning curve")
    caption = (
        "AUC on the same held-out cases after training on part of each fold. The points share those cases, so that "
        "their differences are surer than the intervals look; a curve that still rises asks for more cases."
    )
    parts = ("share", "patients", "auc", "low", "high")
    rows = [
        (each["share"], each["patients"], each["auc"]["mean"], *each["auc"]["interval"]) for each in points
    ]
    return Drawing("learning", "Learning curve", caption, figure, parts, rows)

"""The images of a cohort at a glance: slices per scan, and every image's grey values before and after normalisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.core.figures.page import INK, PALE, UNKNOWN, Drawing, group_names, head, looks_of, new_figure, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = NDArray[np.float64]
_AXES = {
    "before": ("As stored", "Intensity, as stored"),
    "zscore": ("z-score", "Standard deviations from the mean"),
    "percentile": ("Percentile range", "Share of the range between 1st and 99th percentile"),
    "nyul": ("Standard histogram (Nyúl)", "Standard scale, 1 to 100"),
}


def draw_slices(counts: Sequence[int], groups: Mapping[str, Sequence[str]], patients: Sequence[str]) -> Drawing:
    """Draw the number of slices per scan.

    Parameters
    ----------
    counts : sequence of int
        Slices of each case's image, across its coarsest axis.
    groups : mapping of str to sequence of str
        By grouping, the group of each case; none gives one box.
    patients : sequence of str
        For the numbers' file.
    """
    panels = dict(groups) or {"": ["all scans"] * len(counts)}
    figure = new_figure(2.9)
    table = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axes, (name, members) in zip(table, panels.items(), strict=True):
        _draw_boxes(axes, np.asarray(counts, dtype=float), members)
        axes.set_title(f"by {name}" if name else "")
    table[0].set_ylabel("Slices per scan")
    table[0].set_ylim(0, max(counts) * 1.08)
    head(figure, f"Slices per scan, {len(counts)} scans")
    caption = (
        "Boxes: median and quartiles, whiskers to the last scan within 1.5 times their distance; every scan is a "
        "point. Groups that were scanned differently can be told apart without looking at the tumour; more slices may "
        "mean a longer limb, a larger tumour or thinner slices."
    )
    rows = [
        (patient, count, *(members[index] for members in groups.values()))
        for index, (patient, count) in enumerate(zip(patients, counts, strict=True))
    ]
    return Drawing("slices", "Slices per scan", caption, figure, ["case", "slices", *groups], rows)


def _draw_boxes(axes: Axes, counts: Array, members: Sequence[str]) -> None:
    looks = looks_of(members)
    named = np.array(group_names(members, looks))
    parts = [counts[named == group] for group in looks]
    for place, (look, part) in enumerate(zip(looks.values(), parts, strict=True), start=1):
        _draw_box(axes, place, part)
        axes.scatter(place + _spread(part), part, s=12, marker=look.marker, color=look.colour, linewidth=0.6, zorder=3)
    crowded = len(looks) > 5
    words = [shorten(group, 16) if crowded else fill(shorten(group, 30), 14, break_long_words=False) for group in looks]
    words = [f"{word}\n({len(part)})" for word, part in zip(words, parts, strict=True)]
    axes.set_xticks(range(1, len(words) + 1), words, rotation=35 if crowded else 0, ha="right" if crowded else "center")


def _draw_box(axes: Axes, place: int, values: Array) -> None:
    # by hand, because Axes.boxplot asks for a backend, and so may start one that opens windows
    from matplotlib.cbook import boxplot_stats

    box = boxplot_stats(values)[0]
    axes.vlines([place] * 2, [box["whislo"], box["q3"]], [box["q1"], box["whishi"]], color=INK, linewidth=0.7)
    axes.hlines([box["whislo"], box["whishi"]], place - 0.14, place + 0.14, color=INK, linewidth=0.7)
    axes.bar(place, box["q3"] - box["q1"], 0.55, box["q1"], facecolor="#eef1f4", edgecolor=INK, linewidth=0.7)
    axes.hlines(box["med"], place - 0.275, place + 0.275, color=INK, linewidth=1.6)


def _spread(values: Array) -> Array:
    """Sideways places that keep points of about the same height apart, the same every time."""
    places = np.zeros(len(values))
    heights = np.round(values / max(float(values.max(initial=0)), 1.0) * 30)
    for height in np.unique(heights):
        same = np.flatnonzero(heights == height)
        places[same] = (np.arange(len(same)) - (len(same) - 1) / 2) * min(0.1, 0.5 / len(same))
    return places


def draw_histograms(
    edges: Mapping[str, Array],
    shares: Mapping[str, Array],
    members: Sequence[str],
    grouping: str,
    patients: Sequence[str],
) -> Drawing:
    """Draw the histogram of every image, before and after each normalisation.

    Parameters
    ----------
    edges : mapping of str to array, shape (bins + 1,)
        By 'before', 'zscore', 'percentile' and 'nyul', in that order.
    shares : mapping of str to array, shape (images, bins)
        Per cent of the body's voxels in each bin.
    members : sequence of str
        The group of each image.
    grouping : str
        What groups them, as 'vendor'; empty when nothing does.
    patients : sequence of str
        For the numbers' file.
    """
    names = list(edges)
    figure = new_figure(2.5 * ((len(names) + 1) // 2) + 0.6)
    table = figure.subplots((len(names) + 1) // 2, 2, squeeze=False).ravel()
    looks = looks_of(members) if grouping else {}
    named = group_names(members, looks) if grouping else [UNKNOWN] * len(members)
    strength = max(0.25, min(0.8, 20 / max(len(members), 1)))
    for axes, name in zip(table, names, strict=False):
        middle = (edges[name][1:] + edges[name][:-1]) / 2
        for line, group in zip(shares[name], named, strict=True):
            look = looks.get(group)
            axes.plot(
                middle,
                line,
                color=look.colour if look else PALE,
                linestyle=look.dash if look else "-",
                linewidth=0.7,
                alpha=strength,
            )
        axes.plot(middle, np.median(shares[name], axis=0), color="white", linewidth=3.2)
        axes.plot(middle, np.median(shares[name], axis=0), color=INK, linewidth=1.7)
        title, unit = _AXES[name]
        axes.set_title(title)
        axes.set_xlabel(unit)
        axes.set_ylabel("Voxels of the body, %")
        axes.set_ylim(0, 1.15 * float(np.percentile(np.max(shares[name], axis=1), 90)) or 1)
        axes.set_xlim(float(edges[name][0]), float(edges[name][-1]))
    for axes in table[len(names) :]:
        axes.set_visible(False)
    from matplotlib.lines import Line2D

    words = {group: f"{shorten(group, 30)} ({named.count(group)})" for group in looks}
    handles = [
        Line2D([], [], color=look.colour, linestyle=look.dash, label=words[group]) for group, look in looks.items()
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1.7, label="median of all images"))
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    head(figure, f"Grey values of {len(members)} images{f', by {grouping}' if grouping else ''}")
    caption = (
        "Histogram of the body (without air) of every image, as stored and after each normalisation; the standard "
        "histogram is learned here on all images, for looking only. Lines that fall together mean grey values that can "
        "be compared between scanners; that tissues then agree, or that a model gains by it, does not follow. Images "
        "that differ in field of view differ in tissue too."
    )
    rows = [
        (patient, name, float(low), float(high), float(share))
        for name in names
        for patient, line in zip(patients, shares[name], strict=True)
        for low, high, share in zip(edges[name][:-1], edges[name][1:], line, strict=True)
    ]
    return Drawing(
        "histograms",
        "Grey values before and after normalisation",
        caption,
        figure,
        ["case", "normalisation", "from", "to", "per_cent"],
        rows,
    )

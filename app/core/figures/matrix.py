"""The correlation matrix, alike features side by side, legible with ten features and with a thousand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.core.figures.page import INK, WIDTH, Drawing, keep_apart, new_figure, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float32]
MOST_NAMED, MOST_WRITTEN = 60, 2000
_KINDS = {
    "pearson": ("Pearson", "r", "straight-line relation of the values; a few extreme cases can make it"),
    "spearman": ("Spearman", "ρ", "relation of the ranks, whatever its shape"),
}


def draw_matrix(
    matrix: Array, names: Sequence[str], titles: Sequence[str], groups: Sequence[int], method: str, cases: int
) -> Drawing:
    """Draw a correlation matrix.

    Parameters
    ----------
    matrix : array of float32, shape (features, features)
        In the order to be drawn; NaN stays white.
    names, titles : sequence of str
        Of the features, in that order: for the numbers' file, and for the reader.
    groups : sequence of int
        The group of alike features each belongs to; -1 for none.
    method : {'pearson', 'spearman'}
    cases : int
        On which it rests, at most.
    """
    name, symbol, meaning = _KINDS[method]
    many = len(titles) > MOST_NAMED
    figure, axes, scale = _arrange(len(titles), max(map(len, titles), default=0), many)
    # cividis runs from dark to bright through grey: the sign survives a grey printer, 0 looks like neither end
    image = axes.imshow(matrix, cmap="cividis", vmin=-1, vmax=1, interpolation="antialiased" if many else "nearest")
    for spine in axes.spines.values():
        spine.set_visible(False)
    spans = _spans(groups)
    if many:
        _name_groups(axes, matrix, titles, spans)
        axes.set_yticks([])
        axes.set_ylabel(f"{len(titles)} features, in the same order on both axes")
    else:
        axes.set_yticks(range(len(titles)), [shorten(title) for title in titles], fontsize=min(7.0, 320 / len(titles)))
        axes.tick_params(length=0)
    axes.set_xticks([])
    for first, last in spans:
        if last - first >= max(1, len(titles) // 150):
            _outline(axes, first, last)
    bar = figure.colorbar(image, cax=scale, orientation="horizontal")
    bar.set_label(f"{name}'s {symbol} (white: cannot be computed)")
    bar.outline.set_visible(False)
    axes.set_title(f"{name} correlation of {len(titles)} features, {cases} cases")
    caption = (
        f"{name} correlation ({meaning}) of every pair of features over the cases that have both, {cases} at most; "
        "features ordered by average linkage of 1 - |r|, squares where the mean |r| is 0.7 or more. Features of one "
        "square measure much the same; the figure says nothing about the label, and a correlation that is seen in "
        "these cases may be absent in others."
    )
    title = f"{name} correlation of the features"
    if len(names) > MOST_WRITTEN:  # as text it would take hundreds of megabytes; the matrix itself lies beside it
        return Drawing(
            f"correlation_{method}", title, caption, figure, ["feature", "group"], zip(names, groups, strict=True)
        )
    rows = ([name, *(float(value) for value in line)] for name, line in zip(names, matrix, strict=True))
    return Drawing(f"correlation_{method}", title, caption, figure, ["feature", *names], rows)


def _arrange(features: int, longest: int, many: bool) -> tuple[Figure, Axes, Axes]:
    """Place the square and its scale by hand: names beside it take what room they need, and nothing shrinks it."""
    left = 0.25 if many else 0.15 + 0.052 * min(longest, 44)
    side = 4.0 if many else max(1.2, min(WIDTH - left - 0.1, 4.4, 0.13 * features))
    below, above = 0.62, 0.28
    height = side + below + above
    figure = new_figure(height, arranged=False)
    axes = figure.add_axes((left / WIDTH, below / height, side / WIDTH, side / height))
    middle, breadth = left + side / 2, max(1.6, side / 2)
    scale = figure.add_axes(((middle - breadth / 2) / WIDTH, 0.4 / height, breadth / WIDTH, 0.09 / height))
    return figure, axes, scale


def _spans(groups: Sequence[int]) -> list[tuple[int, int]]:
    """First and last place of each run of one group."""
    places = np.asarray(groups)
    starts = np.flatnonzero(np.diff(places, prepend=-2))
    ends = np.append(starts[1:], len(places)) - 1
    return [(int(first), int(last)) for first, last in zip(starts, ends, strict=True) if places[first] >= 0]


def _outline(axes: Axes, first: int, last: int) -> None:
    from matplotlib.patches import Rectangle

    for colour, width in (("white", 1.4), (INK, 0.6)):
        axes.add_patch(
            Rectangle(
                (first - 0.5, first - 0.5),
                last - first + 1,
                last - first + 1,
                fill=False,
                edgecolor=colour,
                linewidth=width,
            )
        )


def _name_groups(axes: Axes, matrix: Array, titles: Sequence[str], spans: Sequence[tuple[int, int]]) -> None:
    """Name the largest groups beside the matrix by the member that is most like the others."""
    count = len(titles)
    largest = sorted(sorted(spans, key=lambda span: span[0] - span[1])[:24])
    largest = [span for span in largest if span[1] - span[0] >= 2]
    centres = [(first + last) / 2 for first, last in largest]
    for (first, last), centre, place in zip(largest, centres, keep_apart(centres, count / 38, 0, count), strict=True):
        block = np.abs(matrix[first : last + 1, first : last + 1])
        member = first + int(np.nanargmax(np.nanmean(block, axis=0)))
        axes.plot(
            [count - 0.5, count * 1.012, count * 1.035],
            [centre, centre, place],
            color=INK,
            linewidth=0.5,
            clip_on=False,
        )
        axes.plot(
            [count * 1.008] * 2,
            [first - 0.5 + count / 400, last + 0.5 - count / 400],
            color=INK,
            linewidth=1.2,
            clip_on=False,
        )
        axes.text(
            count * 1.042, place, f"{shorten(titles[member], 36)} + {last - first} more", fontsize=5.8, va="center"
        )
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)

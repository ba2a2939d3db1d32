"""Cases as points of a map, one panel for each thing they may be grouped by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from app.core.figures.page import OTHERS, UNKNOWN, Drawing, group_names, head, looks_of, new_figure, shorten

_TITLES = {"tsne": "t-SNE", "umap": "UMAP"}


def draw_map(
    points: NDArray[np.float64], groups: Mapping[str, Sequence[str]], patients: Sequence[str], kind: str, setting: str
) -> Drawing:
    """Draw a map of the cases.

    Parameters
    ----------
    points : array, shape (cases, 2)
        Without unit.
    groups : mapping of str to sequence of str
        By grouping, such as 'site', the group of each case, empty where not known; none gives one plain panel.
    patients : sequence of str
        For the numbers' file.
    kind : {'tsne', 'umap'}
    setting : str
        As in 'perplexity 10'.
    """
    panels = dict(groups) or {"": [_ALL] * len(points)}
    rows = max(len(looks_of(members)) for members in panels.values()) if groups else 0
    figure = new_figure((3.75 if len(panels) < 3 else 2.65) + 0.15 * rows)
    size = 26 if len(points) <= 100 else 12 if len(points) <= 500 else 6
    table = figure.subplots(1, max(len(panels), 2))
    for axes, (name, members) in zip(table[: len(panels)], panels.items(), strict=True):
        looks = looks_of(members)
        named = np.array(group_names(members, looks))
        for group, look in looks.items():
            chosen = named == group
            plain = look.marker in (".", "x")
            axes.scatter(
                points[chosen, 0],
                points[chosen, 1],
                s=size,
                marker=look.marker,
                color=look.colour,
                linewidth=0.7 if plain else 0.3,
                zorder=1 if group in (OTHERS, UNKNOWN) else 2,
                label=f"{shorten(group, 26)} ({chosen.sum()})",
                **({} if plain else {"edgecolor": "white"}),
            )
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_box_aspect(1)
        for spine in axes.spines.values():
            spine.set_visible(True)
        axes.set_xlabel(f"{_TITLES[kind]} 1 (no unit)")
        axes.set_ylabel(f"{_TITLES[kind]} 2 (no unit)")
        if name:
            axes.set_title(f"by {name}")
            axes.legend(loc="upper left", bbox_to_anchor=(0, -0.1), handletextpad=0.1, borderaxespad=0.1)
    for axes in table[len(panels) :]:
        axes.set_visible(False)
    head(figure, f"{_TITLES[kind]} of {len(points)} cases, {setting}")
    caption = (
        f"{_TITLES[kind]} ({setting}) of all features, gaps filled with the median, standardised; it is not told the "
        "groups. Points that lie together are alike. Distances between clusters, their sizes and their density mean "
        "nothing, another seed gives another map, and clusters appear in noise: if sites or vendors keep apart, look "
        "for a batch effect; if classes do, test it."
    )
    columns = ["case", f"{kind}_1", f"{kind}_2", *groups]
    numbers = [
        (patient, float(x), float(y), *(members[index] for members in groups.values()))
        for index, (patient, (x, y)) in enumerate(zip(patients, points, strict=True))
    ]
    return Drawing(kind, f"{_TITLES[kind]} of the cases", caption, figure, columns, numbers)


_ALL = "all"

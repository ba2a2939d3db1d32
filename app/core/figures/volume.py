"""How much of each feature is the tumour's volume in disguise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.core.figures.page import PALE, Drawing, head, new_figure, rule

_TICKS = (-1, -0.5, 0, 0.5, 1)
_BLUE, _ORANGE = "#0072B2", "#E69F00"


def draw_surrogates(table: Sequence[Mapping[str, Any]], label: str | None, limit: float, cases: int) -> Drawing:
    """Draw each feature's correlation with volume, and what is left of its relation to the label at equal volume.

    Parameters
    ----------
    table : sequence of mapping
        `title`, `rho_volume`, `surrogate` of each feature, and with a label `rho_label` and `rho_beyond_volume`.
    label : str or None
        The positive class.
    limit : float
        Of |rho with volume| for a surrogate.
    cases : int
    """
    known = [row for row in table if row["rho_volume"] is not None]
    figure = new_figure(3.3 if label else 2.6)
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set_xticks(_TICKS)
    parts = {False: f"|ρ| < {limit:g}", True: f"|ρ| ≥ {limit:g}: follows volume"}
    size = 18 if len(known) <= 200 else 9
    left.axvspan(-1.06, -limit, color=PALE, alpha=0.45, linewidth=0)
    left.axvspan(limit, 1.06, color=PALE, alpha=0.45, linewidth=0)
    left.set_xlim(-1.06, 1.06)
    left.set_xlabel("Spearman's ρ with volume")
    if label is None:
        left.hist([row["rho_volume"] for row in known], 40, range=(-1, 1), color=_BLUE)
        left.set_ylabel("Features")
        right.set_visible(False)
    else:
        _scatter(left, known, "rho_volume", "rho_label", parts, size)
        rule(left, x=0, y=0)
        left.set_ylim(-1.06, 1.06)
        left.set_yticks(_TICKS)
        right.set_yticks(_TICKS)
        left.set_ylabel("Spearman's ρ with the label")
        left.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, handletextpad=0.2, borderaxespad=0.1)
        _scatter(right, known, "rho_label", "rho_beyond_volume", parts, size)
        rule(right, x=0, y=0)
        right.plot([-1, 1], [-1, 1], color="#59636e", linewidth=0.7, linestyle="--", zorder=0)
        right.set_xlim(-1.06, 1.06)
        right.set_ylim(-1.06, 1.06)
        right.set_xlabel("Spearman's ρ with the label")
        right.set_ylabel("The same at equal volume (partial ρ)")
    count = sum(bool(row["surrogate"]) for row in known)
    head(figure, f"Volume in disguise: {count} of {len(known)} features, {cases} cases")
    beyond = (
        f" Right: correlation with {label}, and the same with volume held equal (Spearman's partial correlation); on "
        "the dashed line volume explains nothing, on the level line everything; of a feature that is almost volume, "
        "little is left but noise."
        if label
        else ""
    )
    caption = (
        f"Left: grey where a feature shares {limit**2:.0%} or more of its rank variance with the tumour's volume."
        f"{beyond} A feature may follow volume and still say more; and one that follows it little is not thereby "
        "useful. In-sample."
    )
    columns = ["feature", "title", "rho_volume", "surrogate"]
    columns += ["rho_label", "rho_beyond_volume"] if label else []
    return Drawing(
        "volume_surrogates",
        "Volume in disguise",
        caption,
        figure,
        columns,
        [[row[column] for column in columns] for row in known],
    )


def _scatter(
    axes: Any, rows: Sequence[Mapping[str, Any]], x: str, y: str, parts: Mapping[bool, str], size: float
) -> None:
    for surrogate, words in parts.items():
        points = [
            (row[x], row[y])
            for row in rows
            if bool(row["surrogate"]) is surrogate and row[x] is not None and row[y] is not None
        ]
        if points:
            axes.scatter(
                *zip(*points, strict=True),
                s=size,
                marker="s" if surrogate else "o",
                linewidth=0.7,
                facecolor="none" if surrogate else _BLUE,
                edgecolor=_ORANGE if surrogate else "none",
                alpha=1 if surrogate else 0.6,
                label=words,
            )

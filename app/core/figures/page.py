"""What all figures share: size, type, colours and markers that survive colour blindness and a grey printer, and files.

Figures are drawn with matplotlib's objects, never its global state; the same numbers give the same bytes.
"""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 6.7
"""Inches: the 170 mm of a page's two columns."""
DOTS_PER_INCH = 300
INK, PALE, RULE = "#1b1f24", "#c9ced6", "#59636e"
MOST_GROUPS = 7
OTHERS, UNKNOWN = "others", "not known"
# Okabe and Ito's colours, which the colour-blind tell apart, each with a marker and a dash of its own for grey print.
_COLOURS = ("#0072B2", "#E69F00", "#000000", "#009E73", "#D55E00", "#56B4E9", "#CC79A7")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1, 1, 1)))
_SETTINGS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "axes.linewidth": 0.6,
    "axes.edgecolor": RULE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "liposcope",
}


@dataclass(frozen=True)
class Look:
    """How a group is drawn: colour, marker and dash."""

    colour: str
    marker: str
    dash: Any


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure before it is written.

    Parameters
    ----------
    name : str
        Of its files.
    title, caption : str
        What it shows, and a sentence or two of what it tells and what not.
    figure : matplotlib.figure.Figure
    header : sequence of str
        Columns of the CSV.
    rows : iterable of sequence
        Its numbers.
    """

    name: str
    title: str
    caption: str
    figure: Figure
    header: Sequence[str]
    rows: Iterable[Sequence[Any]]


def new_figure(height: float, *, arranged: bool = True) -> Figure:
    """Make an empty figure of the page's width and so many inches of height, arranged by its contents or by hand."""
    from matplotlib.figure import Figure

    return Figure(figsize=(WIDTH, height), layout="constrained" if arranged else None, facecolor="white")


def head(figure: Figure, text: str) -> None:
    """Write the figure's headline, flush left."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=8, fontweight="bold")


def publish(draw: Callable[[], Drawing], folder: Path) -> dict[str, str]:
    """Draw a figure and write it as NAME.svg, NAME.png and NAME.csv.

    Parameters
    ----------
    draw : callable
        Makes the drawing; runs within the house's settings.
    folder : Path
        Made if missing.

    Returns
    -------
    dict of str to str
        `name`, `title`, `caption`, and the paths `svg`, `png` and `csv`.
    """
    drawing, pictures = depict(draw)
    files = {**pictures, "csv": _table(drawing)}
    paths = {ending: folder / f"{drawing.name}.{ending}" for ending in files}
    for ending, path in paths.items():
        write_atomically(path, files[ending])
    words = {"name": drawing.name, "title": drawing.title, "caption": drawing.caption}
    return {**words, **{ending: str(path) for ending, path in paths.items()}}


def depict(draw: Callable[[], Drawing], kinds: Sequence[str] = ("svg", "png")) -> tuple[Drawing, dict[str, bytes]]:
    """Draw a figure within the house's settings; its bytes as 'svg' and 'png', or as one of them."""
    import matplotlib as mpl

    with mpl.rc_context(_SETTINGS):
        drawing = draw()
        return drawing, {kind: _render(drawing.figure, kind) for kind in kinds}


def looks_of(groups: Sequence[str]) -> dict[str, Look]:
    """Choose how each group is drawn.

    Parameters
    ----------
    groups : sequence of str
        The group of each case; an empty one is not known.

    Returns
    -------
    dict of str to Look
        The seven largest by name, then `OTHERS` and `UNKNOWN` where there are such cases.
    """
    counts = Counter(group for group in groups if group)
    largest = sorted(sorted(counts, key=lambda name: (-counts[name], name))[:MOST_GROUPS])
    styles = zip(_COLOURS, _MARKERS, _DASHES, strict=True)
    looks = {name: Look(*style) for name, style in zip(largest, styles, strict=False)}
    if len(counts) > len(largest):
        looks[OTHERS] = Look("#8b949e", ".", (0, (1, 3)))
    if any(not group for group in groups):
        looks[UNKNOWN] = Look("#8b949e", "x", (0, (4, 4)))
    return looks


def group_names(groups: Sequence[str], looks: Mapping[str, Look]) -> list[str]:
    """Name each case's entry among the looks."""
    return [(group if group in looks else OTHERS) if group else UNKNOWN for group in groups]


def shorten(text: str, most: int = 44) -> str:
    """Cut a long title in its middle, because the filter at its end tells much; a dollar starts no formula."""
    text = text.replace("$", r"\$")
    if len(text) <= most:
        return text
    head = (most - 1) * 3 // 5
    return f"{text[:head].rstrip(' ,')}…{text[-(most - 1 - head) :].lstrip(' ,')}"


def keep_apart(centres: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move sorted label positions as little as needed for `gap` between neighbours, within the bounds."""
    placed = list(centres)
    for index, centre in enumerate(placed):
        floor = placed[index - 1] + gap if index else low
        placed[index] = max(centre, floor)
    for index in range(len(placed) - 1, -1, -1):
        ceiling = placed[index + 1] - gap if index + 1 < len(placed) else high
        placed[index] = min(placed[index], ceiling)
    return placed


def rule(axes: Axes, *, x: float | None = None, y: float | None = None, dash: Any = "-") -> None:
    """Draw a thin reference line across the axes, behind everything else."""
    if x is not None:
        axes.axvline(x, color=RULE, linewidth=0.7, linestyle=dash, zorder=0)
    if y is not None:
        axes.axhline(y, color=RULE, linewidth=0.7, linestyle=dash, zorder=0)


def _render(figure: Figure, kind: str) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    stream = io.BytesIO()
    if kind == "svg":
        FigureCanvasSVG(figure).print_svg(stream, metadata={"Date": None})
    else:
        figure.set_dpi(DOTS_PER_INCH)
        FigureCanvasAgg(figure).print_png(stream)
    return stream.getvalue()


def _table(drawing: Drawing) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(drawing.header)
    writer.writerows([_cell(value) for value in row] for row in drawing.rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value

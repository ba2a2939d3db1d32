"""How plots look in both themes: axes, text, and groups told apart by colour and shape together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyqtgraph as pg
from PySide6.QtGui import QColor

from app.ui.class_names import is_rarely_sought
from app.ui.theme import tabular_font, theme

UNKNOWN = "unknown"
_SHAPES = (("o", "●"), ("t1", "▲"), ("s", "■"), ("d", "◆"), ("t", "▼"), ("star", "★"), ("+", "✚"), ("x", "✖"))
# Okabe and Ito's hues: light ones for dark rooms, dark ones for paper.
_COLOURS = {"dark": ("#4c9be8", "#f0a030", "#56e0c0", "#e07ab8", "#f0e442", "#9ecbff", "#e8743b", "#c8ccd0"),
            "light": ("#1a5ca8", "#8a4b00", "#0b6b62", "#8a2a68", "#5f5a00", "#34508a", "#9c3510", "#454b52")}


@dataclass(frozen=True)
class Group:
    """One group of points: its name, size, colour ('#rrggbb'), pyqtgraph's symbol, and the same as a character."""

    name: str
    count: int
    colour: str
    symbol: str
    glyph: str


def groups_of(values: Sequence[Any]) -> list[Group]:
    """Give each group a colour and a shape; what has no value is grey and last.

    What others are told from comes first, in the colour of a benign verdict, then the largest.
    """
    found = Counter(UNKNOWN if value in (None, "") else str(value) for value in values)
    unknown = found.pop(UNKNOWN, 0)
    colours = _COLOURS[theme().name]
    groups = [Group(name, count, colours[place % len(colours)],
                    *_SHAPES[(place + place // len(colours)) % len(_SHAPES)])
              for place, (name, count) in enumerate(sorted(found.items(), key=_place))]
    return groups + ([Group(UNKNOWN, unknown, theme().text_dim, "o", "○")] if unknown else [])


def _place(group: tuple[str, int]) -> tuple[bool, int, str]:
    name, count = group
    return not is_rarely_sought(name), -count, name


def legend_text(groups: Sequence[Group]) -> str:
    """Write a legend: shape in its colour, name, number."""
    return "&nbsp;&nbsp; ".join(f"<span style='color:{each.colour}'>{each.glyph}</span>&nbsp;{_escape(each.name)}&nbsp;"
                                f"({each.count:,})" for each in groups)


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(" ", "&nbsp;")


def background() -> str:
    """Colour behind plots: near black in the dark, paper in the light."""
    return theme().viewer if theme().name == "dark" else theme().panel_high


def make_plot(name: str) -> pg.PlotWidget:
    """Make an empty plot.

    Parameters
    ----------
    name : str
        For screen readers.
    """
    plot = pg.PlotWidget(enableMenu=False)
    plot.setAccessibleName(name)
    plot.hideButtons()
    style_plot(plot)
    return plot


def style_plot(plot: pg.PlotWidget) -> None:
    """Give a plot the theme's colours."""
    plot.setBackground(background())
    for side in ("left", "bottom"):
        axis = plot.getAxis(side)
        axis.setTickFont(tabular_font(theme().small_px))
        axis.setPen(QColor(theme().line))
        axis.setTextPen(QColor(theme().text_dim))


def label_axis(plot: pg.PlotWidget, side: str, words: str) -> None:
    """Name an axis; 0.1 on it is never written as 100 thousandths."""
    plot.getAxis(side).setLabel(words, siPrefixEnableRanges=(), color=theme().text_dim,
                                **{"font-size": f"{theme().small_px}px"})


def title_plot(plot: pg.PlotWidget, words: str) -> None:
    """Write a title above a plot."""
    plot.setTitle(words, size=f"{theme().small_px}px", color=theme().text_dim)

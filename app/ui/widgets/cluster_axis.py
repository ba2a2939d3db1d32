"""The side of a matrix: what each cluster mostly holds, and the name of every feature once there is room."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.ui.recipe_looks import CLASSES
from app.ui.theme import tabular_font, theme

EXTENT = {"left": 300, "bottom": 140}
_TICK, _GAP = 5, 8
_SIZES = ("volume_ml", "longest_diameter_mm")
_CLASS = re.compile(r"(?:^|_)(?P<image>[A-Za-z0-9-]+)_(?P<class>[A-Za-z0-9]+)_[A-Z0-9][A-Za-z0-9]*$")


@dataclass(frozen=True)
class Cluster:
    """Features side by side that go together: places `first` to `last`, the latter not included, and what they are."""

    first: int
    last: int
    title: str


def kind_of(name: str) -> str:
    """Say in a word or two what a feature's column measures."""
    if name in _SIZES:
        return "size"
    found = _CLASS.search(name)
    if found is None:
        return "other"
    if "gabor" in found["image"]:
        return "Gabor"
    return CLASSES.get(found["class"], found["class"]).partition(" (")[0]


def clusters_of(names: Sequence[str], groups: Sequence[int]) -> list[Cluster]:
    """Part the features where their group changes; each part is named by what most of it is.

    Without groups, where the kind changes.
    """
    kinds = [kind_of(name) for name in names]
    marks: Sequence[object] = groups if len(groups) == len(names) else kinds
    found, first = [], 0
    for place in range(1, len(names) + 1):
        if place == len(names) or marks[place] != marks[first]:
            found.append(Cluster(first, place, _title(kinds[first:place])))
            first = place
    return found


def _title(kinds: Sequence[str]) -> str:
    most = [kind for kind, count in Counter(kinds).most_common(2) if 3 * count >= len(kinds)]
    return " and ".join(most or [Counter(kinds).most_common(1)[0][0], "others"])


class ClusterAxis(pg.AxisItem):
    """Draws brackets with words beside them while features are thin, and the features' names once they are not.

    Parameters
    ----------
    side : {'left', 'bottom'}
        Where it stands.
    """

    def __init__(self, side: str) -> None:
        super().__init__(side)
        self._names: tuple[str, ...] = ()
        self._clusters: list[Cluster] = []
        (self.setWidth if side == "left" else self.setHeight)(EXTENT[side])

    def show_features(self, titles: Sequence[str], clusters: Sequence[Cluster]) -> None:
        """Stand beside these features, in the matrix's order."""
        self._names, self._clusters = tuple(titles), list(clusters)
        self.update()

    def words(self) -> list[tuple[float, str]]:
        """What is written now: the place of each word's middle, in features, and the word."""
        return [(middle, word) for middle, word, _first, _last in self._marks()]

    def _marks(self) -> list[tuple[float, str, int, int]]:
        low, high = sorted(self.range)
        room = self.height() if self.orientation == "left" else self.width()
        if not self._names or high <= low or room <= 0:
            return []
        pixels, line = room / (high - low), QFontMetricsF(self._font()).height()
        if pixels >= line:
            places = range(max(int(low), 0), min(int(high) + 1, len(self._names)))
            return [(place + 0.5, self._names[place], place, place) for place in places if low < place + 0.5 < high]
        marks, end = [], float("-inf")
        for each in self._clusters:
            first, last = max(each.first, low), min(each.last, high)
            middle, span = (first + last) / 2, (last - first) * pixels
            if span >= line / 2 and middle * pixels - line / 2 >= end:  # the words of neighbours must not touch
                marks.append((middle, f"{each.title} ({each.last - each.first:,})", each.first, each.last))
                end = middle * pixels + line / 2
        return marks

    def _font(self) -> object:
        return tabular_font(theme().small_px)

    def paint(self, painter: QPainter, _option: QStyleOptionGraphicsItem, _widget: QWidget | None = None) -> None:
        """Draw what there is room for."""
        view = self.linkedView()
        if view is None:
            return
        painter.setFont(self._font())
        metrics, left = QFontMetricsF(self._font()), self.orientation == "left"
        painter.setPen(QColor(theme().text_dim))
        painter.save()
        if not left:  # written upwards: the same drawing, turned
            painter.translate(0, self.height())
            painter.rotate(-90)
        across = self.width() if left else self.height()
        for middle, word, first, last in self._marks():
            ends = [self._pixel(view, place) for place in (first, last)]
            at = self._pixel(view, middle)
            if last > first:
                edge = across - 2
                painter.drawLine(QPointF(edge, ends[0] + 1), QPointF(edge, ends[1] - 1))
                for end in (ends[0] + 1, ends[1] - 1):
                    painter.drawLine(QPointF(edge - _TICK, end), QPointF(edge, end))
            space = QRectF(0, at - metrics.height() / 2, across - _TICK - _GAP, metrics.height())
            text = metrics.elidedText(word, Qt.TextElideMode.ElideMiddle, space.width())
            painter.drawText(space, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, text)
        painter.restore()

    def _pixel(self, view: pg.ViewBox, place: float) -> float:
        spot = self.mapFromItem(view, view.mapFromView(QPointF(place, place)))
        if self.orientation == "left":
            return float(min(max(spot.y(), 0.0), self.height()))
        return float(min(max(spot.x(), 0.0), self.width()))

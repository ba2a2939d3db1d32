"""A mark as a small picture for tables and lists: shape and colour together, so that neither speaks alone."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap

from app.ui.theme import theme
from app.ui.widgets.verdict_mark import paint_mark

SIDE = 16
_SHARPNESS = 2
SEVERITIES = {"problem": ("cross", "malignant"), "caution": ("exclamation", "warning"), "note": ("ring", "text_dim")}
"""Severity of a flag to its mark: shape, and the theme's colour."""


def mark_icon(shape: str, role: str) -> QIcon:
    """Draw a mark.

    Parameters
    ----------
    shape : str
        As for `paint_mark`.
    role : str
        A colour of the theme, e.g. 'warning'.
    """
    return _draw(shape, str(getattr(theme(), role)))


@lru_cache(maxsize=64)
def _draw(shape: str, colour: str) -> QIcon:
    picture = QPixmap(SIDE * _SHARPNESS, SIDE * _SHARPNESS)
    picture.setDevicePixelRatio(_SHARPNESS)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    paint_mark(painter, shape, colour, QRectF(3, 3, SIDE - 6, SIDE - 6))
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # a chosen row leaves its mark as it is
    return icon

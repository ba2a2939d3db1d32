"""What is written on a picture: letters at the edges, text in the corners, scale bar, crosshair, warnings, focus."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.ui.theme import tabular_font, theme
from app.ui.widgets.colour_bar import STRIP, ColourScale, paint_strip

# Pictures are read on black whatever the theme, so their text has colours of its own.
TEXT, DIM, CAUTION, FOCUS = QColor("#e4e7eb"), QColor("#a9b1ba"), QColor("#e6d36a"), QColor("#58bfb4")
_SHADOW, _PLATE = QColor(0, 0, 0, 210), QColor(0, 0, 0, 160)
_HALO = ((-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1))
_MARGIN = 8
_ROOMY = (420, 340)
_LEAST_FOR_SCALE, _SCALE_WIDTH, _LEAST_STRIP = 240, 120, 40


@dataclass(frozen=True)
class Overlay:
    """Everything written on one picture.

    Parameters
    ----------
    letters : tuple of str
        Left, right, top, bottom.
    top_left, top_right, bottom_left, bottom_right : tuple of str
        Lines of text; the first line of `top_left` stands out.
    warnings : tuple of str
        Written under `top_left`, in the colour of caution.
    pixels_per_mm : float
        For the scale bar; 0 for none.
    position : tuple of float, optional
        Where the slice lies in the stack, and where the tumour begins and ends, as shares from the top.
    scale : ColourScale, optional
        Of the map that lies over the picture; its bar stands above `bottom_left`.
    """

    letters: tuple[str, str, str, str] = ("", "", "", "")
    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    pixels_per_mm: float = 0.0
    position: tuple[float, float, float] | None = None
    label_colour: str = field(default="#f0e442")
    scale: ColourScale | None = None


def bar_length(pixels_per_mm: float, room: float) -> float:
    """Length of the scale bar in mm: 5 cm where it fits, else the nearest 1-2-5 step that fills the room."""
    steps = [m * 10.0**e for e in range(-1, 4) for m in (1, 2, 5)]
    fitting = [s for s in steps if s * pixels_per_mm <= room]
    if not fitting:
        return 0.0
    return 50.0 if 50.0 in fitting and 50.0 * pixels_per_mm >= room / 4 else fitting[-1]


def shorten_overlay(overlay: Overlay) -> Overlay:
    """Keep what a small pane has room for: view and patient, sequence and state, slice and window, and all warnings."""
    return replace(overlay, top_left=overlay.top_left[:2], top_right=_ends(overlay.top_right),
                   bottom_left=_ends(overlay.bottom_left))


def _ends(lines: tuple[str, ...]) -> tuple[str, ...]:
    return lines if len(lines) < 3 else (lines[0], lines[-1])


def say_length(mm: float) -> str:
    """Write a length in the unit a reader expects: '5 cm', '2 mm'."""
    return f"{mm / 10:g} cm" if mm >= 10 else f"{mm:g} mm"


def paint_overlay(painter: QPainter, width: float, height: float, overlay: Overlay) -> None:
    """Write on a picture of this size, in logical pixels."""
    painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
    if width < _ROOMY[0] or height < _ROOMY[1]:
        overlay = shorten_overlay(overlay)
    small, letter = tabular_font(theme().small_px), tabular_font(theme().normal_px + 3, bold=True)
    line = QFontMetricsF(small).height()
    room = int((height - 2 * _MARGIN) / line)
    painter.setFont(small)
    metrics = QFontMetricsF(small)
    right = overlay.top_right[: max(room // 2, 1)]
    free = width - 3 * _MARGIN - max((metrics.horizontalAdvance(text) for text in right), default=0.0) - 8
    top = tuple(_cut(metrics, text, free if row < len(right) else width) for row, text in enumerate(overlay.top_left))
    y = _lines(painter, top[: max(room // 2, 1)], _MARGIN, _MARGIN, line, small, first=TEXT)
    _lines(painter, right, width - _MARGIN - 4, _MARGIN, line, small, from_right=True)
    warnings = tuple(_cut(metrics, f"! {text}", width - 2 * _MARGIN - 8) for text in overlay.warnings)
    y = _lines(painter, warnings[: max(room // 2 - 2, 1)], _MARGIN, y + 2, line, small, first=CAUTION, rest=CAUTION)
    left = overlay.bottom_left[-max(room - len(overlay.top_left) - len(overlay.warnings), 1):]
    bar = bar_length(overlay.pixels_per_mm, min(width / 3, 220)) if overlay.pixels_per_mm else 0.0
    free = width - 3 * _MARGIN - bar * overlay.pixels_per_mm - 8
    left = tuple(_cut(metrics, text, free) for text in left)
    _lines(painter, left, _MARGIN, height - _MARGIN - line * len(left), line, small)
    if overlay.scale is not None and height >= _LEAST_FOR_SCALE:
        _paint_scale(painter, _MARGIN, height - _MARGIN - line * (len(left) + 2) - 6, width, overlay.scale)
    base = height - _MARGIN - (12 + line if bar else 0)
    low = overlay.bottom_right
    _lines(painter, low, width - _MARGIN - 4, base - line * len(low), line, small, from_right=True)
    if bar:
        _paint_bar(painter, width - _MARGIN - 4, height - _MARGIN, bar, overlay.pixels_per_mm, small)
    if overlay.position is not None:
        _paint_position(painter, width, height, overlay)
    _paint_letters(painter, width, height, overlay.letters, letter)  # last: nothing may hide which side is which


def _cut(metrics: QFontMetricsF, text: str, room: float) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(room, 0.0))


def paint_crosshair(painter: QPainter, width: float, height: float, at: QPointF) -> None:
    """Two thin lines with a gap where they meet, so that the spot itself stays visible."""
    painter.setPen(QPen(QColor(88, 191, 180, 150), 1))
    gap, x, y = 14, at.x(), at.y()
    for start, end in (((0, y), (x - gap, y)), ((x + gap, y), (width, y)),
                       ((x, 0), (x, y - gap)), ((x, y + gap), (x, height))):
        if end[0] >= start[0] and end[1] >= start[1]:
            painter.drawLine(QPointF(*start), QPointF(*end))


def paint_focus(painter: QPainter, width: float, height: float) -> None:
    """Frame of the pane that keys act on."""
    painter.setPen(QPen(FOCUS, 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(QRectF(1, 1, width - 2, height - 2))


def paint_region(painter: QPainter, region: QRectF) -> None:
    """Frame of the region that sets the window."""
    painter.setPen(QPen(TEXT, 1, Qt.PenStyle.DashLine))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(region)


def _text(painter: QPainter, x: float, y: float, text: str, colour: QColor) -> None:
    """Write on a faint dark plate with a dark halo: fat is as white as the letters, air as black as the plate."""
    if not text:
        return
    metrics = QFontMetricsF(painter.font())
    plate = QRectF(x - 3, y - metrics.ascent(), metrics.horizontalAdvance(text) + 6, metrics.height())
    painter.fillRect(plate, _PLATE)
    painter.setPen(_SHADOW)
    for dx, dy in _HALO:
        painter.drawText(QPointF(x + dx, y + dy), text)
    painter.setPen(colour)
    painter.drawText(QPointF(x, y), text)


def _lines(painter: QPainter, lines: tuple[str, ...], x: float, y: float, step: float, font: QFont, *,
           first: QColor = TEXT, rest: QColor = TEXT, from_right: bool = False) -> float:
    metrics = QFontMetricsF(font)
    for number, text in enumerate(lines):
        left = x - metrics.horizontalAdvance(text) if from_right else x
        _text(painter, left, y + metrics.ascent(), text, first if number == 0 else rest)
        y += step
    return y


def _paint_letters(painter: QPainter, width: float, height: float, letters: tuple[str, ...], font: QFont) -> None:
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    middle = height / 2 + metrics.ascent() / 2 - 2
    left, right, top, bottom = letters
    for text, x, y in ((left, _MARGIN, middle), (right, width - _MARGIN - 4 - metrics.horizontalAdvance(right), middle),
                       (top, (width - metrics.horizontalAdvance(top)) / 2, _MARGIN + metrics.ascent()),
                       (bottom, (width - metrics.horizontalAdvance(bottom)) / 2, height - _MARGIN - metrics.descent())):
        _text(painter, x, y, text, TEXT)


def _paint_bar(painter: QPainter, right: float, bottom: float, mm: float, pixels_per_mm: float, font: QFont) -> None:
    length, label = mm * pixels_per_mm, say_length(mm)
    metrics = QFontMetricsF(font)
    for colour, thick in ((_SHADOW, 4), (TEXT, 2)):
        painter.setPen(QPen(colour, thick))
        painter.drawLine(QPointF(right - length, bottom - 4), QPointF(right, bottom - 4))
        for x in (right - length, right):
            painter.drawLine(QPointF(x, bottom - 8), QPointF(x, bottom))
    middle = right - (length + metrics.horizontalAdvance(label)) / 2
    _text(painter, middle, bottom - 10 - metrics.descent(), label, TEXT)


def _paint_scale(painter: QPainter, left: float, top: float, width: float, scale: ColourScale) -> None:
    """Title of a map's colours, and below it the strip between its ends."""
    metrics = QFontMetricsF(painter.font())
    line, low = metrics.height(), metrics.horizontalAdvance(scale.low) + 10
    strip = min(_SCALE_WIDTH, width - 2 * _MARGIN - low - metrics.horizontalAdvance(scale.high) - 18)
    if strip < _LEAST_STRIP:
        return
    _text(painter, left, top + metrics.ascent(), _cut(metrics, scale.title, width - 2 * _MARGIN - 8), TEXT)
    _text(painter, left, top + line + metrics.ascent(), scale.low, TEXT)
    paint_strip(painter, QRectF(left + low, top + line + (line - STRIP) / 2, strip, STRIP), scale.method)
    _text(painter, left + low + strip + 10, top + line + metrics.ascent(), scale.high, TEXT)


def _paint_position(painter: QPainter, width: float, height: float, overlay: Overlay) -> None:
    place, start, end = overlay.position or (0.0, 0.0, 0.0)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(255, 255, 255, 40))
    painter.drawRect(QRectF(width - 4, 0, 4, height))
    if end > start:
        painter.setBrush(QColor(overlay.label_colour))
        painter.drawRect(QRectF(width - 4, start * height, 4, (end - start) * height))
    painter.setBrush(TEXT)
    painter.drawRect(QRectF(width - 9, min(max(place * height - 1.5, 0), height - 3), 9, 3))

"""The outline on a slice: a path along the edges of its voxels, neither smoothed nor resampled, or a filled layer."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

_HALO = QColor(0, 0, 0, 190)


def edge_segments(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Straight pieces of the border between tumour and not, runs of voxel edges joined.

    Parameters
    ----------
    inside : array of bool, shape (rows, columns)
        True inside the tumour.

    Returns
    -------
    array of float64, shape (pieces, 2, 2)
        Start and end of each piece as (x, y): column and row of voxel corners, the first voxel from 0 to 1.
    """
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return np.zeros((0, 2, 2))
    box = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]  # a large slice is mostly not tumour
    pieces = []
    for turned in (False, True):
        padded = np.pad(box.T if turned else box, 1)
        before, after = padded[:-1, 1:-1], padded[1:, 1:-1]
        # entering and leaving apart: where two voxels touch at a corner the runs end there
        for border in (after & ~before, before & ~after):
            wide = np.pad(border, ((0, 0), (1, 1)))
            line, start = np.nonzero(wide[:, 1:] & ~wide[:, :-1])
            end = np.nonzero(wide[:, :-1] & ~wide[:, 1:])[1]
            run = np.stack([np.stack([start, line], -1), np.stack([end, line], -1)], 1)
            pieces.append(run[..., ::-1] if turned else run)
    corner = np.array([columns[0], rows[0]])
    return np.concatenate(pieces).astype(np.float64) + corner


def edge_path(inside: NDArray[np.bool_]) -> QPainterPath:
    """Trace the same border as a Qt path, in units of voxels."""
    points = edge_segments(inside).reshape(-1, 2)
    if not len(points):
        return QPainterPath()
    return pg.functions.arrayToQPath(points[:, 0], points[:, 1], connect="pairs")


class MaskItem(pg.GraphicsObject):
    """The tumour on one slice, drawn in units of voxels."""

    def __init__(self) -> None:
        super().__init__()
        self._inside: NDArray[np.bool_] | None = None
        self._path = QPainterPath()
        self._fill: QImage | None = None
        self._mode = "contour"
        self._opacity = 0.35
        self._colour = QColor("#f0e442")

    @property
    def path(self) -> QPainterPath:
        """The outline's path, in units of voxels."""
        return self._path

    def set_slice(self, inside: NDArray[np.bool_] | None, path: QPainterPath) -> None:
        """Show a slice's mask, shape (rows, columns), with its path."""
        self.prepareGeometryChange()
        self._inside, self._path, self._fill = inside, path, None
        self.update()

    def set_style(self, mode: str, opacity: float, colour: str) -> None:
        """Draw a contour, a filled layer of this opacity, or nothing ('off')."""
        wanted = (mode, opacity, QColor(colour))
        if wanted != (self._mode, self._opacity, self._colour):
            self._mode, self._opacity, self._colour = wanted
            self._fill = None
            self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802
        """Whole slice, with room for the line's width."""
        if self._inside is None:
            return QRectF()
        rows, columns = self._inside.shape
        return QRectF(-2, -2, columns + 4, rows + 4)

    def paint(self, painter: QPainter, *_: object) -> None:
        """Fill first, then the line over its halo."""
        if self._inside is None or self._mode == "off" or self._path.isEmpty():
            return
        if self._mode == "fill":
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            rows, columns = self._inside.shape
            painter.drawImage(QRectF(0, 0, columns, rows), self._filled(self._inside))
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ratio = painter.device().devicePixelRatio()  # a cosmetic pen counts the screen's own pixels
        for colour, width in ((_HALO, 4.0), (self._colour, 2.0)):
            pen = QPen(colour, width * ratio)
            pen.setCosmetic(True)
            pen.setCapStyle(Qt.PenCapStyle.SquareCap)
            painter.setPen(pen)
            painter.drawPath(self._path)

    def _filled(self, inside: NDArray[np.bool_]) -> QImage:
        if self._fill is None:
            alpha = round(255 * self._opacity)
            red, green, blue = (part * alpha // 255 for part in self._colour.toTuple()[:3])
            pixels = np.where(inside, np.uint32(alpha << 24 | red << 16 | green << 8 | blue), np.uint32(0))
            rows, columns = inside.shape
            self._fill = QImage(pixels.tobytes(), columns, rows, 4 * columns,
                                QImage.Format.Format_ARGB32_Premultiplied).copy()
        return self._fill

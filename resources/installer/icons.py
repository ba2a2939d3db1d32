"""The program's icon in the forms that systems want, drawn from one SVG."""

from __future__ import annotations

import io
import os
from pathlib import Path

from resources.installer.contents import ROOT

DRAWING = ROOT / "resources" / "icons" / "liposcope.svg"
WINDOWS_SIZES = (16, 24, 32, 48, 64, 128, 256)
LARGEST = 1024


def draw(pixels: int) -> bytes:
    """Draw the icon as a PNG."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtCore import QBuffer, Qt
    from PySide6.QtGui import QGuiApplication, QImage, QPainter
    from PySide6.QtSvg import QSvgRenderer

    application = QGuiApplication.instance() or QGuiApplication([])
    picture = QImage(pixels, pixels, QImage.Format.Format_ARGB32)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(str(DRAWING)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")
    del application
    return bytes(buffer.data().data())


def write_icons(folder: Path) -> list[Path]:
    """Write the Windows and the macOS icon; every size is drawn, none is scaled from another.

    Returns
    -------
    list of Path
        `liposcope.ico` and `liposcope.icns`.
    """
    from PIL import Image

    drawn = {size: Image.open(io.BytesIO(draw(size))) for size in (*WINDOWS_SIZES, 512, LARGEST)}
    windows, mac = folder / "liposcope.ico", folder / "liposcope.icns"
    drawn[256].save(windows, sizes=[(size, size) for size in WINDOWS_SIZES],
                    append_images=[drawn[size] for size in WINDOWS_SIZES[:-1]])
    drawn[LARGEST].save(mac, append_images=[drawn[size] for size in (16, 32, 64, 128, 256, 512)])
    return [windows, mac]

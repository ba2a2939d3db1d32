"""A contact sheet: the slices across a tumour with its outline, on one picture, as a reader would see them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from app.core.data import Mask, MaskArray, Volume
from app.core.io.protocol import scan_plane
from app.core.preprocess.reorient import reorient

COLUMNS, ROWS = 4, 3
TILE = 300
STRIP = 44
"""Height of the caption, pixels."""
_GAP = 2
_LEAST_FIELD_MM = 60.0
_MARGIN = 0.4
"""Of the tumour's size, on either side of it."""
_WORTH_OVERVIEW = 0.6
"""Share of the slice that the tumour's surroundings fill, beyond which an overview would show nothing more."""
_LINE = np.array([240, 228, 66], np.uint8)
_FRAME, _TEXT, _DIM = (88, 191, 180), (228, 231, 235), (169, 177, 186)
# As a reader sees each plane: the axis of the slices, the directions of rows (to the right) and columns (down).
_VIEWS = {"axial": "LPS", "coronal": "LIA", "sagittal": "PIR"}
_OPPOSITE = dict(zip("LRPAIS", "RLAPSI", strict=True))


def draw_sheet(volume: Volume, mask: Mask | None, caption: str) -> Image.Image:
    """Draw up to twelve pictures: slices across the tumour, before them an overview that frames its surroundings.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    mask : Mask, optional
        On the volume's grid; without one, or with an empty one, slices are spread over the whole image.
    caption : str
        What the sheet is of; no patient's name.

    Returns
    -------
    PIL.Image.Image
        RGB, 1206 x 948 pixels. Radiological display: the patient's right is on the viewer's left. Slices are those of
        the plane that was scanned, numbered from 1 in the file's order.
    """
    plane = scan_plane(volume.geometry) or "axial"
    codes = _VIEWS[plane]
    turned = reorient(volume, codes)
    axis, backwards = _file_axis(volume, codes[2])
    inside = reorient(mask, codes).voxels if mask is not None and mask.voxels.any() else None
    spacing = turned.geometry.spacing
    whole = (0.0, 0.0, float(turned.voxels.shape[0]), float(turned.voxels.shape[1]))
    field = whole if inside is None else _tumour_field(inside, spacing)
    overview = inside is not None and _area(field) < _WORTH_OVERVIEW * _area(whole)
    slices = _choose_slices(inside, turned.voxels.shape[2], COLUMNS * ROWS - overview)
    window = _window(turned.voxels[:, :, slices], field)
    sheet = Image.new("RGB", (COLUMNS * (TILE + _GAP) - _GAP, ROWS * (TILE + _GAP) - _GAP + STRIP))
    pen = ImageDraw.Draw(sheet)
    letters = (_OPPOSITE[codes[0]], codes[0], _OPPOSITE[codes[1]], codes[1])
    count = turned.voxels.shape[2]
    tiles = [(k, field, False) for k in slices]
    if inside is not None and overview:
        tiles = [(int(inside.sum(axis=(0, 1)).argmax()), whole, True), *tiles]
    for number, (k, part, framed) in enumerate(tiles):
        left, top = number % COLUMNS * (TILE + _GAP), number // COLUMNS * (TILE + _GAP)
        outline = None if inside is None else inside[:, :, k]
        tile, scale, corner = _draw_tile(turned.voxels[:, :, k], outline, part, spacing, window)
        sheet.paste(tile, (left, top))
        if framed:
            _frame(pen, field, scale, corner, spacing, (left, top))
        shown = count - k if backwards else k + 1
        _label(pen, (left, top), f"{shown}", letters, scale, all_sides=number == 0)
    fact = f"{plane}, {len(slices)} of {_held(inside, count)} slices" + (" of the outline" * (inside is not None))
    _caption(pen, sheet.size, caption, f"{fact}, numbered along {'ijk'[axis]}. Radiological display.")
    return sheet


def draw_thumbnail(volume: Volume, mask: Mask, pixels: int = 144) -> Image.Image:
    """Draw the slice where a tumour is largest, with its surroundings and its outline.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm.
    mask : Mask
        On the volume's grid, not empty.
    pixels : int
        Side of the picture.

    Returns
    -------
    PIL.Image.Image
        RGB, square, in the display of `draw_sheet`.
    """
    codes = _VIEWS[scan_plane(volume.geometry) or "axial"]
    turned, inside = reorient(volume, codes), reorient(mask, codes).voxels
    largest = int(inside.sum(axis=(0, 1)).argmax())
    field = _tumour_field(inside, turned.geometry.spacing)
    window = _window(turned.voxels[:, :, [largest]], field)
    tile, _, _ = _draw_tile(turned.voxels[:, :, largest], inside[:, :, largest], field, turned.geometry.spacing, window)
    return tile.resize((pixels, pixels), Image.Resampling.LANCZOS)


def _file_axis(volume: Volume, code: str) -> tuple[int, bool]:
    """Find the file's axis that slices run along, and whether the display counts against it."""
    order, signs = volume.geometry.closest_axes()
    world = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}[code]
    return order[world], (signs[world] > 0) != (code in "RAS")


def _choose_slices(inside: MaskArray | None, count: int, most: int) -> list[int]:
    """Choose slices evenly spread over the tumour, its largest among them; over the image without one."""
    held = np.arange(count) if inside is None else np.flatnonzero(inside.any(axis=(0, 1)))
    if len(held) <= most:
        return [int(k) for k in held]
    chosen = held[np.unique(np.rint(np.linspace(0, len(held) - 1, most)).astype(int))]
    if inside is not None:
        largest = int(inside.sum(axis=(0, 1)).argmax())
        middle = 1 + int(np.abs(chosen[1:-1] - largest).argmin())  # the first and the last slice stay
        chosen[middle] = largest if largest not in (chosen[0], chosen[-1]) else chosen[middle]
    return sorted({int(k) for k in chosen})


def _held(inside: MaskArray | None, count: int) -> int:
    return count if inside is None else int(inside.any(axis=(0, 1)).sum())


def _tumour_field(inside: MaskArray, spacing: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """Frame a square in mm around the tumour over all slices, cut by the image: x and y from, x and y to, voxels."""
    spans = [np.flatnonzero(inside.any(axis=other)) for other in ((1, 2), (0, 2))]
    sizes = [(span[-1] - span[0] + 1) * size for span, size in zip(spans, spacing, strict=False)]
    side = max(max(sizes) * (1 + 2 * _MARGIN), _LEAST_FIELD_MM)
    centres = [(span[0] + span[-1] + 1) / 2 for span in spans]
    half = [side / 2 / size for size in spacing[:2]]
    low = [max(0.0, centre - width) for centre, width in zip(centres, half, strict=True)]
    high = [min(float(size), centre + width) for size, centre, width in zip(inside.shape, centres, half, strict=False)]
    return low[0], low[1], high[0], high[1]


def _area(field: tuple[float, float, float, float]) -> float:
    return (field[2] - field[0]) * (field[3] - field[1])


def _window(voxels: NDArray[np.float32], field: tuple[float, float, float, float]) -> tuple[float, float]:
    x0, y0, x1, y1 = (max(0, round(edge)) for edge in field)
    part = voxels[x0:x1, y0:y1]
    part = part[part != part.min()] if part.size and (part == part.min()).mean() < 0.999 else voxels.ravel()
    low, high = np.percentile(part[:: max(1, part.size // 200_000)], (1.0, 99.5))
    return (float(low), float(high)) if high > low else (float(low), float(low) + 1.0)


def _draw_tile(picture: NDArray[np.float32], outline: MaskArray | None, part: tuple[float, float, float, float],
               spacing: tuple[float, float, float], window: tuple[float, float]) -> tuple[Image.Image, float, Any]:
    """Draw a part of a slice with square pixels; also the pixels per mm and where the part's corner lies."""
    x0, y0, x1, y1 = part
    scale = TILE / max((x1 - x0) * spacing[0], (y1 - y0) * spacing[1])
    width, height = round((x1 - x0) * spacing[0] * scale), round((y1 - y0) * spacing[1] * scale)
    corner = ((TILE - width) // 2, (TILE - height) // 2)
    grey = np.clip((picture.T - window[0]) / (window[1] - window[0]), 0, 1).astype(np.float32)
    drawn = np.asarray(Image.fromarray(grey).resize((width, height), Image.Resampling.BILINEAR, box=part))
    colour = np.repeat((drawn * 255 + 0.5).astype(np.uint8)[:, :, None], 3, axis=2)
    if outline is not None and outline.any():
        flat = Image.fromarray(np.ascontiguousarray(outline.T).astype(np.uint8))
        _draw_contour(colour, np.asarray(flat.resize((width, height), Image.Resampling.NEAREST, box=part)) > 0)
    tile = Image.new("RGB", (TILE, TILE))
    tile.paste(Image.fromarray(colour), corner)
    return tile, scale, corner


def _draw_contour(colour: NDArray[np.uint8], inside: MaskArray) -> None:
    """Trace the edge of the voxels: a light line two pixels wide in a dark halo, so that it shows on fat and on air."""
    line = np.zeros_like(inside)
    for axis in (0, 1):
        step = inside != np.roll(inside, 1, axis)
        step[(slice(None),) * axis + (0,)] = False
        line |= step | np.roll(step, -1, axis)
    halo = line.copy()
    for axis in (0, 1):
        halo |= np.roll(halo, 1, axis) | np.roll(halo, -1, axis)
    colour[halo] = colour[halo] // 4
    colour[line] = _LINE


def _frame(pen: ImageDraw.ImageDraw, field: tuple[float, float, float, float], scale: float, corner: tuple[int, int],
           spacing: tuple[float, float, float], at: tuple[int, int]) -> None:
    x0, y0, x1, y1 = (edge * scale * size for edge, size in zip(field, (*spacing[:2], *spacing[:2]), strict=True))
    x0, x1 = (min(max(x + corner[0], 0), TILE - 1) + at[0] for x in (x0, x1))
    y0, y1 = (min(max(y + corner[1], 0), TILE - 1) + at[1] for y in (y0, y1))
    pen.rectangle((x0, y0, x1, y1), outline=_FRAME)


def _label(pen: ImageDraw.ImageDraw, at: tuple[int, int], number: str, letters: tuple[str, str, str, str], scale: float,
           *, all_sides: bool) -> None:
    left, top = at
    right, low, middle_x, middle_y = left + TILE, top + TILE, left + TILE // 2, top + TILE // 2
    _write(pen, (left + 6, top + 5), number, 15)
    _write(pen, (left + 6, middle_y), letters[0], 16, "lm")
    _write(pen, (right - 6, middle_y), letters[1], 16, "rm")
    if all_sides:
        _write(pen, (middle_x, top + 5), letters[2], 16, "ma")
        _write(pen, (middle_x, low - 6), letters[3], 16, "md")
    bar = max((mm for mm in (1, 2, 5, 10, 20, 50, 100, 200) if mm * scale <= TILE / 3), default=1)
    end = right - 8
    pen.rectangle((end - bar * scale - 1, low - 11, end + 1, low - 8), fill=(0, 0, 0))
    pen.rectangle((end - bar * scale, low - 10, end, low - 9), fill=_TEXT)
    _write(pen, (end, low - 13), f"{bar / 10:g} cm" if bar >= 10 else f"{bar} mm", 12, "rd")


def _caption(pen: ImageDraw.ImageDraw, size: tuple[int, int], caption: str, fact: str) -> None:
    top = size[1] - STRIP
    font = ImageFont.load_default(16)
    while pen.textlength(caption, font=font) > size[0] - 16 and len(caption) > 4:
        caption = caption[:-2].rstrip("…") + "…"
    pen.text((8, top + 3), caption, fill=_TEXT, font=font)
    pen.text((8, top + 25), fact[0].upper() + fact[1:], fill=_DIM, font=ImageFont.load_default(13))


def _write(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, anchor: str = "la") -> None:
    pen.text(at, text, fill=_TEXT, font=ImageFont.load_default(size), anchor=anchor, stroke_width=2,
             stroke_fill=(0, 0, 0))

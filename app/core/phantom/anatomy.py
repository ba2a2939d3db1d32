"""Cross-sections of a limb or the trunk, drawn as tissue labels on a fine plane: the ground the tumour displaces."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.core.phantom.fields import Array, draw_field

Labels = NDArray[np.uint8]
AIR, SKIN, FAT, MUSCLE, FASCIA, VESSEL, CORTEX, MARROW, BOWEL, ORGAN, FLUID = range(11)
WATER = np.array([0.0, 0.52, 0.035, 0.40, 0.22, 0.95, 0.02, 0.05, 0.60, 0.85, 0.16], dtype=np.float32)
"""Signal of each tissue's water after contrast, fat suppressed; muscle is 0.40."""
LIPID = np.array([0.0, 0.2, 1.0, 0.03, 0.35, 0.0, 0.02, 0.85, 0.0, 0.0, 0.0], dtype=np.float32)
"""Fat fraction; suppression leaves a share of it that depends on the scanner and the place."""


@dataclass(frozen=True)
class Region:
    """A part of the body: half-axes, fat and bone, all in mm; `tumour_ml` is the largest tumour that occurs there."""

    name: str
    half_axes: tuple[float, float]
    fat: tuple[float, float]
    bone: float
    compartments: int
    tumour_ml: float
    share: float


REGIONS = (
    Region("thigh", (82.0, 78.0), (7.0, 20.0), 14.0, 11, 2200.0, 0.55),
    Region("upper arm", (50.0, 47.0), (5.0, 12.0), 11.0, 6, 350.0, 0.12),
    Region("lower leg", (55.0, 53.0), (4.0, 11.0), 13.0, 8, 350.0, 0.11),
    Region("trunk", (168.0, 112.0), (14.0, 30.0), 22.0, 8, 2200.0, 0.22),
)


@dataclass(frozen=True, eq=False)
class Section:
    """A drawn cross-section, centred on (0, 0), x to the left and y to the back of the patient, mm.

    Parameters
    ----------
    region : Region
        Which part of the body.
    pitch : float
        Pixel size, mm.
    soft : array of uint8, shape (n, n)
        Tissue labels without bone.
    bone : array of uint8, shape (n, n)
        Bone labels, 0 elsewhere; bone keeps its shape beside a tumour.
    texture : array of float32, shape (n, n)
        Relative signal of the tissue's water, mean 1.
    bones : array, shape (m, 3)
        Centre and radius of each bone, mm.
    outline : callable
        Angle (rad) to the distance of the skin from the centre, mm.
    fat_depth : callable
        Angle to the thickness of the subcutaneous fat, mm.
    """

    region: Region
    pitch: float
    soft: Labels
    bone: Labels
    texture: Array
    bones: NDArray[np.float64]
    outline: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    fat_depth: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def choose_region(volume_ml: float, uniform: float) -> Region:
    """Choose the region at `uniform` (0 to 1) of those in which a tumour of this size occurs."""
    fitting = [region for region in REGIONS if region.tumour_ml >= volume_ml]
    ends = np.cumsum([region.share for region in fitting])
    return fitting[min(int(np.searchsorted(ends / ends[-1], uniform, side="right")), len(fitting) - 1)]


def draw_section(region: Region, scale: float, rng: np.random.Generator) -> Section:
    """Draw one person's cross-section.

    Parameters
    ----------
    region : Region
        Which part of the body.
    scale : float
        Size relative to the region's; larger where a large tumour must fit.
    rng : numpy.random.Generator
        Source of the person's shape.
    """
    half = np.array(region.half_axes) * scale * rng.uniform(0.94, 1.08)
    waves = rng.normal(0, [0.02, 0.012, 0.008, 0.006]), rng.uniform(0, 2 * np.pi, 4)
    depth, swing, turn = rng.uniform(*region.fat), rng.uniform(0.15, 0.4), rng.uniform(0, 2 * np.pi)

    def outline(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        ellipse = half[0] * half[1] / np.hypot(half[1] * np.cos(angle), half[0] * np.sin(angle))
        ripple = sum(a * np.cos((k + 2) * angle + p) for k, (a, p) in enumerate(zip(*waves, strict=True)))
        return np.asarray(ellipse * (1 + ripple))

    def fat_depth(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(depth * (1 + swing * np.cos(angle - turn) + 0.12 * np.cos(3 * angle + turn)))

    reach = 1.12 * half.max()
    pitch = float(max(0.55, reach / 260))
    axis = np.arange(-reach, reach + pitch, pitch)
    plane = _Plane(axis, rng, outline, fat_depth)
    plane.draw_shell()
    bones = (_draw_trunk if region.name == "trunk" else _draw_limb)(plane, region, scale)
    texture = np.where(plane.soft == MUSCLE, plane.fibres(), 1.0)
    texture *= 1 + 0.05 * draw_field(rng, (axis, axis), 12.0)
    return Section(region, pitch, plane.soft, plane.bone, texture.astype(np.float32), bones, outline, fat_depth)


class _Plane:
    """The sheet being drawn on: coordinates once, then one tissue after the other."""

    def __init__(self, axis: NDArray[np.float64], rng: np.random.Generator,
                 outline: Callable[[NDArray[np.float64]], NDArray[np.float64]],
                 fat_depth: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> None:
        self.axis, self.rng = axis, rng
        self.x, self.y = axis[:, None], axis[None, :]
        angle, self.radius = np.arctan2(self.y, self.x), np.hypot(self.x, self.y)
        self.depth = outline(angle) - self.radius
        self.fat_depth = fat_depth(angle)
        self.warp = [1.6 * draw_field(rng, (axis, axis), 9.0) for _ in range(2)]
        self.soft = np.zeros(self.radius.shape, np.uint8)
        self.bone = np.zeros(self.radius.shape, np.uint8)

    def draw_shell(self) -> None:
        """Fat with thin fibrous strands, and muscle beneath its fascia."""
        strands = np.abs(draw_field(self.rng, (self.axis, self.axis), 7.0)) < 0.035
        self.soft[self.depth > 0] = FAT
        self.soft[(self.depth > 2) & (self.depth < self.fat_depth - 1) & strands] = FASCIA
        self.soft[self.depth > self.fat_depth] = FASCIA
        self.soft[self.depth > self.fat_depth + 0.9] = MUSCLE

    def divide(self, seeds: NDArray[np.float64], where: NDArray[np.bool_], gap: float) -> None:
        """Lay fat planes of width `gap` (mm) between the muscles that grow around `seeds`."""
        best = np.full(self.radius.shape, np.inf)
        second = best.copy()
        for x, y in seeds:
            distance = np.hypot(self.x - x + self.warp[0], self.y - y + self.warp[1])
            second = np.minimum(second, np.maximum(best, distance))
            best = np.minimum(best, distance)
        cleft = (second - best) * 0.6 < gap * (1 + 0.5 * self.warp[0] / 1.6)
        self.soft[where & cleft & (self.soft == MUSCLE)] = FAT

    def disc(self, x: float, y: float, radius: float, stretch: float = 1.0) -> NDArray[np.bool_]:
        """Pixels within an ellipse that is `stretch` times as wide as it is deep."""
        return np.asarray(np.hypot((self.x - x) / stretch, self.y - y) < radius)

    def draw_bone(self, x: float, y: float, radius: float, cortex: float, stretch: float = 1.0) -> None:
        """Draw a long bone or vertebra: black cortex around suppressed marrow."""
        ragged = 1 + 0.03 * self.warp[1]
        distance = np.hypot((self.x - x) / stretch, self.y - y) * ragged
        self.bone[distance < radius] = CORTEX
        self.bone[distance < radius - cortex] = MARROW

    def draw_vessels(self, x: float, y: float, radii: tuple[float, ...]) -> None:
        """Draw an artery with its veins, in a sheath of fat."""
        self.soft[self.disc(x, y, 2.6 * max(radii)) & (self.depth > 4)] = FAT
        for number, radius in enumerate(radii):
            turn, beside = 2.1 * number + self.rng.uniform(0, 0.8), 1.3 * max(radii)
            self.soft[self.disc(x + beside * np.cos(turn), y + beside * np.sin(turn), radius)] = VESSEL

    def fibres(self) -> Array:
        """Texture of muscle: fascicles and streaks of fat."""
        coarse, fine = (draw_field(self.rng, (self.axis, self.axis), mm) for mm in (6.0, 2.2))
        return (1 + 0.04 * coarse + 0.05 * fine - 0.25 * np.clip(np.abs(coarse) * -12 + 0.7, 0, 1)).astype(np.float32)


def _ring(rng: np.random.Generator, count: int, radius: float) -> NDArray[np.float64]:
    angles = 2 * np.pi * (np.arange(count) + rng.uniform(-0.28, 0.28, count)) / count + rng.uniform(0, 2 * np.pi)
    distance = radius * rng.uniform(0.85, 1.12, count)
    return np.stack([distance * np.cos(angles), distance * np.sin(angles)], axis=1)


def _draw_limb(plane: _Plane, region: Region, scale: float) -> NDArray[np.float64]:
    rng, reach = plane.rng, region.half_axes[0] * scale
    inner = 4 if region.name == "thigh" else 3
    outer = region.compartments - inner
    seeds = [_ring(rng, inner, 0.26 * reach), _ring(rng, outer, 0.62 * reach)]
    plane.divide(np.concatenate(seeds), plane.depth > plane.fat_depth, 0.85)
    size = region.bone * scale**0.4 * rng.uniform(0.9, 1.1)
    bones = [[*rng.normal(0, 0.05 * reach, 2) - (0, 0.12 * reach), size]]
    if region.name == "lower leg":
        bones = [[-0.22 * reach, -0.42 * reach, 1.15 * size], [0.42 * reach, -0.1 * reach, 0.55 * size]]
    for x, y, radius in bones:
        plane.draw_bone(x, y, radius, max(2.4, 0.3 * radius), rng.uniform(0.92, 1.08))
    turn = rng.uniform(0, 2 * np.pi)
    wide = region.bone / 14
    plane.draw_vessels(0.42 * reach * np.cos(turn), 0.42 * reach * np.sin(turn), (3.6 * wide, 4.4 * wide, 1.6))
    plane.draw_vessels(0.38 * reach * np.cos(turn + 2.4), 0.38 * reach * np.sin(turn + 2.4), (1.7, 1.9))
    _draw_skin_veins(plane, 4)
    return np.array(bones)


def _draw_trunk(plane: _Plane, region: Region, scale: float) -> NDArray[np.float64]:
    rng = plane.rng
    wide, deep = np.array(region.half_axes) * scale
    inside = plane.depth - plane.fat_depth
    cavity = inside > 15 + 4 * np.sin(2 * np.arctan2(plane.y, plane.x))
    back = plane.disc(0, 0.66 * deep, 0.40 * deep, 1.75)
    plane.soft[cavity & ~back] = FAT
    plane.soft[(np.abs(inside - 6) < 0.8) & ~back] = FAT
    spine = (0.0, 0.36 * deep, region.bone * scale**0.3)
    for side in (-1, 1):
        plane.soft[plane.disc(side * 1.75 * spine[2], 0.3 * deep, 17, 1.1) & cavity] = MUSCLE
        plane.soft[plane.disc(side * 3.2 * spine[2], 0.22 * deep, 25, 0.95) & cavity & (inside > 22)] = ORGAN
        plane.soft[plane.disc(side * 3.0 * spine[2], 0.22 * deep, 9, 0.8) & cavity] = FAT
    muscles = np.array([(0.1, 0.62), (0.28, 0.6), (0.5, 0.5)]) * (wide, deep)
    plane.divide(np.concatenate([muscles, muscles * (-1, 1)]), back & (inside > 0), 0.9)
    for _ in range(26):
        x, y, radius = rng.uniform(-0.66, 0.66) * wide, rng.uniform(-0.6, 0.08) * deep, rng.uniform(8, 17)
        stretch = rng.uniform(0.8, 1.5)
        if (inside[plane.disc(x, y, radius, stretch)] > 20).all():
            plane.soft[plane.disc(x, y, radius, stretch)] = BOWEL
            plane.soft[plane.disc(x, y, radius - 2.2, stretch)] = FLUID
    plane.draw_vessels(-6.0, spine[1] - 1.5 * spine[2], (9.0,))
    plane.draw_vessels(18.0, spine[1] - 1.4 * spine[2], (10.0,))
    plane.draw_bone(spine[0], spine[1], spine[2], 1.6, 1.25)
    plane.bone[plane.disc(0, spine[1] + 1.3 * spine[2], 8.5, 1.1)] = FLUID
    plane.draw_bone(0, spine[1] + 2.1 * spine[2], 11, 2.2, 0.45)
    _draw_skin_veins(plane, 5)
    return np.array([spine])


def _draw_skin_veins(plane: _Plane, count: int) -> None:
    rows, columns = np.nonzero((plane.depth > 5) & (plane.depth < plane.fat_depth - 3))
    for pick in plane.rng.random(count):
        if len(rows):
            x, y = plane.axis[rows[int(pick * len(rows))]], plane.axis[columns[int(pick * len(rows))]]
            plane.soft[plane.disc(x, y, plane.rng.uniform(0.9, 1.9))] = VESSEL

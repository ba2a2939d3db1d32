"""One phantom case: place the tumour in the body, let it push the tissue aside, and take the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, uniform_filter

from app.core.data import Acquisition, Mask, Volume
from app.core.phantom import anatomy, scanner
from app.core.phantom.anatomy import LIPID, WATER, Section
from app.core.phantom.fields import Array
from app.core.phantom.parameters import CASE_STREAM, LOCATIONS, CaseParameters, draw_parameters, draw_split, stream
from app.core.phantom.sites import Site, choose_site
from app.core.phantom.tumour import Shape, draw_interior, draw_shape

LABELS = ("lipoma", "ALT/WDL")
SKIN_MM = 2.0
COVER_MM = 4.0
"""What lies at least between a tumour that bulges and the air."""


@dataclass(frozen=True, eq=False)
class PhantomCase:
    """A phantom case with everything known about it.

    Parameters
    ----------
    id : str
        Patient's number, e.g. 'P007'.
    image, mask : Volume, Mask
        On the same grid.
    label : int
        0 lipoma, 1 ALT/WDL.
    site : Site
        Where it was scanned.
    reading : dict
        Age (years), sex, location, region, longest_dimension_cm, volume_ml, septa_mm, nodules, enhancement.
    split : str
        'train' or 'test'.
    acquisition : Acquisition
        As the header would tell.
    parameters : CaseParameters
        What was drawn, for `bayes_score`.
    """

    id: str
    image: Volume
    mask: Mask
    label: int
    site: Site
    reading: dict[str, str | float]
    split: Literal["train", "test"]
    acquisition: Acquisition
    parameters: CaseParameters


@dataclass(frozen=True, eq=False)
class _Placement:
    """Where the tumour lies: the point of the undisturbed body it grew from, its shape, how far it moved the bone."""

    origin: NDArray[np.float64]
    shape: Shape
    bone_shift: NDArray[np.float64]
    taper: float


def make_case(index: int, *, seed: int, signal: float, sites: Sequence[Site], label: int | None = None) -> PhantomCase:
    """Draw case `index` of the cohort that belongs to `seed`.

    The same index, seed, signal and sites give the same voxels, whatever else is drawn before, after or beside it.

    Parameters
    ----------
    index : int
        From 0.
    seed : int
        The cohort's seed.
    signal : float
        0 (label and picture are independent) to 1 (classes differ as published).
    sites : sequence of Site
        From `make_sites`.
    label : int, optional
        Forces the class.
    """
    parameters = draw_parameters(index, seed=seed, signal=signal, label=label)
    site = choose_site(index, seed=seed, sites=tuple(sites))
    place_rng, section_rng, tumour_rng, scanner_rng = (stream(seed, CASE_STREAM, index, part) for part in range(1, 5))
    region = anatomy.choose_region(parameters.volume_ml, place_rng.random())
    diameter = 20 * (3 * parameters.volume_ml / (4 * np.pi) / parameters.elongation) ** (1 / 3)
    scale = float(np.clip(0.60 * diameter / region.half_axes[1] + 0.32, 1.0, 1.45))
    section = anatomy.draw_section(region, scale, section_rng)
    placement = _place(section, parameters, place_rng)
    grid = _cover(section, placement, site, place_rng)
    picture, mask = _draw(section, placement, parameters, site, grid, tumour_rng, scanner_rng)
    voxels, outline, affine = scanner.store(picture, mask, site, grid)
    reading: dict[str, str | float] = {
        "age": round(parameters.age), "sex": parameters.sex, "location": LOCATIONS[parameters.location],
        "region": region.name, "longest_dimension_cm": round(placement.shape.longest_cm, 1),
        "volume_ml": round(parameters.volume_ml, 1), "septa_mm": round(parameters.septa_mm, 2),
        "nodules": parameters.nodules, "enhancement": "yes" if parameters.enhances else "no",
    }
    return PhantomCase(
        id=name_case(index), image=Volume(voxels, affine), mask=Mask(outline, affine, name="tumour"),
        label=parameters.label, site=site, reading=reading, split=draw_split(index, seed),
        acquisition=scanner.describe(site, grid, region.name), parameters=parameters,
    )


def name_case(index: int) -> str:
    """Write the patient's number as in the cohort's table."""
    return f"P{index + 1:03d}"


def _place(section: Section, parameters: CaseParameters, rng: np.random.Generator) -> _Placement:
    """Choose where the tumour grows: in the fat beneath the skin, in a muscle, or in the plane between two."""
    radius = 10 * (3 * parameters.volume_ml / (4 * np.pi) / parameters.elongation) ** (1 / 3)
    origin = _choose_origin(section, parameters.location, radius, rng)
    bone = section.bones[np.argmin(np.hypot(*(section.bones[:, :2] - origin).T))]
    outward = origin - bone[:2] if section.region.name != "trunk" and parameters.location else origin
    normal = float(np.arctan2(outward[1], outward[0]) + rng.normal(0, 0.12))
    shape = draw_shape(parameters, normal, float(rng.normal(0, 0.10)), rng)
    away = np.array([np.cos(normal), np.sin(normal)])
    inward = -float((shape.points()[:, :2] @ away).min())
    lack = bone[2] + 0.97 * inward + 1.5 - float((origin - bone[:2]) @ away)
    room = 0.0 if section.region.name == "trunk" else 0.45 * section.region.half_axes[1]
    return _Placement(origin, shape, -away * float(np.clip(lack, 0, room)), float(rng.normal(0, 0.0006)))


def _choose_origin(section: Section, location: int, radius: float, rng: np.random.Generator) -> NDArray[np.float64]:
    n = len(section.soft)
    axis = (np.arange(n) - (n - 1) / 2) * section.pitch
    if location == 0:
        angle = np.array([rng.uniform(0, 2 * np.pi)])
        distance = section.outline(angle) - 0.55 * section.fat_depth(angle)
        return np.array([distance[0] * np.cos(angle[0]), distance[0] * np.sin(angle[0])])
    muscle = section.soft == anatomy.MUSCLE
    if location == 1:
        clearance = distance_transform_edt(muscle & (section.bone == 0)) * section.pitch
        candidates = clearance > np.quantile(clearance[muscle], 0.86)
    else:
        share = uniform_filter(muscle.astype(np.float32), int(14 / section.pitch))
        candidates = (section.soft == anatomy.FAT) & (share > 0.62)
    clear = radius + 4 if section.region.name == "trunk" else 0.7 * radius + 5
    for x, y, size in section.bones:
        distance = np.hypot(axis[:, None] - x, axis[None, :] - y)
        far = distance > size + clear
        candidates &= far if (candidates & far).any() else distance > size + 7
    rows, columns = np.nonzero(candidates)
    pick = int(rng.random() * len(rows))
    return np.array([axis[rows[pick]], axis[columns[pick]]])


def _cover(section: Section, placement: _Placement, site: Site, rng: np.random.Generator) -> scanner.Grid:
    """Lay the site's grid so that body and tumour are seen."""
    angle = np.linspace(0, 2 * np.pi, 360)
    ray = np.stack([np.cos(angle), np.sin(angle)], axis=1) * section.outline(angle)[:, None]
    offset = ray - placement.origin
    unit = placement.shape.to_unit(np.column_stack([offset, np.zeros(len(offset))]))
    squared = (unit**2).sum(axis=1, keepdims=True)
    body = placement.origin + offset * np.sqrt((squared + 1) / squared)
    tumour = placement.shape.points()
    both = np.concatenate([body, tumour[:, :2] + placement.origin])
    low, high = both.min(axis=0), both.max(axis=0)
    margin = (int(rng.integers(2, 6)), int(rng.integers(2, 6)))
    return scanner.choose_grid(site, np.append(low, tumour[:, 2].min()), np.append(high, tumour[:, 2].max()), margin)


def _draw(section: Section, placement: _Placement, parameters: CaseParameters, site: Site, grid: scanner.Grid,
          tumour_rng: np.random.Generator, scanner_rng: np.random.Generator) -> tuple[Array, NDArray[np.bool_]]:
    """Water and fat of every voxel, and the picture of them."""
    thickness = 1 + np.float32(placement.taper) * grid.z
    soft, texture = _sample_soft(section, placement, grid, thickness)
    bone = _sample_bone(section, placement, grid, thickness)
    soft = np.where(bone > 0, bone, soft)
    box, depth, offsets = _find_tumour(placement, grid)
    around = soft[box]
    around[(depth > -COVER_MM) & (around == anatomy.AIR)] = anatomy.FAT
    _draw_skin(soft, grid.pixel)
    water = scanner.apply_contrast(WATER, site.contrast)[soft] * texture
    lipid = LIPID[soft]
    inside = (depth > 0) & (bone[box] == 0) & (around != anatomy.SKIN)
    mask = np.zeros(soft.shape, np.bool_)
    mask[box] = inside
    stroma, solid = draw_interior(parameters, offsets[inside], (grid.x[box[0]], grid.y[box[1]], grid.z[box[2]]), inside,
                                  depth[inside], grid.pixel, tumour_rng)
    water[mask] = stroma * scanner.apply_contrast(solid, site.contrast) + (1 - stroma) * WATER[anatomy.FAT]
    lipid[mask] = 1 - stroma
    return scanner.acquire(water, lipid, site, grid, scanner_rng), mask


def _sample_soft(section: Section, placement: _Placement, grid: scanner.Grid,
                 thickness: Array) -> tuple[NDArray[np.uint8], Array]:
    """Look up each voxel where its tissue lay before the tumour moved it.

    Tissue at normalised distance d from the origin lies at sqrt(d^2 + 1) now: what filled the ellipse keeps its area.
    """
    x = grid.x[:, None, None] - np.float32(placement.origin[0])
    y = grid.y[None, :, None] - np.float32(placement.origin[1])
    turn = (placement.shape.axes / placement.shape.half_axes[:, None]).astype(np.float32) / 0.96
    squared = sum((row[0] * x + row[1] * y + row[2] * grid.z) ** 2 for row in turn)
    pull = np.sqrt(np.clip(1 - 1 / np.maximum(squared, 1e-3), 0, 1)) / thickness
    index = _index(section, x * pull + np.float32(placement.origin[0]), y * pull + np.float32(placement.origin[1]))
    return section.soft.ravel()[index], section.texture.ravel()[index]


def _sample_bone(section: Section, placement: _Placement, grid: scanner.Grid, thickness: Array) -> NDArray[np.uint8]:
    """Bone keeps its shape; the tumour only moves it."""
    shift = placement.bone_shift.astype(np.float32)
    shape = (len(grid.x), len(grid.y), len(grid.z))
    x = np.broadcast_to((grid.x[:, None, None] - shift[0]) / thickness, (shape[0], 1, shape[2]))
    y = np.broadcast_to((grid.y[None, :, None] - shift[1]) / thickness, (1, shape[1], shape[2]))
    return section.bone.ravel()[_index(section, x, y)]


def _index(section: Section, x: Array, y: Array) -> NDArray[np.int32]:
    n = len(section.soft)
    places = [np.clip(p / np.float32(section.pitch) + np.float32(n / 2), 0, n - 1).astype(np.int32) for p in (x, y)]
    row, column = places
    return np.asarray(row * np.int32(n) + column)


def _draw_skin(tissue: NDArray[np.uint8], pixel: float) -> None:
    """Paint the outermost 2 mm of the body, however far the tumour has stretched it."""
    body = tissue != anatomy.AIR
    core = body.copy()
    straight = max(1, round(SKIN_MM / pixel))
    slanted = max(1, round(0.7 * SKIN_MM / pixel))
    for i, j in ((straight, 0), (-straight, 0), (0, straight), (0, -straight), (slanted, slanted), (slanted, -slanted),
                 (-slanted, slanted), (-slanted, -slanted)):
        core &= np.roll(body, (i, j), axis=(0, 1))
    tissue[body & ~core] = anatomy.SKIN


def _find_tumour(placement: _Placement, grid: scanner.Grid) -> tuple[tuple[slice, slice, slice], Array, Array]:
    """Find the box around the tumour, and its voxels' depths below the surface (negative outside) and offsets, mm."""
    points = placement.shape.points()
    centre = np.append(placement.origin, 0.0).astype(np.float32)
    spans = []
    for axis, positions in enumerate(grid.axes):
        room = 2 + int(COVER_MM / (positions[1] - positions[0]))
        ends = np.searchsorted(positions, [points[:, axis].min() + centre[axis], points[:, axis].max() + centre[axis]])
        spans.append(slice(max(int(ends[0]) - room, 0), min(int(ends[1]) + room, len(positions))))
    box = (spans[0], spans[1], spans[2])
    local = [positions[span] - c for positions, span, c in zip(grid.axes, box, centre, strict=True)]
    offsets = np.stack(np.meshgrid(*local, indexing="ij"), axis=-1)
    unit = placement.shape.to_unit(offsets)
    distance = np.sqrt((unit**2).sum(axis=-1)) + np.float32(1e-6)
    depth = np.full(distance.shape, -np.inf, np.float32)
    near = distance < 1.6
    steepness = np.linalg.norm(offsets[near], axis=1) / distance[near]
    depth[near] = (placement.shape.surface(unit[near] / distance[near][:, None]) - distance[near]) * steepness
    return box, depth, offsets

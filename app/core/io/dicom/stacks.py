"""One series, one or several stacks: echoes, time points, weightings, orientations told apart and named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.core.data import Caution
from app.core.io.dicom.geometry import place_key, plane_name, same_orientation, same_pixels
from app.core.io.dicom.headers import Header, Plane

MOST_STACKS = 12
"""A series of more volumes than this (functional, diffusion tensor) is not offered volume by volume."""
_CONTRASTS = ("component", "echo", "b", "inversion", "flip", "direction")
_TIMES = ("time", "acquisition", "trigger", "clock")
_LABELS = {"echo": "echo time {} ms", "b": "b {} s/mm2", "inversion": "inversion time {} ms", "flip": "flip angle {}",
           "folder": "folder {}"}
_COMPONENTS = {"P": "phase", "PHASE": "phase", "R": "real", "REAL": "real", "I": "imaginary", "IMAGINARY": "imaginary",
               "W": "water", "WATER": "water", "F": "fat", "FAT": "fat", "IP": "in phase", "IN_PHASE": "in phase",
               "OP": "opposed phase", "OUT_PHASE": "opposed phase", "OPP_PHASE": "opposed phase", "ADC": "ADC",
               "M": "magnitude", "MAGNITUDE": "magnitude"}


@dataclass(frozen=True, eq=False)
class Stack:
    """Images that may make one volume.

    Parameters
    ----------
    header : Header
        Of one of its files.
    planes : tuple of Plane
        In any order.
    name : str
        What tells it from the other stacks of its series; empty when it is the only one.
    cautions : tuple of Caution
        What sorting it brought to light.
    """

    header: Header
    planes: tuple[Plane, ...]
    name: str = ""
    cautions: tuple[Caution, ...] = ()

    @property
    def series(self) -> str:
        """SeriesInstanceUID, with '#' and the stack's name when the series holds several."""
        name = re.sub("[^a-z0-9.]+", "-", self.name.lower()).strip("-")
        return f"{self.header.series}#{name}" if name else self.header.series


def series_uid(series: str) -> str:
    """Give the SeriesInstanceUID of a stack: what stands before '#'."""
    return series.partition("#")[0]


def sort_stacks(headers: Iterable[Header]) -> list[Stack]:
    """Sort the images of one series into stacks.

    Parameters
    ----------
    headers : iterable of Header
        Image files of one series.

    Returns
    -------
    list of Stack
        One per orientation, pixel size, and (where images lie at the same places) echo, component, b-value, time point.
    """
    files = {header.file: header for header in headers}
    planes, repeats = _drop_copies([plane for header in files.values() for plane in header.planes])
    copies = (Caution("duplicate_files", f"{repeats} of the series' files are copies of others and were left out."),)
    parts = [(label, part) for turned in _split_orientations(planes) for sized in _split_sizes(turned[1])
             for names, part in _separate(sized[1]) for label in (_join(turned[0], sized[0], *names),)]
    return [Stack(files[part[len(part) // 2].file], tuple(part), name, copies if repeats else ())
            for name, part in zip(_distinct([label for label, _ in parts]), (part for _, part in parts), strict=True)]


def _drop_copies(planes: list[Plane]) -> tuple[list[Plane], int]:
    by_folder = len({plane.stack["folder"] for plane in planes}) > 1
    kept: dict[tuple[str, str], Plane] = {}
    for plane in planes:
        kept.setdefault((plane.instance, plane.stack["folder"] if by_folder else ""), plane)
    return list(kept.values()), len(planes) - len(kept)


def _split_orientations(planes: Sequence[Plane]) -> list[tuple[str, list[Plane]]]:
    groups = _cluster(planes, same_orientation)
    # Every image turned its own way (a radial series) is no set of stacks; the geometry check refuses it.
    if len(groups) == 1 or len(groups) == len(planes) > 3:
        return [("", list(planes))]
    return [(plane_name(group[0]), group) for group in groups]


def _split_sizes(planes: Sequence[Plane]) -> list[tuple[str, list[Plane]]]:
    groups = _cluster(planes, same_pixels)
    return [(f"{group[0].columns} x {group[0].rows}" if len(groups) > 1 else "", group) for group in groups]


def _cluster(planes: Sequence[Plane], alike: Callable[[Plane, Plane], bool]) -> list[list[Plane]]:
    groups: list[list[Plane]] = []
    for plane in planes:
        home = next((group for group in groups if alike(group[0], plane)), None)
        if home is None:
            groups.append([plane])
        else:
            home.append(plane)
    return groups


def _separate(planes: Sequence[Plane]) -> list[tuple[tuple[str, ...], list[Plane]]]:
    one_place = len({place_key(plane) for plane in planes}) == 1
    keys = (*_copies_first(planes), *_CONTRASTS, "folder", *(() if one_place else _TIMES))
    found = _separate_by(list(planes), keys)
    return found if len(found) <= MOST_STACKS else [((), list(planes))]


def _copies_first(planes: Sequence[Plane]) -> tuple[str, ...]:
    instances = [plane.instance for plane in planes]
    return ("folder",) if len(set(instances)) < len(instances) else ()


def _separate_by(planes: list[Plane], keys: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[Plane]]]:
    most = _most_at_one_place(planes)
    for n, key in enumerate(keys):
        if most == 1 or planes[0].position is None:
            break
        groups: dict[str, list[Plane]] = {}
        for plane in planes:
            groups.setdefault(plane.stack[key], []).append(plane)
        # A tag that differs from slice to slice makes many groups and separates nothing.
        if 1 < len(groups) <= most and max(map(_most_at_one_place, groups.values())) < most:
            return [((_label(key, value, order), *names), part)
                    for order, value in enumerate(sorted(groups, key=_natural))
                    for names, part in _separate_by(groups[value], keys[n + 1:])]
    return [((), planes)]


def _most_at_one_place(planes: Iterable[Plane]) -> int:
    counts: dict[tuple[int, ...], int] = {}
    for plane in planes:
        counts[place_key(plane)] = counts.get(place_key(plane), 0) + 1
    return max(counts.values())


def _label(key: str, value: str, order: int) -> str:
    if key in _TIMES:
        return f"time point {order + 1}"
    if key == "direction":
        return f"direction {order}" if value else "no direction"
    if key == "component":
        words = value.upper().replace("\\", " ").split()
        known = [word for word in words if word in _COMPONENTS]
        telling = [word for word in known if word not in ("M", "MAGNITUDE")] or known
        return _COMPONENTS[telling[0]] if telling else " ".join(words[2:]).lower() or "unnamed"
    if key == "folder":
        value = re.split(r"[\\/]", value)[-1]
    return _LABELS[key].format(value) if value else f"no {_LABELS[key].split(' {')[0]}"


def _natural(value: str) -> tuple[float, str]:
    try:
        return float(value), ""
    except ValueError:
        return float("inf") if value else float("-inf"), value


def _join(*names: str) -> str:
    return ", ".join(filter(None, names))


def _distinct(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(f"{name} {seen[name]}" if names.count(name) > 1 and name else name)
    return result

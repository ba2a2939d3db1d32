"""Whether an image was made as it should be, and as the others of its cohort were: header and grid, never voxels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from app.core.data import Acquisition, Geometry
from app.core.io.flags import Flag
from app.core.io.names import read_name

ANISOTROPIC = 5.0
"""Slices thicker than this many pixels are wide."""
ODD_SPACING = 1.5
"""Pixels or slices so many times larger or smaller than the cohort's median."""
ODD_TIME = 2.0
"""The same for repetition and echo times."""
WIDE_GAP = 1.3
"""Distance between slices over their thickness, beyond which much of the tissue was never imaged."""
FEW_SLICES = 5
_WORLD_PLANES = ("sagittal", "coronal", "axial")
_LISTED = 6


@dataclass(frozen=True, eq=False)
class Scan:
    """One image of a cohort.

    Parameters
    ----------
    case, sequence : str
        Whose, and under which key.
    geometry : Geometry
        RAS+, mm.
    acquisition : Acquisition
        As far as it is known.
    """

    case: str
    sequence: str
    geometry: Geometry
    acquisition: Acquisition

    @property
    def in_plane(self) -> float:
        """Mean size of a pixel within the slice, mm."""
        return float(np.mean(sorted(self.geometry.spacing)[:2]))

    @property
    def slice_step(self) -> float:
        """Distance between slices, mm: the largest voxel size."""
        return max(self.geometry.spacing)


def scan_plane(geometry: Geometry) -> str:
    """Name the plane that the slices lie in: 'axial', 'coronal' or 'sagittal'; '' where the grid does not tell.

    Slices lie across the coarsest axis; with cubic voxels, across an axis of less than half as many voxels as others.
    """
    sizes, counts = np.asarray(geometry.spacing), np.asarray(geometry.shape)
    order, _ = geometry.closest_axes()
    if sizes.max() >= 1.2 * np.median(sizes):
        return _WORLD_PLANES[order.index(int(sizes.argmax()))]
    return _WORLD_PLANES[order.index(int(counts.argmin()))] if counts.min() < 0.5 * np.median(counts) else ""


def check_protocol(scan: Scan) -> list[Flag]:
    """Check one image's header and grid by themselves.

    Returns
    -------
    list of Flag
        'not_mr', 'sequence_differs' (the key says t1, the header t2), 'overlapping_slices' (thicker than their
        distance), 'wide_gaps', 'anisotropy', 'oblong_pixels', 'few_slices'.
    """
    known, flags = scan.acquisition, []
    if known.modality not in ("", "MR"):
        flags.append(Flag("not_mr", f"The header calls the image {known.modality}, MR is expected.", "problem"))
    named = read_name(scan.sequence).sequence
    if named and known.weighting and named.split("_")[0] != known.weighting:
        flags.append(Flag("sequence_differs", f"The image is kept as {scan.sequence}, its header describes "
                                              f"{known.sequence}.", "problem"))
    if known.thickness and known.slice_gap and min(known.thickness, known.slice_gap) > 0:
        ratio = known.slice_gap / known.thickness
        sizes = f"{known.thickness:.3g} mm thick and {known.slice_gap:.3g} mm apart"
        if ratio < 0.99:
            flags.append(Flag("overlapping_slices", f"Slices overlap: they are {sizes}.", "caution"))
        elif ratio > WIDE_GAP:
            flags.append(Flag("wide_gaps", f"Slices are {sizes}: {1 - 1 / ratio:.0%} of the tissue lies between them.",
                              "caution"))
    if scan.geometry.anisotropy > ANISOTROPIC:
        flags.append(Flag("anisotropy", f"Voxels are {scan.geometry.anisotropy:.1f} times longer than wide: volume, "
                                        "shape and texture across slices are coarse.", "caution"))
    small, middle, _ = sorted(scan.geometry.spacing)
    if middle > 1.05 * small and max(scan.geometry.spacing) > 1.2 * middle:
        flags.append(Flag("oblong_pixels", f"Pixels are {small:.3g} x {middle:.3g} mm, square ones are expected.",
                          "note"))
    slices = min(scan.geometry.shape)
    if slices < FEW_SLICES:
        flags.append(Flag("few_slices", f"The image has only {slices} slice{'s' * (slices != 1)}.", "caution"))
    return flags


def compare_spacing(scans: Sequence[Scan]) -> list[list[Flag]]:
    """Hold each image's voxel size against the median of the images with its key.

    Returns
    -------
    list of list of Flag
        For each scan, in order: 'odd_spacing' or nothing; nothing where fewer than three images share a key.
    """
    flags: list[list[Flag]] = [[] for _ in scans]
    for key in dict.fromkeys(scan.sequence for scan in scans):
        members = [index for index, scan in enumerate(scans) if scan.sequence == key]
        if len(members) < 3:
            continue
        pixel = float(np.median([scans[index].in_plane for index in members]))
        step = float(np.median([scans[index].slice_step for index in members]))
        for index in members:
            scan = scans[index]
            if max(_factor(scan.in_plane, pixel), _factor(scan.slice_step, step)) > ODD_SPACING:
                flags[index].append(Flag("odd_spacing", (
                    f"Pixels are {scan.in_plane:.3g} mm wide and slices {scan.slice_step:.3g} mm apart; the cohort's "
                    f"median is {pixel:.3g} and {step:.3g} mm."), "caution"))
    return flags


def compare_protocols(scans: Sequence[Scan]) -> list[Flag]:
    """Find what differs between the images of one key.

    Returns
    -------
    list of Flag
        With the cases that are not like most: 'mixed_sequences', 'mixed_planes', 'odd_times', 'several_fields',
        'several_vendors', 'several_kernels'.
    """
    flags: list[Flag] = []
    for key in dict.fromkeys(scan.sequence for scan in scans):
        members = [scan for scan in scans if scan.sequence == key]
        flags += _mixture(key, members, "mixed_sequences", "problem", "different sequences",
                          lambda scan: scan.acquisition.sequence if scan.acquisition.weighting else "")
        flags += _mixture(key, members, "mixed_planes", "caution", "slices in different planes",
                          lambda scan: scan_plane(scan.geometry))
        flags += _mixture(key, members, "several_vendors", "note", "of several manufacturers",
                          lambda scan: _first_word(scan.acquisition.manufacturer))
        flags += _mixture(key, members, "several_fields", "note", "of several field strengths",
                          lambda scan: f"{scan.acquisition.field_strength:.1f} T" if scan.acquisition.field_strength
                          else "")
        flags += _mixture(key, members, "several_kernels", "note", "of several reconstruction kernels",
                          lambda scan: scan.acquisition.kernel)
        flags += _odd_times(key, members)
    return flags


def _mixture(key: str, scans: Sequence[Scan], code: str, severity: str, what: str,
             kind_of: Callable[[Scan], str]) -> list[Flag]:
    kinds = {scan.case: kind_of(scan) for scan in scans}
    counts = Counter(kind for kind in kinds.values() if kind).most_common()
    if len(counts) < 2:
        return []
    said = ", ".join(f"{kind} ({count})" for kind, count in counts[:_LISTED])
    rest = tuple(case for case, kind in kinds.items() if kind not in ("", counts[0][0]))
    message = f"The images{_kept_as(key)} are {what}: {said}{' ...' * (len(counts) > _LISTED)}."
    return [Flag(code, message, severity, rest)]  # type: ignore[arg-type]


def _kept_as(key: str) -> str:
    """Name a sequence where the table or the files name it; 'image' is what has no name."""
    return "" if key == "image" else f" kept as {key}"


def _first_word(manufacturer: str) -> str:
    word = manufacturer.upper().strip().split(" ")[0].strip(" ,")
    return "" if word in ("UNKNOWN", "NONE", "ANONYMOUS") else word


def _odd_times(key: str, scans: Sequence[Scan]) -> list[Flag]:
    flags = []
    for name, title in (("repetition_time", "repetition time"), ("echo_time", "echo time")):
        known = {scan.case: float(value) for scan in scans if (value := getattr(scan.acquisition, name))}
        if len(known) < 3:
            continue
        median = float(np.median(list(known.values())))
        odd = {case: value for case, value in known.items() if _factor(value, median) > ODD_TIME}
        if odd:
            listed = ", ".join(f"{case} {value:.4g}" for case, value in list(odd.items())[:_LISTED])
            flags.append(Flag(f"odd_{name}", f"The {title} of some images{_kept_as(key)} is far from the cohort's "
                                             f"median of {median:.4g} ms: {listed}{' ...' * (len(odd) > _LISTED)}.",
                              "caution", tuple(odd)))
    return flags


def _factor(value: float, reference: float) -> float:
    return max(value, reference) / max(min(value, reference), 1e-9)

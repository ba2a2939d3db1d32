"""Which image and which outline belong together: by DICOM reference, folder, name and geometry, in that order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.core.data import Geometry
from app.core.errors import InputError
from app.core.io.names import read_name, read_reader, subject_folder
from app.core.io.sequences import name_images
from app.core.io.source import Source, stem_of
from app.core.requests import CaseFiles


@dataclass(frozen=True)
class Pairing:
    """What a drop amounts to.

    Parameters
    ----------
    cases : tuple of CaseFiles
        Image and outline together; an image alone is a case without one, to be looked at.
    unpaired : tuple of Source
        What found no place: outlines without an image, further outlines, tables that list no cases.
    tables : tuple of str
        Cohort tables; the files they list make no cases of their own.
    notes : tuple of str
        What was left out or decided, a sentence each.
    """

    cases: tuple[CaseFiles, ...] = ()
    unpaired: tuple[Source, ...] = ()
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Group:
    """Sources that belong to one tumour, as far as is known yet."""

    folder: Path
    subject: str = ""
    images: list[Source] = field(default_factory=list)
    masks: list[Source] = field(default_factory=list)


def pair(sources: Sequence[Source]) -> Pairing:
    """Put images and outlines together.

    Parameters
    ----------
    sources : sequence of Source
        What `identify` found, in any order.

    Returns
    -------
    Pairing
    """
    tables, notes, unpaired, listed = _read_tables([source for source in sources if source.kind == "table"])
    imaging = [source for source in sources if source.kind != "table" and not _is_listed(source, listed)]
    groups = _join_single_subjects(_join_readers(_by_folder_and_subject(imaging)))
    groups = [part for group in _join_by_reference(groups) for part in _split_by_reference(group)]
    for group in groups:
        _settle_roles(group)
    groups = _join_leftovers(groups)
    named = _name_cases([group for group in groups if group.images])
    cases = []
    for identifier, group in named:
        case, left, said = _make_case(identifier, group)
        cases.append(case)
        unpaired += left
        notes += said
    for group in groups:
        if not group.images:
            unpaired += group.masks
            notes += [f"{Path(mask.path).name} is an outline without its image." for mask in group.masks]
    order = sorted(cases, key=lambda case: case.id)
    return Pairing(tuple(order), tuple(unpaired), tuple(tables), tuple(notes))


def _read_tables(found: Sequence[Source]) -> tuple[list[str], list[str], list[Source], list[Path]]:
    tables: list[str] = []
    notes: list[str] = []
    other: list[Source] = []
    listed: list[Path] = []
    for source in found:
        from app.core.io.table import read_cases

        try:
            table = read_cases(source.path)
        except InputError as error:
            other.append(source)
            notes.append(f"{source.title} was not taken as a table of cases: {error.message}")
            continue
        tables.append(source.path)
        listed += [Path(path).resolve() for case in table.cases for path in (*case.images.values(), case.mask) if path]
        if table.problems:
            notes.append(f"{source.title} has rows that cannot be used ({len(table.problems)}): {table.problems[0]}")
    return tables, notes, other, listed


def _is_listed(source: Source, listed: Sequence[Path]) -> bool:
    if not listed:
        return False
    known = set(listed)
    files = [Path(file).resolve() for file in source.files]
    return any(path in known or not known.isdisjoint(path.parents) for path in files)


def _by_folder_and_subject(sources: Sequence[Source]) -> list[_Group]:
    groups: dict[tuple[Path, str], _Group] = {}
    for source in sources:
        folder = subject_folder(Path(source.files[0]).parent)
        dicom = source.kind in ("dicom", "rtstruct", "seg")
        subject = "" if dicom else read_name(stem_of(source.path)).subject
        group = groups.setdefault((folder, subject.lower()), _Group(folder, subject))
        (group.masks if source.role_hint == "mask" else group.images).append(source)
    return list(groups.values())


def _join_readers(groups: list[_Group]) -> list[_Group]:
    """Join 'P1_mask_2' and 'P1_reader1_mask' to 'P1_t1' of their folder, unless an image is named as they are."""
    joined = list(groups)
    for group in groups:
        if group.images or not all(_reader(mask)[0] for mask in group.masks):
            continue
        names = {read_name(_reader(mask)[1]).subject.lower() for mask in group.masks}
        homes = [other for other in groups if other.images and other.folder == group.folder
                 and {other.subject.lower()} == names]
        if len(homes) == 1:
            homes[0].masks += group.masks
            joined.remove(group)
    return joined


def _reader(mask: Source) -> tuple[int, str]:
    return read_reader(stem_of(mask.path)) if mask.kind != "dicom" else (0, "")


def _join_single_subjects(groups: list[_Group]) -> list[_Group]:
    """Join 'mask' to 'scan7', and 'tumour_left' to 't1', where their folder holds the images of no other subject."""
    joined: list[_Group] = []
    for folder in dict.fromkeys(group.folder for group in groups):
        inside = [group for group in groups if group.folder == folder]
        named = [group for group in inside if group.subject]
        plain = [group for group in inside if not group.subject]
        if plain and plain[0].images and not any(group.images for group in named):
            for group in named:
                plain[0].masks += group.masks
            named = []
        elif len(named) == 1 and plain and not (named[0].masks and plain[0].masks):
            named[0].images += plain[0].images
            named[0].masks += plain[0].masks
            plain = []
        joined += named + plain
    return joined


def _join_by_reference(groups: list[_Group]) -> list[_Group]:
    """Join what an RTSTRUCT or SEG refers to, and otherwise what shares its frame of reference."""
    for group in groups:
        for mask in group.masks:
            home = next((other for other in groups if any(refers(mask, image) for image in other.images)), None)
            home = home or next((other for other in groups if mask.frame and not mask.refers_to
                                 and any(image.frame == mask.frame for image in other.images)), None)
            if home is not None and home is not group:
                group.masks = [other for other in group.masks if other is not mask]
                home.masks = [*home.masks, mask]
    return [group for group in groups if group.images or group.masks]


def _split_by_reference(group: _Group) -> list[_Group]:
    """Part a folder of several patients' DICOM: two outlines that refer to scans in different frames are two cases."""
    frames: dict[str, _Group] = {}
    for mask in group.masks:
        image = next((image for image in group.images if refers(mask, image)), None)
        if image is not None and image.frame:
            frames.setdefault(image.frame, _Group(group.folder, group.subject)).masks.append(mask)
    if len(frames) < 2:
        return [group]
    rest = _Group(group.folder, group.subject)
    rest.masks = [mask for mask in group.masks if not any(mask in part.masks for part in frames.values())]
    for image in group.images:
        frames.get(image.frame, rest).images.append(image)
    return [*frames.values(), *([rest] if rest.images or rest.masks else [])]


def _settle_roles(group: _Group) -> None:
    """Undo misleading names: 'tumour_t1' beside 'tumour_mask' is an image; of unnamed twins the 8-bit one is none."""
    if not group.images and len(group.masks) > 1:
        unsure = [mask for mask in group.masks if not read_name(stem_of(mask.path)).sure]
        if 0 < len(unsure) < len(group.masks):
            group.images, group.masks = unsure, [mask for mask in group.masks if mask not in unsure]
    if not group.masks:
        for image in group.images:
            others = [other for other in group.images if other is not image]
            if _looks_like_mask(image, others):
                group.images, group.masks = others, [image]
                return


def _looks_like_mask(source: Source, others: Sequence[Source]) -> bool:
    small = ("uint8", "int8", "bool")
    return (source.role_hint == "either" and source.details.get("type") in small and bool(others)
            and all(other.details.get("type") not in small and _same_grid(source, other) for other in others))


def _join_leftovers(groups: list[_Group]) -> list[_Group]:
    """Match images and outlines that folder and name left apart: same subject, same grid, or nothing else there."""
    def alike(image: _Group, mask: _Group) -> bool:
        return bool(image.subject) and image.subject.lower() == mask.subject.lower()

    def same_grid(image: _Group, mask: _Group) -> bool:
        return any(_same_grid(one, other) for one in image.images for other in mask.masks)

    def same_folder_grid(image: _Group, mask: _Group) -> bool:
        return image.folder == mask.folder and same_grid(image, mask)

    def nothing_else(image: _Group, mask: _Group) -> bool:
        return len(groups) == 2 and image is not mask

    for belongs in (alike, same_folder_grid, same_grid, nothing_else):
        alone = [group for group in groups if group.images and not group.masks]
        outlines = [group for group in groups if group.masks and not group.images]
        for mask in outlines:
            fitting = [image for image in alone if belongs(image, mask)]
            rivals = [other for other in outlines if fitting and belongs(fitting[0], other)]
            if len(fitting) == 1 and len(rivals) == 1:
                fitting[0].masks += mask.masks
                groups = [group for group in groups if group is not mask]
    pairs = [group for group in groups if group.images and not group.masks]
    if len(pairs) == 2:
        for image, other in (pairs, pairs[::-1]):
            if len(other.images) == 1 and _looks_like_mask(other.images[0], image.images):
                image.masks = other.images
                return [group for group in groups if group is not other]
    return groups


def _name_cases(groups: Sequence[_Group]) -> list[tuple[str, _Group]]:
    """Name each case by what its files are called, or else by its folder; then by both, then by number."""
    def folder_name(group: _Group) -> str:
        return _common_folder(group).name or "case"

    named = [(group.subject or folder_name(group), group) for group in groups]
    def full_name(group: _Group) -> str:
        return "_".join(filter(None, (_common_folder(group).parent.name, folder_name(group), group.subject)))

    for rename in (folder_name, full_name):
        taken = [identifier for identifier, _ in named]
        named = [(rename(group) if taken.count(identifier) > 1 else identifier, group) for identifier, group in named]
    seen: dict[str, int] = {}
    result = []
    for identifier, group in named:
        seen[identifier] = seen.get(identifier, 0) + 1
        result.append((identifier if seen[identifier] == 1 else f"{identifier}-{seen[identifier]}", group))
    return result


def _make_case(identifier: str, group: _Group) -> tuple[CaseFiles, list[Source], list[str]]:
    masks = sorted(group.masks, key=lambda mask: (is_unreadable(mask), _reader(mask)[0] == 2,
                                                  not any(refers(mask, i) for i in group.images),
                                                  not any(_same_grid(mask, i) for i in group.images), len(mask.path)))
    mask = masks[0] if masks else None
    images, series, left, notes = name_images(identifier, group.images, mask)
    rest = masks[1:]
    second = next((other for other in rest if _reader(other)[0] == 2 and not is_unreadable(other)), None)
    if second is not None:
        rest = [other for other in rest if other is not second]
        notes.append(f"{identifier}: {Path(second.path).name} is taken as a second reader's outline.")
    if rest and mask is not None:
        names = ", ".join(Path(other.path).name for other in rest)
        notes.append(f"{identifier} has {len(masks)} outlines; {Path(mask.path).name} is used, {names} left out.")
    if mask is None:
        notes.append(f"{identifier} has no outline yet.")
    if mask is not None and mask.kind == "dicom":
        series["mask"] = mask.series
    case = CaseFiles(id=identifier, images=images, mask=mask.path if mask else None, series=series,
                     mask_2=second.path if second else None)
    return case, left + rest, notes


def refers(mask: Source, image: Source) -> bool:
    """Whether an RTSTRUCT or SEG was drawn on an image."""
    return bool(image.series) and image.series.partition("#")[0] in mask.refers_to


def is_unreadable(source: Source) -> bool:
    """Whether the header alone showed that a source cannot be read."""
    return any(caution.code == "unreadable" for caution in source.cautions)


def _same_grid(one: Source, other: Source) -> bool:
    first, second = one.geometry, other.geometry
    return isinstance(first, Geometry) and second is not None and first.matches(second, tolerance_mm=0.1)


def _common_folder(group: _Group) -> Path:
    return subject_folder(Path(os.path.commonpath([Path(image.files[0]).parent for image in group.images])))

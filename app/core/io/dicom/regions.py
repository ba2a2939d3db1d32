"""Which region of a structure set or a segmentation is meant."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import Choice, ChoiceNeeded, EmptyMask


@dataclass(frozen=True)
class Region:
    """A named region.

    Parameters
    ----------
    number : int
        ROI or segment number.
    name : str
        As the file gives it.
    amount : int
        Its closed contours or its frames; 0 when nothing was drawn.
    """

    number: int
    name: str
    amount: int


def choose_region(regions: Sequence[Region], wanted: str | None, file: str, unit: str) -> Region:
    """Pick a region by name, or the only one that holds something.

    Parameters
    ----------
    regions : sequence of Region
        All of the file's.
    wanted : str, optional
        A name in any case, or a value of the choice that was offered.
    file : str
        The file's path, for the question.
    unit : str
        What `amount` counts, in the plural: 'contours' or 'slices'.

    Returns
    -------
    Region

    Raises
    ------
    EmptyMask
        The file or the wanted region holds nothing.
    ChoiceNeeded
        Several regions and none wanted, or none of that name; field 'roi'.
    """
    drawn = [region for region in regions if region.amount]
    if wanted is not None:
        found = [region for region in regions if _fold(wanted) in _keys(region, regions)]
        if len(found) == 1 and found[0].amount:
            return found[0]
        if len(found) == 1:
            raise EmptyMask(f"The region '{found[0].name}' holds no {unit}.", _offer(drawn))
    if not drawn:
        count = f"names {len(regions)} region{'s' * (len(regions) != 1)}" if regions else "names no region"
        raise EmptyMask(f"The outline file {count} and holds no {unit}.", "Choose a file that outlines the tumour.")
    if wanted is None and len(drawn) == 1:
        return drawn[0]
    raise _ask(drawn, regions, wanted, file, unit)


def _ask(drawn: Sequence[Region], regions: Sequence[Region], wanted: str | None, file: str, unit: str) -> ChoiceNeeded:
    options = [Choice(_value(region, regions), region.name or f"region {region.number}", {unit: str(region.amount)})
               for region in drawn]
    listed = ", ".join(option.value for option in options)
    if wanted is None:
        message = f"The outline file holds {len(drawn)} regions: {listed}."
    else:
        near = difflib.get_close_matches(_fold(wanted), [_fold(option.value) for option in options], n=1, cutoff=0.5)
        meant = next((option.value for option in options if near and _fold(option.value) == near[0]), None)
        message = (f"The outline file holds no region '{wanted}'; it holds {listed}."
                   + (f" Did you mean '{meant}'?" if meant else ""))
    return ChoiceNeeded(message, "Choose the tumour; on the command line, name it with --roi.", "roi", options, file)


def _offer(drawn: Sequence[Region]) -> str:
    return f"Choose one of {', '.join(region.name for region in drawn)}." if drawn else "Choose another outline file."


def _value(region: Region, regions: Sequence[Region]) -> str:
    alone = bool(region.name) and sum(_fold(other.name) == _fold(region.name) for other in regions) == 1
    return region.name if alone else f"{region.name} ({region.number})".strip()


def _keys(region: Region, regions: Sequence[Region]) -> set[str]:
    return {_fold(region.name), _fold(_value(region, regions))} - {""}


def _fold(name: str) -> str:
    return " ".join(name.casefold().split())

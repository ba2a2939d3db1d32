"""What of a case a model reads: which of its sequences, and what is known of it beside its images."""

from __future__ import annotations

from dataclasses import replace

from app.core.bundle import Bundle, Context
from app.core.data import Case, Caution

PREFERRED = ("t1_fs_gd", "t1_gd", "t1_fs", "t1")
"""What a model of one sequence means; the shipped ones were made of fat-suppressed, contrast-enhanced T1."""


def choose_sequences(case: Case, bundle: Bundle) -> tuple[Case, list[Caution]]:
    """Keep the sequence a single-sequence model measures; say so when the case has several.

    A model of one sequence prefers the one that its recipe names, or a fat-suppressed, contrast-enhanced T1.
    """
    if len(case.images) == 1:
        return case, []
    if case.mask is not None and not bundle.measures.classes and not bundle.takes_pictures:
        own = (name for name, image in case.images.items() if image.geometry.matches(case.mask.geometry))
        return _keep(case, next(own, next(iter(case.images)))), []
    network = bundle.specification.recipe.network
    named = network.crop.sequence if network is not None else ""
    names = list(case.images)
    keys = {case.acquisition[name].sequence: name for name in reversed(names)} | {name: name for name in names}
    chosen = next((keys[name] for name in (named, *PREFERRED) if name in keys), next(iter(case.images)))
    told = (
        f"The case has {len(case.images)} sequences and the model "
        f"'{bundle.specification.name}' reads one: {chosen} was measured."
    )
    if named and named not in keys:
        told += f" It was trained on {named}, which is not among them."
    return _keep(case, chosen), [Caution("sequence_chosen", told)]


def _keep(case: Case, sequence: str) -> Case:
    return replace(case, images={sequence: case.images[sequence]}, acquisition={sequence: case.acquisition[sequence]})


def describe_case(case: Case) -> Context:
    """What is known of a case beside its features, under the names that harmonisation uses.

    What the user says of the case goes before what its image's header says of the scanner.
    """
    known: dict[str, str | float | None] = {"site": case.site or None}
    for acquisition in case.acquisition.values():
        known |= {"vendor": acquisition.manufacturer or None, "field_strength": acquisition.field_strength}
    return known | {name: value for name, value in case.reading.items() if value != ""}

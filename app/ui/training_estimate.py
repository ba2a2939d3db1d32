"""How long a run will take, from what one repeat of the folds takes with each model."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from app.core.requests import TrainRequest
from app.ui.training_draft import Draft

LEARNING_SHARES, LEARNING_FOLDS = 4, 20
"""Of the learning curve: steps that are not measured anyway, and folds of each at most."""
FEWEST_SITES, SITE_REPEATS = 5, 2
"""From how many sites on they are held out whole, and how often their groups are drawn at most."""


def estimate(draft: Draft, found: Mapping[str, Any], seconds: Mapping[str, float | None],
             networks: Container[str]) -> float | None:
    """Seconds that a run will take once images are measured; None while a model is not timed.

    Parameters
    ----------
    draft : Draft
    found : mapping
        What the table holds.
    seconds : mapping of str to float or None
        Of one repeat of the folds, by model.
    networks : container of str
        Models that learn from pictures: ComBat does not run them twice, and the last fit, on all cases, takes as long
        as any other.
    """
    taken = [(name, seconds.get(name)) for name in draft.models]
    known = {name: each for name, each in taken if each is not None}
    if not taken or len(known) < len(taken):
        return None
    twice = set() if draft.harmonise == "none" else {name for name in known if name not in networks}
    folds = sum(each * (2 if name in twice else 1) for name, each in known.items()) * draft.repeats
    primary = known[draft.declared]
    final = primary / draft.folds if draft.declared in networks else 0.0
    return folds + sum(known.values()) * site_rounds(found, draft) + primary * checking_rounds(draft) + final


def checking_rounds(draft: Draft) -> float:
    """How many repeats of the primary model the audit and the learning curve are worth."""
    audit = TrainRequest.model_fields["permutations"].default + 1 if draft.audit else 0
    curve = LEARNING_SHARES * min(draft.repeats, max(1.0, LEARNING_FOLDS / draft.folds)) if draft.learning_curve else 0
    return float(audit + curve)


def site_rounds(found: Mapping[str, Any], draft: Draft) -> float:
    """How many repeats of the folds it is worth to hold whole sites out, where there are enough of them."""
    sites = len((found.get("advice") or {}).get("sizes") or ())
    if sites < FEWEST_SITES:
        return 0.0
    return sites / draft.folds if draft.one_site_out else float(min(draft.repeats, SITE_REPEATS))

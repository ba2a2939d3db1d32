"""Which model scores a sequence unless the reader has chosen one by hand; kept in the settings, said when used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SETTING = "sequence_models"


def default_model(cases: Sequence[Mapping[str, Any]], defaults: Mapping[str, str],
                  models: Sequence[Mapping[str, Any]]) -> str:
    """Name the model that is the default for the sequences of cases; '' where none is, or where they disagree.

    Parameters
    ----------
    cases : sequence of mapping
        `CaseFiles` as JSON: the sequences are the names of their `images`.
    defaults : mapping of str to str
        Sequence to model.
    models : sequence of mapping
        The library; a model that is not in it, or does not verify, is nobody's default.
    """
    able = {str(model["name"]) for model in models if model.get("verified", True)}
    named = [{defaults[name] for name in case["images"] if defaults.get(name) in able} for case in cases]
    found = set().union(*named)
    return next(iter(found)) if len(found) == 1 and all(named) else ""


def sequences_of(model: str, defaults: Mapping[str, str]) -> list[str]:
    """List the sequences that a model is the default for."""
    return [sequence for sequence, name in defaults.items() if name == model]


def with_default(defaults: Mapping[str, str], sequence: str, model: str) -> dict[str, str]:
    """Make a model the default for a sequence, in place of the former one; '' makes none."""
    others = {name: value for name, value in defaults.items() if name != sequence}
    return {**others, sequence: model} if model else others

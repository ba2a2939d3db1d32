"""What the columns of a table are for, as far as their names and cells tell: the guesses that a user may change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.core.io.table import names_a_person
from app.core.workflows.hidden_label import is_named_like_an_outcome
from app.core.workflows.learning_columns import as_words, may_be_feature

if TYPE_CHECKING:
    import pandas as pd

ROLES = ("patient", "label", "site", "clinical", "feature", "file", "ignore")
MOST_LISTED = 20
_EXAMPLES = 3
_RECUR = 0.9
"""Different values, as a share of the rows, up to which a column may name sites."""
_PATIENT = ("patient", "patient_id", "patientid", "subject", "subject_id", "subjectid", "case", "case_id", "id")
_SITE = ("site", "centre", "center", "hospital", "institution", "institute", "scanner", "manufacturer", "vendor",
         "acquisition_manufacturer")
_CLINICAL = frozenset({"age", "sex", "gender", "location", "depth", "bmi"})
_OUTCOME = re.compile(r"label|diagnos|class|target|outcome|malign|histolog|metasta|recurr|respon|event|mutat|codel|"
                      r"grade|subtype", re.IGNORECASE)
_EXACT = ("label", "diagnosis", "class", "target", "outcome")
_FILE = re.compile(r"image(_.*)?|mask(_2|_label)?|roi|series|orientation", re.IGNORECASE)


def describe_columns(
    frame: pd.DataFrame, roles: Mapping[str, Any] | None, *, images: bool = False
) -> list[dict[str, Any]]:
    """Say what each column holds and is likely for.

    Parameters
    ----------
    frame : pandas.DataFrame
    roles : mapping or None
        What the note beside the table says its columns are.
    images : bool
        Whether the features are still to be measured; then none of its columns is one.

    Returns
    -------
    list of dict
        `name`, `kind` ('number', 'words', 'text', 'empty'), `distinct`, `missing`, `values` (every different one,
        where they are few), `examples` (none where the cells tell who a patient is) and `role_guess`.
    """
    described = [_describe(frame[name]) for name in frame.columns]
    guesses = _guess(described, {"feature": ()} if images else roles)
    return [{**each, "role_guess": guesses[each["name"]]} for each in described]


def _describe(column: pd.Series) -> dict[str, Any]:
    name, words = str(column.name), as_words(column)
    known = [word for word in words if word]
    distinct = list(dict.fromkeys(known))
    numeric = column.dtype.kind in "fiu"
    few = len(distinct) <= MOST_LISTED and len(distinct) < max(len(known), 2)
    hidden = names_a_person(name)
    return {
        "name": name,
        "kind": "empty" if not known else "number" if numeric else "words" if few else "text",
        "distinct": len(distinct),
        "missing": len(words) - len(known),
        "values": sorted(distinct) if few and not hidden else None,
        "examples": [] if hidden else [_shorten(word) if numeric else word for word in distinct[:_EXAMPLES]],
    }


def _shorten(number: str) -> str:
    return f"{float(number):.4g}"


def _guess(described: list[dict[str, Any]], roles: Mapping[str, Any] | None) -> dict[str, str]:
    names = [each["name"] for each in described]
    guessed = {each["name"]: _part(each, roles) for each in described}
    told = {role: str((roles or {}).get(role) or "") for role in ("patient", "label", "site")}
    patient = told["patient"] or _first(names, _PATIENT) or _row_names(described)
    site = told["site"] or next((name for name in (_first(names, (each,)) for each in _SITE) if name and _repeats(
        described, name)), "")
    label = told["label"] or _guess_label([each for each in described if each["name"] not in (patient, site)])
    for role, name in (("site", site), ("label", label), ("patient", patient)):
        if name in guessed:
            guessed[name] = role
    return guessed


def _part(column: Mapping[str, Any], roles: Mapping[str, Any] | None) -> str:
    name = str(column["name"])
    if names_a_person(name) or column["kind"] == "empty":
        return "ignore"
    if _FILE.fullmatch(name):
        return "file"
    if name.lower() in _CLINICAL:
        return "clinical"
    outcome = roles is None and is_named_like_an_outcome(name)
    return "feature" if column["kind"] == "number" and may_be_feature(name, roles) and not outcome else "ignore"


def _first(names: list[str], wanted: tuple[str, ...]) -> str:
    return next((name for want in wanted for name in names if name.casefold() == want), "")


def _row_names(described: list[dict[str, Any]]) -> str:
    """The first column, where each of its cells is a different word: it names the rows."""
    first = described[0] if described else None
    whole = first is not None and first["kind"] == "text" and not first["missing"] and not names_a_person(first["name"])
    return str(first["name"]) if first is not None and whole else ""


def _repeats(described: list[dict[str, Any]], name: str) -> bool:
    """Whether a column's values recur: some site has several cases."""
    most = max(each["distinct"] + each["missing"] for each in described)
    found = next(each for each in described if each["name"] == name)
    return bool(1 < found["distinct"] <= _RECUR * most)


def _guess_label(described: list[dict[str, Any]]) -> str:
    """The column of two values that is named like an outcome; or the only one of two values at all."""
    two = [each["name"] for each in described if each["distinct"] == 2 and each["name"].lower() not in _CLINICAL]
    exact = _first([each["name"] for each in described], _EXACT)
    if exact:
        return exact
    named = [name for name in two if _OUTCOME.search(name)]
    words = [each["name"] for each in described if each["name"] in two and each["kind"] == "words"]
    return named[0] if named else words[0] if len(words) == 1 else ""

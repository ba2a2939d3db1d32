"""Failures in words: what the reader sees when a thing cannot be done; never an exception's name, nor an apology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.errors import Failure


@dataclass(frozen=True)
class Message:
    """Words for a panel.

    Parameters
    ----------
    sentence, remedy : str
        What was found, and the next step.
    points : tuple of str
        One line per problem, for tables.
    details : str
        For the clipboard, when the fault is ours; empty otherwise.
    can_retry : bool
        Whether trying the same again can help.
    """

    sentence: str
    remedy: str
    points: tuple[str, ...] = ()
    details: str = ""
    can_retry: bool = True


def as_failure(value: Failure | Mapping[str, Any] | str) -> Failure:
    """Accept a failure as the engine hands it over: the record itself or its JSON."""
    if isinstance(value, Failure):
        return value
    if isinstance(value, str):
        return Failure("app", value)
    known = {name: value[name] for name in ("kind", "message", "remedy", "traceback", "extra") if value.get(name)}
    known.setdefault("kind", "app")
    known.setdefault("message", "")
    return Failure(**known)


def words_for(value: Failure | Mapping[str, Any] | str, doing: str = "") -> Message:
    """Put a failure into words.

    Parameters
    ----------
    value : Failure, mapping or str
        What the engine reported.
    doing : str
        What was being done, as in 'scoring STS_003'.
    """
    failure = as_failure(value)
    if failure.kind == "unexpected":
        step = f" while {doing}" if doing else ""
        details = "\n".join(part for part in (failure.message, failure.traceback) if part)
        return Message(f"LipoScope met a fault of its own{step}. Your files are untouched.",
                       "Try again; if it returns, copy the details and send them to whoever looks after LipoScope.",
                       details=details or "no details")
    points = tuple(str(issue) for issue in failure.extra.get("issues", ()))
    return Message(failure.message or "This could not be done.", failure.remedy, points,
                   can_retry=failure.kind != "choice")


def is_choice(value: Failure | Mapping[str, Any]) -> bool:
    """Whether only the user can say how to go on."""
    failure = as_failure(value)
    return failure.kind == "choice" and bool(failure.extra.get("options"))

"""What can go wrong, in the user's words: every error carries a sentence and the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

_LONG_WORD = re.compile(r"\S{300,}")


def _legible(text: str) -> str:
    """Make what a sentence repeats from a damaged file fit to be read: no control characters, no endless words."""
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "\ufffd" for letter in text)
    return _LONG_WORD.sub(lambda word: f"{word.group()[:80]}...", shown)


class AppError(Exception):
    """A problem that can be told to the user.

    Parameters
    ----------
    message : str
        What was found and what was expected, as one sentence.
    remedy : str
        What to do next, as one sentence; may be empty.
    """

    kind = "app"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = _legible(message)
        self.remedy = _legible(remedy)

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class InputError(AppError):
    """The user's files or settings cannot be used as they are."""

    kind = "input"


class UnreadableImage(InputError):
    """A file is not an image this program can read, or is damaged."""

    kind = "unreadable"


class GeometryMismatch(InputError):
    """Two things that should lie in the same place do not."""

    kind = "geometry"


class EmptyMask(InputError):
    """An outline holds no voxel."""

    kind = "empty_mask"


class RecipeError(InputError):
    """A settings object does not validate."""

    kind = "recipe"


class BundleError(InputError):
    """A saved model cannot be trusted or read."""

    kind = "bundle"


class EngineError(AppError):
    """The engine process failed: a crash, a lost pipe, no memory."""

    kind = "engine"


class CohortError(InputError):
    """Everything that is wrong with a table, collected.

    Parameters
    ----------
    message : str
        The summary sentence.
    issues : list of str
        One sentence per problem, with its row.
    """

    kind = "cohort"

    def __init__(self, message: str, issues: list[str], remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.issues = issues

    def __str__(self) -> str:
        return " ".join([self.message, *self.issues, self.remedy]).strip()


@dataclass(frozen=True)
class Choice:
    """One answer to a `ChoiceNeeded`.

    Parameters
    ----------
    value : str
        What to put in the request.
    title : str
        What the user reads.
    details : dict of str to str
        The tags or figures that tell the answers apart.
    thumbnail : list of list of int, optional
        A small grey picture, shape (rows, columns), 0 to 255, as displayed.
    """

    value: str
    title: str
    details: dict[str, str] = field(default_factory=dict)
    thumbnail: list[list[int]] | None = None


class ChoiceNeeded(InputError):
    """The files allow more than one reading, and only the user can say which.

    Parameters
    ----------
    message, remedy : str
        As for `AppError`; the remedy names the command line's flag.
    field : str
        Where the answer belongs in a `CaseFiles`: 'series', 'roi', 'label' or 'orientation'.
    options : list of Choice
        The possible answers.
    about : str
        What the question is about: the image's sequence, or the mask's path.
    """

    kind = "choice"

    def __init__(self, message: str, remedy: str, field: str, options: list[Choice], about: str = "") -> None:
        super().__init__(message, remedy)
        self.field = field
        self.options = options
        self.about = about


class Cancelled(Exception):
    """The user asked to stop; not an error."""


@dataclass(frozen=True)
class Failure:
    """An error as it crosses from the engine to the window or the terminal.

    Parameters
    ----------
    kind : str
        The error class's `kind`; 'unexpected' for a fault of ours.
    message, remedy : str
        What the user reads.
    traceback : str
        For the log; never shown.
    extra : dict
        JSON values of particular kinds: `issues`, or a choice's `field`, `about`, `options`.
    """

    kind: str
    message: str
    remedy: str = ""
    traceback: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

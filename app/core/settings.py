"""The base of every settings object: frozen, validated, JSON in and out, and one sentence for what does not fit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.errors import RecipeError

PositiveFloat = Annotated[float, Field(gt=0)]
MOST_BYTES = 2**22
"""Of a recipe's file."""
MOST_LETTERS = 80
"""Of a value that a sentence repeats."""


def _as_told(reason: str) -> str:
    """Pydantic's reason as the end of our sentence."""
    reason = reason.removeprefix("Value error, ").replace("Field required", "a value is missing")
    return (reason[:1].lower() + reason[1:]).replace("input should", "it should")


class Settings(BaseModel):
    """Base of every settings object: frozen, and unknown names are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parse(cls, values: dict[str, Any] | str | Path) -> Self:
        """Read settings from a mapping, JSON text's file, or raise one sentence.

        Raises
        ------
        RecipeError
            Names the first setting that does not validate, the value found and what was expected.
        """
        if isinstance(values, (str, Path)):
            path = Path(values)
            try:
                if path.stat().st_size > MOST_BYTES:
                    raise RecipeError(f"The recipe {path.name} is larger than any recipe.",
                                      "Choose a JSON recipe or one of the shipped names.")
                values = json.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                raise RecipeError(
                    f"The recipe {path.name} cannot be read ({error}).",
                    "Choose a JSON recipe or one of the shipped names.",
                ) from error
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = _setting(first["loc"])
            told = [_as_told(each["msg"]) for each in error.errors() if _setting(each["loc"]) == where]
            raise RecipeError(
                f"The setting '{where or cls.__name__}' has the value {shorten(repr(first.get('input')))}: "
                f"{', or '.join(dict.fromkeys(told))}.",
                "Correct it and try again.",
            ) from error


def shorten(value: str) -> str:
    """Cut what would make a sentence unreadable, such as a whole recipe."""
    return value if len(value) <= MOST_LETTERS else f"{value[: MOST_LETTERS - 4]} ..."


def _setting(location: tuple[int | str, ...]) -> str:
    """Where a setting stands, up to the name of a type that its value was tried as."""
    names = [str(part) for part in location]
    tried = (place for place, name in enumerate(names) if name in ("int", "float", "str") or name.startswith("tuple["))
    return ".".join(names[: next(tried, len(names))])

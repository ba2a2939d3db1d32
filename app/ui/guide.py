"""The guide's pages: where they lie, what they are called, and which of their parts speak of what is searched for."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.core.paths import program_folder

PAGES = ("index", "first-case", "numbers", "cautions", "keys", "cohort", "first-training", "results", "library",
         "networks", "settings", "statistics", "privacy", "it")
WRITTEN_ELSEWHERE = {"keys": "Keys and mouse"}
PLACES = {"Score": "first-case", "Cohort": "cohort", "Train": "first-training", "Results": "results",
          "Library": "library", "Settings": "settings"}
_HEADING = re.compile(r"<h([1-3])>(?:<a name=\"([\w-]+)\"></a>)?(.*?)</h\1>", re.DOTALL)
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True)
class Part:
    """A heading of a page and what stands under it, as plain words.

    Parameters
    ----------
    page, anchor : str
        Where it is.
    title, words : str
    """

    page: str
    anchor: str
    title: str
    words: str


def help_folder() -> Path:
    """Where pages and pictures lie."""
    return program_folder() / "resources" / "help"


@cache
def read_page(name: str) -> str:
    """Read a page's HTML."""
    return (help_folder() / "guide" / f"{name}.html").read_text(encoding="utf-8")


def title_of(name: str) -> str:
    """Return a page's title."""
    found = WRITTEN_ELSEWHERE.get(name) or _HEADING.search(read_page(name))
    return found if isinstance(found, str) else plain(found[3]) if found else name


def plain(text: str) -> str:
    """Return HTML as words."""
    return " ".join(html.unescape(_TAG.sub(" ", text)).split())


def anchor_of(caution: str) -> str:
    """Return where a caution's entry is; the top of the page for one that has none."""
    return caution if any(part.anchor == caution for part in parts_of("cautions")) else ""


@cache
def parts_of(name: str) -> tuple[Part, ...]:
    """Cut a page at its headings."""
    if name in WRITTEN_ELSEWHERE:
        return ()
    page = read_page(name)
    heads = list(_HEADING.finditer(page))
    ends = [head.start() for head in heads[1:]] + [len(page)]
    return tuple(Part(name, head[2] or "", plain(head[3]), plain(page[head.end():end]))
                 for head, end in zip(heads, ends, strict=True))


def search(words: str, further: Mapping[str, str] | None = None) -> list[Part]:
    """Find the parts that hold every word, those first whose titles do.

    Parameters
    ----------
    words : str
        Any case; parts of words count.
    further : mapping of str to str, optional
        HTML of pages that are written elsewhere.
    """
    wanted = words.casefold().split()
    if not wanted:
        return []
    parts = [part for name in PAGES for part in parts_of(name)]
    parts += [Part(name, "", WRITTEN_ELSEWHERE[name], plain(text)) for name, text in (further or {}).items()]
    found = [part for part in parts if all(word in f"{part.title} {part.words}".casefold() for word in wanted)]
    return sorted(found, key=lambda part: not all(word in part.title.casefold() for word in wanted))

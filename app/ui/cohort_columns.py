"""How the cases of a cohort are told in a table: columns, standing in words with a mark, counts, filters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.ui.widgets.record_model import Column, Mark, Record

STANDINGS = {"ready": "ready", "no outline": "no outline", "problem": "problem", "waiting": "waiting",
             "measured": "measured", "before": "measured before", "failed": "failed"}
_MARKS: dict[str, Mark] = {"ready": ("ring", "text_dim"), "no outline": ("question", "warning"),
                           "problem": ("cross", "malignant"), "waiting": ("dots", "text_dim"),
                           "measured": ("circle", "accent"), "before": ("circle", "text_dim"),
                           "failed": ("exclamation", "warning")}
_SAID = {"ready": "{n} ready", "no outline": "{n} without outline", "problem": "{n} problem{s}",
         "waiting": "{n} waiting", "measured": "{n} measured", "before": "{n} measured before", "failed": "{n} failed"}


def standing(record: Record) -> str:
    """How a case stands: what the run made of it, else what was matched; a key of `STANDINGS`."""
    return str(record.get("state") or record["status"])


def reason(record: Record) -> str:
    """Why it stands so; '' when there is nothing to say."""
    return str(record.get("reason") or record.get("message") or "")


def _standing_text(record: Record) -> str:
    why = reason(record)
    word = STANDINGS.get(standing(record), standing(record))
    return f"{word}: {why}" if why else word


def _files(record: Record) -> str:
    images: Mapping[str, str] = record.get("images") or {}
    lines = [f"{name}: {path}" for name, path in images.items()]
    lines += [f"{title}: {record[key]}" for key, title in (("mask", "outline"), ("mask_2", "second outline"))
              if record.get(key)]
    return "\n".join(lines)


def _name(path: Any) -> str:
    return Path(str(path)).name if path else ""


def _outline(record: Record) -> str:
    second = record.get("mask_2")
    return _name(record.get("mask")) + (f" and {_name(second)}" if second else "")


def _images(record: Record) -> str:
    images: Mapping[str, str] = record.get("images") or {}
    return ", ".join(f"{name} ({_name(path)})" if name != "image" else _name(path) for name, path in images.items())


COLUMNS = (
    Column("Case", lambda record: record["case"],
           about="Ticked cases are measured; the space bar ticks, Ctrl+Z takes it back"),
    Column("Sequences", _images, tip=_files, about="What was matched as its images"),
    Column("Outline", _outline, tip=_files, about="What was matched as its outline"),
    Column("Standing", _standing_text, mark=lambda record: _MARKS.get(standing(record)),
           about="Whether it can be measured, and what came of it"),
)
WIDTHS = (150, 230, 170, 200)


def can_be_measured(record: Record) -> bool:
    """Whether a case has what measuring needs."""
    return bool(record["status"] == "ready")


def counts_text(records: Sequence[Record], left_out: int) -> str:
    """Count the cases by standing: '32 cases: 30 ready, 1 without outline, 1 problem'."""
    found = Counter(standing(record) for record in records)
    parts = [_SAID[name].format(n=f"{found[name]:,}", s="s" if found[name] != 1 else "")
             for name in STANDINGS if found[name]]
    total = len(records)
    words = f"{total:,} case{'s' if total != 1 else ''}" + (f": {', '.join(parts)}" if parts else "")
    return words + (f"; {left_out:,} left out" if left_out else "")


def filters(records: Sequence[Record]) -> list[tuple[str, str]]:
    """The standings to choose from, as (words with count, standing); '' stands for all."""
    found = Counter(standing(record) for record in records)
    return [(f"All ({len(records):,})", ""),
            *((f"{word[:1].upper()}{word[1:]} ({found[name]:,})", name) for name, word in STANDINGS.items()
              if found[name])]

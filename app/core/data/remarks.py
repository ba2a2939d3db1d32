"""What is said about a value beside the value: cautions, and the steps that it went through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Caution:
    """Something the reader must know before trusting a number."""

    code: str
    message: str


@dataclass(frozen=True)
class TraceEntry:
    """One step that was applied, with its settings and the seconds it took."""

    step: str
    settings: Mapping[str, Any]
    seconds: float

"""What the store gives back: frozen records, JSON values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from app.core.requests import CaseFiles

Status = Literal["waiting", "scoring", "scored", "failed", "needs_choice"]

QueueChange = Literal["queue", "begin", "drop"]


@dataclass(frozen=True)
class StoredScore:
    """A score and where it came from.

    Parameters
    ----------
    id : int
        Grows with time.
    entry : str
        The worklist entry it belongs to; empty when scored without one.
    score : dict
        The workflow's answer.
    model, digest : str
        Which model, and the SHA-256 of its bundle.
    versions : dict of str to str
        What computed it.
    request : str
        The job's id: its run folder holds `request.json`.
    time : datetime
        When it was kept, UTC.
    """

    id: int
    entry: str
    score: dict[str, Any]
    model: str
    digest: str
    versions: dict[str, str]
    request: str
    time: datetime


@dataclass(frozen=True)
class Entry:
    """A case in the worklist.

    Parameters
    ----------
    id : str
        The store's own name for it.
    case : CaseFiles
        Its files and the user's choices.
    status : str
        'waiting', 'scoring', 'scored', 'failed' or 'needs_choice'.
    added : datetime
        UTC.
    note : dict
        For 'failed' and 'needs_choice': the failure as JSON.
    score : StoredScore, optional
        The last one.
    """

    id: str
    case: CaseFiles
    status: Status
    added: datetime
    note: dict[str, Any] = field(default_factory=dict)
    score: StoredScore | None = None


@dataclass(frozen=True)
class AuditRow:
    """Something that was done, and when (UTC)."""

    id: int
    time: datetime
    action: str
    subject: str
    details: dict[str, Any]

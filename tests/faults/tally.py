"""What a scenario found, as a line of a table; and what may lie in a folder after a kill."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tally:
    """Kills of a scenario, the states they left, and what was wrong.

    Parameters
    ----------
    name : str
    kills : int
        Processes that died of SIGKILL before their work was done.
    states : Counter
        What was found afterwards.
    losses : list of str
        What should have been there and was not, or was there and should not.
    leftovers : int
        Files that were still lying about after the next start.
    """

    name: str
    kills: int = 0
    states: Counter[str] = field(default_factory=Counter)
    losses: list[str] = field(default_factory=list)
    leftovers: int = 0
    seconds: float = 0.0

    def row(self) -> dict[str, object]:
        """As a line of a table."""
        states = ", ".join(f"{count} {state}" for state, count in self.states.most_common())
        return {"scenario": self.name, "kills": self.kills, "losses": len(self.losses), "leftovers": self.leftovers,
                "seconds": round(self.seconds, 1), "states found": states}


def hidden_in(folder: Path) -> list[Path]:
    """List what is only for now: whatever has a name that begins with a dot."""
    return [path for path in folder.rglob("*") if path.name.startswith(".")]


def visible_in(folder: Path) -> list[Path]:
    """List the files that a user sees: neither hidden nor inside something hidden."""
    return [path for path in folder.rglob("*")
            if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)]

"""What is done with a row, by its site: harmonised with its own parameters or its group's, or left, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.core.harmonise.design import words

if TYPE_CHECKING:
    import pandas as pd

APART = " | "


@dataclass(frozen=True)
class KnownSites:
    """What a fitted harmonisation knows about sites, and what its settings say about the others.

    Parameters
    ----------
    batches : mapping of str to str
        Policy of everything that has parameters: 'harmonised', 'reference', 'mean_only', 'adapted' or 'merged'.
    counts : mapping of str to int
        Training cases of each site.
    groups : collection of str
        Protocol groups with parameters.
    unseen : str
        The policy for sites that training did not have.
    merge : bool
        Whether small sites of one protocol make a site.
    estimate_from : int
        Rows from which a new site is estimated.
    left : str
        Why nothing is harmonised, or ''.
    """

    batches: Mapping[str, str]
    counts: Mapping[str, int]
    groups: Mapping[str, Any]
    unseen: str
    merge: bool
    estimate_from: int
    left: str

    def decide(self, site: str, keys: Sequence[str], rows: int) -> dict[str, Any]:
        """Decide on a row.

        Parameters
        ----------
        site : str
            '' where it is not stated.
        keys : sequence of str
            The row's protocol groups, the narrowest first.
        rows : int
            Rows of the same site in the table.

        Returns
        -------
        dict
            `site`, `policy`, `batch`, `caution`; see `Combat.explain`.
        """
        told = f"The site {site}" if site else "The row's site is not stated; it"
        policy, batch, caution = "left_unseen", "", f"{told} was not in training; the features are left as they are."
        key = next((key for key in keys if key in self.groups), None)
        if site in self.batches:
            policy, batch, caution = self.batches[site], site, ""
        elif site in self.counts and self.merge and site and name_merged(keys) in self.batches:
            policy, batch, caution = "merged", name_merged(keys), ""
        elif site in self.counts:
            policy = "left_small"
            few = f"{told} had too few training cases ({self.counts[site]}); the features are left as they are."
            caution = self.left or (few if site else "The row's site is not stated; the features are left as they are.")
        elif self.unseen == "refuse":
            policy, caution = "refused", f"{told} was not in training."
        elif self.unseen == "nearest" and key is not None:
            policy, batch, caution = "nearest", key, f"{told} was not in training; sites with {key} stand in."
        elif self.unseen == "nearest":
            caution = f"{told} was not in training, nor was the protocol; the features are left as they are."
        elif self.unseen == "estimate" and self.batches and site and rows >= self.estimate_from:
            policy, batch = "estimated", site
            caution = f"{told} was not in training; it was estimated from {rows} cases."
        return {"site": site or None, "policy": policy, "batch": batch, "caution": caution}


def protocol_keys(table: pd.DataFrame, group_by: Sequence[str]) -> list[list[str]]:
    """Protocol groups of each row, the narrowest first; a missing value ends a group's name."""
    found: list[list[str]] = []
    columns = [words(table, name) for name in group_by]
    for values in zip(*columns, strict=True) if columns else ((),) * len(table):
        stated = values[: values.index("")] if "" in values else values
        found.append([APART.join(stated[:size]) for size in range(len(stated), 0, -1)])
    return found


def name_merged(keys: Sequence[str]) -> str:
    """Name of the batch that small sites of a protocol make together."""
    return f"small sites ({keys[0]})" if keys else "small sites"

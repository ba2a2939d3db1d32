"""What a report says of the networks behind a score, and of where they looked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def describe_look(score: Mapping[str, Any]) -> list[str]:
    """Say which networks answered, how much of what they looked at was the tumour, and what a map is.

    Parameters
    ----------
    score : mapping
        The JSON of a score.

    Returns
    -------
    list of str
        Sentences; empty for a score that no network gave.
    """
    network, found = score.get("network"), score.get("attention")
    said = []
    if network:
        number = network["networks"]
        said.append(
            f"Answered by {'one network' if number == 1 else f'{number} networks'} ({network['kind']}), "
            f"{network['parameters']:,} parameters."
        )
        apart = f"of the networks {network['spread_networks']:.2f}, " if number > 1 else ""
        said.append(f"Standard deviation in log odds: {apart}of varied pictures {network['spread_views']:.2f}.")
    if found and found["share"] is None:
        said.append(f"No place in the pictures spoke for {found['class']}.")
    elif found:
        said.append(
            f"{100 * found['share']:.0f} % of what the network looked at (Grad-CAM, for {found['class']}) lies in the "
            f"tumour; an even spread would have {100 * found['expected']:.0f} %."
        )
    if found:
        said.append("A map shows where the network's answer came from, not where the disease is.")
    return said

"""Words about where a network looked, and about the networks behind a score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.ui.widgets.attention_map import AttentionMap

CAUTION = "looks_elsewhere"
MEANING = "It shows where the network's answer came from, not where the disease is."
_LITTLE, _NOWHERE = 0.02, ": no single place decides"
_RESTS = "the answer may rest on something other than the tumour."
_LOOKED = {"gradcam": "of what the network looked at", "occlusion": "of what covering costs"}


def share_sentence(share: float | None, expected: float | None, towards: str, method: str = "gradcam") -> str:
    """Say how much of a map lies in the tumour, and how much would by chance."""
    if share is None:
        return f"No place in the pictures spoke for {towards}."
    even = f"; an even spread would have {_percent(expected)}" if expected is not None else ""
    return f"{_percent(share)} {_LOOKED[method]} lies in the tumour{even}."


def elsewhere_sentence(score: Mapping[str, Any], found: AttentionMap | None = None) -> str:
    """Warn beside a map that the network looked elsewhere: by that map, or else by the Grad-CAM of the score."""
    share = (score.get("attention") or {}).get("share")
    warned = share is not None and any(caution.get("code") == CAUTION for caution in score.get("cautions") or ())
    if found is not None and found.method == "occlusion":
        if found.share is not None and found.looks_elsewhere:
            return f"It looked elsewhere: {_RESTS}"
        return f"By Grad-CAM {_percent(share)}: {_RESTS}" if warned else ""
    return f"It looked elsewhere: {_RESTS}" if warned else ""


def network_sentence(score: Mapping[str, Any]) -> str:
    """Say what kind of network answered, how many of them, and how far they and varied pictures differ."""
    network = score.get("network")
    if not network:
        return ""
    count = int(network.get("networks") or 1)
    parts = [str(network["kind"]), f"{count} networks" if count > 1 else "one network"]
    if network.get("parameters"):
        parts.append(f"{network['parameters']:,} parameters{' in all' if count > 1 else ''}")
    said = [f"{', '.join(parts)}."]
    alone = _span(score["probability"], network.get("spread_networks")) if count > 1 else ""
    turned = _span(score["probability"], network.get("spread_views"))
    spans = [*([f"one network alone would say {alone}"] if alone else []),
             *([f"pictures turned or shifted a little {'' if alone else 'would say '}{turned}"] if turned else [])]
    if spans:
        words = ", ".join(spans)
        said.append(f"{words[:1].upper()}{words[1:]} (one standard deviation).")
    return " ".join(said)


def map_sentence(found: AttentionMap, first: int, last: int, count: int, strongest: int | None) -> str:
    """Say which slices the network was given, where the map is strongest, and how much covering does at most.

    Parameters
    ----------
    found : AttentionMap
    first, last, count : int
        Slices as the picture numbers them.
    strongest : int or None
        The same.
    """
    number = len(found.slices)
    given = f"slice {first} of {count}" if number == 1 else f"slices {first} to {last} of {count}"
    if last - first >= number:
        given = f"{number} slices, from {first} to {last} of {count}"
    peak = f"; the map is strongest on {strongest}" if strongest is not None and first != last else ""
    said = f"The network was given {given}, within the broken line{peak}."
    if strongest is None:
        said += " There the map is empty."
    elif found.method == "gradcam":
        said += " Colours run from 0 to 1, the strongest place of each picture."
    else:
        said += (f" Covering one place moves the probability of {found.towards}, before calibration, by at most "
                 f"{100 * found.limits[1]:.2g} percentage points{'' if found.limits[1] >= _LITTLE else _NOWHERE}.")
    return said


def _percent(share: float) -> str:
    whole = f"{100 * share:.0f}" if share >= 0.005 or share == 0 else "less than 1"
    return f"{whole}\N{NO-BREAK SPACE}%"


def _span(probability: float, spread: float | None) -> str:
    """A probability's range for one standard deviation in log odds to either side; '' where nothing was varied."""
    if not spread:
        return ""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    middle = math.log(kept / (1 - kept))
    low, high = (1 / (1 + math.exp(-(middle + side * spread))) for side in (-1, 1))
    return f"{low:.2f}\N{EN DASH}{high:.2f}"

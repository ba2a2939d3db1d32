"""The model card: what a model is for, what it has seen, and what it is worth beside something simpler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.core.evaluate.comparators import TITLES
from app.core.paths import program_folder
from app.core.report.network_methods import describe_network, list_weights

UNSEEN = {
    "refuse": "refused",
    "nearest": "brought to those of its protocol, with a caution",
    "leave": "left as it is, with a caution",
    "estimate": "estimated from its own cases where there are enough, and else left as it is with a caution",
}


def write_card(model: Mapping[str, Any], evaluation: Mapping[str, Any], weights: str = "") -> str:
    """The model card, Markdown: intended use, training data, performance with intervals, known failures.

    Parameters
    ----------
    model : mapping
        The JSON of a bundle's specification.
    evaluation : mapping
        What training found: `models`, of which one has the name of the specification's recipe, and `comparators`;
        `selection`, `audit`, `cautions` where there are any.
    weights : str
        SHA-256 of the file of the networks' tensors, where there are networks.
    """
    from jinja2 import Environment, FileSystemLoader

    network = model["estimator"] if model["estimator"]["kind"] == "network" else None
    folder, recipe = program_folder() / "resources" / "report", model["recipe"]
    figures, points = evaluation["models"][recipe["name"]], [each["name"] for each in model["thresholds"]]
    pages = Environment(loader=FileSystemLoader(folder), autoescape=False)  # noqa: S701 - Markdown is not escaped
    pages.filters |= {"figure": _figure, "span": _span, "signed": _signed, "estimate": _estimate, "area": _area}
    pages.filters["change"] = _change
    text = pages.get_template("model_card.md").render(
        model=model,
        recipe=recipe,
        figures=figures,
        evaluation=evaluation,
        points=_ordered(figures.get("points"), points),
        models=_ordered(evaluation["models"], [recipe["name"]]),
        comparators=_ordered(evaluation["comparators"], TITLES),
        kept=[*recipe["harmonise"]["covariates"], *recipe["harmonise"]["categorical"]],
        unseen=UNSEEN,
        network=network,
        sentences=[] if network is None else [*describe_network(recipe["name"], recipe["network"])],
        origins=[] if network is None else list_weights(network),
        weights=weights,
    )
    return text.strip() + "\n"


def _ordered(values: Mapping[str, Any] | None, first: Iterable[str]) -> dict[str, Any]:
    """The same in an order of its own: a file that was read gives names by the alphabet."""
    found = values or {}
    return {name: found[name] for name in dict.fromkeys((*first, *sorted(found))) if name in found}


def _figure(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.3f}"


def _span(interval: Sequence[float | None] | None) -> str:
    if interval is None or None in interval:
        return "no interval is known to hold"
    return " to ".join(map(_figure, interval))


def _estimate(value: Mapping[str, Any]) -> str:
    return f"{_figure(value['value'])} ({_span(value['interval'])})"


def _change(value: Mapping[str, Any]) -> str:
    interval = value["interval"]
    known = interval is not None and None not in interval
    return f"{_signed(value['mean'])} ({' to '.join(map(_signed, interval)) if known else _span(None)})"


def _area(value: Mapping[str, Any] | None) -> str:
    return f"{_figure(value['mean'])} ({_span(value['interval'])})" if value else ""

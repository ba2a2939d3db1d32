"""What a model's networks are and how they learned, as the results show it."""

from __future__ import annotations

from typing import Any

from app.core.bundle import Specification

Json = dict[str, Any]


def describe_networks(specification: Specification, evaluation: Json) -> Json | None:
    """Describe the networks of a saved model.

    Parameters
    ----------
    specification : Specification
    evaluation : dict
        Its `evaluation.json`.

    Returns
    -------
    dict or None
        `networks` (of each its kind, parameters, epochs and the epoch whose weights were kept), `parameters` of all
        together, `device`, `weights` (of each file its name, SHA-256, origin, licence and what of it fitted),
        `notices`, `use` ('score' or 'features'), and `history`: of each network its epochs, empty where it was not
        trained or they were not kept. None where the model has no network.
    """
    estimator = specification.estimator
    if estimator.kind != "network":
        return None
    network = specification.recipe.network
    return {
        "networks": [each.model_dump(mode="json") for each in estimator.networks],
        "parameters": estimator.parameters,
        "device": estimator.device,
        "weights": [each.model_dump(mode="json") for each in estimator.weights],
        "notices": list(estimator.notices),
        "use": network.use if network is not None else "score",
        "history": list((evaluation.get("networks") or {}).get("history") or []),
    }

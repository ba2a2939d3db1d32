"""Where a model's networks looked on a case: drawn once, kept by content, and handed to the window as an array."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.core.bundle import Bundle
from app.core.data import Caution
from app.core.errors import InputError
from app.core.files import staged_file, write_atomically
from app.core.jobs import Report
from app.core.recipe import Recipe
from app.core.requests import ExplainRequest
from app.core.workflows.finished import PREPARED_BY, FinishedCases, default_cache, program_digest
from app.core.workflows.models import open_bundle

if TYPE_CHECKING:
    from app.core.workflows.looking import Looked

_CODE = (*PREPARED_BY, "app/core/network_recipe.py", "app/core/deep", "app/core/workflows/looking.py")
_METHODS = ("gradcam", "occlusion")


def explain_case(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Draw the map of where a model's networks looked, or recall it.

    Parameters
    ----------
    request : dict
        An `ExplainRequest`.
    report : callable
        Receives (fraction, message); raises `Cancelled`.

    Returns
    -------
    dict
        `method`; `sequence`, whose image the map lies on; `label` and `class`, whose evidence is shown; `share` of the
        map inside the tumour (null where it is empty) and what would be `expected` of an even spread; `map`, path of
        an array (.npy, float32, shape (i, j, k) of that image): Grad-CAM from 0 to 1, occlusion in lost probability,
        NaN where no picture was cut; `slices` with a map, across the image's through-plane `axis`; `caution`, or
        null; `cached`, whether it was drawn before.

    Raises
    ------
    InputError
        The model has no networks, or the case cannot be read or cut.
    BundleError
        The model cannot be trusted.
    """
    ask = ExplainRequest.parse(request)
    bundle = open_bundle(ask.model)
    if not bundle.takes_pictures:
        raise InputError(
            f"The model '{bundle.specification.name}' measures features and looks at no picture.",
            "See what moved its score instead.",
        )
    report(0.0, "Looking for the map")
    kept = _Kept(ask, bundle)
    record, cached = kept.find(ask.method), True
    if record is None:
        cached = False
        _draw(ask, bundle, kept, report)
        record = kept.find(ask.method)
    if record is None:
        raise InputError("The map could not be kept: the data folder takes no more files.", "Free some space.")
    report(1.0, "Done")
    label = int(record["label"])
    return {
        "method": ask.method,
        "sequence": list(ask.case.images)[record["place"]],
        "label": label,
        "class": bundle.specification.classes[label],
        **{name: record[name] for name in ("share", "expected", "slices", "axis", "caution")},
        "map": str(kept.map(ask.method)),
        "cached": cached,
    }


def _draw(ask: ExplainRequest, bundle: Bundle, kept: _Kept, report: Report) -> None:
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare
    from app.core.radiomics.extract import extract
    from app.core.radiomics.planes import through_plane_axis
    from app.core.workflows.looking import cut_case, look_at
    from app.core.workflows.scored_case import choose_sequences

    report(0.02, "Loading the network")
    model = bundle.pictures
    report(0.1, "Reading the images")
    case, _ = choose_sequences(load_case(ask.case), bundle)
    prep = bundle.specification.recipe.prep
    prepared = prepare(case, prep, lambda fraction, message: report(0.15 + 0.35 * fraction, message))
    report(0.5, "Finding where the network looked")
    features = extract(prepared, bundle.measures).as_dict()
    crops = cut_case(bundle, prepared)
    probability = 1 / (1 + np.exp(-model.log_odds([crops.values], [features])[0]))
    looked = look_at(
        bundle,
        case,
        crops,
        float(probability),
        features,
        occlusion=ask.method == "occlusion",
        tell=lambda fraction: report(0.55 + 0.4 * fraction, "Covering the pictures patch by patch"),
    )
    place = list(ask.case.images).index(looked.facts.sequence)
    axis = through_plane_axis(case.images[looked.facts.sequence].geometry)
    kept.keep(looked, place, axis)


class _Kept:
    """The maps of one case and model, named by their content; nothing tells a patient, a path or a file's name."""

    def __init__(self, ask: ExplainRequest, bundle: Bundle) -> None:
        recipe = Recipe(name="map", prep=bundle.specification.recipe.prep, features=None)
        case = FinishedCases(default_cache(), program_digest(code=_CODE)).key(ask.case, recipe)
        key = hashlib.sha256(f"{case} {bundle.specification.digest}".encode()).hexdigest()
        self._folder = default_cache() / "maps" / key[:2] / key

    def map(self, method: str) -> Path:
        """Where a map lies."""
        return self._folder / f"{method}.npy"

    def find(self, method: str) -> dict[str, Any] | None:
        """What is known of a map; None where it is absent or damaged."""
        try:
            record = json.loads((self._folder / f"{method}.json").read_bytes())
            shape = list(np.load(self.map(method), mmap_mode="r").shape)
        except (OSError, ValueError, EOFError):
            return None
        return record if isinstance(record, dict) and record.get("shape") == shape else None

    def keep(self, looked: Looked, place: int, axis: int) -> None:
        """Keep every map that was drawn; what is told of one is written after it."""
        for method, drawn in zip(_METHODS, (looked.gradcam, looked.occlusion), strict=True):
            if drawn is None:
                continue
            with staged_file(self.map(method)) as stage:
                # slices of the last axis lie in one piece, as in the arrays of a view
                np.save(stage, np.asfortranarray(drawn.placed))
            record = {
                "place": place,
                "label": looked.facts.label,
                "share": drawn.share if np.isfinite(drawn.share) else None,
                "expected": looked.facts.expected,
                "slices": list(looked.facts.slices),
                "axis": axis,
                "shape": list(drawn.placed.shape),
                "caution": _describe(drawn.caution),
            }
            write_atomically(self._folder / f"{method}.json", json.dumps(record, allow_nan=False).encode())


def _describe(caution: Caution | None) -> dict[str, str] | None:
    return None if caution is None else {"code": caution.code, "message": caution.message}

"""Everything that a results page shows of a training run or of an external test, as one JSON value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from app.core.bundle import Bundle
from app.core.errors import InputError
from app.core.jobs import Report
from app.core.requests import ResultsRequest
from app.core.store.cases import find_cases
from app.core.workflows.models import open_bundle
from app.core.workflows.results_external import describe_external
from app.core.workflows.results_training import describe_training


def view_results(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Describe what a training run or an external test found.

    Parameters
    ----------
    request : dict
        A `ResultsRequest`.
    report : callable
        Receives (fraction, message); raises `Cancelled`.

    Returns
    -------
    dict
        `kind` ('training' or 'external'), `title`, `name`, `classes`, `models` (the saved one first), `comparators`,
        `headline`, `selection`, `roc`, `metrics`, `calibration`, `decision`, `cases`, `points`, `sites`, `subgroups`,
        `advice`, `importance`, `audit`, `learning_curve`, `fits`, `comparisons`, `cautions`, `methods`, `flow`,
        `versions`, `folds`; null where nothing is known.

    Raises
    ------
    InputError
        There is no such evaluation, or the model was not made by a training run.
    BundleError
        The model cannot be trusted.
    """
    ask = ResultsRequest.parse(request)
    report(0.0, "Reading the results")
    if ask.external is not None:
        found = describe_external(Path(ask.external))
    else:
        found = read_training(open_bundle(str(ask.model)))
    report(1.0, "Done")
    plain: dict[str, Any] = as_json(found)
    return plain


def read_training(bundle: Bundle) -> dict[str, Any]:
    """What a bundle tells of the run that made it, with the user's own names of the cases where they are known."""
    evaluation = bundle.evaluation()
    if not evaluation.get("models"):
        raise InputError(
            f"The model '{bundle.specification.name}' was not made by a training run and keeps no results of one.",
            "Its card says what is known of it; 'evaluate' tests it on your own cases.",
        )
    known = find_cases(bundle.specification.files.get("evaluation.json", ""))
    return describe_training(bundle.specification, evaluation, known)


def as_json(value: Any) -> Any:
    """The value in JSON's own types; null where a number is not known."""
    if isinstance(value, dict):
        return {str(key): as_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    if isinstance(value, np.ndarray):
        return as_json(value.tolist())
    if isinstance(value, np.generic):
        return as_json(value.item())
    return None if isinstance(value, float) and not np.isfinite(value) else value

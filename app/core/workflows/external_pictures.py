"""Cases from elsewhere for a model of networks: every case is asked from its images, as it would be in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Bundle
from app.core.io.table import read_cases
from app.core.jobs import Report
from app.core.requests import CaseFiles
from app.core.workflows.measured_table import none_left
from app.core.workflows.measuring import explain, lose_case
from app.core.workflows.models import open_bundle
from app.core.workflows.parallel import run_each

if TYPE_CHECKING:
    import pandas as pd

NO_IMAGES = "The model looks at pictures, and the table has no columns 'image' and 'mask'."


@dataclass(frozen=True, eq=False)
class Asked:
    """What the networks say of cases.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows that could be scored, with what was measured beside the pictures.
    log_odds : array, shape (cases,)
    distances : array, shape (cases,)
        From the training cases as a share of the model's limit; NaN where the model keeps none.
    failed : tuple of dict
        `case` and `message` of the others.
    """

    frame: pd.DataFrame
    log_odds: NDArray[np.float64]
    distances: NDArray[np.float64]
    failed: tuple[dict[str, str], ...]


def ask_cases(table: str, frame: pd.DataFrame, bundle: Bundle, report: Report, jobs: int) -> Asked:
    """Ask a model's networks about every case of a table of images.

    Parameters
    ----------
    table : str
        Its path.
    frame : pandas.DataFrame
        The table as it was read.
    bundle : Bundle
    report : callable
    jobs : int
        Processes.

    Raises
    ------
    CohortError
        A row cannot be read, or no case could be scored.
    """
    import pandas as pd

    cases = read_cases(Path(table), strict=True).cases
    requests = [{"case": files.model_dump(mode="json"), "model": str(bundle.folder)} for files in cases]
    answers = run_each(ask_case, requests, jobs, report, "Scoring case", lost=lose_case)
    failed = tuple(_list_failed(cases, answers))
    places = [place for place, answer in enumerate(answers) if "error" not in answer]
    if not places:
        raise none_left(failed)
    measured = pd.DataFrame([answers[place]["features"] for place in places], dtype=float)
    known = frame.iloc[places].reset_index(drop=True)
    known = known.drop(columns=[name for name in known.columns if name in measured.columns])
    return Asked(
        pd.concat([known, measured], axis=1),
        np.array([answers[place]["log_odds"] for place in places]),
        np.array([answers[place]["distance"] for place in places], dtype=np.float64),
        failed,
    )


def ask_case(request: dict[str, Any]) -> dict[str, Any]:
    """Ask about one case; the work of a worker process.

    Parameters
    ----------
    request : dict
        `case`, `model`.

    Returns
    -------
    dict
        `log_odds`, `distance` (a share of the limit, NaN where there is none), `features`; or `error`, a sentence.
    """
    from app.core.io.case import load_case
    from app.core.preprocess.chain import prepare
    from app.core.radiomics.extract import extract
    from app.core.workflows.looking import cut_case
    from app.core.workflows.scored_case import choose_sequences

    try:
        bundle = open_bundle(request["model"])
        case, _ = choose_sequences(load_case(CaseFiles.parse(request["case"])), bundle)
        prepared = prepare(case, bundle.specification.recipe.prep)
        features = extract(prepared, bundle.measures).as_dict()
        pictures = cut_case(bundle, prepared).values
        distance = bundle.distance(features, bundle.pictures.locate(pictures, features))
        value = bundle.log_odds(features, pictures=pictures)
    except Exception as error:  # noqa: BLE001 - whatever a case meets is told in its own row and ends no other
        return dict(explain(error))
    return {
        "log_odds": value,
        "distance": distance[0] / distance[1] if distance else float("nan"),
        "features": features,
    }


def _list_failed(cases: Sequence[CaseFiles], answers: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    return [
        {"case": files.id, "message": str(answer["error"])}
        for files, answer in zip(cases, answers, strict=True)
        if "error" in answer
    ]

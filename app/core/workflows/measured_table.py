"""A table of cases turned into a table of features: every case is measured, and one that fails is left out and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.core.errors import CohortError
from app.core.io.table import read_cases
from app.core.jobs import Report
from app.core.recipe import Recipe
from app.core.requests import CaseFiles
from app.core.workflows.finished import default_cache
from app.core.workflows.measuring import column_names, measure_cases

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Measured:
    """A table of cases with what was measured on them.

    Parameters
    ----------
    frame : pandas.DataFrame
        The rows that could be measured, with their features.
    features : tuple of str
    cases : tuple of CaseFiles
        Of these rows.
    failed : tuple of dict
        `case` and `message` of the others.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    cases: tuple[CaseFiles, ...]
    failed: tuple[dict[str, str], ...]

    def without(self, lost: dict[int, str]) -> Measured:
        """Leave out rows that failed later, each with its message.

        Raises
        ------
        CohortError
            None is left.
        """
        if not lost:
            return self
        told = [{"case": self.cases[row].id, "message": message} for row, message in lost.items()]
        kept = [row for row in range(len(self.cases)) if row not in lost]
        if not kept:
            raise none_left(told)
        frame = self.frame.iloc[kept].reset_index(drop=True)
        return Measured(frame, self.features, tuple(self.cases[row] for row in kept), (*self.failed, *told))


def none_left(failed: Sequence[dict[str, str]]) -> CohortError:
    """The error when every case failed."""
    told = [f"{each['case']}: {each['message']}" for each in failed[:5]]
    return CohortError(f"None of the {len(failed)} cases could be measured.", told)


def holds_images(frame: pd.DataFrame) -> bool:
    """Whether a table gives images and outlines, not features."""
    names = {str(name).lower() for name in frame.columns}
    return "mask" in names and any(name == "image" or name.startswith("image_") for name in names)


def check_cases(table: str) -> list[str]:
    """Rows whose image or outline cannot be found, or which repeat another."""
    try:
        read_cases(Path(table), strict=True)
    except CohortError as error:
        return error.issues or [error.message]
    return []


def measure_table(
    table: str,
    frame: pd.DataFrame,
    recipe: Recipe,
    report: Report,
    jobs: int,
    sequence: Sequence[str] = (),
) -> Measured:
    """Measure every case of a table.

    Parameters
    ----------
    table : str
        Its path.
    frame : pandas.DataFrame
        The table as it was read.
    recipe : Recipe
        Preparation and features.
    report : callable
    jobs : int
        Processes.
    sequence : sequence of str
        Of a case with several sequences keep one, by this order of preference; empty keeps all.

    Returns
    -------
    Measured

    Raises
    ------
    CohortError
        A row cannot be read, or no case could be measured.
    """
    import pandas as pd

    cases = [_keep_one(files, sequence) for files in read_cases(Path(table), strict=True).cases]
    answers = measure_cases(cases, recipe, report, jobs=jobs, cache=default_cache())
    failed = [
        {"case": files.id, "message": str(answer["error"])}
        for files, answer in zip(cases, answers, strict=True)
        if "error" in answer
    ]
    places = [place for place, answer in enumerate(answers) if "error" not in answer]
    if not places:
        raise none_left(failed)
    several = len({name for files in cases for name in files.images}) > 1
    rows = []
    for place in places:
        names = column_names(answers[place]["names"], cases[place], several)
        rows.append(dict(zip(names, np.asarray(answers[place]["values"]).tolist(), strict=True)))
    measured = pd.DataFrame(rows, dtype=float)
    known = frame.iloc[places].reset_index(drop=True)
    known = known.drop(columns=[name for name in known.columns if name in measured.columns])
    columns = tuple(map(str, measured.columns))
    return Measured(
        pd.concat([known, measured], axis=1), columns, tuple(cases[place] for place in places), tuple(failed)
    )


def _keep_one(files: CaseFiles, sequence: Sequence[str]) -> CaseFiles:
    if not sequence or len(files.images) == 1:
        return files
    chosen = next((name for name in sequence if name in files.images), next(iter(files.images)))
    kept = {name: uid for name, uid in files.series.items() if name in (chosen, "mask")}
    return files.model_copy(update={"images": {chosen: files.images[chosen]}, "series": kept})

"""Scoring a table of real cases with one process and with two: cases per second."""

from __future__ import annotations

import time

from app.core.jobs import run_workflow
from tests.benchmarks.room import SHARED, own_data_folder
from tests.benchmarks.timing import Row, peak_memory, skipped


def main() -> list[Row]:
    """Score the sarcomas of the shared data; each arrangement once, for there are many cases in it."""
    table = SHARED / "sts" / "cohort.csv"
    if not table.exists():
        return [skipped("cohort", "the shared data are not there")]
    rows: list[Row] = []
    with own_data_folder():
        for model in ("lipoma-size", "lipoma-phantom-demo"):
            alone = 0.0
            for jobs in (1, 2):
                ask = {"table": str(table), "model": model, "jobs": jobs}
                with peak_memory() as peak:
                    begun = time.perf_counter()
                    done = run_workflow("app.core.workflows:score_cohort", ask, lambda _fraction, _message: None)
                    seconds = time.perf_counter() - begun
                alone = alone or seconds
                cases = len(done["results"])
                rows.append({"what": f"score_cohort, {model}", "jobs": jobs, "cases": cases, "failed": done["failed"],
                             "seconds": seconds, "cases_per_s": cases / seconds, "faster_than_1_job": alone / seconds,
                             "peak_mb": peak.mb})
    return rows

"""Jobs: a workflow running elsewhere, with progress, cancel and a recorded outcome.

A workflow is a plain function `workflow(request: dict, report) -> dict` named 'module:function'. `run_workflow` runs
it in this process; a `Lane` runs one after another in an engine process of its own.
"""

from app.core.errors import Cancelled, Failure
from app.core.jobs.engine import Done, Engine, Failed, Outcome, Stopped
from app.core.jobs.failures import describe_failure
from app.core.jobs.lanes import LANES, Event, Finished, Idle, JobCancelled, JobFailed, Lane, Progressed, Started
from app.core.jobs.run import Job, Report, find_workflow, keep_request, run_request_file, run_workflow
from app.core.jobs.timing import TimeLeft

__all__ = [
    "LANES", "Cancelled", "Done", "Engine", "Event", "Failed", "Failure", "Finished", "Idle", "Job", "JobCancelled",
    "JobFailed", "Lane", "Outcome", "Progressed", "Report", "Started", "Stopped", "TimeLeft", "describe_failure",
    "find_workflow", "keep_request", "run_request_file", "run_workflow",
]

"""What the end of the last session has cut off, in words: nothing is lost silently, and nothing needs to be guessed."""

from __future__ import annotations

from collections.abc import Sequence

from app.core.errors import Failure
from app.core.jobs import Job

WORDS = {
    "train": "A training was cut off. Its finished folds are kept: Train shows it as paused and goes on from there.",
    "extract": "Measuring a cohort was cut off. The cases that were measured are kept: start it again to go on.",
    "evaluate": "Testing a model on other cases was cut off and wrote nothing. Start it again.",
    "finish_model": "Saving a model was cut off. The model is as it was before, or saved as a whole: look at it once.",
    "import_model": "Importing a model was cut off and left nothing behind. Import it again.",
    "export_model": "Exporting a model was cut off and left nothing behind. Export it again.",
    "export_report": "Writing a report was cut off and left nothing behind. Write it again.",
    "export_results": "Writing figures was cut off. Those that are there are whole; write them again.",
    "correct_cohort": "Correcting a cohort was cut off and left nothing behind. Start it again.",
    "convert": "Converting images was cut off. Those that are there are whole: start it again to go on.",
    "check_quality": "Checking a cohort was cut off. Start it again.",
    "measure_stability": "Measuring stability was cut off. Start it again.",
    "explore": "Exploring a table was cut off. Start it again.",
    "save_recipe": "Saving a recipe was cut off. It is as it was before, or saved as a whole.",
}


def describe_cut_off(jobs: Sequence[Job], resumed: int, given_up: Sequence[Job] = ()) -> Failure | None:
    """Say what the program was doing when it was ended, and what has become of it.

    Parameters
    ----------
    jobs : sequence of Job
        Runs that were cut off.
    resumed : int
        Scores that it owed and that are being made now.
    given_up : sequence of Job
        Scores that are not made again, because each has ended the program several times.

    Returns
    -------
    Failure or None
        A message with a point for each; None when there is nothing to say.
    """
    names = [job.workflow.rpartition(":")[2] for job in jobs]
    points = [f"The score of {job.title or 'a case'} ended the program three times and is not made again by itself."
              for job in given_up]
    if resumed:
        points.append("Scoring was cut off; no finished score is lost. "
                      + (f"The {resumed:,} scores that were owed are being made now." if resumed > 1
                         else "The score that was owed is being made now."))
    elif "score_case" in names and not given_up:
        points.append("A score was cut off; no finished score is lost. Score the case again.")
    points += [WORDS[name] for name in dict.fromkeys(names) if name in WORDS]
    if not points:
        return None
    return Failure("engine", "The program was ended while it worked, the last time.",
                   "Your files are untouched.", extra={"issues": points})

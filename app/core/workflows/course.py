"""How far a run of many folds has come: every fold counts as much as it is expected to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.core.evaluate.crossvalidate import Runner
from app.core.jobs import Report
from app.core.recipe import ModelRecipe

SECONDS = {"logistic": 0.9, "svm": 0.8, "rf": 1.4, "extra": 1.0, "xgb": 1.0, "mlp": 1.6}
"""Of an outer fold with its inner search, 114 cases x 1,015 features: what one kind takes beside another."""


def expect_seconds(recipe: ModelRecipe) -> float:
    """How long a fold takes on a middling table, s."""
    return sum(SECONDS[each.kind] for each in recipe.members or (recipe,))


class Course:
    """Tells how far a run is.

    Parameters
    ----------
    report : callable
        Receives (fraction, message); raises `Cancelled`.
    start, end : float
        Fractions between which the folds lie.
    seconds : float
        Expected of all folds together.
    """

    def __init__(self, report: Report, start: float, end: float, seconds: float) -> None:
        self._report, self._start, self._end = report, start, end
        self._seconds, self._spent, self._words = max(seconds, 1e-9), 0.0, ""

    def listen(self) -> None:
        """Say the last words again: this is where a wish to stop is heard."""
        self.say(self._words)

    def say(self, words: str) -> None:
        """Tell what is being done."""
        self._words = words
        share = min(self._spent / self._seconds, 1.0)
        self._report(self._start + (self._end - self._start) * share, words)

    def follow(self, runner: Runner, name: str, count: int, seconds: float) -> Runner:
        """Make a runner that tells of every fold: 'name: fold 3 of 50'.

        Parameters
        ----------
        runner : callable
        name : str
        count : int
            Folds in all calls of the runner together.
        seconds : float
            Expected of one.
        """
        done = 0

        def run(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
            nonlocal done
            self.say(f"{name}: fold {min(done + 1, count)} of {count}")
            for answer in runner(function, items):
                done += 1
                self._spent += seconds
                self.say(f"{name}: fold {done} of {count}")
                yield answer

        return run

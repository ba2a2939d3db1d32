"""How far a run of many folds has come: every fold counts as much as it is expected to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from app.core.evaluate.crossvalidate import Runner
from app.core.jobs import Report
from app.core.network_recipe import NetworkRecipe
from app.core.recipe import Recipe

SECONDS = {"logistic": 0.9, "svm": 0.8, "rf": 1.4, "extra": 1.0, "xgb": 1.0, "mlp": 1.6}
"""Of an outer fold with its inner search, 114 cases x 1,015 features: what one kind takes beside another."""


PICTURE_SECONDS = {"cnn-2019": 0.008, "cnn-small": 0.0015, "resnet18": 0.09, "resnet50": 0.28, "densenet121": 0.23,
                   "resnet10-3d": 0.52, "resnet18-3d": 1.0}  # fmt: skip
"""Of one picture that a network learns from, on one thread of a processor."""
_CASES, _SLICES, _SHARE = 100, 10, 0.5
"""Of a middling cohort; and of the epochs that early stopping leaves."""


def expect_seconds(recipe: Recipe) -> float:
    """How long a fold takes on a middling table, s."""
    network, model = recipe.network, recipe.model
    features = sum(SECONDS[each.kind] for each in model.members or (model,))
    if network is None:
        return features
    pictures = _CASES * (1 if network.crop.set in ("largest_slice", "volume") else network.crop.most or _SLICES)
    if network.use == "features" and not network.tune:
        return features + pictures * PICTURE_SECONDS[network.kind] / 50  # once for all folds
    trainings = [(each, _count_epochs(each) * each.copies) for each in (network, *network.members)]
    learning = sum(PICTURE_SECONDS[each.kind] * pictures * epochs * _SHARE for each, epochs in trainings)
    if network.use == "score":
        return learning
    return features + learning * (model.search.folds * model.search.repeats + 1)


def _count_epochs(network: NetworkRecipe) -> int:
    """Epochs in which more than the head learns."""
    phases = network.fit.phases
    return sum(phase.epochs for phase in phases if phase.unfreeze != "head") if phases else network.fit.epochs


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
    under_way : callable, optional
        How many folds those are worth that other processes have begun.
    """

    def __init__(
        self, report: Report, start: float, end: float, seconds: float, under_way: Callable[[], float] | None = None
    ) -> None:
        self._report, self._start, self._end = report, start, end
        self._under_way, self._furthest = under_way, 0.0
        self._seconds, self._spent, self._words = max(seconds, 1e-9), 0.0, ""
        self._expected, self._next = 0.0, ""

    def listen(self) -> None:
        """Say the last words again: this is where a wish to stop is heard."""
        begun = self._under_way() * self._expected if self._under_way is not None else 0.0
        self._tell(self._spent + begun, self._words)

    def say(self, words: str) -> None:
        """Tell what is being done."""
        self._words = words
        self._tell(self._spent, words)

    def within(self, fraction: float, words: str) -> None:
        """Tell how far a fold is that is fitted in this process."""
        self._tell(self._spent + fraction * self._expected, f"{self._next}. {words}")

    def _tell(self, spent: float, words: str) -> None:
        # a fold that is done counts as begun no more, and may wait for the answer of the one before it
        self._furthest = max(self._furthest, min(spent / self._seconds, 1.0))
        self._report(self._start + (self._end - self._start) * self._furthest, words)

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
            self._expected, self._next = seconds, f"{name}: fold {min(done + 1, count)} of {count}"
            self.say(self._next)
            for answer in runner(function, items):
                done += 1
                self._spent += seconds
                self._next = f"{name}: fold {min(done + 1, count)} of {count}"
                self.say(f"{name}: fold {done} of {count}")
                yield answer

        return run

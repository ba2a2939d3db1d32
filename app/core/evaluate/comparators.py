"""What something simpler achieves on the same folds, and what the model adds to it: the headline of every result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.evaluate.crossvalidate import OutOfFold, Runner, cross_validate
from app.core.evaluate.fold_areas import estimate_difference
from app.core.evaluate.folds import Folds
from app.core.evaluate.intervals import Estimate
from app.core.evaluate.performance import describe_point
from app.core.evaluate.thresholded import ThresholdedModel

TITLES = {
    "volume": "tumour volume alone",
    "longest_diameter": "the longest diameter alone",
    "clinical": "the clinical variables alone",
    "prevalence": "the prevalence",
}


@dataclass(frozen=True)
class Difference:
    """AUC of the model less that of a comparator, with the p value of the corrected resampled t."""

    comparator: str
    auc: Estimate
    p: float

    @property
    def json(self) -> dict[str, Any]:
        """As results are written."""
        return {"mean": self.auc.value, "interval": [self.auc.low, self.auc.high], "p_value": self.p}

    @property
    def sentence(self) -> str:
        """What the difference says, plainly."""
        return word_difference(self.auc, TITLES.get(self.comparator, self.comparator))


def build_size_model() -> Any:
    """Logistic regression on the logarithm of a size, the inverse hyperbolic sine to be exact.

    It is the logarithm where sizes are large, and keeps the order of sizes that somebody has standardised.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, StandardScaler

    return make_pipeline(
        FunctionTransformer(np.arcsinh),
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(C=100.0, max_iter=5000),
    )


def build_prevalence_model() -> Any:
    """The share of positive training cases, for everybody: AUC one half, and the Brier score to beat."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier(strategy="prior")


def run_comparators(
    sizes: Mapping[str, NDArray[np.float64]],
    others: Mapping[str, tuple[Callable[[], Any], Any]],
    labels: NDArray[np.int_],
    folds: Folds,
    patients: NDArray[Any] | None = None,
    on_fold: Callable[[int], None] = lambda _done: None,
    runner: Runner = map,
) -> dict[str, OutOfFold]:
    """Cross-validate every comparator on the model's own folds.

    Parameters
    ----------
    sizes : mapping of str to array, shape (rows,)
        'volume' (ml) and 'longest_diameter' (mm), those that are known; NaN where missing.
    others : mapping of str to (callable, rows)
        Such as 'clinical': what makes its unfitted model, and the rows that it learns from.
    labels, folds, patients, on_fold, runner
        As for `cross_validate`.

    Returns
    -------
    dict of str to OutOfFold
        In the order of `TITLES`, the prevalence always among them; all but it with operating points of their own.
    """
    tasks = {name: (build_size_model, np.asarray(values)[:, None]) for name, values in sizes.items()} | dict(others)
    tasks = {name: (partial(ThresholdedModel, make), rows) for name, (make, rows) in tasks.items()}
    tasks |= {"prevalence": (build_prevalence_model, np.zeros((len(labels), 1)))}
    order = [name for name in (*TITLES, *tasks) if name in tasks]
    return {
        name: cross_validate(tasks[name][0], tasks[name][1], labels, folds, on_fold, patients, runner)
        for name in dict.fromkeys(order)
    }


def compare(model: OutOfFold, other: OutOfFold, name: str) -> Difference:
    """Paired difference of two models' within-fold AUCs.

    Raises
    ------
    ValueError
        They were not measured on the same folds.
    """
    if model.folds.digest != other.folds.digest:
        raise ValueError("paired differences need the same folds")
    return Difference(name, *estimate_difference(model, other))


def find_headline(model: OutOfFold, comparators: Mapping[str, OutOfFold]) -> Difference:
    """Difference from the best comparator: the one with the highest AUC, which favours the comparators if anything."""
    best = max(comparators, key=lambda name: comparators[name].auc.value)
    return compare(model, comparators[best], best)


def describe_comparators(model: OutOfFold, comparators: Mapping[str, OutOfFold]) -> dict[str, Any]:
    """Every comparator's AUC, what its decisions are worth, and the model's difference from it.

    `points` are those of `performance.measure_performance`, at the comparator's own thresholds of the same names; of
    the prevalence, which decides nothing, there are none.
    """
    return {
        name: {
            "auc": found.auc_summary(found.folds),
            "difference": compare(model, found, name).json,
            "points": {point: describe_point(found, point, float(found.labels.mean())) for point in found.decisions},
        }
        for name, found in comparators.items()
    }


def word_difference(difference: Estimate, title: str) -> str:
    """Say whether the model adds anything to a comparator.

    Parameters
    ----------
    difference : Estimate
        AUC of the model less that of the comparator, with its interval.
    title : str
        What the comparator is called within a sentence.
    """
    low, high = float(difference.low or 0.0), float(difference.high or 0.0)
    figures = f"AUC {difference.value:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
    if low > 0:
        return f"The model adds to {title}: {figures}."
    if high < 0:
        return f"The model does worse than {title}: {figures}."
    return (
        f"The model adds nothing measurable to {title}: {figures}; "
        f"with these cases, differences below {(high - low) / 2:.2f} remain unresolved."
    )

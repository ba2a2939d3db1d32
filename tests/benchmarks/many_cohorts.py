"""The simulated cohorts by the hundred: untuned logistic regression without the program's bookkeeping around it.

    python -m tests.benchmarks.many_cohorts 1000 keep=DIR A B A-unequal B-unequal logistic logistic+combat
    python -m tests.benchmarks.many_cohorts check A B          beside the same cohorts through the whole program
    python -m tests.benchmarks.many_cohorts report keep=DIR

Folds, interval, held-out sites and warning are the program's; only what loops over the folds is written out here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn import config_context
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from app.core.evaluate.crossvalidate import FoldFit, OutOfFold
from app.core.evaluate.folds import Folds
from app.core.evaluate.sites import measure_imbalance, measure_new_sites
from app.core.harmonise.step import build_harmonisation
from app.core.recipe import HarmoniseRecipe
from tests.benchmarks.simulation import (
    JUDGED,
    REPEATS,
    SETTINGS,
    Cohort,
    Kept,
    QuickLogistic,
    compare,
    draw_cohort,
    draw_folds,
    measure_within,
    names_of,
    read_word,
    report,
    simulate,
)
from tests.benchmarks.timing import Row

Array = NDArray[np.float64]
MODELS = ("logistic", "logistic+combat")


class Harmonised:
    """Logistic regression on tables, harmonised first if asked; rows of a table are turned into an array once."""

    def __init__(self, cohort: Cohort, step: Any) -> None:
        self.cohort, self.step = cohort, step
        self.tables = {"rows": cohort.rows, "same": cohort.same[0], "new": cohort.new[0]}
        self.plain = {} if step else {key: table.iloc[:, :-1].to_numpy() for key, table in self.tables.items()}

    def fit(self, train: NDArray[np.int_]) -> Callable[[str, Any], Array]:
        """Fit on rows of the cohort: from the name of a table and rows of it to probabilities."""
        labels = self.cohort.labels[train]
        if self.step is None:
            model = QuickLogistic().fit(self.plain["rows"][train], labels)
            return lambda key, rows: model.predict_proba(self.plain[key][rows])[:, 1]
        step = clone(self.step).fit(self.cohort.rows.iloc[train], labels)
        model = QuickLogistic().fit(step.transform(self.cohort.rows.iloc[train]), labels)
        return lambda key, rows: model.predict_proba(step.transform(self.tables[key].iloc[rows]))[:, 1]


def measure_area(labels: NDArray[np.int_], scores: Array) -> float:
    """AUC; NaN when one class is absent."""
    positive = int(labels.sum())
    if positive in (0, len(labels)):
        return float("nan")
    ahead = rankdata(scores)[labels == 1].sum() - positive * (positive + 1) / 2
    return float(ahead / (positive * (len(labels) - positive)))


def validate(model: Harmonised, folds: Folds, judge: Callable[..., float]) -> tuple[OutOfFold, float]:
    """Cross-validate; and what the first repeat's models are worth on fresh cases."""
    labels = model.cohort.labels
    answers, aucs, fits, worth = np.full((folds.repeats, len(labels)), np.nan), [], [], []
    for index, (train, test) in enumerate(folds.splits):
        predict = model.fit(train)
        answers[index // folds.k, test] = predict("rows", test)
        aucs.append(measure_area(labels[test], answers[index // folds.k, test]))
        fits.append(FoldFit(train, test, {}, {}, {}))
        if index < folds.k:
            worth.append(judge(predict, test))
    counts = (int((labels == 0).sum()), int((labels == 1).sum()))
    found = OutOfFold(np.array(aucs), answers, counts, labels, np.arange(len(labels)), folds, tuple(fits))
    return found, float(np.nanmean(worth))


def simulate_quickly(name: str, word: str, seed: int, repeats: int) -> dict[str, Any]:
    """As `simulate`, for AUCs of logistic regression."""
    setting, cohort, begun = SETTINGS[name], draw_cohort(SETTINGS[name], seed), time.process_time()
    step = build_harmonisation(HarmoniseRecipe(method="combat"), names_of(setting)) if "+" in word else None
    model, pooled = Harmonised(cohort, step), setting.sites > 10
    whole = model.fit(np.arange(setting.cases))
    truth, new_truth = cohort.same[1], cohort.new[1]
    new = whole("new", slice(None))
    within = measure_within(new_truth, new)

    def judge_held_out(predict: Any, test: NDArray[np.int_]) -> float:
        held = np.flatnonzero(np.isin(cohort.beside, test))
        return measure_area(truth[held], predict("same", held))

    def judge_new(predict: Any, _test: Any) -> float:
        scores = predict("new", slice(JUDGED))
        return measure_area(new_truth[:JUDGED], scores) if pooled else measure_within(new_truth[:JUDGED], scores)

    found, expected = validate(model, draw_folds(setting, seed, repeats, False), judge_held_out)
    result = compare("same", found.auc, measure_area(truth, whole("same", slice(None))))
    result |= compare("next", found.auc, within) | {"same_expected": expected - result["same_truth"]}
    result["warned"] = float(measure_imbalance(cohort.labels, cohort.sites).caution is not None)
    apart = draw_folds(setting, seed, repeats, True)
    if apart is not None:
        other, expected = validate(model, apart, judge_new)
        told = measure_new_sites(other, cohort.sites).auc
        result |= compare("new", told, measure_area(new_truth, new) if pooled else within)
        result["new_expected"] = expected - judge_new(whole, None)
    return result | {"seconds": time.process_time() - begun}


def check(name: str, word: str, seed: int) -> Row:
    """The largest difference from the same cohort through the whole program."""
    quick, whole = simulate_quickly(name, word, seed, 2), simulate(name, word, seed, 2)
    apart = {key: abs(quick[key] - whole[key]) for key in quick if key not in ("seconds", "warned")}
    return {"setting": f"{name} {word}", "seed": seed, "figures": len(apart), "largest_difference": max(apart.values()),
            "seconds": quick["seconds"], "whole_program_seconds": whole["seconds"]}  # fmt: skip


def main(words: tuple[str, ...] = ()) -> list[Row]:
    """Simulate; words as for `simulation`, and 'check'."""
    cohorts = next((int(word) for word in words if word.isdigit()), 20)
    keep, repeats = read_word(words, "keep", ""), int(read_word(words, "repeats", str(REPEATS)))
    folder = Path(keep) if keep else None
    chosen = [(name, word) for name in SETTINGS for word in MODELS if name in words and word in words]
    with threadpool_limits(1), config_context(skip_parameter_validation=True, assume_finite=True):
        if "check" in words:
            return [check(name, word, seed) for name in SETTINGS if name in words for word in MODELS for seed in (0, 1)]
        if "report" in words and folder:
            read = {path.stem: Kept(folder, path.stem) for path in sorted(folder.glob("*.jsonl"))}
            return [row for name, each in read.items() for row in report(name, [*each.results.values()])]
        chosen = chosen or [("A", "logistic"), ("B", "logistic")]
        kept = {each: Kept(folder, f"{each[0]} {each[1]} x{repeats}") for each in chosen}
        for seed in range(cohorts):
            for (name, word), results in kept.items():
                if seed not in results.results:
                    results.add(seed, simulate_quickly(name, word, seed, repeats))
    return [row for (name, word), each in kept.items() for row in report(f"{name} {word}", [*each.results.values()])]


if __name__ == "__main__":
    from tests.benchmarks.__main__ import table

    print(table(main(tuple(sys.argv[1:]))), flush=True)

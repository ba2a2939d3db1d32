"""Cohorts and models of the evaluation's tests: small, fast, and a model that keeps what it was shown."""

from functools import partial

import numpy as np

from app.core.evaluate.crossvalidate import cross_validate
from app.core.evaluate.folds import make_folds


class Spy:
    """A linear score that tells what it was fitted on, with thresholds and quantiles of its own."""

    seen: list

    def __init__(self, seen, tuned=True):
        self.seen, self.tuned = seen, tuned

    def fit(self, rows, labels, patients):
        values = np.nan_to_num(np.asarray(rows, dtype=float))
        self.weights = values[labels == 1].mean(axis=0) - values[labels == 0].mean(axis=0)
        self.middle = values.mean(axis=0) @ self.weights
        answers = self.predict_proba(rows)[:, 1]
        if self.tuned:
            self.best_ = {"weight": float(self.weights[0])}
            self.thresholds_ = {"half": 0.5, "median": float(np.median(answers))}
            self.conformal_ = {0.1: (float(np.quantile(answers[labels == 0], 0.9)),
                                     float(np.quantile(1 - answers[labels == 1], 0.9)))}
        self.seen.append({"rows": values.copy(), "labels": labels.copy(), "patients": patients.copy(),
                          "weights": self.weights})
        return self

    def predict_proba(self, rows):
        score = np.nan_to_num(np.asarray(rows, dtype=float)) @ self.weights - self.middle
        positive = 1 / (1 + np.exp(-np.clip(score, -700, 700)))
        return np.column_stack([1 - positive, positive])


def draw_cohort(seed=0, patients=60, features=5, signal=0.8):
    """Rows (one to three for each patient), labels, patients."""
    rng = np.random.default_rng(seed)
    own = np.repeat(np.arange(patients), rng.integers(1, 4, patients))
    labels = (rng.permutation(np.arange(patients) % 5 < 2)).astype(int)[own]
    rows = rng.normal(size=(len(own), features)) + labels[:, None] * signal * np.array([1.0] + [0.3] * (features - 1))
    return rows, labels, own.astype(str)


def answer(rows, labels, patients, folds=None, **settings):
    """Out-of-fold answers of a spy, and what it saw."""
    seen = []
    folds = folds or make_folds(labels, patients, 5, 2, seed=1)
    return cross_validate(partial(Spy, seen), rows, labels, folds, lambda _done: None, patients, **settings), seen


def in_one_go(labels, probabilities, patients, folds, fits=None):
    """Out-of-fold answers with given probabilities, shape (repeats, rows), as if some model had given them."""
    from app.core.evaluate.crossvalidate import FoldFit, OutOfFold
    from app.core.evaluate.metrics import auc

    table = np.atleast_2d(probabilities)
    fits = fits or tuple(FoldFit(train, test, {}, {}, {}) for train, test in folds.splits)
    aucs = np.array([auc(labels[fit.test], table[place // folds.k, fit.test]) for place, fit in enumerate(fits)])
    return OutOfFold(aucs, table, (int((labels == 0).sum()), int((labels == 1).sum())), labels, patients, folds, fits)

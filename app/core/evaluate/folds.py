"""Folds: drawn once, kept with a digest that proves which they were; by patient, by site, or as a study published them.

Whatever the scheme, no patient is on both sides of a split.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.core.errors import CohortError

Split = tuple[NDArray[np.int_], NDArray[np.int_]]
Scheme = Literal["patients", "sites", "fixed"]
FEWEST_SITES = 5
LEAST_FREEDOM = 3.0


@dataclass(frozen=True, eq=False)
class Folds:
    """Cross-validation splits in row numbers.

    Parameters
    ----------
    splits : tuple of (train rows, test rows)
        All folds of the first repeat, then of the next.
    k, repeats : int
        Folds of a repeat, and repeats. Fixed splits that overlap are repeats of one fold each.
    scheme : {'patients', 'sites', 'fixed'}
        What is held out: patients of known sites, whole sites, or what a file says.
    """

    splits: tuple[Split, ...]
    k: int
    repeats: int
    scheme: Scheme = "patients"

    @property
    def digest(self) -> str:
        """SHA-256 of the test rows of every fold, in order; where they do not imply the training rows, of both."""
        if self.scheme == "patients":
            text = json.dumps([test.tolist() for _, test in self.splits])
        else:
            text = json.dumps([self.scheme, [[train.tolist(), test.tolist()] for train, test in self.splits]])
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def ratio(self) -> float:
        """Rows tested for each row trained on; 1 / (k - 1) for a partition."""
        return sum(len(test) for _, test in self.splits) / sum(len(train) for train, _ in self.splits)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of an interval from these folds: k - 1, or what overlapping splits correspond to.

        Three at least: below that the folds' own spread is not used, see `fold_areas`.
        """
        if self.k > 1:
            return max(float(self.k - 1), LEAST_FREEDOM)
        return float(max(min(1 / self.ratio, max(len(self.splits) - 1, 4)), LEAST_FREEDOM))

    @property
    def inflation(self) -> float:
        """How many times more a figure over the tested rows varies than one of a fixed model, each row tested once.

        Nadeau and Bengio's correction, as a factor on the variance: for a partition, 1 / repeats + k / (k - 1).
        """
        rows = np.unique(np.concatenate([test for _, test in self.splits]))
        size = sum(len(test) for _, test in self.splits) / len(self.splits)
        return max(1.0, len(rows) / size * (1 / len(self.splits) + self.ratio))


def make_folds(labels: NDArray[np.int_], patients: NDArray[Any], k: int, repeats: int, seed: int) -> Folds:
    """Draw repeated stratified folds that keep all rows of a patient together.

    Parameters
    ----------
    labels : array of int, shape (rows,)
        0 or 1.
    patients : array, shape (rows,)
        Group of each row.
    k, repeats : int
        Folds per repeat, and repeats.
    seed : int

    Raises
    ------
    CohortError
        A class has fewer than two patients, or no split gives every fold both classes. `k` is lowered before that.
    """
    fewest = min(len(set(patients[labels == label].tolist())) for label in (0, 1))
    if fewest < 2:
        raise CohortError(
            f"One class has {fewest} patient(s), cross-validation needs at least two of each.",
            [],
            "Add cases of that class.",
        )
    for folds in range(min(k, fewest), 1, -1):
        splits = _draw(labels, patients, folds, repeats, seed)
        if all(_both(labels[rows]) for split in splits for rows in split):
            return Folds(tuple(splits), folds, repeats)
    raise CohortError(
        "The patients cannot be split so that every fold holds both classes.", [], "Add patients of the rarer class."
    )


def leave_sites_out(
    labels: NDArray[np.int_], patients: NDArray[Any], sites: NDArray[Any], k: int, repeats: int, seed: int
) -> Folds:
    """Hold out whole sites: one at a time where there are no more than `k`, otherwise in `k` balanced groups.

    Parameters
    ----------
    labels, patients : array, shape (rows,)
        As for `make_folds`.
    sites : array of str, shape (rows,)
        Rows whose site is empty take no part: they may come from any of the sites held out.
    k, repeats : int
        The most groups, and how often they are drawn; one site at a time needs no repeats.
    seed : int

    Returns
    -------
    Folds
        A group may hold one class only: it then says nothing about the AUC. A patient seen at two sites is never
        trained on when one of them is held out.

    Raises
    ------
    CohortError
        Fewer than five sites, or fewer than two groups that could be judged.
    """
    names = np.array(["" if site is None or site != site else str(site) for site in sites.tolist()])
    known = np.flatnonzero(names != "")
    count = len(np.unique(names[known]))
    if count < FEWEST_SITES:
        raise CohortError(
            f"The cohort has {count} site(s), holding sites out needs at least {FEWEST_SITES}.",
            [],
            "Judge the model on new patients of the same sites.",
        )
    # where sites are few, groups of them would compare cases of one with those of another
    for groups in [count] if count <= k else range(k, 1, -1):
        if groups == count:
            repeats, tests = 1, [np.flatnonzero(names == name) for name in np.unique(names[known])]
        else:
            tests = [known[test] for _, test in _draw(labels[known], names[known], groups, repeats, seed)]
        splits = tuple((known[~np.isin(patients[known], patients[test])], test) for test in tests)
        telling = sum(_both(labels[test]) for _, test in splits)
        if telling >= 2 * repeats and all(_both(labels[train]) for train, _ in splits):
            return Folds(splits, groups, repeats, "sites")
    raise CohortError(
        "No two groups of sites hold both classes, so that nothing can be said about new sites.",
        [],
        "Add cases of the rarer class at more sites.",
    )


def leave_one_site_out(labels: NDArray[np.int_], patients: NDArray[Any], sites: NDArray[Any]) -> Folds:
    """Hold out each site once, however many there are; as `leave_sites_out`."""
    return leave_sites_out(labels, patients, sites, k=len(labels), repeats=1, seed=0)


def read_splits(path: str | Path, labels: NDArray[np.int_], patients: NDArray[Any]) -> Folds:
    """Read fixed splits: a table with a pair of columns `K_train, K_test` of patient ids for each.

    Parameters
    ----------
    path : path
        CSV, XLSX or Parquet; the shorter column of a pair ends in empty cells.
    labels, patients : array, shape (rows,)

    Returns
    -------
    Folds
        In the order of the columns; `k` is the number of splits where their test patients partition the cohort.

    Raises
    ------
    CohortError
        Every column without its pair, unknown patient, patient on both sides and side without both classes.
    """
    from app.core.io.cells import as_text, read_cells

    table = read_cells(Path(path))
    sides: dict[str, dict[str, set[str]]] = {}
    for column in table.columns:
        if match := re.fullmatch(r"(.+)_(train|test)", str(column)):
            sides.setdefault(match[1], {})[match[2]] = set(as_text(table[column]).dropna().tolist())
    ids = np.array([str(patient) for patient in patients.tolist()])
    splits, issues = [], []
    for name, pair in sides.items():
        wrong = _check_pair(name, pair, set(ids.tolist()))
        if not wrong:
            train, test = (np.flatnonzero(np.isin(ids, list(pair[side]))) for side in ("train", "test"))
            wrong = [
                f"The {side} side of split {name} lacks one of the classes."
                for side, rows in (("train", train), ("test", test))
                if not _both(labels[rows])
            ]
            splits.append((train, test))
        issues += wrong
    if issues or not splits:
        raise CohortError(
            f"The splits of {Path(path).name} cannot be used.",
            issues or ["It has no pair of columns such as 1_train, 1_test."],
            "Give a pair of columns K_train, K_test of patient ids for each split.",
        )
    tested = np.sort(np.concatenate([test for _, test in splits]))
    partition = len(splits) > 1 and np.array_equal(tested, np.arange(len(labels)))
    return Folds(tuple(splits), len(splits) if partition else 1, 1 if partition else len(splits), "fixed")


def _check_pair(name: str, pair: dict[str, set[str]], known: set[str]) -> list[str]:
    if len(pair) < 2:
        return [f"Split {name} has the column {name}_{next(iter(pair))} alone."]
    wrong = []
    if unknown := sorted((pair["train"] | pair["test"]) - known):
        wrong.append(f"Split {name} names {len(unknown)} patient(s) that the table lacks, {unknown[0]} first.")
    if both := pair["train"] & pair["test"]:
        wrong.append(f"Split {name} has {len(both)} patient(s) on both sides, {min(both)} first.")
    return wrong


def _draw(labels: NDArray[np.int_], groups: NDArray[Any], k: int, repeats: int, seed: int) -> list[Split]:
    from sklearn.model_selection import StratifiedGroupKFold

    splits: list[Split] = []
    for repeat in range(repeats):
        splitter = StratifiedGroupKFold(n_splits=k, shuffle=True, random_state=seed + repeat)
        splits += [(train, test) for train, test in splitter.split(labels, labels, groups)]
    return splits


def _both(labels: NDArray[np.int_]) -> bool:
    return len(np.unique(labels)) == 2

"""From a table to what a model learns from: rows, labels and groups, with everything wrong told at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution
from app.core.errors import CohortError, InputError
from app.core.io.table import read_cases, read_table
from app.core.jobs import Report
from app.core.recipe import RadiomicsRecipe, Recipe
from app.core.requests import TrainRequest
from app.core.workflows import cohort_problems as problems
from app.core.workflows.hidden_label import HeldOut, find_hidden_labels, hold_out_clinical
from app.core.workflows.learning_columns import (
    Size,
    as_words,
    cells_of,
    choose_features,
    describe_context,
    find_sizes,
    list_columns,
)
from app.core.workflows.measured_table import Measured, check_cases, holds_images, measure_table
from app.core.workflows.pictures import CASE, cut_pictures, list_pictures, name_cases
from app.core.workflows.roles import read_roles

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "Correct the table and train again."


@dataclass(frozen=True, eq=False)
class Cohort:
    """What is learned from.

    Parameters
    ----------
    table : pandas.DataFrame
        A row per case, numbered from 0: the feature columns (float64, NaN where missing), then the context columns,
        which describe a case or its scanner and never reach a classifier.
    features : tuple of str
        The columns that are learned from.
    clinical : tuple of str
        Context columns that the clinical comparator is fitted on.
    labels : array of int, shape (cases,)
        1 for the positive class, 0 for the other.
    patients : array of str, shape (cases,)
        Cases of one patient stay together.
    sites : array of str, shape (cases,), or None
        Empty where missing; None when no site column was named.
    classes : tuple of str
        The label's values: the other class, the positive one; 'not VALUE' where several make the other class.
    sizes : tuple of Size
        Volume and longest diameter, whether or not they are features; empty when the table has none.
    failed : tuple of dict
        Cases that could not be measured: `case`, `message`.
    held_out : tuple of HeldOut
        Columns that may be the label under another name.
    cautions : tuple of Caution
        What the reader of any result must know.
    pictures : mapping of str to Path
        The index of the pictures of each recipe with a network; the table's column `case` names the rows in it.
    """

    table: pd.DataFrame
    features: tuple[str, ...]
    clinical: tuple[str, ...]
    labels: NDArray[np.int_]
    patients: NDArray[Any]
    sites: NDArray[Any] | None
    classes: tuple[str, str]
    sizes: tuple[Size, ...]
    failed: tuple[dict[str, str], ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    cautions: tuple[Caution, ...] = ()
    pictures: Mapping[str, Path] = field(default_factory=dict)

    @property
    def rows(self) -> NDArray[np.float64]:
        """The features alone, shape (cases, features)."""
        return np.asarray(self.table[list(self.features)].to_numpy(dtype=float))

    @property
    def site_names(self) -> tuple[str, ...]:
        """Every site once, in order; empty when no site column was named."""
        return () if self.sites is None else tuple(sorted(set(self.sites.tolist()) - {""}))

    @property
    def most_folds(self) -> int:
        """The largest number of folds in which every fold can hold two patients of either class."""
        return problems.most_folds(self.labels, self.patients)

    def size(self, kind: str) -> Size | None:
        """The tumours' 'volume' or 'longest_diameter'."""
        return next((size for size in self.sizes if size.kind == kind), None)


def read_cohort(ask: TrainRequest, report: Report) -> Cohort:
    """Read rows, labels and groups; every problem is collected.

    Parameters
    ----------
    ask : TrainRequest
        Names the table and its columns.
    report : callable
        Told while images are measured and cut.

    Raises
    ------
    CohortError
        Names each column or row that cannot be used.
    """
    frame = read_table(Path(ask.table), text=(ask.patient, *([ask.site] if ask.site else [])))
    roles, images, failed, pictures = read_roles(ask.table), holds_images(frame), tuple[dict[str, str], ...](), {}
    networks = [recipe for recipe in ask.settled if recipe.network]
    if networks and not images:
        _refuse(ask, [f"'{networks[0].name}' learns from pictures, and the table has no columns 'image' and 'mask'."])
    if images and (roles is None or networks):
        _refuse(ask, [*_check_cases(ask, frame), *_reserved(ask, networks), *check_cases(ask.table)])
        measured = _measure(ask, frame, roles, lambda share, told: report(share / 2 if networks else share, told))
        if networks:
            cut = cut_pictures(measured.cases, networks, lambda share, told: report(0.5 + share / 2, told), ask.jobs)
            measured = measured.without({row: each["error"] for row, each in enumerate(cut) if "error" in each})
            pictures = list_pictures([each for each in cut if "keys" in each], networks)
        frame, failed, roles = measured.frame, measured.failed, {"feature": list(measured.features)}
    found = problems.missing_columns(frame, _named(ask)) or problems.roles_of_one_column(ask, roles)
    features = choose_features(frame, roles, _taken(ask), ask.confirmed)
    found += _check_cases(ask, frame) if set(_named(ask)) <= set(frame.columns) else []
    undescribed = _undescribed(ask, frame)
    found += undescribed or _unharmonisable(ask, frame)
    found += problems.words_among_numbers(frame, _taken(ask), roles, ask.confirmed)
    found += problems.infinite_values(frame, features) + problems.infinite_clinical(frame, ask.clinical)
    found += _lacking(ask, features)
    if set(_named(ask)) <= set(frame.columns):
        found += problems.repeated_rows(frame, features, as_words(frame[ask.patient]))
    _refuse(ask, found, frame)
    cohort = _build(ask, frame, features, failed)
    return replace(cohort, table=name_cases(cohort.table, cohort.patients), pictures=pictures) if pictures else cohort


def _measure(ask: TrainRequest, frame: pd.DataFrame, roles: dict[str, Any] | None, report: Report) -> Measured:
    """Measure what the recipes learn from; for networks alone the size, which always stands beside them."""
    if roles is not None:
        return Measured(frame, tuple(roles["feature"]), read_cases(Path(ask.table), strict=True).cases, ())
    recipe = ask.measures or Recipe(name="size", features=RadiomicsRecipe(classes=()))
    return measure_table(ask.table, frame, recipe, report, ask.jobs)


def _reserved(ask: TrainRequest, networks: list[Recipe]) -> list[str]:
    """The one name of a column that a run with networks needs for itself."""
    if not networks or CASE not in (*ask.clinical, *ask.described_by):
        return []
    return [f"The column '{CASE}' has a name that networks use for their pictures: give it another."]


def _named(ask: TrainRequest) -> tuple[str, ...]:
    site = [ask.site] if ask.site else []
    return (ask.label, ask.patient, *site, *ask.clinical, *ask.ignore, *ask.confirmed, *ask.context)


def _context(ask: TrainRequest, frame: pd.DataFrame) -> dict[str, list[Any]]:
    """What is known of each case and its scanner beside its features."""
    known = describe_context(frame, ask.site)
    wanted = [name for name in (*ask.clinical, *ask.described_by) if name not in known]
    return known | {name: cells_of(frame[name]) for name in wanted if name in frame.columns}


def _undescribed(ask: TrainRequest, frame: pd.DataFrame) -> list[str]:
    """Columns that the harmonisation needs and the table lacks."""
    known = _context(ask, frame) if not ask.site or ask.site in frame.columns else {"site": []}
    return [
        f"The harmonisation needs '{name}': {'name the column with --site' if name == 'site' else 'no column has it'}."
        for name in ask.described_by
        if name not in known and name not in ask.context
    ]


def _unharmonisable(ask: TrainRequest, frame: pd.DataFrame) -> list[str]:
    """What no fold could mend: covariates that determine the label or are the site, a reference site too small."""
    import pandas as pd

    from app.core.harmonise.step import check_harmonisation

    if not set(_named(ask)) <= set(frame.columns):
        return []
    words, issues = as_words(frame[ask.label]), []
    if problems.label_values(ask.label, words, ask.positive):
        return []
    labels, known = _code(words, _classes(words, ask.positive)), pd.DataFrame(_context(ask, frame))
    for recipe in ask.settled:
        try:
            check_harmonisation(recipe.harmonise, known, labels)
        except InputError as error:
            issues.append(str(error))
    return issues


def _taken(ask: TrainRequest) -> tuple[str, ...]:
    named = (ask.label, ask.patient, ask.site, *ask.clinical, *ask.ignore, *ask.described_by)
    return tuple(name for name in named if name)


def _refuse(ask: TrainRequest, found: list[str], frame: pd.DataFrame | None = None) -> None:
    if not found:
        return
    lacking = frame is not None and any("has no column" in each for each in found)
    columns = list(map(str, frame.columns)) if frame is not None else []
    remedy = f"Its columns are {list_columns(columns, 12)}." if lacking else REMEDY
    raise CohortError(f"{Path(ask.table).name} cannot be learned from.", list(dict.fromkeys(found)), remedy)


def _check_cases(ask: TrainRequest, frame: pd.DataFrame) -> list[str]:
    """Problems of labels, patients and sites, which are known before any image is measured."""
    found = problems.missing_columns(frame, _named(ask))
    if found:
        return found
    words, patients = as_words(frame[ask.label]), as_words(frame[ask.patient])
    found += problems.empty_cells(frame, (ask.label, ask.patient))
    values = problems.label_values(ask.label, words, ask.positive)
    found += values
    found += problems.reused_ids(frame, ask)
    if ask.site:
        found += problems.site_is_patient(patients, as_words(frame[ask.site]), ask.site)
    if not values:
        classes = _classes(words, ask.positive)
        known = np.array([bool(word and patient) for word, patient in zip(words, patients, strict=True)])
        found += problems.too_few_patients(_code(words, classes)[known], np.array(patients)[known], classes)
    return found


def _classes(words: list[str], positive: str | None) -> tuple[str, str]:
    """The other class and the positive one; several other values are one class, named for what it is not."""
    values = sorted({word for word in words if word})
    chosen = positive or values[1]
    others = [value for value in values if value != chosen]
    return others[0] if len(others) == 1 else problems.name_others(chosen), chosen


def _code(words: list[str], classes: tuple[str, str]) -> NDArray[np.int_]:
    return np.array([int(word == classes[1]) for word in words])


def _lacking(ask: TrainRequest, features: tuple[str, ...]) -> list[str]:
    wanted = ask.recipe.features.names if ask.recipe.features else None
    missing = sorted(set(wanted or ()) - set(features))
    found = (
        [f"The recipe '{ask.recipe.name}' wants features that the table lacks: {list_columns(missing)}."]
        if missing
        else []
    )
    return found if features else [*found, "It holds no feature: give columns of numbers, or image and mask paths."]


def _build(
    ask: TrainRequest, frame: pd.DataFrame, features: tuple[str, ...], failed: tuple[dict[str, str], ...]
) -> Cohort:
    import pandas as pd

    wanted = ask.recipe.features.names if ask.recipe.features else None
    features = tuple(name for name in features if wanted is None or name in wanted)
    words = as_words(frame[ask.label])
    classes = _classes(words, ask.positive)
    labels = _code(words, classes)
    unfit = problems.unfit_features(frame, features)
    fit = tuple(name for name in features if not any(name in names for names in unfit.values()))
    held_out = find_hidden_labels(frame, fit, labels, ask.confirmed)
    held_out += hold_out_clinical(frame, ask.clinical, labels, ask.confirmed)
    suspected = {each.column for each in held_out}
    kept = [name for name in fit if name not in suspected]
    if not kept:
        reasons = [f"'{each.column}': {each.reason}." for each in held_out]
        raise CohortError(
            f"{Path(ask.table).name} holds nothing to learn from.",
            reasons or [f"{what.capitalize()}: {list_columns(names)}." for what, names in unfit.items() if names],
            "Give feature columns, or confirm with --confirm COLUMN that one of these is a measurement."
            if reasons
            else "Give feature columns, or image and mask paths.",
        )
    clinical = [name for name in ask.clinical if name not in suspected]
    context = {name: values for name, values in _context(ask, frame).items() if name not in suspected}
    columns = {name: frame[name].to_numpy(dtype=float, na_value=np.nan) for name in kept}
    table = pd.DataFrame({**columns, **{name: values for name, values in context.items() if name not in columns}})
    return Cohort(
        table=table,
        features=tuple(kept),
        clinical=tuple(clinical),
        labels=labels,
        patients=np.array(as_words(frame[ask.patient])),
        sites=np.array(as_words(frame[ask.site])) if ask.site else None,
        classes=classes,
        sizes=find_sizes(frame.drop(columns=ask.ignore)),
        failed=failed,
        held_out=held_out,
        cautions=(
            *problems.joined_values(ask.label, words, classes),
            *problems.both_classes(as_words(frame[ask.patient]), labels),
            *_cautions(ask, frame, held_out, unfit),
        ),
    )


def _cautions(
    ask: TrainRequest, frame: pd.DataFrame, held_out: tuple[HeldOut, ...], unfit: dict[str, list[str]]
) -> tuple[Caution, ...]:
    told = [
        Caution(
            "held_out",
            f"The column '{each.column}' is held out of learning: {each.reason}. Use --confirm {each.column} if it is "
            "a measurement known before the diagnosis.",
        )
        for each in held_out
    ]
    said = {"empty": "hold no value", "constant": "are the same in every case", "duplicated": "repeat another column"}
    told += [
        Caution(f"{what}_features", f"Features that {said[what]} are left out ({len(names)}): {list_columns(names)}.")
        for what, names in unfit.items()
        if names
    ]
    if ask.site and (unknown := sum(not word for word in as_words(frame[ask.site]))):
        told.append(
            Caution(
                "site_missing",
                f"{unknown} of {len(frame)} rows have no '{ask.site}': they take no part in anything that is by site.",
            )
        )
    return tuple(told)

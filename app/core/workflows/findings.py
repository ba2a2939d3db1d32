"""What exploring a table of features finds, before any of it is drawn or written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Caution
from app.core.evaluate.correlation import Clusters, Method, correlate_beyond, correlate_with
from app.core.evaluate.univariate import adjust, judge_features
from app.core.radiomics.catalogue import describe
from app.core.workflows.cohort_images import Histograms, Survey
from app.core.workflows.feature_table import FeatureTable

Array = NDArray[np.float64]
Matrix = NDArray[np.float32]
SURROGATE = 0.8
"""A feature whose |Spearman rho| with volume reaches this shares two thirds of its rank variance with it."""
FEW = 10
_FIGURES = (
    "cases", "r_label", "rho_label", "r_volume", "rho_volume", "auc", "low", "high", "p", "p_bonferroni", "q",
    "rho_beyond_volume", "p_beyond_volume", "q_beyond_volume",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that was found.

    Parameters
    ----------
    table : FeatureTable
    features : list of dict
        From `compare_features`.
    matrices : mapping of str to array of float32, shape (features, features)
        'pearson' and 'spearman', in the order drawn.
    order : Clusters
        That order.
    maps : mapping of str to array, shape (cases, 2)
        'tsne' and 'umap', or none.
    survey, histograms : Survey, Histograms, or None
        Of the images.
    """

    table: FeatureTable
    features: list[dict[str, Any]]
    matrices: Mapping[str, Matrix]
    order: Clusters
    maps: Mapping[str, Array]
    survey: Survey | None
    histograms: Histograms | None

    @property
    def names(self) -> list[str]:
        """Columns of the features, in the order drawn."""
        return [self.table.names[index] for index in self.order.order]

    @property
    def titles(self) -> list[str]:
        """Of the features, in the order drawn."""
        return [self.features[index]["title"] for index in self.order.order]

    @property
    def positive(self) -> str | None:
        """The positive class as a reader understands it; None when nothing could be compared with a label."""
        compared = self.table.positive and any(row["p"] is not None for row in self.features)
        return self.table.name_class(self.table.positive) if compared else None

    @property
    def volume_area(self) -> float | None:
        """The AUC of the tumour's volume."""
        return next((row["auc"] for row in self.features if row["feature"] == self.table.volume_name), None)

    def groups(self) -> dict[str, tuple[str, ...]]:
        """The group of each of the table's cases by label, site and vendor; empty text where not known."""
        labels = tuple(self.table.name_class(each) if each else "" for each in self.table.labels)
        return {"label": labels, "site": self.table.sites, "vendor": self.table.vendors}

    def image_groups(self) -> dict[str, tuple[str, ...]]:
        """The same for each image looked at; the vendor from the image's header where the table has none."""
        if self.survey is None:
            return {}
        rows = {patient: row for row, patient in reversed(list(enumerate(self.table.patients)))}
        named = zip(self.survey.cases, self.survey.patients, strict=True)
        places = [rows.get(case, rows.get(patient)) for case, patient in named]
        found = {
            name: tuple(members[place] if members and place is not None else "" for place in places)
            for name, members in self.groups().items()
        }
        return found if any(found["vendor"]) else {**found, "vendor": self.survey.vendors}


def telling(groups: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Keep the groupings that tell cases apart."""
    return {name: members for name, members in groups.items() if len(set(members) - {""}) > 1}


def compare_features(table: FeatureTable) -> list[dict[str, Any]]:
    """Compare each feature with the label, with volume, and with the label at equal volume.

    Returns
    -------
    list of dict
        `feature`, `title`, `cases` (that have it); correlations `r_label`, `rho_label`, `r_volume`, `rho_volume`;
        `auc`, `low`, `high`, `p`, `p_bonferroni`, `q`; `surrogate`; `rho_beyond_volume` (Spearman's partial correlation
        with the label), `p_beyond_volume`, `q_beyond_volume`. None where a figure cannot be had.

    References
    ----------
    Traverso et al., Physica Medica 71 (2020), 10.1016/j.ejmp.2020.02.010, and Welch et al., Radiotherapy and Oncology
    130 (2019), 10.1016/j.radonc.2018.10.027: features that are volume in disguise.
    """
    columns: dict[str, Array] = {"cases": np.isfinite(table.rows).sum(axis=0).astype(float)}
    outcome = table.outcome if table.positive else None
    methods: tuple[tuple[str, Method], ...] = (("r", "pearson"), ("rho", "spearman"))
    for name, variable in (("label", outcome), ("volume", table.volume)):
        for symbol, method in methods:
            if variable is not None:
                columns[f"{symbol}_{name}"] = correlate_with(table.rows, variable, method)
    if outcome is not None:
        known = np.isfinite(outcome)
        judged = judge_features(table.rows[known], outcome[known])
        columns |= {"auc": judged.auc, "low": judged.low, "high": judged.high}
        columns |= {"p": judged.p, "p_bonferroni": judged.bonferroni, "q": judged.q}
    if outcome is not None and table.volume is not None:
        rho, p = correlate_beyond(table.rows, outcome, table.volume)
        columns |= {"rho_beyond_volume": rho, "p_beyond_volume": p, "q_beyond_volume": adjust(p)[1]}
    empty = np.full(len(table.names), np.nan)
    with_volume = columns.get("rho_volume", empty)
    return [
        {
            "feature": feature,
            "title": describe(feature).title,
            **{name: _number(columns.get(name, empty)[index]) for name in _FIGURES},
            "surrogate": bool(abs(with_volume[index]) >= SURROGATE),
        }
        for index, feature in enumerate(table.names)
    ]


def caution_readers(found: Findings) -> list[Caution]:
    """What the reader must know of the comparison with the label and of the images."""
    cautions = []
    if found.positive is not None:
        told = (
            "Correlations, AUCs and p values are measured on the cases that they describe. The best of many features "
            "looks better here than it will on other patients, and a model needs its own validation."
        )
        cautions.append(Caution("in_sample", told))
    smaller = min(found.table.counts)
    if found.table.positive and smaller < FEW:
        count = f"{smaller} case{'s' * (smaller != 1)}"
        told = f"The smaller class has {count}: intervals are wide, and true differences can be missed."
        cautions.append(Caution("few_cases", told))
    if found.survey is not None:
        cautions += [Caution("image_failed", f"{each['case']}: {each['message']}") for each in found.survey.failed]
        if found.survey.sequences > 1:
            told = f"Slices and histograms are of '{found.survey.sequence}', one of {found.survey.sequences} sequences."
            cautions.append(Caution("one_sequence", told))
    problems = found.histograms.problems if found.histograms is not None else ()
    return cautions + [Caution("normalisation_left_out", each) for each in problems]


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)

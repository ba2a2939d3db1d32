"""ComBat as an estimator: fitted on training rows, refusing the outcome, with a policy for sites it cannot serve."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from app.core.errors import InputError, RecipeError
from app.core.harmonise.covariates import carry_covariates
from app.core.harmonise.design import build_design, learn_levels, refuse_outcome, words
from app.core.harmonise.estimation import CombatEstimate, estimate_combat
from app.core.harmonise.features import select_features
from app.core.harmonise.policy import KnownSites, name_merged, protocol_keys

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Combat", "CombatEstimate", "estimate_combat"]
FloatArray = NDArray[np.float64]


class Combat(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Remove site effects from features, learned on training rows only.

    Parameters
    ----------
    features : sequence of str
        Columns to harmonise, in the model's order.
    batch : str
        Column of the site.
    covariates, categorical : sequence of str
        Columns whose effect is kept. `fit` then needs the outcome, and refuses covariates that determine it.
    eb, parametric, mean_only, reference
        As for `estimate_combat`.
    unseen : {'refuse', 'nearest', 'leave', 'estimate'}
        What happens to a row of a site that training did not have: an error; the case-weighted mean location and scale
        of the training sites of the same protocol group; nothing, with a caution; or estimation from at least
        `estimate_from` rows of that site, without their outcome (fewer are left, with a caution).
    small : {'leave', 'merge', 'mean_only'}
        What happens to training sites of fewer than `at_least` cases: nothing, with a caution; small sites of one
        protocol group (all of them, without `group_by`) together make a site, if that has enough cases; or only their
        location is corrected, if there are two cases.
    group_by : sequence of str
        Columns that name a protocol, the most important first, such as vendor and field strength. A group that training
        did not have is looked for again without the last column.
    at_least : int
        Training cases from which a site is harmonised.
    estimate_from : int
        Rows from which a new site is estimated.
    misfit : {'refuse', 'leave_out'}
        What happens when the training rows cannot carry a covariate, because it determines their outcome or cannot be
        told from the site, or cannot serve the reference site: an error, as a whole cohort deserves; or, as within its
        folds, the covariate is left out, or nothing is harmonised, with a caution. Either way a covariate that
        determines the outcome is never used.

    Attributes
    ----------
    sites_ : dict of str to int
        Training cases of each site; '' for rows without one.
    batches_ : list of str
        What has parameters of its own: sites, and merged small sites.
    mean_, deviation_, effects_, centre_, location_, scale_ : array
        As in `CombatEstimate`.
    groups_ : dict
        Location and scale of each protocol group.
    adapted_ : dict of str to int
        Sites added by `adapt`, with their rows.
    left_ : str
        Why nothing is harmonised; empty when something is.
    continuous_ : list of str
    levels_ : dict of str to list of str
        Covariates that are used, and the levels of the categorical ones.
    left_out_ : dict of str to str
        Covariates that the training rows cannot carry, and why.

    Notes
    -----
    Locations are means and scales are variances: a few extreme values of a skewed feature move a whole site, and can
    leave sites further apart in rank than they were. Such features are better transformed before they are given here.

    References
    ----------
    Johnson et al. 2007, 10.1093/biostatistics/kxj037; Fortin et al. 2018, 10.1016/j.neuroimage.2017.11.024.
    """

    def __init__(
        self,
        features: Sequence[str],
        batch: str = "site",
        covariates: Sequence[str] = (),
        categorical: Sequence[str] = (),
        eb: bool = True,
        parametric: bool = True,
        mean_only: bool = False,
        reference: str | None = None,
        unseen: Literal["refuse", "nearest", "leave", "estimate"] = "refuse",
        small: Literal["leave", "merge", "mean_only"] = "leave",
        group_by: Sequence[str] = (),
        at_least: int = 5,
        estimate_from: int = 5,
        misfit: Literal["refuse", "leave_out"] = "refuse",
    ) -> None:
        self.features = features
        self.batch = batch
        self.covariates = covariates
        self.categorical = categorical
        self.eb = eb
        self.parametric = parametric
        self.mean_only = mean_only
        self.reference = reference
        self.unseen = unseen
        self.small = small
        self.group_by = group_by
        self.at_least = at_least
        self.estimate_from = estimate_from
        self.misfit = misfit

    def fit(self, table: pd.DataFrame, y: Any = None) -> Self:
        """Learn every site's location and scale.

        Parameters
        ----------
        table : DataFrame
            Training rows: features, site, covariates and protocol.
        y : array, shape (rows,), optional
            Outcome: never used to harmonise, but to refuse what would give it away. Required with covariates.

        Raises
        ------
        RecipeError
            A covariate determines the outcome or cannot be told from the site, or a setting names what is not there.
        """
        values = select_features(table, self.features)
        self._check_columns(table, y)
        sites = words(table, self.batch)
        self.sites_ = dict(sorted(Counter(sites).items()))
        self.adapted_: dict[str, int] = {}
        self.n_features_in_ = len(self.features)
        batches = np.array(self._assign(table, sites), dtype=object)
        kept = batches != ""
        self._choose_covariates(table, y, batches.tolist())
        self.left_ = self._find_obstacle(batches[kept], None if y is None else np.asarray(y)[kept])
        if self.left_:
            kept[:] = False
        self._estimate(values[kept], batches[kept].tolist(), build_design(table[kept], self.continuous_, self.levels_))
        self.groups_ = self._pool_groups(table[kept], batches[kept].tolist())
        return self

    def transform(self, table: pd.DataFrame) -> FloatArray:
        """Harmonise rows of known sites and treat the others as the settings say.

        Parameters
        ----------
        table : DataFrame
            Features and site; a covariate that is missing counts as its training mean.

        Returns
        -------
        array, shape (rows, features)

        Raises
        ------
        InputError
            A row's site was not in training and the policy is to refuse.
        """
        values, decisions = select_features(table, self.features), self.explain(table)
        refused = sorted({row["site"] or "not stated" for row in decisions if row["policy"] == "refused"})
        if refused:
            raise InputError(
                f"The site {', '.join(refused)} was not among the {len(self.sites_)} sites of training, "
                "and this model harmonises known sites only.",
                "Use a model without harmonisation, or train with another policy for unseen sites.",
            )
        estimate, design = self._estimated, build_design(table, self.continuous_, self.levels_)
        location, scale = np.zeros_like(values), np.ones_like(values)
        untouched = np.zeros(len(values), dtype=bool)
        measured: dict[str, tuple[FloatArray, FloatArray]] = {}
        for row, decision in enumerate(decisions):
            if decision["policy"] in ("harmonised", "merged", "mean_only", "adapted"):
                place = self.batches_.index(decision["batch"])
                location[row], scale[row] = self.location_[place], self.scale_[place]
            elif decision["policy"] == "nearest":
                location[row], scale[row] = self.groups_[decision["batch"]]
            elif decision["policy"] == "estimated":
                site = decision["site"]
                if site not in measured:
                    own = np.array([other["site"] == site for other in decisions])
                    measured[site] = estimate.measure(values[own], design[own])
                location[row], scale[row] = measured[site]
            else:
                untouched[row] = True
        adjusted = estimate.adjust(values, location, scale, design)
        adjusted[untouched] = values[untouched]
        return adjusted

    def explain(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """Say which policy `transform` applies to each row.

        Returns
        -------
        list of dict
            `site`; `policy` ('harmonised', 'reference', 'merged', 'mean_only', 'adapted', 'nearest', 'estimated',
            'left_small', 'left_unseen' or 'refused'); `batch`, whose parameters are used, or ''; `unknown`, covariates
            for which the training mean stands in; `left_out`, those that training could not carry; and `caution`,
            sentences or ''.
        """
        sites, known_sites = words(table, self.batch), self._known_sites()
        counts, keys = Counter(sites), protocol_keys(table, self.group_by)
        rows = [known_sites.decide(site, key, counts[site]) | {"unknown": [], "left_out": list(self.left_out_)}
                for site, key in zip(sites, keys, strict=True)]  # fmt: skip
        told = [f"The covariate '{name}' was left out of the harmonisation: {why}."
                for name, why in self.left_out_.items()]  # fmt: skip
        for row in rows if told and not self.left_ else ():
            row["caution"] = " ".join([row["caution"], *told]).strip()
        for name in (*self.continuous_, *self.levels_):
            one = build_design(table, [name], {}) if name in self.continuous_ else None
            known = self.levels_.get(name, [])
            found = words(table, name) if one is None else ["" if np.isnan(value) else "known" for value in one[:, 0]]
            for row, word in zip(rows, found, strict=True):
                if (one is None and word not in known) or not word:
                    row["unknown"].append(name)
        return rows

    def adapt(self, table: pd.DataFrame) -> Self:
        """Add sites, each from rows without an outcome; everything learned in training stays.

        Parameters
        ----------
        table : DataFrame
            Rows of one or more sites that have no parameters yet.

        Returns
        -------
        Combat
            A fitted copy.

        Raises
        ------
        InputError
            No site of the table is new and has `estimate_from` rows.
        """
        sites, values = np.array(words(table, self.batch), dtype=object), select_features(table, self.features)
        found = Counter(site for site in sites if site and site not in self.batches_)
        enough = sorted(site for site, count in found.items() if count >= self.estimate_from)
        if not enough or not self.batches_:
            most = max(found.values(), default=0)
            raise InputError(
                self.left_ or f"No new site of the table has {self.estimate_from} cases; the largest has {most}.",
                "Gather more cases of the site, or use a model without harmonisation.",
            )
        design, adapted = build_design(table, self.continuous_, self.levels_), deepcopy(self)
        for site in enough:
            location, scale = self._estimated.measure(values[sites == site], design[sites == site])
            adapted.batches_.append(site)
            adapted.location_ = np.vstack([adapted.location_, location])
            adapted.scale_ = np.vstack([adapted.scale_, scale])
            adapted.adapted_[site] = found[site]
        return adapted

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:  # noqa: ARG002
        """Names of the columns of `transform`."""
        return np.array(self.features, dtype=object)

    @property
    def _estimated(self) -> CombatEstimate:
        return CombatEstimate(
            tuple(self.batches_), self.mean_, self.deviation_, self.effects_, self.centre_, self.location_, self.scale_,
            self.reference_, self.eb, self.parametric, self.mean_only,
        )  # fmt: skip

    def _check_columns(self, table: pd.DataFrame, y: Any) -> None:
        needed = (self.batch, *self.covariates, *self.categorical, *self.group_by)
        absent = [name for name in needed if name not in table]
        if absent:
            raise RecipeError(
                f"Harmonisation needs the column '{absent[0]}', which the table lacks.", "Add it, or do not harmonise."
            )
        if self.unseen == "nearest" and not len(self.group_by):
            raise RecipeError(
                "The nearest protocol group is asked for, but no column names the protocol.",
                "Name columns such as the vendor and the field strength.",
            )
        if (len(self.covariates) or len(self.categorical)) and y is None:
            raise RecipeError(
                "Harmonisation with covariates was asked for without the outcome, so nobody can check that the "
                "covariates do not determine it.",
                "Give the outcome of the training cases, or no covariates.",
            )

    def _choose_covariates(self, table: pd.DataFrame, y: Any, batches: list[str]) -> None:
        """Refuse what determines the outcome, or leave out what these rows cannot carry."""
        self.continuous_, self.levels_ = list(self.covariates), learn_levels(table, self.categorical)
        self.left_out_: dict[str, str] = {}
        if not self.continuous_ and not self.levels_:
            return
        if self.misfit == "leave_out":
            found = carry_covariates(table, y, self.continuous_, self.levels_, batches)
            self.continuous_, self.left_out_ = list(found.continuous), dict(found.left_out)
            self.levels_ = {name: list(levels) for name, levels in found.levels.items()}
        else:
            refuse_outcome(table, y, self.continuous_, self.levels_, batches)

    def _assign(self, table: pd.DataFrame, sites: Sequence[str]) -> list[str]:
        """Batch of each training row, '' for rows that are left."""
        own = self.at_least if self.small != "mean_only" else min(2, self.at_least)
        batches = [site if site and self.sites_[site] >= own else "" for site in sites]
        if self.small == "merge":
            keys = protocol_keys(table, self.group_by)
            merged = [name_merged(key) if site and not batch else ""
                      for site, batch, key in zip(sites, batches, keys, strict=True)]  # fmt: skip
            counts = Counter(merged)
            batches = [batch or (name if counts[name] >= self.at_least else "")
                       for batch, name in zip(batches, merged, strict=True)]  # fmt: skip
        return batches

    def _find_obstacle(self, batches: NDArray[np.object_], outcome: NDArray[Any] | None) -> str:
        """Say why nothing can be harmonised, or nothing."""
        names = sorted(set(batches.tolist()))
        if self.reference is not None and self.sites_.get(self.reference, 0) < self.at_least:
            few = f"has {self.sites_.get(self.reference, 0)} training cases; at least {self.at_least} are needed"
            if self.misfit == "leave_out":
                return f"The reference site '{self.reference}' {few}; nothing is harmonised."
            raise RecipeError(f"The reference site '{self.reference}' {few}.", "Choose a larger site, or none.")
        if not any(self.sites_.get(name, self.at_least) >= self.at_least for name in names):
            return f"No site has {self.at_least} training cases; nothing is harmonised."
        if outcome is not None and len(names) > 1 and len(set(outcome.tolist())) > 1:
            classes = [len(set(outcome[batches == name].tolist())) for name in names]
            if max(classes) == 1:
                return "Every site holds one class only, and harmonising would remove the difference between classes."
        return ""

    def _estimate(self, values: FloatArray, batches: list[str], design: FloatArray) -> None:
        names = sorted(set(batches))
        # A single site is its own reference: it is returned as it came, and new sites are brought to it.
        self.reference_ = names[0] if len(names) == 1 else self.reference
        self.location_only_ = [name for name in names if self.sites_.get(name, self.at_least) < self.at_least]
        if not names:
            width, empty = len(self.features), np.empty((0, len(self.features)))
            found = CombatEstimate((), np.zeros(width), np.zeros(width), empty, np.empty(0), empty, empty)
        else:
            try:
                found = estimate_combat(
                    values, batches, design, eb=self.eb, parametric=self.parametric, mean_only=self.mean_only,
                    reference=self.reference_, location_only=self.location_only_,
                )  # fmt: skip
            except ValueError as error:
                told = ", ".join(f"'{name}'" for name in (*self.covariates, *self.categorical))
                raise RecipeError(
                    f"The covariates {told} cannot be told apart from the site, or from each other, in the "
                    f"{len(values)} training cases.",
                    "Leave one of them out.",
                ) from error
        self.batches_ = list(found.batches)
        self.mean_, self.deviation_ = np.array(found.mean), np.array(found.deviation)
        self.effects_, self.centre_ = np.array(found.effects), np.array(found.centre)
        self.location_, self.scale_ = np.array(found.location), np.array(found.scale)

    def _pool_groups(self, table: pd.DataFrame, batches: Sequence[str]) -> dict[str, list[FloatArray]]:
        members: dict[str, list[int]] = {}
        for keys, batch in zip(protocol_keys(table, self.group_by), batches, strict=True):
            for key in keys:
                members.setdefault(key, []).append(self.batches_.index(batch))
        return {key: [self.location_[places].mean(axis=0), self.scale_[places].mean(axis=0)]
                for key, places in members.items()}  # fmt: skip

    def _known_sites(self) -> KnownSites:
        policies = {name: "harmonised" if name in self.sites_ else "merged" for name in self.batches_}
        policies |= dict.fromkeys(self.location_only_, "mean_only") | dict.fromkeys(self.adapted_, "adapted")
        if self.reference_ is not None and self.batches_:
            policies[self.reference_] = "reference"
        return KnownSites(policies, self.sites_, self.groups_, self.unseen, self.small == "merge", self.estimate_from,
                          self.left_)  # fmt: skip

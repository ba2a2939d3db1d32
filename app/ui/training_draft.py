"""What a training shall be, as far as it has been said: plain values that are kept, and the request they make."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from app.core.recipe import HarmoniseRecipe, Recipe
from app.core.requests import PreviewTrainingRequest, TrainRequest
from app.ui.class_names import sought_of

EFFORTS = {"quick": 1, "normal": 5, "thorough": 10}
"""Repeats of the cross-validation."""
SINGLE = ("patient", "label", "site")
DEFAULT_MODEL = "default"
FEATURE_RECIPE = "pyradiomics"


@dataclass(frozen=True)
class Draft:
    """A half-done training.

    Parameters
    ----------
    step, furthest : int
        Where the reader is, and how far they have been.
    source, labels : str
        The table or folder, and a second table that knows the diagnoses.
    roles : dict of str to str
        Columns whose role the reader has changed; `picked` has the single ones ('' for none).
    confirmed : tuple of str
        Columns that are right although they look wrong.
    positive : str
        The label's value that is looked for.
    recipe : str
        What is measured on images.
    harmonise, unseen, small : str
        'none' or 'combat', and its policies.
    models : tuple of str
        Recipes.
    weights : dict of str to str
        Files that networks start from, by recipe, where another than the recipe's was chosen.
    sequence : str
        What networks look at, where cases have several sequences and the recipe names none.
    primary : str
        The declared one; '' for the first.
    run : dict
        The last run: `request`, `state` ('running', 'paused', 'failed', 'done'), `result`.
    finish : dict
        What was entered on the last step: title, purpose, limits, threshold, error_rate, use.
    """

    step: int = 0
    furthest: int = 0
    source: str = ""
    labels: str = ""
    roles: dict[str, str] = field(default_factory=dict)
    picked: dict[str, str] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    positive: str = ""
    recipe: str = FEATURE_RECIPE
    harmonise: str = "none"
    unseen: str = "leave"
    small: str = "leave"
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    weights: dict[str, str] = field(default_factory=dict)
    sequence: str = ""
    primary: str = ""
    folds: int = 10
    repeats: int = EFFORTS["normal"]
    one_site_out: bool = False
    audit: bool = False
    learning_curve: bool = False
    external: str = ""
    jobs: int = 1
    run: dict[str, Any] = field(default_factory=dict)
    finish: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Draft:
        """Take up what was kept; what no longer fits is begun anew."""
        known = {each.name: each for each in fields(cls)}
        blank = cls()
        found = {name: tuple(value) if name in ("models", "confirmed") and isinstance(value, list) else value
                 for name, value in kept.items() if name in known}
        fit = {name: value for name, value in found.items() if isinstance(value, type(getattr(blank, name)))}
        return replace(blank, **fit)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "models": list(self.models), "confirmed": list(self.confirmed)}

    @property
    def effort(self) -> str:
        """Name of the effort that the repeats make; '' for a number of one's own."""
        return next((name for name, repeats in EFFORTS.items() if repeats == self.repeats), "")

    @property
    def declared(self) -> str:
        """The primary model."""
        return self.primary if self.primary in self.models else next(iter(self.models), "")

    def with_role(self, columns: tuple[str, ...], role: str) -> Draft:
        """Give columns a role; of the single ones the former holder is free again."""
        picked = {name: value for name, value in self.picked.items() if value not in columns}
        roles = {name: value for name, value in self.roles.items() if name not in columns}
        if role in SINGLE:
            picked[role] = columns[0]
        else:
            roles |= dict.fromkeys(columns, role)
        positive = "" if role == "label" or picked.get("label") != self.picked.get("label") else self.positive
        confirmed = tuple(name for name in self.confirmed if name not in columns)
        return replace(self, picked=picked, roles=roles, positive=positive, confirmed=confirmed)

    def _listed(self, role: str) -> list[str]:
        return [name for name, value in self.roles.items() if value == role]

    def preview(self, recipes: Mapping[str, Recipe], timed: tuple[str, ...] = (),
                guessed: tuple[str, ...] = (), sequences: tuple[str, ...] = ()) -> PreviewTrainingRequest:
        """Ask what the table holds; `guessed` are its clinical columns as far as they were found by themselves."""
        changed = any(name in self.roles for name in guessed) or "clinical" in self.roles.values()
        clinical = [*(name for name in guessed if name not in self.roles), *self._listed("clinical")]
        return PreviewTrainingRequest(
            table=self.source, labels=self.labels or None, label=self.picked.get("label"),
            positive=self.positive or None, patient=self.picked.get("patient"), site=self.picked.get("site"),
            clinical=clinical if changed else None, ignore=self._listed("ignore"),
            confirmed=[*self._listed("feature"), *self.confirmed],
            measures=recipes.get(self.recipe),
            recipes=[self.adapt(recipes[name], sequences) for name in timed if name in recipes],
            folds=self.folds, jobs=self.jobs)

    def request(self, found: Mapping[str, Any], recipes: Mapping[str, Recipe], out: str, keep: str) -> TrainRequest:
        """Ask for the training, once the table was looked at (`found`)."""
        chosen, measures = found["chosen"], recipes.get(self.recipe) if found["holds_images"] else None
        site = chosen["site"] or None
        folds = max(2, min(self.folds, int(found["most_folds"]) or self.folds))
        return TrainRequest(
            table=found["table"], label=chosen["label"], positive=self.positive_class(found) or None,
            patient=chosen["patient"], site=site, clinical=chosen["clinical"], ignore=self._listed("ignore"),
            confirmed=[*self._listed("feature"), *self.confirmed],
            recipes=[_for_run(self.adapt(recipes[name], sequences_of(found)), measures, folds, self.repeats)
                     for name in self.models],
            primary=self.declared, folds=folds, repeats=self.repeats, one_site_out=self.one_site_out, audit=self.audit,
            learning_curve=self.learning_curve, out=out, keep=keep, jobs=self.jobs,
            harmonise=HarmoniseRecipe(method="combat", unseen=self.unseen, small=self.small)
            if self.harmonise == "combat" and site else None)

    def adapt(self, recipe: Recipe, sequences: tuple[str, ...]) -> Recipe:
        """Give a network's recipe the weights and the sequence that were chosen for it."""
        network = recipe.network
        if network is None:
            return recipe
        told: dict[str, Any] = {}
        if recipe.name in self.weights:
            told |= {"weights": self.weights[recipe.name], "weights_sha256": ""}
        if len(sequences) > 1 and network.crop.sequence not in sequences:
            named = self.sequence if self.sequence in sequences else sequences[0]
            crop = network.crop.model_copy(update={"sequence": named})
            members = tuple(each.model_copy(update={"crop": crop}) for each in network.members)
            told |= {"crop": crop, "members": members}
        return recipe.model_copy(update={"network": network.model_copy(update=told)}) if told else recipe

    def positive_class(self, found: Mapping[str, Any]) -> str:
        """The class that is looked for: chosen, or the likely one of two."""
        values = sorted(found.get("classes") or ())
        return self.positive if self.positive in values else sought_of(values)


def looks_at_pictures(recipe: Recipe) -> bool:
    """Whether a recipe learns from pictures alone, and measures nothing on them."""
    return recipe.network is not None and recipe.features is None


def sequences_of(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Name the sequences that a table has columns of; empty where it names one image of each case, or none."""
    names = [str(column["name"]).lower() for column in found.get("columns") or ()] if found.get("holds_images") else []
    return tuple(name.removeprefix("image_") for name in names if name.startswith("image_"))


def _for_run(recipe: Recipe, measures: Recipe | None, folds: int, repeats: int) -> Recipe:
    changed: dict[str, Any] = {"model": recipe.model.model_copy(update={"folds": folds, "repeats": repeats})}
    if measures is not None and not looks_at_pictures(recipe):
        changed |= {"prep": measures.prep, "features": measures.features}
    return recipe.model_copy(update=changed)


def same_training(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two requests ask for the same, wherever it is written and however fast."""
    apart = ("out", "keep", "jobs")
    return ({name: value for name, value in one.items() if name not in apart}
            == {name: value for name, value in other.items() if name not in apart})


def subject(found: Mapping[str, Any], draft: Draft) -> str:
    """Say in a few words what a model tells apart: 'ALT or lipoma', or the label's name where its values are codes."""
    sought = draft.positive_class(found)
    other = next((name for name in found["classes"] if name != sought), "")
    if sought.replace(".", "", 1).isdigit() or not other:
        return str(found["chosen"]["label"]).replace("_", " ")
    return f"{sought} or {other}"


def propose_name(label: str, models: Path) -> str:
    """Name a folder for the model: of small letters, digits and hyphens, and not taken yet."""
    base = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:40] or "model"
    name, number = base, 2
    while (models / name).exists():
        name, number = f"{base}-{number}", number + 1
    return name


def summary(result: Mapping[str, Any]) -> dict[str, Any]:
    """The few figures of a training that its last steps show, and where the model is."""
    models = {name: {"auc": {key: each["auc"].get(key) for key in ("mean", "sd", "interval")},
                     "headline": each.get("headline")} for name, each in result["models"].items()}
    comparators = {name: {"auc": {key: each["auc"].get(key) for key in ("mean", "interval")},
                          "difference": each.get("difference")}
                   for name, each in (result.get("comparators") or {}).items() if each.get("auc")}
    return {"bundle": result["bundle"], "models": models, "comparators": comparators,
            "saved": result.get("saved") or next(iter(models), ""),
            "cautions": [each["message"] for each in result.get("cautions") or ()]}

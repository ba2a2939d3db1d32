"""Requests to train models."""

from __future__ import annotations

from typing import Any

from pydantic import Field, ValidationInfo, field_validator, model_validator

from app.core.recipe import HarmoniseRecipe, Recipe, Settings


class TrainRequest(Settings):
    """Train and validate models from a table of features or of cases.

    `clinical` columns are known before the diagnosis: a model of them alone is always shown beside. `context` columns
    describe a case to the harmonisation and are never learned from. `confirmed` columns are features although they look
    like the label; the patient's column among them says that its ids are unique. `splits` is a table of fixed train and
    test lists. The `primary` recipe is declared before the run: by default the first. `recipe` may stand for one alone.
    """

    table: str
    label: str
    positive: str | None = None
    patient: str
    site: str | None = None
    clinical: list[str] = Field(default_factory=list)
    context: list[str] = Field(default_factory=list)
    ignore: list[str] = Field(default_factory=list)
    confirmed: list[str] = Field(default_factory=list)
    recipes: list[Recipe] = Field(min_length=1)
    primary: str | None = None
    save: str | None = None
    splits: str | None = None
    folds: int | None = Field(None, ge=2, le=50, description="in place of the primary recipe's")
    repeats: int | None = Field(None, ge=1, le=20, description="in place of the primary recipe's")
    one_site_out: bool = Field(False, description="hold sites out one by one, not in groups")
    audit: bool = False
    permutations: int = Field(20, ge=1, le=1000, description="of the labels, for the audit")
    learning_curve: bool = False
    harmonise: HarmoniseRecipe | None = Field(None, description="of site effects, for every recipe of the run")
    out: str
    keep: str | None = None
    seed: int = 0
    jobs: int = Field(1, ge=1)
    purpose: str = ""
    demonstration: bool = False

    @model_validator(mode="before")
    @classmethod
    def _accept_one_recipe(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "recipe" not in values or "recipes" in values:
            return values
        return {**{name: value for name, value in values.items() if name != "recipe"}, "recipes": [values["recipe"]]}

    @field_validator("recipes")
    @classmethod
    def _check_names(cls, recipes: list[Recipe]) -> list[Recipe]:
        names = [recipe.name for recipe in recipes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two recipes are named '{twice}'")
        return recipes

    @field_validator("primary", "save")
    @classmethod
    def _check_primary(cls, primary: str | None, info: ValidationInfo) -> str | None:
        names = [recipe.name for recipe in info.data.get("recipes", [])]
        best = info.field_name == "save" and primary == "best"
        if primary is not None and names and primary not in names and not best:
            raise ValueError(f"no recipe of this run is named so; there are {', '.join(names)}")
        return primary

    @property
    def described_by(self) -> tuple[str, ...]:
        """Columns that describe a case to the harmonisation: those named, and those that its settings name."""
        asked = [recipe.harmonise for recipe in self.settled if recipe.harmonise.method != "none"]
        wanted = [(each.batch, *each.covariates, *each.categorical, *each.group_by) for each in asked]
        return tuple(dict.fromkeys((*self.context, *(name for names in wanted for name in names))))

    @property
    def recipe(self) -> Recipe:
        """The primary recipe, declared before the run."""
        return next((recipe for recipe in self.settled if recipe.name == self.primary), self.settled[0])

    @property
    def measures(self) -> Recipe | None:
        """The recipe that says what is measured: the primary one, or the first that measures anything."""
        ordered = sorted(self.recipes, key=lambda recipe: recipe.name != self.primary)
        return next((recipe for recipe in ordered if recipe.features or not recipe.network), None)

    @property
    def settled(self) -> tuple[Recipe, ...]:
        """The recipes as they are run: on what one of them measures, harmonised as the request says.

        A network that looks at pictures alone keeps its own preparation; none is harmonised.
        """
        first = self.measures
        measured = {} if first is None else {"prep": first.prep, "features": first.features}
        harmonised = {} if self.harmonise is None else {"harmonise": self.harmonise}

        def settle(recipe: Recipe) -> Recipe:
            if recipe.network is None:
                return recipe.model_copy(update=measured | harmonised)
            return recipe.model_copy(update=measured) if recipe.features else recipe

        return tuple(map(settle, self.recipes))


class PreviewTrainingRequest(Settings):
    """Look at what a model would be trained on: a table, or a folder of cases with a table of their `labels`.

    Columns that are not named are guessed; '' means that there is none. `recipes` are timed on the table itself;
    `measures` says what is measured where the table names images.
    """

    table: str
    labels: str | None = None
    label: str | None = None
    positive: str | None = None
    patient: str | None = None
    site: str | None = None
    clinical: list[str] | None = None
    ignore: list[str] = Field(default_factory=list)
    confirmed: list[str] = Field(default_factory=list)
    measures: Recipe | None = None
    recipes: list[Recipe] = Field(default_factory=list)
    folds: int = Field(10, ge=2, le=50)
    jobs: int = Field(1, ge=1)

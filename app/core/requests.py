"""Requests: what a job is asked to do, as JSON that can be kept, shown and replayed."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from app.core.recipe import HarmoniseRecipe, N4Recipe, NormaliseRecipe, PositiveFloat, PrepRecipe, Recipe, Settings


class CaseFiles(Settings):
    """Which files make a case, and every choice the user made about them.

    Keys of `images` are sequence names ('t1', 't2', 't1_fs_gd' ...; 'image' when there is but one).
    `series` maps a sequence name (or 'mask') to a DICOM SeriesInstanceUID within its path.
    """

    id: str
    images: dict[str, str]
    mask: str | None = None
    mask_2: str | None = Field(None, description="a second reader's outline of the same tumour")
    series: dict[str, str] = Field(default_factory=dict)
    roi: str | None = None
    label: int | None = None
    orientation: Literal["las", "ras"] | None = Field(None, description="Analyze 7.5: which side is stored first")
    site: str | None = None
    reading: dict[str, str | float] = Field(default_factory=dict, description="clinical and reader's variables")


class IdentifyRequest(Settings):
    """Sort dropped paths into cases."""

    paths: list[str]


class ViewRequest(Settings):
    """Read a case for the viewer; arrays are written as .npy files into `folder`."""

    case: CaseFiles
    folder: str
    prep: PrepRecipe | None = Field(None, description="also write the images after these steps, for before/after")
    n4_mask: str | None = Field(None, description="an outline of where N4 estimates the field, in place of prep's mask")


class ScoreRequest(Settings):
    """Score one case with one model."""

    case: CaseFiles
    model: str
    prep: PrepRecipe | None = Field(
        None, description="replaces the model's own, for viewing its effect; never for a trained model"
    )
    prevalence: float | None = Field(None, gt=0, lt=1)
    error_rate: float = Field(0.05, gt=0, lt=0.5)
    threshold: float | None = Field(None, gt=0, lt=1)
    out: str | None = None


class ScoreCohortRequest(Settings):
    """Score every row of a table."""

    table: str
    model: str
    prevalence: float | None = Field(None, gt=0, lt=1)
    error_rate: float = Field(0.05, gt=0, lt=0.5)
    threshold: float | None = Field(None, gt=0, lt=1)
    out: str | None = None
    jobs: int = Field(1, ge=1)


class ConvertRequest(Settings):
    """Any readable image, folder or tree to NIfTI."""

    source: str
    target: str
    roi: str | None = None
    label: int | None = None
    orientation: Literal["las", "ras"] | None = None
    jobs: int = Field(1, ge=1)


class N4Request(Settings):
    """Correct one image's bias field."""

    image: str
    out: str
    mask: str | None = None
    field: str | None = None
    settings: N4Recipe = N4Recipe()


class PreviewBiasRequest(Settings):
    """Correct the bias of an image that is on view; arrays go into `folder` as .npy.

    `array` is the view's image, `mask` an own outline of where the field is estimated (a file of any kind), `region` a
    painted region as a boolean .npy on the image's grid. `fit` names the .npy in which the voxels of the fit are kept
    from one preview to the next: read if it is there, else found and written. `tumour` is the view's outline (.npy).
    """

    array: str
    affine: list[list[float]]
    folder: str
    settings: N4Recipe = N4Recipe()
    mask: str | None = None
    region: str | None = None
    fit: str | None = None
    tumour: str | None = None


class MeasureBiasRequest(Settings):
    """Judge a correction that a preview has made: .npy files of one grid, and the preview's `scale`."""

    array: str
    corrected: str
    mask: str
    scale: PositiveFloat = 1.0
    region: str | None = None
    tumour: str | None = None


class CorrectCohortRequest(Settings):
    """Correct the bias of every image of some cases; NIfTI files go into `out`."""

    cases: list[CaseFiles]
    out: str
    settings: N4Recipe = N4Recipe()
    jobs: int = Field(1, ge=1)


class NormaliseRequest(Settings):
    """Normalise one image's intensities."""

    image: str
    out: str
    mask: str | None = None
    settings: NormaliseRecipe = NormaliseRecipe()


class LandmarksRequest(Settings):
    """Learn the standard histogram (Nyul) of one sequence of a cohort."""

    table: str
    out: str
    sequence: str | None = None
    region: Literal["image", "body"] = "body"


class BoxesRequest(Settings):
    """Bounding boxes of every tumour of a cohort; `table` is a table of cases or a folder of images and outlines."""

    table: str
    out: str
    jobs: int = Field(1, ge=1)


class CohortSource(Settings):
    """The cases of a cohort: a folder or a table at `source`, or `cases` as they were found and chosen."""

    source: str | None = None
    cases: list[CaseFiles] | None = None


class ExtractRequest(CohortSource):
    """Measure every case of a cohort; `out` is the feature table (CSV, XLSX or Parquet).

    `cache` is where finished cases are kept, by default in the user's data folder; `cluster` the URL of a Dask
    scheduler, with `tls` its certificate files (ca, cert, key) unless the address is loopback.
    """

    recipe: Recipe
    out: str
    jobs: int = Field(1, ge=1)
    cache: str | None = None
    cluster: str | None = None
    tls: dict[str, str] | None = None


class QualityRequest(CohortSource):
    """Check acquisition, geometry and outlines of a cohort; contact sheets go into `out`."""

    out: str | None = None
    jobs: int = Field(1, ge=1)


class StabilityRequest(CohortSource):
    """Measure how well each feature repeats on moved outlines, and on a second reader's (`mask_2`)."""

    recipe: Recipe
    out: str
    jobs: int = Field(1, ge=1)
    cases_at_most: int = Field(30, ge=3, description="cases measured, drawn by `seed`")
    seed: int = 0


class DiametersRequest(Settings):
    """Measure a tumour's diameters on an outline as the viewer has it: `mask` (.npy of bool), its affine, RAS+ mm."""

    mask: str
    affine: list[list[float]]


class TableRequest(Settings):
    """Say what columns a table has (CSV, XLSX, Parquet)."""

    table: str


class ExploreRequest(Settings):
    """Look at a feature table; figures (SVG, PNG) and their numbers (CSV) go into `out`."""

    features: str
    label: str | None = None
    positive: str | None = None
    patient: str | None = None
    site: str | None = None
    vendor: str | None = None
    images: str | None = Field(None, description="the cohort's table or folder, for slices per scan and histograms")
    out: str
    seed: int = 0
    embeddings: bool = Field(True, description="t-SNE and UMAP")


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


class ThumbnailsRequest(Settings):
    """Draw a picture of some cases of a table or folder, spread over it; PNG files go into `out`."""

    source: str
    out: str
    most: int = Field(12, ge=1, le=100)


class FinishModelRequest(Settings):
    """Give a trained model its title, its card's texts and its operating point; what is None stays as it is."""

    model: str
    title: str | None = None
    purpose: str | None = Field(None, description="what it is for")
    limits: list[str] | None = Field(None, description="where it is known to fail, a sentence each")
    threshold: float | None = Field(None, gt=0, lt=1)


class EvaluateRequest(Settings):
    """Test a saved model on cases from elsewhere; `evaluation.json` and `predictions.csv` go into `out`.

    `table` holds features or cases. Columns that are not named are those the model was trained with, else `label`,
    `patient` and `site`. `positive` is the label's value that means the model's second class, where the table codes its
    classes in other words than the model.
    """

    bundle: str
    table: str
    out: str
    label: str | None = None
    positive: str | None = None
    patient: str | None = None
    site: str | None = None
    jobs: int = Field(1, ge=1)


class ResultsRequest(Settings):
    """Show what a training run or an external test found, or write it as a report to `out`.

    `model` is the name or folder of a model, `external` the `evaluation.json` that an external test wrote. `declared`
    says of the study what no program can know, for the report's checklists.
    """

    model: str | None = None
    external: str | None = None
    out: str | None = None
    declared: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.model is None) == (self.external is None):
            raise ValueError("either a model or an external test is named")
        return self


class ExchangeRequest(Settings):
    """Bring a model into the user's library, or hand one on: a .zip file or a folder."""

    model: str
    out: str | None = None
    replace: bool = False


class DemoRequest(Settings):
    """Write phantom cases."""

    kind: Literal["case", "cohort"] = "case"
    out: str
    cases: int = Field(85, ge=1, le=20000)
    sites: int = Field(43, ge=1, le=2000)
    signal: float = Field(1.0, ge=0, le=1)
    seed: int = 2019
    jobs: int = Field(1, ge=1)

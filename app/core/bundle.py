"""A trained model as a directory of data, no code: `bundle.json` says everything, and every byte has its hash."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from app.core.classify.formula import LogitFormula
from app.core.classify.pipelines import linear_effects, log_odds
from app.core.data import Contribution
from app.core.errors import BundleError, InputError, RecipeError
from app.core.files import staged_folder
from app.core.recipe import RadiomicsRecipe, Recipe, Settings

SCHEMA = 1
SPECIFICATION = "bundle.json"
PIPELINE, RESAMPLES, EVALUATION, CARD = "pipeline.skops", "resamples.skops", "evaluation.json", "card.md"
# What a pipeline of this program may hold; anything else in a .skops file is refused unread.
TRUSTED = (
    "numpy.dtype",
    "sklearn.compose._column_transformer.ColumnTransformer",
    "app.core.harmonise.combat.Combat",
    "app.core.harmonise.features.FeatureColumns",
)


class PipelineEstimator(Settings):
    """The model is the fitted scikit-learn pipeline beside the specification."""

    kind: Literal["pipeline"] = "pipeline"


class Threshold(Settings):
    """An operating point, measured on predictions of held-out cases."""

    name: str
    threshold: float = Field(gt=0, lt=1)
    sensitivity: float
    specificity: float
    default: bool = False


class ConformalQuantiles(Settings):
    """Quantiles of 1 - p(true class) at an error rate."""

    error_rate: float
    negative: float
    positive: float


class TrainingSpace(Settings):
    """Where the training cases lie in the scaled space of the model's features.

    `centre`, `scale` : shape (features,); `precision` : inverse of the shrunk covariance of the scaled features,
    shape (features, features); `limit` : distance that one held-out training case in 200 exceeds.
    """

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    limit: float


class Training(Settings):
    """What the model has seen, without a single identifier."""

    description: str
    counts: dict[str, int]
    prevalence: float = Field(gt=0, lt=1)
    ranges: dict[str, tuple[float, float]]
    sites: tuple[str, ...] = ()
    fold_digest: str = ""
    space: TrainingSpace | None = None


class Specification(Settings):
    """The content of `bundle.json`."""

    schema_version: Literal[1] = 1
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    version: str
    purpose: str
    demonstration: bool = False
    classes: tuple[str, str]
    recipe: Recipe
    features: tuple[str, ...]
    estimator: Annotated[LogitFormula | PipelineEstimator, Field(discriminator="kind")]
    training: Training
    thresholds: tuple[Threshold, ...]
    conformal: tuple[ConformalQuantiles, ...]
    deployment_prevalence: float | None = Field(None, gt=0, lt=1)
    comparator: str | None = None
    size: LogitFormula | None = Field(None, description="tumour volume alone, fitted on the same cases")
    standing_cautions: dict[str, str] = Field(default_factory=dict)
    versions: dict[str, str] = Field(default_factory=dict)
    files: dict[str, str] = Field(default_factory=dict)
    digest: str = ""

    @property
    def default_threshold(self) -> Threshold:
        """The operating point used unless the user chooses another."""
        return next((point for point in self.thresholds if point.default), self.thresholds[0])


@dataclass(frozen=True)
class Prediction:
    """A probability, its log odds, their variance from the model's own uncertainty, and what made them."""

    probability: float
    log_odds: float
    variance: float
    contributions: tuple[Contribution, ...]


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _canonical(values: Mapping[str, Any]) -> bytes:
    return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def sigmoid(log_odds: float) -> float:
    """Probability of log odds, without overflow at either end."""
    return float(np.exp(-np.logaddexp(0.0, -log_odds)))


@dataclass(frozen=True, eq=False)
class Bundle:
    """A verified model, ready to predict.

    Parameters
    ----------
    folder : Path
        Where it lies.
    specification : Specification
        The content of its `bundle.json`.
    """

    folder: Path
    specification: Specification

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Verify every byte of a bundle, then read its specification; nothing is unpickled.

        Raises
        ------
        BundleError
            The folder is not a bundle, a file is missing, added or changed, or the schema is unknown.
        """
        name = folder.name
        try:
            raw = (folder / SPECIFICATION).read_bytes()
            values = json.loads(raw)
            digest, version = values["digest"], values["schema_version"]
        except OSError as error:
            raise BundleError(
                f"'{name}' is not a model: it holds no readable {SPECIFICATION}.",
                "Choose a model's folder, or one of the names that 'models list' shows.",
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"The model '{name}' is damaged: its {SPECIFICATION} is not what was written.",
                "Copy it again from where it was made.",
            ) from error
        if version != SCHEMA:
            raise BundleError(
                f"The model '{name}' has schema {version}, this program reads schema {SCHEMA}.",
                "Use the program's version that made it, or train it again.",
            )
        if _canonical(values) != raw or _sha256(_canonical({**values, "digest": ""})) != digest:
            raise BundleError(
                f"The model '{name}' is damaged: its {SPECIFICATION} was changed after it was written.",
                "Copy it again from where it was made.",
            )
        try:
            specification = Specification.parse(values)
        except RecipeError as error:
            raise BundleError(f"The model '{name}' cannot be used. {error.message}", "Train it again.") from error
        bundle = cls(folder, specification)
        bundle._verify_files()
        return bundle

    def _verify_files(self) -> None:
        name, listed = self.folder.name, self.specification.files
        found = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*") if not path.is_dir()}
        added = sorted(found - set(listed) - {SPECIFICATION})
        if added:
            raise BundleError(
                f"The model '{name}' holds a file that does not belong to it: {added[0]}.",
                "Remove the file, or copy the model again from where it was made.",
            )
        for file, expected in listed.items():
            if file not in found:
                raise BundleError(f"The model '{name}' lacks its file {file}.", "Copy it again from where it was made.")
            if _sha256((self.folder / file).read_bytes()) != expected:
                raise BundleError(
                    f"The model '{name}' is damaged: {file} was changed after it was written.",
                    "Copy it again from where it was made.",
                )

    @property
    def measures(self) -> RadiomicsRecipe:
        """What the model measures on the images."""
        recipe = self.specification.recipe.features
        if recipe is None:
            raise BundleError(
                f"The model '{self.specification.name}' measures nothing on an image.", "Choose another model."
            )
        return recipe

    @cached_property
    def pipeline(self) -> Any:
        """The fitted pipeline of a `PipelineEstimator`."""
        return _read_skops(self.folder / PIPELINE)

    @cached_property
    def resamples(self) -> Sequence[Any]:
        """The pipeline refitted on resamples of the training patients; empty when the bundle has none."""
        path = self.folder / RESAMPLES
        return _read_skops(path) if path.exists() else []

    def evaluation(self) -> dict[str, Any]:
        """The content of `evaluation.json`."""
        return dict(json.loads((self.folder / EVALUATION).read_text(encoding="utf-8")))

    def card(self) -> str:
        """The model card, Markdown."""
        return (self.folder / CARD).read_text(encoding="utf-8")

    def row(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        """The model's features of one case in their order, NaN where missing: shape (features,)."""
        return np.array([features.get(name, np.nan) for name in self.specification.features], dtype=np.float64)

    def log_odds(self, features: Mapping[str, float]) -> float:
        """Linear predictor of one case."""
        estimator = self.specification.estimator
        if isinstance(estimator, LogitFormula):
            return estimator.log_odds(features)
        return float(log_odds(self.pipeline, self.row(features)[np.newaxis])[0])

    def predict(self, features: Mapping[str, float]) -> Prediction:
        """Probability of the positive class with its variance and contributions.

        Raises
        ------
        BundleError
            A feature the model cannot do without is missing.
        """
        estimator, names = self.specification.estimator, self.specification.features
        if isinstance(estimator, LogitFormula):
            missing = [name for name in names if not np.isfinite(features.get(name, np.nan))]
            if missing:
                raise BundleError(
                    f"The model '{self.specification.name}' needs the feature {missing[0]}, which this case lacks.",
                    "Check the outline, or choose another model.",
                )
            value = estimator.log_odds(features)
            return Prediction(sigmoid(value), value, estimator.variance(features), estimator.contributions(features))
        row = self.row(features)
        if not np.isfinite(row).any():
            raise BundleError(
                f"None of the {len(names)} features of the model '{self.specification.name}' could be measured.",
                "Check the outline, or choose another model.",
            )
        value = float(log_odds(self.pipeline, row[np.newaxis])[0])
        refits = [float(log_odds(fit, row[np.newaxis])[0]) for fit in self.resamples]
        effects = linear_effects(self.pipeline, row)
        contributions = tuple(Contribution(*each) for each in zip(names, row.tolist(), effects.tolist(), strict=True))
        return Prediction(sigmoid(value), value, float(np.var(refits)) if refits else 0.0, contributions)

    def distance(self, features: Mapping[str, float]) -> tuple[float, float] | None:
        """Mahalanobis distance from the training cases and the bundle's limit; None when it keeps no covariance.

        Missing features count as average.
        """
        space = self.specification.training.space
        if space is None:
            return None
        scaled = (self.row(features) - np.array(space.centre)) / np.array(space.scale)
        scaled = np.where(np.isfinite(scaled), scaled, 0.0)
        return float(np.sqrt(scaled @ np.array(space.precision) @ scaled)), space.limit


def _read_skops(path: Path) -> Any:
    from skops.io import get_untrusted_types, load

    if not zipfile.is_zipfile(path):
        raise BundleError(f"The model '{path.parent.name}' has no readable {path.name}.", "Train it again.")
    foreign = sorted(set(get_untrusted_types(file=path)) - set(TRUSTED))
    if foreign:
        raise BundleError(
            f"The model '{path.parent.name}' holds an object that no model of this program has ({foreign[0]}).",
            "It is not loaded. Train it again, or ask whoever sent it.",
        )
    return load(path, trusted=list(TRUSTED))


def check_target(folder: Path) -> None:
    """Refuse to put a model where something else lies: a bundle takes the place of nothing but a bundle.

    Raises
    ------
    InputError
        The folder holds files that are no model's, or is a file.
    """
    own = {SPECIFICATION, PIPELINE, RESAMPLES, EVALUATION, CARD}
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if (folder.exists() and not folder.is_dir()) or (held and not {SPECIFICATION} <= held <= own):
        raise InputError(
            f"{folder.name} already exists and is no model; it would be replaced.", "Choose a new folder for the model."
        )


def write_bundle(
    folder: Path,
    specification: Specification,
    card: str,
    evaluation: Mapping[str, Any],
    pipeline: Any = None,
    resamples: Sequence[Any] = (),
) -> Bundle:
    """Write a bundle whole or not at all.

    Parameters
    ----------
    folder : Path
        Takes the place of an older bundle of that name.
    specification : Specification
        Its `files` and `digest` are filled in here.
    card : str
        Markdown.
    evaluation : mapping
        Performance, JSON.
    pipeline, resamples
        Fitted scikit-learn pipelines, for a `PipelineEstimator`.

    Returns
    -------
    Bundle
        As it reads back.

    Raises
    ------
    InputError
        As `check_target` does.
    """
    check_target(folder)
    contents: dict[str, bytes] = {CARD: card.encode(), EVALUATION: _canonical(evaluation)}
    if pipeline is not None:
        from skops.io import dumps

        contents[PIPELINE] = dumps(pipeline)
        if resamples:
            contents[RESAMPLES] = dumps(list(resamples))
    values = specification.model_dump(mode="json")
    values |= {"files": {name: _sha256(data) for name, data in contents.items()}, "digest": ""}
    values["digest"] = _sha256(_canonical(values))
    contents[SPECIFICATION] = _canonical(values)
    with staged_folder(folder, replace=True) as staged:
        for name, data in contents.items():
            (staged / name).write_bytes(data)
    return Bundle.load(folder)


def find_bundles(folders: Sequence[Path]) -> dict[str, Path]:
    """Bundles by name; earlier folders win."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob(f"*/{SPECIFICATION}")):
            found.setdefault(path.parent.name, path.parent)
    return found

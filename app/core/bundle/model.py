"""A verified model, ready to predict."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle.pictures import FloatArray, PictureModel
from app.core.bundle.predicting import (
    Context,
    Harmonisation,
    Prediction,
    describe_cases,
    explain_harmonisation,
    needed_context,
    score_refits,
    sigmoid,
)
from app.core.bundle.reading import read_classifier, read_refits, read_specification, verify_files
from app.core.bundle.specification import CARD, EVALUATION, PIPELINE, RESAMPLES, WEIGHTS, Specification
from app.core.bundle.tensors import read_networks
from app.core.classify.formula import LogitFormula
from app.core.data import Contribution
from app.core.errors import BundleError
from app.core.recipe import RadiomicsRecipe

if TYPE_CHECKING:
    import pandas as pd

NO_CONTEXT: Context = {}


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
        specification = read_specification(folder)
        verify_files(folder, specification.files)
        return cls(folder, specification)

    @property
    def measures(self) -> RadiomicsRecipe:
        """What the model measures on the images; of one that looks at pictures alone the size, which stands beside."""
        recipe = self.specification.recipe.features
        if recipe is None and self.takes_pictures:
            return RadiomicsRecipe(classes=())
        if recipe is None:
            raise BundleError(
                f"The model '{self.specification.name}' measures nothing on an image.", "Choose another model."
            )
        return recipe

    @property
    def takes_pictures(self) -> bool:
        """Whether networks take part, which look at a case's pictures."""
        return self.specification.estimator.kind == "network"

    @cached_property
    def pictures(self) -> PictureModel:
        """The networks of a `NetworkEstimator`, with the classifier of their features where there is one.

        Raises
        ------
        BundleError
            There are none, or their file holds something else.
        """
        networks = read_networks(self.folder, self.specification)
        pipeline, resamples = (self.pipeline, self.resamples) if self.specification.has_pipeline else (None, ())
        return PictureModel(self.specification, networks, pipeline, resamples)

    @cached_property
    def pipeline(self) -> Any:
        """The fitted `TunedClassifier` of a `PipelineEstimator`, or of a network's features."""
        return read_classifier(self.folder / PIPELINE)

    @cached_property
    def resamples(self) -> Sequence[Any]:
        """The classifier refitted on resamples of the training patients; empty when the bundle has none."""
        path = self.folder / RESAMPLES
        return read_refits(path) if path.exists() else []

    @property
    def context(self) -> tuple[str, ...]:
        """What the model asks of a case beside its features, for harmonisation."""
        return needed_context(self.pipeline) if self.specification.estimator.kind == "pipeline" else ()

    @property
    def weights(self) -> bytes | None:
        """The file of the networks' tensors; None where there are no networks."""
        return (self.folder / WEIGHTS).read_bytes() if self.takes_pictures else None

    def read_all(self) -> None:
        """Read whatever the model consists of, so that a file which holds something else is found now.

        Raises
        ------
        BundleError
            A file does.
        """
        if self.specification.has_pipeline:
            _ = self.pipeline, self.resamples
        if self.takes_pictures:
            _ = self.pictures
        _ = self.evaluation(), self.card()

    def evaluation(self) -> dict[str, Any]:
        """The content of `evaluation.json`."""
        return dict(json.loads((self.folder / EVALUATION).read_text(encoding="utf-8")))

    def card(self) -> str:
        """The model card, Markdown."""
        return (self.folder / CARD).read_text(encoding="utf-8")

    def row(self, features: Mapping[str, float]) -> NDArray[np.float64]:
        """The model's features of one case in their order, NaN where missing: shape (features,)."""
        return np.array([features.get(name, np.nan) for name in self.specification.features], dtype=np.float64)

    def log_odds(
        self, features: Mapping[str, float], context: Context = NO_CONTEXT, pictures: FloatArray | None = None
    ) -> float:
        """Calibrated log odds of one case; arguments as of `predict`."""
        estimator = self.specification.estimator
        if pictures is not None:
            return float(self.pictures.log_odds([pictures], [features])[0])
        if isinstance(estimator, LogitFormula):
            return estimator.log_odds(features)
        return float(self.pipeline.decision_function(self._table(features, context))[0])

    def score_table(self, values: NDArray[np.float64], context: Sequence[Context]) -> NDArray[np.float64]:
        """Score many cases in one call, so that a new site can be estimated from its own.

        Parameters
        ----------
        values : array, shape (cases, features)
            In the model's order, NaN where missing.
        context : sequence of mapping
            Of each case.

        Returns
        -------
        array, shape (cases,)
            Calibrated log odds.

        Raises
        ------
        InputError
            A site was not in training and the model refuses such sites.
        """
        estimator, names = self.specification.estimator, self.specification.features
        if isinstance(estimator, LogitFormula):
            rows = [dict(zip(names, row, strict=True)) for row in values.tolist()]
            return np.array([estimator.log_odds(row) for row in rows])
        scores: NDArray[np.float64] = self.pipeline.decision_function(
            describe_cases(self.pipeline, names, values, context)
        )
        return scores

    def explain_sites(
        self, values: NDArray[np.float64], context: Sequence[Context]
    ) -> tuple[Harmonisation | None, ...]:
        """What harmonisation does to each case that `score_table` would score; None for a model that has none."""
        if self.specification.estimator.kind != "pipeline":
            return (None,) * len(values)
        names = self.specification.features
        return explain_harmonisation(self.pipeline, describe_cases(self.pipeline, names, values, context))

    def predict(
        self, features: Mapping[str, float], context: Context = NO_CONTEXT, pictures: FloatArray | None = None
    ) -> Prediction:
        """Probability of the positive class with its variance and contributions.

        Parameters
        ----------
        features : mapping
            Measured; others than the model's are ignored.
        context : mapping
            What is known of the case beside them, as far as the model's harmonisation asks for it: the site, the
            vendor, the field strength ...
        pictures : array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x), optional
            Of a model that takes them: cut by its recipe.

        Raises
        ------
        BundleError
            A feature the model cannot do without is missing, or it looks at pictures and there are none.
        InputError
            The site was not in training and the model refuses such sites.
        """
        estimator, names = self.specification.estimator, self.specification.features
        if self.takes_pictures:
            if pictures is None:
                raise BundleError(
                    f"The model '{self.specification.name}' looks at pictures, and a row of features has none.",
                    "Give the image and the outline.",
                )
            return self.pictures.predict(pictures, features)
        if isinstance(estimator, LogitFormula):
            missing = [name for name in names if not np.isfinite(features.get(name, np.nan))]
            if missing:
                raise BundleError(
                    f"The model '{self.specification.name}' needs the feature {missing[0]}, which this case lacks.",
                    "Check the outline, or choose another model.",
                )
            value = estimator.log_odds(features)
            return Prediction(sigmoid(value), value, estimator.variance(features), estimator.contributions(features))
        from app.core.classify.effects import explain

        row = self.row(features)
        if not np.isfinite(row).any():
            raise BundleError(
                f"None of the {len(names)} features of the model '{self.specification.name}' could be measured.",
                "Check the outline, or choose another model.",
            )
        table = self._table(features, context)
        value = float(self.pipeline.decision_function(table)[0])
        refits = score_refits(self.pipeline, self.resamples, table)[:, 0] if self.resamples else np.zeros(1)
        effects = explain(self.pipeline, table)
        contributions = tuple(Contribution(*each) for each in zip(names, row.tolist(), effects.tolist(), strict=True))
        known = explain_harmonisation(self.pipeline, table)[0]
        return Prediction(sigmoid(value), value, float(np.var(refits)), contributions, known)

    def distance(
        self, features: Mapping[str, float], embedded: NDArray[np.float64] | None = None
    ) -> tuple[float, float] | None:
        """Mahalanobis distance from the training cases and the bundle's limit; None when it keeps no covariance.

        Missing features count as average. `embedded` are the pooled features of a model that takes pictures.
        """
        space = self.specification.training.space
        if space is None:
            return None
        row = self.row(features) if embedded is None else embedded
        scaled = (row - np.array(space.centre)) / np.array(space.scale)
        scaled = np.where(np.isfinite(scaled), scaled, 0.0)
        along = np.array(space.axes) @ scaled
        beside = max(float(scaled @ scaled - along @ along), 0.0)
        return float(np.sqrt(np.sum(along**2 / np.array(space.variances)) + beside / space.rest)), space.limit

    def _table(self, features: Mapping[str, float], context: Context) -> pd.DataFrame:
        return describe_cases(self.pipeline, self.specification.features, self.row(features)[np.newaxis], [context])

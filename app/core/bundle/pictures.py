"""A model of networks, asked about pictures: by their own answers, or by a classifier of their pooled features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle.predicting import Prediction, Seen, describe_cases, score_refits, sigmoid
from app.core.bundle.specification import NetworkEstimator, Specification
from app.core.data import Contribution
from app.core.errors import BundleError

if TYPE_CHECKING:
    import pandas as pd

    from app.core.deep.answer import Judge, Networks
    from app.core.deep.attention import Attention

Array = NDArray[np.float64]
FloatArray = NDArray[np.float32]
Features = Mapping[str, float]


class PictureModel:
    """Networks, and what makes log odds of what they say.

    Parameters
    ----------
    specification : Specification
        With a `NetworkEstimator`.
    networks : Networks
    pipeline : fitted TunedClassifier or None
        Of pooled features; None where the networks answer themselves.
    resamples : sequence
        Its refits.
    """

    def __init__(
        self, specification: Specification, networks: Networks, pipeline: Any = None, resamples: Sequence[Any] = ()
    ) -> None:
        self.specification, self.networks = specification, networks
        self._pipeline, self._resamples = pipeline, resamples
        self._check_widths()

    def log_odds(self, sets: Sequence[FloatArray], rows: Sequence[Features]) -> Array:
        """Calibrated log odds of cases.

        Parameters
        ----------
        sets : sequence of array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x)
            The pictures of each case.
        rows : sequence of mapping
            What was measured on each case; only features beside the pooled ones are looked at.

        Returns
        -------
        array, shape (cases,)
        """
        if self._pipeline is None:
            return self._curve(self.networks.ask(sets))
        return self._judge(self._table(self.networks.embed(sets), rows))

    def predict(self, pictures: FloatArray, features: Features) -> Prediction:
        """Score one case.

        The variance adds up that of the networks, each of which watched other patients, that of varied pictures, and
        where a classifier answers that of its refits.

        Parameters
        ----------
        pictures : array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x)
        features : mapping
            What was measured on the case.
        """
        views = self.networks.vary(pictures)
        refitted, alone, contributions = 0.0, np.zeros(0), tuple[Contribution, ...]()
        embedded = self.locate(pictures, features)
        if self._pipeline is None:
            answers = self.networks.ask([pictures])
            value = float(self._curve(answers)[0])
            alone = np.array([float(self._curve(answers[[place]])[0]) for place in range(len(answers))])
        else:
            table = describe_cases(self._pipeline, self.specification.features, embedded[None], [{}])
            value = float(self._judge(table)[0])
            if self._resamples:
                refitted = float(np.var(score_refits(self._pipeline, self._resamples, table)[:, 0]))
            contributions = self._weigh(table)
        moved = self.log_odds(views, [features] * len(views)) if views else np.zeros(0)
        seen = Seen(embedded, _deviation(alone), _deviation(moved))
        variance = seen.spread_networks**2 + seen.spread_views**2 + refitted
        return Prediction(sigmoid(value), value, variance, contributions, None, seen)

    def locate(self, pictures: FloatArray, features: Features) -> Array:
        """Where a case lies in the model's training space: pooled features and those beside them, shape (features,)."""
        embedded = self.networks.embed([pictures])
        if self._pipeline is None:
            return np.asarray(embedded[0])
        return np.asarray(self._table(embedded, [features]).to_numpy(dtype=np.float64)[0])

    def look(
        self,
        pictures: FloatArray,
        outlines: NDArray[np.bool_],
        label: int,
        features: Features,
        *,
        occlusion: bool,
        tell: Callable[[float], None] | None = None,
    ) -> Attention:
        """Find where the networks looked, as `Networks.look`."""
        judge: Judge | None = None
        steps = None
        if self._pipeline is not None:
            space, count = self.specification.training.space, len(self.pooled)
            steps = None if space is None else np.array(space.scale[:count])

            def judge(embedded: Array) -> Array:
                return self._judge(self._table(embedded, [features] * len(embedded)))

        return self.networks.look(
            pictures, outlines, label, occlusion=occlusion, judge=judge, steps=steps, tell=tell
        )

    @property
    def pooled(self) -> tuple[str, ...]:
        """The features that come from the network, of a model whose classifier answers."""
        count = self.networks.modules[0].features if self._pipeline is not None else 0
        return self.specification.features[:count]

    @property
    def beside(self) -> tuple[str, ...]:
        """Those that are measured on the image beside them."""
        return self.specification.features[len(self.pooled) :]

    def _check_widths(self) -> None:
        """Refuse a specification whose features or training space are not those of its networks.

        Raises
        ------
        BundleError
            They are not.
        """
        specification, space = self.specification, self.specification.training.space
        pooled = sum(network.features for network in self.networks.modules)
        expected = len(specification.features) if self._pipeline is not None else pooled
        named = tuple(map(str, self._pipeline.features or ())) if self._pipeline is not None else ()
        fits = named == specification.features and len(self.networks) == 1 if self._pipeline is not None else True
        if not fits or expected < pooled or (space is not None and len(space.centre) != expected):
            raise BundleError(
                f"The features that the model '{specification.name}' lists are not those of its networks.",
                "It is not used. Train it again, or ask whoever sent it.",
            )

    def _curve(self, answers: Array) -> Array:
        """Log odds of networks' probabilities, shape (networks, cases)."""
        from app.core.classify.calibrator import PlattCurve
        from app.core.deep.combine import combine_answers

        estimator = self.specification.estimator
        if not isinstance(estimator, NetworkEstimator) or estimator.slope is None or estimator.intercept is None:
            raise TypeError("only networks that answer themselves have a curve")
        scores = combine_answers(answers, self.networks.recipe.combine)
        return PlattCurve(estimator.slope, estimator.intercept).log_odds(scores)

    def _judge(self, table: pd.DataFrame) -> Array:
        return np.asarray(self._pipeline.decision_function(table), dtype=np.float64)

    def _table(self, embedded: Array, rows: Sequence[Features]) -> pd.DataFrame:
        measured = np.array([[row.get(name, np.nan) for name in self.beside] for row in rows], dtype=np.float64)
        values = np.concatenate([embedded, measured.reshape(len(rows), -1)], axis=1)
        return describe_cases(self._pipeline, self.specification.features, values, [{}] * len(rows))

    def _weigh(self, table: pd.DataFrame) -> tuple[Contribution, ...]:
        """What the features beside the pooled ones did; a pooled feature has no name that says anything."""
        if not self.beside:
            return ()
        from app.core.classify.effects import explain

        effects = explain(self._pipeline, table)[len(self.pooled) :].tolist()
        values = table[list(self.beside)].to_numpy(dtype=np.float64)[0].tolist()
        return tuple(Contribution(*each) for each in zip(self.beside, values, effects, strict=True))


def _deviation(values: Array) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

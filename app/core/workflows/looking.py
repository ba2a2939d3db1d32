"""Pictures of a case for a model of networks: cut as for training, scored with other outlines, looked through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from app.core.bundle import Bundle, NetworkEstimator, Prediction
from app.core.data import Case, Caution, FloatArray, Geometry, LookedAt, Mask, NetworkFacts, Prepared
from app.core.deep.crops import ORIENTATION, Crops, make_crops
from app.core.deep.explain import check_attention, share_inside
from app.core.deep.placing import find_slices, place_maps
from app.core.errors import BundleError
from app.core.network_recipe import CropRecipe
from app.core.preprocess.reorient import reorient
from app.core.radiomics.extract import extract

Features = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Drawn:
    """One map on the grid of the image that the pictures were cut from.

    Parameters
    ----------
    placed : array of float32, shape (i, j, k)
        Grad-CAM from 0 to 1, occlusion in lost probability; NaN where no picture was cut.
    share : float
        Of the map inside the tumour; NaN where it is empty.
    caution : Caution or None
        When the networks looked elsewhere.
    """

    placed: FloatArray
    share: float
    caution: Caution | None


@dataclass(frozen=True, eq=False)
class Looked:
    """Where the networks looked on a case: in the words of its score, and as maps.

    Parameters
    ----------
    facts : LookedAt
        Of the Grad-CAM maps.
    gradcam : Drawn
    occlusion : Drawn or None
        Where it was asked for.
    """

    facts: LookedAt
    gradcam: Drawn
    occlusion: Drawn | None


def cut_case(bundle: Bundle, prepared: Prepared) -> Crops:
    """Cut the pictures that a model looks at; the case has one sequence.

    Raises
    ------
    InputError
        See `make_crops`.
    """
    return make_crops(prepared, _crop(bundle))


def _crop(bundle: Bundle) -> CropRecipe:
    network = bundle.specification.recipe.network
    if network is None:
        raise BundleError(f"The model '{bundle.specification.name}' has no networks.", "Choose another model.")
    # the sequence was chosen before, whatever it is called in this case
    return network.crop.model_copy(update={"sequence": ""})


def score_outlines(bundle: Bundle, prepared: Prepared, outlines: Sequence[Mapping[str, Mask]]) -> NDArray[np.float64]:
    """Log odds of the same case with other outlines.

    Parameters
    ----------
    bundle : Bundle
    prepared : Prepared
        With one sequence.
    outlines : sequence of mapping of str to Mask
        By sequence.

    Returns
    -------
    array, shape (outlines,)
    """
    model, crop = bundle.pictures, _crop(bundle)
    turned = {name: reorient(image, ORIENTATION) for name, image in prepared.images.items()}
    pictures, rows = [], []
    for masks in outlines:
        own = {name: reorient(mask, ORIENTATION) for name, mask in masks.items()}
        pictures.append(make_crops(replace(prepared, images=turned, masks=own), crop).values)
        varied = replace(prepared, masks={**prepared.masks, **masks})
        rows.append(extract(varied, bundle.measures).as_dict() if model.beside else {})
    return model.log_odds(pictures, rows)


def look_at(
    bundle: Bundle,
    case: Case,
    crops: Crops,
    probability: float,
    features: Features,
    *,
    occlusion: bool = False,
    tell: Callable[[float], None] | None = None,
) -> Looked:
    """Find where the networks looked for the class that they found more probable.

    Parameters
    ----------
    bundle : Bundle
    case : Case
        With the one sequence that the pictures were cut from, as it was read.
    crops : Crops
    probability : float
        Of class 1, as it was scored.
    features : mapping
        What was measured on the case.
    occlusion : bool
        Also cover the pictures patch by patch.
    tell : callable, optional
        Told how far the covering has come, 0 to 1; may raise `Cancelled`.
    """
    label = int(probability >= 0.5)
    model = bundle.pictures
    found = model.look(crops.values, crops.outlines, label, features, occlusion=occlusion, tell=tell)
    [(sequence, image)] = case.images.items()
    gradcam = _draw(found.gradcam, crops, image.geometry, found.attainable)
    lost = None
    if found.occlusion is not None:
        lost = _draw(found.occlusion, crops, image.geometry, found.attainable_covered)
    facts = LookedAt(
        label=label,
        class_name=bundle.specification.classes[label],
        sequence=sequence,
        share=found.share,
        expected=found.expected,
        slices=find_slices(gradcam.placed, image.geometry),
    )
    return Looked(facts, gradcam, lost)


def _draw(maps: FloatArray, crops: Crops, geometry: Geometry, attainable: float) -> Drawn:
    share, expected = share_inside(maps, crops.outlines)
    return Drawn(place_maps(maps, crops.affines, geometry), share, check_attention(share, expected, attainable))


def describe_networks(bundle: Bundle, prediction: Prediction) -> NetworkFacts | None:
    """What answered; None for a model without networks."""
    estimator, seen = bundle.specification.estimator, prediction.seen
    if not isinstance(estimator, NetworkEstimator) or seen is None:
        return None
    kinds = dict.fromkeys(network.kind for network in estimator.networks)
    return NetworkFacts(
        kind=", ".join(kinds),
        networks=len(estimator.networks),
        parameters=estimator.parameters,
        device=bundle.pictures.networks.device.describe(),
        spread_networks=seen.spread_networks,
        spread_views=seen.spread_views,
    )

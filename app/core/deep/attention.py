"""Where the networks of a model looked on a case's pictures, and whether that was the tumour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from app.core.data import Caution
from app.core.deep.device import Device
from app.core.deep.explain import (
    attainable_share,
    check_attention,
    count_cells,
    draw_gradcam,
    draw_occlusion,
    share_inside,
)

FloatArray = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Attention:
    """Maps over a case's pictures.

    Parameters
    ----------
    gradcam : array of float32, shape (pictures, y, x) or (1, z, y, x)
        From 0 to 1, mean over the networks.
    occlusion : array of float32, same shape, or None
        Probability lost when a place is covered, mean over the networks.
    share, expected : float
        Of the Grad-CAM maps inside the tumour, and what an even spread would have there.
    caution : Caution or None
        When the networks looked elsewhere.
    attainable, attainable_covered : float
        The share that a Grad-CAM map, and one by occlusion, could have at most, coarse as they are.
    """

    gradcam: FloatArray
    occlusion: FloatArray | None
    share: float
    expected: float
    caution: Caution | None
    attainable: float = 1.0
    attainable_covered: float = 1.0


def find_attention(
    networks: Iterable[nn.Module],
    pictures: FloatArray,
    outlines: NDArray[np.bool_],
    label: int,
    device: Device,
    *,
    occlusion: bool = False,
) -> Attention:
    """Draw the maps of every network, and measure how much of them lies in the tumour.

    Parameters
    ----------
    networks : iterable of Module
        Of one model; at least one.
    pictures : array of float32, shape (pictures, channels, y, x) or (1, channels, z, y, x)
    outlines : array of bool, shape (pictures, y, x) or (1, z, y, x)
    label : int
        The class whose evidence is shown: the one that the model found more probable.
    device : Device
    occlusion : bool
        Also cover the pictures patch by patch, which takes longer.
    """
    cams, covered, attainable = [], [], []
    for network in networks:
        attainable.append(attainable_share(outlines, count_cells(network, pictures[0])))
        cams.append(draw_gradcam(network, pictures, label, device=device))
        if occlusion:
            covered.append(draw_occlusion(network, pictures, label, device=device))
    gradcam = np.asarray(np.mean(cams, axis=0), dtype=np.float32)
    share, expected = share_inside(gradcam, outlines)
    lost = np.asarray(np.mean(covered, axis=0), dtype=np.float32) if covered else None
    most = float(np.mean(attainable))
    return Attention(gradcam, lost, share, expected, check_attention(share, expected, most), most)

"""Prepared cases made of noise and an ellipsoid, in any orientation."""

import numpy as np

from app.core.data import Mask, Prepared, TraceEntry, Volume
from app.core.preprocess.reorient import reorient

SPACING = (1.0, 1.5, 5.0)


def make_prepared(seed=0, *, spacing=SPACING, shape=(40, 32, 9), centre=None, radii=(6.0, 9.0, 12.0), codes="RAS",
                  name="case", trace=()):
    """Smooth noise and an ellipsoid of `radii` mm, brighter by 3; RAS, then turned to `codes`."""
    rng = np.random.default_rng(seed)
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = (-20.0, 13.0, 7.0)
    middle = np.array([(size - 1) / 2 for size in shape] if centre is None else centre)
    places = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    inside = ((((places - middle) * spacing) / radii) ** 2).sum(axis=-1) <= 1
    voxels = rng.normal(10.0, 1.0, size=shape).astype(np.float32) + 3.0 * inside
    volume, mask = Volume(voxels, affine), Mask(inside, affine)
    return Prepared(name, {"t1": reorient(volume, codes)}, {"t1": reorient(mask, codes)}, trace)


def standardised(**changes):
    """The same, with the trace of a histogram that was standardised."""
    return make_prepared(trace=(TraceEntry("normalise t1", {"method": "nyul"}, 0.0),), **changes)

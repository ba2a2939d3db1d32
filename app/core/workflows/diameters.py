"""The two diameters of a tumour that a radiologist would measure, with their ends, to be drawn on the picture."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from app.core.data import Mask
from app.core.errors import InputError
from app.core.jobs import Report
from app.core.requests import DiametersRequest


def measure_diameters(request: dict[str, Any], report: Report) -> dict[str, Any]:
    """Measure the longest diameter in any slice and the longest across it, on an outline made for the viewer.

    Parameters
    ----------
    request : dict
        A `DiametersRequest`.

    Returns
    -------
    dict
        `axis` and `slice` of the voxels; `longest` and `across`, two ends (x, y, z) each, RAS+ mm; `longest_mm`,
        `across_mm`.

    Raises
    ------
    InputError
        The outline is gone.
    EmptyMask
        It holds no voxel.
    """
    from app.core.radiomics.diameters import recist_pair

    ask = DiametersRequest.parse(request)
    report(0.0, "Measuring the diameters")
    try:
        voxels = np.load(ask.mask, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError("The outline made for the viewer is gone.", "Open the case again.") from error
    pair = recist_pair(Mask(voxels, np.asarray(ask.affine, dtype=np.float64), name="tumour"))
    report(1.0, "Done")
    return asdict(pair)

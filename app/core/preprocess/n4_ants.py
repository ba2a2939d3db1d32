"""N4 by ANTs: the engine of the 2019 study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.core.data import FloatArray, Mask, Volume
from app.core.errors import InputError
from app.core.io.ants import from_ants, to_ants
from app.core.recipe import N4Recipe

if TYPE_CHECKING:
    from app.core.jobs import Report

_FIXED = {"fwhm": 0.15, "noise": 0.01, "bins": 200, "mesh": 1}


def load_engine() -> None:
    """Load ANTs, which takes seconds, so that a measured correction does not count it."""
    import ants  # noqa: F401


def estimate_field(volume: Volume, region: Mask, recipe: N4Recipe, shrink: tuple[int, int, int],
                   report: Report | None) -> tuple[FloatArray, list[dict[str, Any]]]:
    """Fit the bias field with ANTs, which shrinks the image itself and by one factor for all axes.

    ANTs' own corrected image leaves voxels outside the region as they were; here the field is handed back, so that
    the whole image is corrected whichever engine ran.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm; positive within the region.
    region : Mask
        On the volume's grid.
    recipe : N4Recipe
        Settings of the fit; width, noise, bins and mesh are fixed in ANTs at the recipe's defaults.
    shrink : tuple of int
        Factors along (i, j, k); ANTs gets the largest.
    report : callable, optional
        Called before and after; the engine in between cannot be interrupted, only its process ended.

    Returns
    -------
    field : array of float32, shape (i, j, k)
        A positive factor.
    levels : list of dict
        The iterations asked for at each level; 'convergence' is None, ANTs does not tell.

    Raises
    ------
    InputError
        The recipe sets something ANTs does not let us set.
    """
    for setting, value in _FIXED.items():
        if getattr(recipe, setting) not in (value, (value,) * 3):
            raise InputError(f"The engine 'ants' has its {setting} fixed at {value:g}; the recipe asks for "
                             f"{getattr(recipe, setting)}.", "Leave that setting alone, or choose the engine 'itk'.")
    if isinstance(recipe.shrink, tuple) and len(set(recipe.shrink)) > 1:
        raise InputError(f"The engine 'ants' shrinks all axes alike; the recipe asks for {recipe.shrink}.",
                         "Give one number, or choose the engine 'itk'.")
    if report is not None:
        report(0.0, "Correcting the bias field with ANTs (it tells no progress; cancelling ends the engine)")
    import ants

    field = ants.n4_bias_field_correction(
        to_ants(volume), mask=to_ants(region), shrink_factor=max(shrink),
        convergence={"iters": list(recipe.iterations_per_level), "tol": recipe.tolerance}, return_bias_field=True)
    if report is not None:
        report(1.0, "Bias field corrected")
    return from_ants(field, volume), [{"iterations": most, "convergence": None}
                                      for most in recipe.iterations_per_level]

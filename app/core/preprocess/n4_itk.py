"""N4 by SimpleITK: the reference engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from app.core.data import FloatArray, Mask, Volume
from app.core.errors import InputError
from app.core.io.itk import to_sitk
from app.core.recipe import N4Recipe

if TYPE_CHECKING:
    from app.core.jobs import Report


def estimate_field(volume: Volume, region: Mask, recipe: N4Recipe, shrink: tuple[int, int, int],
                   report: Report | None) -> tuple[FloatArray, list[dict[str, Any]]]:
    """Fit the bias field on the shrunken image and evaluate it at every voxel.

    Parameters
    ----------
    volume : Volume
        Shape (i, j, k), RAS+ mm; positive within the region.
    region : Mask
        On the volume's grid.
    recipe : N4Recipe
        Settings of the fit.
    shrink : tuple of int
        Factors along (i, j, k).
    report : callable, optional
        Called after every iteration; may raise `Cancelled`.

    Returns
    -------
    field : array of float32, shape (i, j, k)
        A positive factor.
    levels : list of dict
        'iterations' and 'convergence' of each level, as reached.

    Raises
    ------
    InputError
        The engine refuses the image.
    """
    flat = [axis for axis, size in enumerate(volume.voxels.shape) if size == 1]
    image, mask = _plane(to_sitk(volume), flat), _plane(to_sitk(region), flat)
    factors = [factor for axis, factor in enumerate(shrink) if axis not in flat]
    engine = sitk.N4BiasFieldCorrectionImageFilter()
    engine.SetMaximumNumberOfIterations(list(recipe.iterations_per_level))
    engine.SetNumberOfControlPoints([spans + 3 for axis, spans in enumerate(recipe.mesh_along) if axis not in flat])
    engine.SetConvergenceThreshold(recipe.tolerance)
    engine.SetBiasFieldFullWidthAtHalfMaximum(recipe.fwhm)
    engine.SetWienerFilterNoise(recipe.noise)
    engine.SetNumberOfHistogramBins(recipe.bins)
    levels: list[dict[str, Any]] = []
    with _watched(engine, recipe, levels, report):
        engine.Execute(sitk.Shrink(image, factors), sitk.Shrink(mask, factors))
    field = np.exp(sitk.GetArrayFromImage(engine.GetLogBiasFieldAsImage(image)).T)
    return np.asarray(field.reshape(volume.voxels.shape), dtype=np.float32), levels


def _plane(image: sitk.Image, flat: list[int]) -> sitk.Image:
    """Make a single slice a two-dimensional image: the fit divides by an axis' extent, and one voxel has none."""
    if not flat:
        return image
    size = [0 if axis == flat[0] else n for axis, n in enumerate(image.GetSize())]
    plane: sitk.Image = sitk.Extract(image, size, [0, 0, 0], sitk.ExtractImageFilter.DIRECTIONCOLLAPSETOIDENTITY)
    return plane


@contextmanager
def _watched(engine: sitk.N4BiasFieldCorrectionImageFilter, recipe: N4Recipe, levels: list[dict[str, Any]],
             report: Report | None) -> Iterator[None]:
    """Collect each level's figures, pass progress on, and stop the engine when the reporter says so.

    The filter ignores `Abort` between iterations; an exception in its callback does end it, and SimpleITK prints that
    exception through `sys.excepthook`, which is silenced for that moment.
    """
    hook, stopped = sys.excepthook, list[BaseException]()

    def note() -> None:
        try:  # a Ctrl-C may arrive at any line of this callback
            level, iteration = engine.GetCurrentLevel(), engine.GetElapsedIterations()
            convergence = float(engine.GetCurrentConvergenceMeasurement())
            levels[level:] = [{"iterations": int(iteration), "convergence": convergence}]
            if report is not None:
                report((level + iteration / recipe.iterations_per_level[level]) / recipe.levels,
                       f"Correcting the bias field: level {level + 1} of {recipe.levels}, iteration {iteration}")
        except BaseException as reason:
            stopped.append(reason)
            sys.excepthook = lambda *_: None
            raise

    engine.AddCommand(sitk.sitkIterationEvent, note)
    try:
        if report is not None:
            report(0.0, "Correcting the bias field")
        yield
    except RuntimeError as error:
        if stopped:
            raise stopped[0] from None
        raise InputError("The bias correction cannot work with this image and these settings "
                         f"({str(error).strip().splitlines()[-1]}).",
                         "Try a smaller shrink factor or a larger mask.") from error
    finally:
        sys.excepthook = hook
        engine.RemoveAllCommands()

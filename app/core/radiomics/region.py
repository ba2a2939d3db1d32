"""A region: one image, original or filtered, cropped to the tumour once, with its grey levels; classes measure it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, MaskArray, Volume
from app.core.errors import EmptyMask, InputError
from app.core.radiomics.discretise import DEFAULT_WIDTH, bin_by_number, bin_by_size, bin_like_pyradiomics
from app.core.radiomics.families import ORIGINAL_ONLY, OWN_CLASSES, SETTINGS, measure_family
from app.core.radiomics.planes import crop_to_tumour
from app.core.radiomics.texture import TEXTURE, Levels, run_class
from app.core.recipe import RadiomicsRecipe

MOST_LEVELS = 4096
MOST_LEVELS_GLCM = 1024
"""The co-occurrence matrix grows with the square of the grey levels: 1.4 GB at 1024 with every direction."""
FINER = 10
"""Bins of the intensity-volume histogram in one of the texture's, as in the IBSI's validation on MRI."""
_COUNTS_LEVELS = (*TEXTURE, "firstorder", "histogram", "gldzm", "ngldm")


@dataclass(frozen=True, eq=False)
class Region:
    """What the feature classes see of one image.

    Parameters
    ----------
    name : str
        Of the image, e.g. 'original'.
    sequence : str
        For messages.
    image : SimpleITK.Image
        Cropped to the outline's box.
    volume : Volume
        The whole original image, for classes that look around the tumour.
    mask : Mask
        The outline on the whole grid.
    inside : array of bool, shape (i, j, k) of the box
        The outline's voxels whose intensities count.
    recipe : RadiomicsRecipe
    settings : mapping
        pyradiomics' own.
    """

    name: str
    sequence: str
    image: Any
    volume: Volume
    mask: Mask
    inside: MaskArray
    recipe: RadiomicsRecipe
    settings: Mapping[str, Any]

    @cached_property
    def levels(self) -> Levels:
        """Grey levels inside, shape (i, j, k) of the box; 0 elsewhere."""
        found = np.zeros(self.inside.shape, dtype=np.int32)
        found[self.inside] = self._bin(self._intensities)
        return found

    @property
    def is_finite(self) -> bool:
        """Whether the image has a value everywhere inside; a filter may not, as the kurtosis of what is constant."""
        return bool(np.isfinite(self._intensities).all())

    @cached_property
    def _intensities(self) -> NDArray[Any]:
        import SimpleITK as sitk

        return np.asarray(sitk.GetArrayViewFromImage(self.image).T[self.inside])

    def _bin(self, intensities: NDArray[Any]) -> Levels:
        if self.recipe.standard == "pyradiomics":
            return bin_like_pyradiomics(intensities, dict(self.settings))
        if self.recipe.bin_count is not None:
            return bin_by_number(intensities, self.recipe.bin_count)
        return bin_by_size(intensities, self.recipe.bin_width or DEFAULT_WIDTH, self._origin)

    @property
    def _origin(self) -> float | None:
        """A stated origin is an intensity of the original image; a filter's responses start at their own minimum."""
        return self.recipe.bin_origin if self.name == "original" else None

    def check_levels(self, classes: Collection[str]) -> None:
        """Refuse a binning whose matrices would not fit in memory.

        Raises
        ------
        InputError
            The bins make too many grey levels for one of the classes.
        """
        if self.settings["binCount"] is not None or not set(classes).intersection(_COUNTS_LEVELS):
            return
        most = MOST_LEVELS_GLCM if "glcm" in classes else MOST_LEVELS
        width, low, high = self.settings["binWidth"], self._intensities.min(), self._intensities.max()
        levels = (float(high) - (float(low) if self._origin is None else self._origin)) / width
        if levels > most:
            raise InputError(f"Bins of {width:g} split the intensities of the image '{self.sequence}' inside the "
                             f"outline into {levels:.0f} grey levels, at most {most} are expected.",
                             "Normalise the image, or choose wider bins or a bin count.")

    def measure(self, class_name: str, features: list[str]) -> dict[str, float]:
        """Measure features of one class.

        Parameters
        ----------
        class_name : str
            pyradiomics' or one of our own.
        features : list of str
            Names within the class.

        Returns
        -------
        dict of str to float
            By feature; one that the outline does not allow is left out.
        """
        if class_name in OWN_CLASSES:
            return self._measure_own(class_name)
        if class_name == "shape":
            return self._as_ibsi(class_name, run_class(class_name, self.image, self._label(self._outline), features,
                                                       **self.settings))
        settings = dict(self.settings)
        if self.recipe.aggregation == "merge":
            settings["weightingNorm"] = "no_weighting"
        by_slice = class_name in TEXTURE and self.recipe.force_2d and self.recipe.slices == "average"
        found = run_class(class_name, self.image, self._label(self.inside), features, self.levels.T, by_slice,
                          **settings)
        return self._as_ibsi(class_name, found)

    @property
    def _outline(self) -> MaskArray:
        return self.mask.voxels[self.mask.box()]

    def _label(self, inside: MaskArray) -> Any:
        import SimpleITK as sitk

        label = sitk.GetImageFromArray(np.ascontiguousarray(inside.T).astype(np.uint8))
        label.CopyInformation(self.image)
        return label

    def _measure_own(self, class_name: str) -> dict[str, float]:
        settings: dict[str, Any] = {
            "gathering": "3D" if not self.recipe.force_2d else "2.5D" if self.recipe.slices == "merge" else "2D",
            "origin": self._origin, "width": (self.recipe.bin_width or DEFAULT_WIDTH) / FINER, "counted": self.inside}
        known = {name: settings[name] for name in SETTINGS.get(class_name, ())}
        if class_name in ORIGINAL_ONLY:
            return measure_family(class_name, self.volume, self.mask, None, **known)
        import SimpleITK as sitk

        mask = crop_to_tumour(self.mask, self.mask)
        volume = Volume(sitk.GetArrayFromImage(self.image).T, mask.affine)
        # Distances run from the outline; everything else sees the voxels whose intensities count.
        seen = mask if class_name == "gldzm" else mask.with_voxels(self.inside)
        levels = self.levels if class_name in _COUNTS_LEVELS else None
        return measure_family(class_name, volume, seen, levels, **known)

    def _as_ibsi(self, class_name: str, found: dict[str, float]) -> dict[str, float]:
        """Carry pyradiomics' values over to the IBSI's definitions where these differ by an exact relation."""
        if self.recipe.standard == "pyradiomics":
            return found
        if class_name == "firstorder" and "Kurtosis" in found:
            # It is 1 at least, but for one intensity throughout, of which pyradiomics says 0 as the IBSI's does.
            return found | {"Kurtosis": found["Kurtosis"] - 3.0 if found["Kurtosis"] > 0 else 0.0}
        if class_name == "shape":
            voxels = int(self._outline.sum())
            stretch = math.sqrt(voxels / (voxels - 1))
            return {feature: value * stretch if feature.endswith("AxisLength") else value
                    for feature, value in found.items()}
        return found


def counted_voxels(sequence: str, volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> MaskArray:
    """Find the voxels of the outline whose intensities count: the IBSI's intensity mask.

    Parameters
    ----------
    sequence : str
        For messages.
    volume, mask : Volume, Mask
        On one grid.
    recipe : RadiomicsRecipe
        By the IBSI a stated `bin_origin` is the lower bound of the range of intensities: what lies below is left out
        of intensity and texture, though not of the shape.

    Returns
    -------
    array of bool, shape (i, j, k) of the outline's box

    Raises
    ------
    EmptyMask
        Every voxel lies below the bound.

    References
    ----------
    IBSI reference manual, 'Range re-segmentation' (USB3).
    """
    box = mask.box()
    outline = np.array(mask.voxels[box])
    if recipe.standard == "pyradiomics" or recipe.bin_origin is None:
        return outline
    counted = np.asarray(outline & (volume.voxels[box] >= recipe.bin_origin))
    if not counted.any():
        raise EmptyMask(f"All intensities of the image '{sequence}' inside the outline lie below "
                        f"{recipe.bin_origin:g}, where the first grey level begins.", "Choose a lower origin of bins.")
    return counted

"""The extractor: a prepared case and a recipe become one row of features, in the same order for every case.

pyradiomics' (3.0.1) feature classes are called one by one on images cropped and binned once, our own classes beside
them, so that a tumour too small for texture still gives its size. A feature that cannot be computed is NaN in the row;
the caller says so in a caution.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from app.core.data import FeatureRow, Mask, Prepared, Volume
from app.core.errors import EmptyMask, GeometryMismatch, InputError, RecipeError
from app.core.radiomics.catalogue import feature_names
from app.core.radiomics.filters import filtered_images
from app.core.radiomics.parts import measure_part, part_names
from app.core.radiomics.region import Region, counted_voxels
from app.core.radiomics.size import measure_size
from app.core.radiomics.texture import TEXTURE, load_pyradiomics
from app.core.recipe import RadiomicsRecipe


def extract(prepared: Prepared, recipe: RadiomicsRecipe) -> FeatureRow:
    """Measure a case.

    Parameters
    ----------
    prepared : Prepared
        Each sequence's image and mask on one grid, shape (i, j, k), RAS+ mm.
    recipe : RadiomicsRecipe
        No classes: size only, and pyradiomics is not loaded. The settings inside a filter go to pyradiomics for that
        filter's images alone, e.g. ``{"Original": {"gldm_a": 1}}``. `bin_count` wins over `bin_width`; with neither
        the bin width is 25. The standard 'ibsi' differs from 'pyradiomics' in that bins begin at `bin_origin` (the
        tumour's lowest intensity if None) and grey levels are counted from there; what lies below a stated origin is
        left out of intensity and texture, not of shape; kurtosis is 0 for a normal distribution; axis lengths come
        from the unbiased covariance. Filtered images are binned from their own lowest response.

    Returns
    -------
    FeatureRow
        First `volume_ml` and `longest_diameter_mm` (pyradiomics' Maximum3DDiameter), measured on the sequence with the
        finest voxels; then the names of `feature_names` by sequence in alphabetical order, prefixed with '<sequence>_'
        if there are several. The recipe and the sequences alone decide the names. NaN marks a feature that the outline
        does not allow: everything but size for a single voxel, co-occurrence and run features where no voxel touches
        another, textures in 2D where no slice holds two voxels, LoG where the image is smaller than its kernel, a
        filter that has no response somewhere in the outline.

    Raises
    ------
    EmptyMask, GeometryMismatch
        An outline holds no voxel, or none above the origin of bins, or does not lie on its image's grid.
    InputError
        A voxel inside the outline has no value, or the bin width makes more than 1024 grey levels for co-occurrence
        or 4096 for the other classes.
    RecipeError
        The recipe names an unknown class, filter or feature, or settings that exclude each other.

    References
    ----------
    van Griethuysen et al. 2017, 10.1158/0008-5472.CAN-17-0339; Zwanenburg et al. 2020, 10.1148/radiol.2020191145.
    """
    sequences = sorted(prepared.images)
    finest = min(sequences, key=lambda name: (prepared.masks[name].geometry.voxel_ml, name))
    values = measure_size(prepared.masks[finest])
    for sequence, wanted in _names_by_sequence(sequences, recipe).items():
        if wanted:
            prefix = f"{sequence}_" if len(sequences) > 1 else ""
            measured = _measure(sequence, prepared.images[sequence], prepared.masks[sequence], recipe, wanted)
            values |= {prefix + name: measured.get(name, math.nan) for name in wanted}
    versions = _versions(bool(recipe.classes or part_names(recipe)))
    return FeatureRow(prepared.id, tuple(values), tuple(values.values()), versions)


def check_recipe(recipe: RadiomicsRecipe, sequences: Sequence[str]) -> None:
    """Refuse a recipe that no case could be measured by, before any is read.

    Parameters
    ----------
    recipe : RadiomicsRecipe
    sequences : sequence of str
        Every sequence that some case has.

    Raises
    ------
    RecipeError
        As `extract` raises it.
    """
    _names_by_sequence(sorted(sequences), recipe)


def _names_by_sequence(sequences: list[str], recipe: RadiomicsRecipe) -> dict[str, list[str]]:
    """Choose what to measure on each sequence, after the recipe's own selection; names without the sequence."""
    available = feature_names(recipe)
    if recipe.names is None:
        return {sequence: list(available) for sequence in sequences}
    several = len(sequences) > 1
    asked = set(recipe.names)
    chosen = {sequence: [name for name in available if name in asked or (several and f"{sequence}_{name}" in asked)]
              for sequence in sequences}
    given = {"volume_ml", "longest_diameter_mm", *available}
    given |= {f"{sequence}_{name}" for sequence in sequences for name in available} if several else set()
    missing = sorted(asked - given)
    if missing:
        raise RecipeError(f"The recipe keeps the feature '{missing[0]}', which its classes and filters do not give "
                          f"for the sequences {', '.join(sequences)}.", "Add its class or filter, or leave it out.")
    return chosen


def _measure(sequence: str, volume: Volume, mask: Mask, recipe: RadiomicsRecipe, names: list[str]) -> dict[str, float]:
    """Measure one sequence; a name absent from the answer could not be measured."""
    _check(sequence, volume, mask)
    if int(mask.voxels.sum()) == 1:
        return {}
    values = {name: value for part, given in part_names(recipe).items() if not set(given).isdisjoint(names)
              for name, value in measure_part(part, volume, mask, recipe).items()}
    return values | _measure_images(sequence, volume, mask, recipe, [name for name in names if name not in values])


def _measure_images(sequence: str, volume: Volume, mask: Mask, recipe: RadiomicsRecipe,
                    names: list[str]) -> dict[str, float]:
    """Run the feature classes on the image and its filtered versions."""
    inside = counted_voxels(sequence, volume, mask, recipe)
    texture_possible = not recipe.force_2d or bool((inside.sum(axis=(0, 1)) > 1).any())
    values: dict[str, float] = {}
    for image_name, filtered, settings in filtered_images(volume, mask, recipe, {name.split("_")[0] for name in names}):
        box = tuple(slice(span.start, span.stop) for span in mask.box())
        region = Region(image_name, sequence, filtered[box], volume, mask, inside, recipe, settings)
        if not region.is_finite:
            continue
        wanted = _features_by_class(image_name, names)
        region.check_levels(wanted)
        for class_name, features in wanted.items():
            if texture_possible or class_name not in TEXTURE:
                found = region.measure(class_name, features)
                values |= {f"{image_name}_{class_name}_{feature}": found[feature] for feature in features
                           if math.isfinite(found.get(feature, math.nan))}
    return values


def _check(sequence: str, volume: Volume, mask: Mask) -> None:
    if not mask.geometry.matches(volume.geometry):
        raise GeometryMismatch(f"The outline ({mask.geometry.describe()}) does not lie on the grid of the image "
                               f"'{sequence}' ({volume.geometry.describe()}).", "Place the outline on the image first.")
    if not mask.voxels.any():
        raise EmptyMask(f"The outline on the image '{sequence}' holds no voxel.",
                        "Choose the outline drawn on this series.")
    missing = int((~np.isfinite(volume.voxels[mask.voxels])).sum())
    if missing:
        raise InputError(f"The image '{sequence}' has no value in {missing} voxels inside the outline.",
                         "Export the image again, or shrink the outline.")


def _features_by_class(image_name: str, names: Iterable[str]) -> dict[str, list[str]]:
    chosen: dict[str, list[str]] = {}
    for name in names:
        image, class_name, feature = name.split("_")
        if image == image_name:
            chosen.setdefault(class_name, []).append(feature)
    return chosen


def _versions(with_pyradiomics: bool) -> dict[str, str]:
    import scipy

    versions = {"numpy": np.__version__, "scipy": scipy.__version__}
    if with_pyradiomics:
        import SimpleITK as sitk

        versions |= {"SimpleITK": sitk.Version.VersionString(),
                     "pyradiomics": load_pyradiomics().__version__.removeprefix("v")}
    return versions

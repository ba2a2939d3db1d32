"""The catalogue: every feature the extractor can return, with its title, unit, IBSI code and meaning.

The entries are rows of the tables in `resources/radiomics`. A feature keeps its definition on a filtered image; only
the title then names the filter.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.core.errors import RecipeError
from app.core.paths import program_folder
from app.core.radiomics.families import ORIGINAL_ONLY
from app.core.radiomics.filters import IMAGE_WORDS, image_names
from app.core.radiomics.parts import part_names
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import RadiomicsRecipe

_TABLES = program_folder() / "resources" / "radiomics"
# How an image's name, less a leading 'slice-', reads in a title.
_IMAGES: tuple[tuple[str, str], ...] = (
    *IMAGE_WORDS,
    (r"equal", "mean over equal-probability levels"), (r"equal([0-9]+)", "{1} equal-probability levels"),
    (r"gabor-([0-9]+)", "Gabor scale {1}"), (r"gabor-([0-9]+)-([0-9]+(?:-[0-9]+)?)", "Gabor scale {1} at {2} degrees"))
_SLICE = "slice-"
STABLE = 0.75
"""Least intraclass correlation, or its lower bound where the table has one, of a stable feature."""


@dataclass(frozen=True)
class FeatureDefinition:
    """What a feature is.

    Parameters
    ----------
    name : str
        As it heads a column.
    title : str
        As a reader sees it.
    unit : str
        Empty when dimensionless; 'intensity' is the image's own unit, 'grey level' counts bins.
    ibsi : str
        Code of the IBSI reference manual; empty when the manual has no such feature.
    definition : str
        One sentence.
    tags : tuple of str
        Stems of the rows of the IBSI consensus table that hold its reference values.
    icc : float, optional
        Intraclass correlation over changed outlines, where it has been measured.
    stable : bool
        Whether a second outline would reproduce it.
    """

    name: str
    title: str
    unit: str
    ibsi: str
    definition: str
    tags: tuple[str, ...] = ()
    icc: float | None = None
    stable: bool = False


def _read_stability() -> Mapping[str, tuple[float, bool]]:
    """Correlation and verdict by column; empty where none has been measured."""
    path = _TABLES / "stability.csv"
    if not path.is_file():
        return MappingProxyType({})
    with path.open(encoding="utf-8", newline="") as file:
        return MappingProxyType({row["name"]: (float(row["icc"]), float(row.get("low") or row["icc"]) >= STABLE)
                                 for row in csv.DictReader(file) if row["icc"]})


STABILITY: Mapping[str, tuple[float, bool]] = _read_stability()


def _read_catalogue() -> Mapping[str, FeatureDefinition]:
    entries = []
    for table in ("features.csv", "ibsi.csv", "outline.csv", "tissue.csv"):
        with (_TABLES / table).open(encoding="utf-8", newline="") as file:
            entries += [FeatureDefinition(row["name"] if row["name"] in SIZE_NAMES else f"original_{row['name']}",
                                          row["title"], row["unit"], row["ibsi"], row["definition"],
                                          tuple(row["tags"].split())) for row in csv.DictReader(file)]
    return MappingProxyType({entry.name: _with_stability(entry) for entry in entries})


def _with_stability(entry: FeatureDefinition, column: str = "") -> FeatureDefinition:
    icc, stable = STABILITY.get(column or entry.name, (None, False))
    return replace(entry, icc=icc, stable=stable)


CATALOGUE: Mapping[str, FeatureDefinition] = _read_catalogue()
CLASSES = tuple(dict.fromkeys(name.split("_")[1] for name in CATALOGUE if name not in SIZE_NAMES))


def describe(name: str) -> FeatureDefinition:
    """Look up a column by its name, with any sequence prefix and filter.

    Parameters
    ----------
    name : str
        For example 'volume_ml', 'original_shape_Sphericity', 't1_log-sigma-2-0-mm-3D_firstorder_Mean' or
        'slice-equal_glcm_Contrast'.

    Returns
    -------
    FeatureDefinition
        Its title names the filter and the sequence. A column that is none of ours, such as a clinical variable of the
        user's table, is its own title, without unit or code.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    *sequence, image, class_name, feature = name.split("_") if name.count("_") >= 2 else ("", "", "")
    base = CATALOGUE.get(f"original_{class_name}_{feature}")
    words = _describe_image(image)
    if words is None or base is None:
        return FeatureDefinition(name, name, "", "", "A column of the user's table.")
    title = ", ".join(part for part in (base.title, words, "_".join(sequence)) if part)
    return _with_stability(replace(base, name=name, title=title), f"{image}_{class_name}_{feature}")


def _describe_image(name: str) -> str | None:
    """Put an image's name in words; None if it is none of ours."""
    for pattern, words in _IMAGES:
        match = re.fullmatch(pattern, name.removeprefix(_SLICE))
        if match:
            values = (match[0], *(group.replace("-", ".") for group in match.groups()))
            where = "largest slice" if name.startswith(_SLICE) else ""
            return ", ".join(part for part in (where, words.format(*values)) if part)
    return None


def feature_names(recipe: RadiomicsRecipe) -> tuple[str, ...]:
    """List what a recipe measures on one sequence: the same names in the same order for every case.

    Parameters
    ----------
    recipe : RadiomicsRecipe
        `names` is not applied here; `stable_only` is.

    Returns
    -------
    tuple of str
        Image, class and feature, e.g. 'original_glcm_Contrast': first the classes that are measured on the original
        image only, then every image's, then the recipe's parts. Without the size features and the sequence.

    Raises
    ------
    RecipeError
        A class or a filter is unknown, `shape2D` is asked for without the largest slice, pyradiomics' bins are given
        an origin, or stable features are asked for and none has been measured.
    """
    unknown = [name for name in recipe.classes if name not in CLASSES]
    if unknown:
        raise RecipeError(f"The recipe asks for the feature class '{unknown[0]}', which is not one of "
                          f"{', '.join(CLASSES)}.", "Choose one of these.")
    if "shape2D" in recipe.classes and not recipe.largest_slice:
        raise RecipeError("The recipe asks for the feature class 'shape2D', which describes a single slice.",
                          "Also ask for the largest slice, or choose 'shape'.")
    if recipe.bin_origin is not None and recipe.standard == "pyradiomics":
        raise RecipeError(f"The recipe lets grey levels begin at {recipe.bin_origin:g}, but pyradiomics' begin at the "
                          "tumour's lowest multiple of the bin width.", "Choose the standard 'ibsi', or no origin.")
    by_class = {class_name: [name.removeprefix("original_") for name in CATALOGUE
                             if name not in SIZE_NAMES and name.split("_")[1] == class_name]
                for class_name in CLASSES if class_name in recipe.classes and class_name != "shape2D"}
    once = [f"original_{name}" for class_name, names in by_class.items() if class_name in ORIGINAL_ONLY
            for name in names]
    always = [name for class_name, names in by_class.items() if class_name not in ORIGINAL_ONLY for name in names]
    images = [image for group in image_names(recipe).values() for image in group]
    parts = [name for names in part_names(recipe).values() for name in names]
    every = (*once, *(f"{image}_{name}" for image in images for name in always), *parts)
    return _stable(every) if recipe.stable_only else every


def _stable(names: tuple[str, ...]) -> tuple[str, ...]:
    if not STABILITY:
        raise RecipeError("The recipe keeps stable features only, but the catalogue holds no measurement of stability.",
                          "Measure the stability of a cohort's features first, or keep every feature.")
    return tuple(name for name in names if STABILITY.get(name, (0.0, False))[1])

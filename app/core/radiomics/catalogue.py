"""The catalogue: every feature the extractor can return, with its title, unit, IBSI code and meaning.

The entries are rows of the tables in `resources/radiomics`. A feature keeps its definition on a filtered image; only
the title then names the filter.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType

from app.core.errors import RecipeError
from app.core.paths import program_folder
from app.core.radiomics.size import SIZE_NAMES
from app.core.recipe import RadiomicsRecipe

_TABLES = program_folder() / "resources" / "radiomics"
_SIMPLE_FILTERS = {"Original": "original", "Square": "square", "SquareRoot": "squareroot", "Logarithm": "logarithm",
                   "Exponential": "exponential", "Gradient": "gradient"}
FILTERS = (*_SIMPLE_FILTERS, "LoG", "Wavelet")
_FILTERED_NAME = re.compile(
    r"(?:(?P<sequence>.+)_)?(?P<filter>original|squareroot|square|logarithm|exponential|gradient"
    r"|log-sigma-[0-9-]+-mm-3D|wavelet\d*-[HL]+)_(?P<feature>[a-z]+_\w+)")


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
    """

    name: str
    title: str
    unit: str
    ibsi: str
    definition: str
    tags: tuple[str, ...] = ()


def _read_catalogue() -> Mapping[str, FeatureDefinition]:
    entries = []
    for table in ("features.csv", "ibsi.csv", "outline.csv", "tissue.csv"):
        with (_TABLES / table).open(encoding="utf-8", newline="") as file:
            entries += [FeatureDefinition(row["name"] if row["name"] in SIZE_NAMES else f"original_{row['name']}",
                                          row["title"], row["unit"], row["ibsi"], row["definition"],
                                          tuple(row["tags"].split())) for row in csv.DictReader(file)]
    return MappingProxyType({entry.name: entry for entry in entries})


CATALOGUE: Mapping[str, FeatureDefinition] = _read_catalogue()
CLASSES = tuple(dict.fromkeys(name.split("_")[1] for name in CATALOGUE if name not in SIZE_NAMES))


def describe(name: str) -> FeatureDefinition:
    """Look up a column by its name, with any sequence prefix and filter.

    Parameters
    ----------
    name : str
        For example 'volume_ml', 'original_shape_Sphericity' or 't1_log-sigma-2-0-mm-3D_firstorder_Mean'.

    Returns
    -------
    FeatureDefinition
        Its title names the filter and the sequence. A column that is none of ours, such as a clinical variable of the
        user's table, is its own title, without unit or code.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    match = _FILTERED_NAME.fullmatch(name)
    base = CATALOGUE.get(f"original_{match['feature']}") if match else None
    if match is None or base is None:
        return FeatureDefinition(name, name, "", "", "A column of the user's table.")
    parts = [base.title, _describe_filter(match["filter"]), match["sequence"]]
    return replace(base, name=name, title=", ".join(part for part in parts if part))


def _describe_filter(name: str) -> str:
    if name == "original":
        return ""
    if name.startswith("log-sigma-"):
        sigma = name.removeprefix("log-sigma-").removesuffix("-mm-3D").replace("-", ".")
        return f"Laplacian of Gaussian {sigma} mm"
    if name.startswith("wavelet"):
        level, bands = name.removeprefix("wavelet").split("-")
        return f"wavelet {bands}" + (f" level {level}" if level else "")
    return {"squareroot": "square root"}.get(name, name)


def image_names(recipe: RadiomicsRecipe) -> dict[str, list[str]]:
    """Name the images that each filter of a recipe makes.

    Returns
    -------
    dict of str to list of str
        By filter, in the recipe's order: 'Original' gives ['original'], 'LoG' one name per sigma (mm), 'Wavelet' one
        per sub-band and level.

    Raises
    ------
    RecipeError
        A filter is unknown, or LoG has no sigma above 0.
    """
    names: dict[str, list[str]] = {}
    for filter_name, settings in recipe.filters.items():
        if filter_name in _SIMPLE_FILTERS:
            names[filter_name] = [_SIMPLE_FILTERS[filter_name]]
        elif filter_name == "LoG":
            sigmas = settings.get("sigma", [])
            if not sigmas or min(sigmas) <= 0:
                raise RecipeError(f"The filter LoG has the sigmas {sigmas!r}, one or more above 0 mm are expected.",
                                  "Give for example {\"LoG\": {\"sigma\": [2.0, 4.0]}}.")
            names[filter_name] = [f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D" for sigma in sigmas]
        elif filter_name == "Wavelet":
            names[filter_name] = _wavelet_names(int(settings.get("level", 1)), 2 if recipe.force_2d else 3)
        else:
            raise RecipeError(f"The recipe asks for the filter '{filter_name}', which is not one of "
                              f"{', '.join(FILTERS)}.", "Choose one of these.")
    return names


def _wavelet_names(levels: int, axes: int) -> list[str]:
    bands = ["".join(letters) for letters in product("LH", repeat=axes)]
    stems = ["wavelet" if level == 1 else f"wavelet{level}" for level in range(1, levels + 1)]
    return [f"{stem}-{band}" for stem in stems for band in bands[1:]] + [f"{stems[-1]}-{bands[0]}"]


def feature_names(recipe: RadiomicsRecipe) -> tuple[str, ...]:
    """List what a recipe measures on one sequence: the same names in the same order for every case.

    Parameters
    ----------
    recipe : RadiomicsRecipe
        `names` is not applied here.

    Returns
    -------
    tuple of str
        Image, class and feature, e.g. 'original_glcm_Contrast'; shape on the original image only; without the size
        features and the sequence.

    Raises
    ------
    RecipeError
        A class or a filter is unknown.
    """
    unknown = [name for name in recipe.classes if name not in CLASSES]
    if unknown:
        raise RecipeError(f"The recipe asks for the feature class '{unknown[0]}', which is not one of "
                          f"{', '.join(CLASSES)}.", "Choose one of these.")
    features = [name.removeprefix("original_") for name in CATALOGUE
                if name not in SIZE_NAMES and name.split("_")[1] in recipe.classes]
    shapes = [f"original_{name}" for name in features if name.startswith("shape_")]
    images = [image for group in image_names(recipe).values() for image in group]
    return (*shapes, *(f"{image}_{name}" for image in images for name in features if not name.startswith("shape_")))

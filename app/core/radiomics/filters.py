"""Filtered images: the names each filter of a recipe gives its images, and the images themselves.

Laplacian of Gaussian and wavelets are pyradiomics' or the IBSI's, as the recipe's standard says; mean and Gabor are the
IBSI's, the local binary patterns and the voxel-wise transforms pyradiomics'.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.errors import RecipeError
from app.core.radiomics.convolution import BOUNDARIES, filter_log, filter_mean, filter_wavelet, wavelet_reach
from app.core.radiomics.gabor import ASPECT, OCTAVE, gabor_kernel, respond
from app.core.radiomics.planes import through_plane_axis
from app.core.recipe import RadiomicsRecipe

Settings = dict[str, Any]
_SIMPLE = {"Original": "original", "Square": "square", "SquareRoot": "squareroot", "Logarithm": "logarithm",
           "Exponential": "exponential", "Gradient": "gradient", "LBP2D": "lbp-2D"}
FILTERS = (*_SIMPLE, "LBP3D", "LoG", "Wavelet", "Mean", "Gabor")
DEFAULT_WAVELET = "coif1"
MOST_LEVELS = 8
TRUNCATE = 4.0
"""Where Gaussian and Gabor kernels are cut, in standard deviations."""
IMAGE_WORDS: tuple[tuple[str, str], ...] = (
    (r"original", ""), (r"square|logarithm|exponential|gradient", "{0}"), (r"squareroot", "square root"),
    (r"log-sigma-([0-9]+(?:-[0-9]+)?)-mm-3D", "Laplacian of Gaussian {1} mm"),
    (r"log-sigma-([0-9]+(?:-[0-9]+)?)-mm-2D", "Laplacian of Gaussian {1} mm in slices"),
    (r"wavelet-([HL]+)", "wavelet {1}"), (r"wavelet([0-9]+)-([HL]+)", "wavelet {2} level {1}"),
    (r"wavelet-pooled-([HL]+)", "pooled wavelet {1}"),
    (r"wavelet([0-9]+)-pooled-([HL]+)", "pooled wavelet {2} level {1}"),
    (r"mean-([0-9]+)-3D", "mean over {1} voxels"), (r"mean-([0-9]+)-2D", "mean over {1} voxels in slices"),
    (r"gabor-wavelength-([0-9]+(?:-[0-9]+)?)-mm-2D", "Gabor filter {1} mm"),
    (r"gabor-wavelength-([0-9]+(?:-[0-9]+)?)-mm-3D", "Gabor filter {1} mm in three planes"),
    (r"lbp-2D", "local binary pattern in slices"), (r"lbp-3D-m([0-9]+)", "local binary pattern {1}"),
    (r"lbp-3D-k", "local binary pattern, kurtosis"))
"""How the name of a filtered image reads in a title: a regular expression, and words with its groups."""


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
        A filter is unknown, or one of its settings cannot be used.
    """
    return {name: _names(name, settings, recipe) for name, settings in recipe.filters.items()}


def _names(name: str, settings: Settings, recipe: RadiomicsRecipe) -> list[str]:
    if name in _SIMPLE:
        return [_SIMPLE[name]]
    _boundary(name, settings)
    flat = "2D" if recipe.force_2d else "3D"
    if name == "LBP3D":
        levels = _whole("LBP3D", "lbp3DLevels", settings, 2)
        return [*(f"lbp-3D-m{level}" for level in range(1, levels + 1)), "lbp-3D-k"]
    if name == "LoG":
        ours = flat if recipe.standard == "ibsi" else "3D"
        return [f"log-sigma-{_dashed(sigma)}-mm-{ours}" for sigma in _lengths("LoG", "sigma", settings)]
    if name == "Wavelet":
        _wavelet(settings)
        levels = _whole("Wavelet", "level", settings, 1)
        return _wavelet_names(levels, 2 if recipe.force_2d else 3, _is_pooled(settings, recipe))
    if name == "Mean":
        return [f"mean-{support}-{flat}" for support in _supports(settings)]
    if name == "Gabor":
        planes = "3D" if settings.get("pooled", False) else "2D"
        return [f"gabor-wavelength-{_dashed(length)}-mm-{planes}" for length in _lengths(name, "wavelength", settings)]
    raise RecipeError(f"The recipe asks for the filter '{name}', which is not one of {', '.join(FILTERS)}.",
                      "Choose one of these.")


def _wavelet_names(levels: int, axes: int, pooled: bool) -> list[str]:
    bands = ["".join(letters) for letters in product("LH", repeat=axes)]
    if pooled:  # a rotation makes the others of these
        bands = [band for band in bands if "HL" not in band]
    stems = ["wavelet" if level == 1 else f"wavelet{level}" for level in range(1, levels + 1)]
    stems = [f"{stem}-pooled" if pooled else stem for stem in stems]
    return [f"{stem}-{band}" for stem in stems for band in bands[1:]] + [f"{stems[-1]}-{bands[0]}"]


def filtered_images(volume: Volume, mask: Mask, recipe: RadiomicsRecipe,
                    needed: set[str]) -> Iterator[tuple[str, Any, Settings]]:
    """Make the filtered images that are needed.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm.
    recipe : RadiomicsRecipe
        Its `filters` and `standard`.
    needed : set of str
        Names of images, of those that `image_names` gives; 'original' is always to be had.

    Yields
    ------
    name : str
    image : SimpleITK.Image
        On the volume's grid. The IBSI's filters answer inside the outline's box and leave 0 elsewhere.
    settings : dict
        pyradiomics' settings for its feature classes on this image: the recipe's and the filter's own.

    Raises
    ------
    RecipeError
        A filter is unknown, or one of its settings cannot be used.
    """
    from app.core.io.itk import to_sitk
    from app.core.radiomics.discretise import DEFAULT_WIDTH

    common = {"label": 1, "force2D": recipe.force_2d, "force2Ddimension": 0,
              "binWidth": recipe.bin_width or DEFAULT_WIDTH, "binCount": recipe.bin_count}
    image = to_sitk(volume)
    for name, made in image_names(recipe).items():
        settings = common | recipe.filters[name]
        wanted = [each for each in made if each in needed]
        if not wanted:
            continue
        if name in ("Mean", "Gabor") or (name in ("LoG", "Wavelet") and recipe.standard == "ibsi"):
            for each in wanted:
                response = _respond_in_box(volume, mask, *_convolution(name, each, settings, recipe, volume))
                yield each, to_sitk(volume.with_voxels(response)), settings
        else:
            label = to_sitk(mask.with_voxels(mask.voxels, affine=volume.affine))
            yield from _by_pyradiomics(name, image, label, settings)
    if "original" in needed and "Original" not in recipe.filters:
        yield "original", image, common


def _by_pyradiomics(name: str, image: Any, label: Any, settings: Settings) -> Iterator[tuple[str, Any, Settings]]:
    from app.core.radiomics.texture import load_pyradiomics

    made = getattr(load_pyradiomics().imageoperations, f"get{name}Image")(image, label, **settings)
    while True:
        with warnings.catch_warnings():
            # It calls scipy by names that are on their way out, and compares intensities that are not whole numbers.
            warnings.filterwarnings("ignore", category=DeprecationWarning)
            warnings.filterwarnings("ignore", "Applying `local_binary_pattern`", UserWarning)
            warnings.filterwarnings("ignore", "Precision loss", RuntimeWarning)  # the kurtosis of what is constant
            found = next(made, None)
        if found is None:
            return
        yield found[1], found[0], found[2]


Convolution = Callable[[NDArray[np.float64]], NDArray[np.floating]]


def _convolution(name: str, image_name: str, settings: Settings, recipe: RadiomicsRecipe,
                 volume: Volume) -> tuple[Convolution, list[int] | None]:
    """A filter ready to be applied, and how far it reaches along (i, j, k); None where it needs the whole image."""
    boundary = _boundary(name, settings)
    spacing = volume.geometry.spacing
    slices = through_plane_axis(volume.geometry)
    axes = [axis for axis in range(3) if axis != slices or not recipe.force_2d]
    if name == "Mean":
        support = int(image_name.split("-")[1])
        apply: Convolution = lambda voxels: filter_mean(voxels, support, boundary, axes)  # noqa: E731
        reach = [support // 2] * 3
    elif name == "LoG":
        sigma, cut = _measured(image_name), float(settings.get("truncate", TRUNCATE))
        apply = lambda voxels: filter_log(voxels, sigma, spacing, cut, boundary, axes)  # noqa: E731
        reach = [math.ceil(cut * sigma / size) + 1 for size in spacing]
    elif name == "Wavelet":
        family, pooled = _wavelet(settings), _is_pooled(settings, recipe)
        stem, *_, bands = image_name.split("-")
        level = int(stem.removeprefix("wavelet") or 1)
        apply = lambda voxels: filter_wavelet(voxels, bands, family, level, boundary, axes, pooled=pooled)  # noqa: E731
        reach = [wavelet_reach(family, level)] * 3
    else:
        across = [slices] if not settings.get("pooled", False) else [0, 1, 2]
        kernels = _gabor_kernels(_measured(image_name), settings, min(spacing))
        apply = lambda voxels: _average_directions(voxels, kernels, boundary, across)  # noqa: E731
        reach = [max(max(kernel.shape) for kernel in kernels) // 2] * 3
    return apply, None if boundary == "periodic" else reach


def _respond_in_box(volume: Volume, mask: Mask, apply: Convolution, reach: list[int] | None) -> NDArray[np.float32]:
    """Filter the outline's box with as much of its surroundings as the filter reaches, so that the answer is exact."""
    box = mask.box()
    far = mask.voxels.shape if reach is None else reach
    window = tuple(slice(max(span.start - far[axis], 0), span.stop + far[axis]) for axis, span in enumerate(box))
    voxels = volume.voxels[window].astype(np.float64)
    known = np.isfinite(voxels)
    response = apply(voxels if known.all() else np.where(known, voxels, voxels[known].mean()))
    found = np.zeros(volume.voxels.shape, dtype=np.float32)
    found[box] = response[tuple(slice(span.start - frame.start, span.stop - frame.start)
                                for span, frame in zip(box, window, strict=True))]
    return found


def _gabor_kernels(wavelength: float, settings: Settings, spacing: float) -> list[NDArray[np.complex128]]:
    """Kernels of one wavelength (mm) in every direction, on voxels of one size (mm)."""
    sigma = float(settings.get("sigma", OCTAVE * wavelength))
    aspect, turns = float(settings.get("aspect", ASPECT)), int(settings.get("orientations", 6))
    return [gabor_kernel(sigma / spacing, wavelength / spacing, aspect, math.pi * turn / turns, TRUNCATE)
            for turn in range(turns)]


def _average_directions(voxels: NDArray[np.float64], kernels: list[NDArray[np.complex128]], boundary: str,
                        across: list[int]) -> NDArray[np.floating]:
    total = np.zeros(voxels.shape)
    for axis in across:
        stacked = np.moveaxis(voxels, axis, 2)
        for response in respond(stacked, kernels, boundary):
            total += np.moveaxis(response, 2, axis)
    return total / (len(kernels) * len(across))


def _dashed(number: float) -> str:
    return str(number).replace(".", "-")


def _measured(image_name: str) -> float:
    """The number of mm in an image's name."""
    found = re.search(r"-(\d+(?:-\d+)?)-mm-", image_name)
    return float(found[1].replace("-", ".")) if found else math.nan


def _is_pooled(settings: Settings, recipe: RadiomicsRecipe) -> bool:
    return bool(settings.get("pooled", False)) and recipe.standard == "ibsi"


def _lengths(name: str, setting: str, settings: Settings) -> list[float]:
    lengths = settings.get(setting, [])
    if not isinstance(lengths, (list, tuple)) or not lengths or not all(_is_length(each) for each in lengths):
        raise RecipeError(f"The filter {name} has the {setting}s {lengths!r}, one or more above 0 mm are expected.",
                          f"Give for example {{\"{name}\": {{\"{setting}\": [2.0, 4.0]}}}}.")
    return list(lengths)


def _is_length(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def _whole(name: str, setting: str, settings: Settings, default: int) -> int:
    number = settings.get(setting, default)
    if not isinstance(number, int) or isinstance(number, bool) or not 1 <= number <= MOST_LEVELS:
        raise RecipeError(f"The filter {name} has the {setting} {number!r}, a whole number from 1 to {MOST_LEVELS} is "
                          "expected.", f"Give for example {{\"{name}\": {{\"{setting}\": {default}}}}}.")
    return number


def _supports(settings: Settings) -> list[int]:
    supports = settings.get("support", [])
    if not isinstance(supports, (list, tuple)) or not supports or any(
            not isinstance(each, (int, float)) or each % 2 != 1 or each < 1 for each in supports):
        raise RecipeError(f"The filter Mean has the supports {supports!r}, odd numbers of voxels are expected.",
                          'Give for example {"Mean": {"support": [15]}}.')
    return [int(each) for each in supports]


def _boundary(name: str, settings: Settings) -> str:
    boundary = str(settings.get("boundary", "mirror"))
    if boundary not in BOUNDARIES:
        raise RecipeError(f"The filter {name} has the boundary '{boundary}', which is not one of "
                          f"{', '.join(BOUNDARIES)}.", "Choose one of these.")
    return boundary


def _wavelet(settings: Settings) -> str:
    import pywt

    family = str(settings.get("wavelet", DEFAULT_WAVELET))
    if family not in pywt.wavelist(kind="discrete"):
        raise RecipeError(f"The filter Wavelet has the wavelet '{family}', which PyWavelets does not know.",
                          "Choose for example coif1, db2 or haar.")
    return family

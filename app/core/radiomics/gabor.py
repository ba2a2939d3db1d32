"""A bank of Gabor filters, slice by slice: how strongly a tumour's texture repeats at a wavelength and in a direction.

Every scale's envelope spans one octave of frequencies and is twice as long along the stripes as across them; each scale
holds a wavelength the root of 2 longer than the last. The bank's filters differ from the IBSI's definition in two ways
that leave the pattern they look for alone: they sum to zero, so that the image's offset does not count, and their
envelope sums to one, so that stripes of amplitude A answer with A / 2 at every scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.data import Mask, Volume
from app.core.radiomics.planes import stack_slices
from app.core.recipe import GaborRecipe, RadiomicsRecipe

Array = NDArray[np.floating]
Kernel = NDArray[np.complex128]
ASPECT = 0.5
"""Width over length of the envelope."""
OCTAVE = math.sqrt(math.log(2) / 2) * 3 / math.pi
"""Standard deviation over wavelength of an envelope whose filter spans one octave at half its height: 0.562."""
TRUNCATE = 3.0
"""Where the bank's envelopes are cut, in standard deviations."""
BINS = 64
"""Grey levels of a response's entropy where the recipe names no number."""
_PADDING: dict[str, Any] = {"zero": "constant", "nearest": "edge", "periodic": "wrap", "mirror": "symmetric"}
FEATURES = ("Mean", "Variance", "Energy", "Entropy", "Skewness", "Kurtosis")


def gabor_kernel(sigma: float, wavelength: float, aspect: float, theta: float, truncate: float = 4.0) -> Kernel:
    """A Gabor kernel as the IBSI defines it.

    Parameters
    ----------
    sigma : float
        Standard deviation of the envelope across the stripes, voxels.
    wavelength : float
        Of the stripes, voxels.
    aspect : float
        The envelope's width over its length along the stripes.
    theta : float
        Direction across the stripes, radians from i towards j: clockwise where j runs down the picture.
    truncate : float
        Where the envelope is cut, in standard deviations.

    Returns
    -------
    array of complex128, shape (2 a + 1, 2 b + 1)
        Along i and j; 1 at the centre.

    References
    ----------
    Whybra et al. 2024, 10.1148/radiol.231319; IBSI reference manual on convolutional filters, arXiv:2006.05470.
    """
    across, along = truncate * sigma, truncate * sigma / aspect
    reach = [math.ceil(math.hypot(across * math.cos(theta + turn), along * math.sin(theta + turn)) - 1e-9)
             for turn in (0.0, math.pi / 2)]
    i, j = np.ogrid[-reach[0]:reach[0] + 1, -reach[1]:reach[1] + 1]
    x, y = i * math.cos(theta) + j * math.sin(theta), j * math.cos(theta) - i * math.sin(theta)
    found: Kernel = np.exp(-(x**2 + (aspect * y) ** 2) / (2 * sigma**2) + 2j * math.pi * x / wavelength)
    return found


def bank_kernel(wavelength: float, theta: float) -> Kernel:
    """The bank's kernel for a wavelength (voxels) and a direction (radians): it sums to zero, its envelope to one."""
    kernel = gabor_kernel(OCTAVE * wavelength, wavelength, ASPECT, theta, TRUNCATE)
    envelope = np.abs(kernel)
    balanced: Kernel = (kernel - envelope * (kernel.sum() / envelope.sum())) / envelope.sum()
    return balanced


def respond(slices: Array, kernels: list[Kernel], boundary: str = "mirror") -> Iterator[Array]:
    """Convolve slices with complex kernels.

    Parameters
    ----------
    slices : array of float32 or float64, shape (i, j, k)
        Each k is a slice.
    kernels : list of array of complex128, shape (a, b), both odd
        Gabor kernels of any sizes.
    boundary : str
        'zero', 'nearest', 'periodic' or 'mirror', as the IBSI names them.

    Yields
    ------
    array, shape (i, j, k)
        Modulus of the response to each kernel, in their order and in the image's precision.
    """
    from scipy import fft

    height, width, _ = slices.shape
    reach = [max(kernel.shape[axis] // 2 for kernel in kernels) for axis in (0, 1)]
    padded = np.pad(np.moveaxis(slices, 2, 0), ((0, 0), (reach[0],) * 2, (reach[1],) * 2), mode=_PADDING[boundary])
    size = [fft.next_fast_len(length) for length in padded.shape[1:]]
    spectrum = fft.fft2(padded, size)
    for kernel in kernels:
        transfer = fft.fft2(kernel.astype(spectrum.dtype), size)
        # The padding is that of the largest kernel; the centre of this one lies half its own size in.
        top, left = reach[0] + kernel.shape[0] // 2, reach[1] + kernel.shape[1] // 2
        response = np.empty(slices.shape, dtype=padded.dtype)
        for k, each in enumerate(spectrum):
            whole = fft.ifft2(each * transfer)
            response[:, :, k] = np.abs(whole[top:top + height, left:left + width])
        yield response


def names(recipe: RadiomicsRecipe) -> list[str]:
    """Name what the bank of a recipe measures; nothing without a bank."""
    bank = recipe.gabor
    if bank is None:
        return []
    images = [f"gabor-{scale}" for scale in range(1, bank.scales + 1)]
    if bank.keep_orientations:
        images = [f"{image}-{angle}" for image in images for angle in _angles(bank)]
    return [f"{image}_firstorder_{feature}" for image in images for feature in FEATURES]


def measure(volume: Volume, mask: Mask, recipe: RadiomicsRecipe) -> dict[str, float]:
    """Measure a tumour's responses to the recipe's bank.

    Parameters
    ----------
    volume, mask : Volume, Mask
        On one grid, shape (i, j, k), RAS+ mm. Slices are those across the coarsest axis; wavelengths are in voxels of
        the slice, directions from its first axis towards its second.
    recipe : RadiomicsRecipe
        Its `gabor`; `bin_count` grey levels for the entropy, 64 where it names none.

    Returns
    -------
    dict of str to float
        By the names of `names`, pyradiomics' first-order definitions on the modulus of the response inside the outline:
        of each direction, or their mean over the directions. A tumour is measured with its surroundings, as far as the
        filters reach; beyond the image its mirror image stands in.
    """
    bank = recipe.gabor
    if bank is None or not mask.voxels.any():
        return {}
    volume, mask = stack_slices(volume), stack_slices(mask)
    box = mask.box()
    found: dict[str, float] = {}
    for scale in range(bank.scales):
        wavelength = bank.wavelength * math.sqrt(2) ** scale
        kernels = [bank_kernel(wavelength, math.pi * turn / bank.orientations) for turn in range(bank.orientations)]
        window = _widen(box, kernels, volume.voxels.shape)
        inside = mask.voxels[window]
        responses = respond(_without_gaps(volume.voxels[window].astype(np.float64)), kernels)
        measured = [_summarise(response[inside], recipe) for response in responses]
        image = f"gabor-{scale + 1}"
        if bank.keep_orientations:
            for angle, values in zip(_angles(bank), measured, strict=True):
                found |= {f"{image}-{angle}_firstorder_{name}": value for name, value in values.items()}
        else:
            found |= {f"{image}_firstorder_{name}": math.fsum(values[name] for values in measured) / len(measured)
                      for name in FEATURES}
    return found


def _angles(bank: GaborRecipe) -> list[str]:
    return [f"{180 * turn / bank.orientations:.4g}".replace(".", "-") for turn in range(bank.orientations)]


def _widen(box: tuple[slice, slice, slice], kernels: list[Kernel], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """The box with as much of its surroundings in plane as the kernels reach."""
    spans = []
    for axis, span in enumerate(box[:2]):
        reach = max(kernel.shape[axis] // 2 for kernel in kernels)
        spans.append(slice(max(span.start - reach, 0), min(span.stop + reach, shape[axis])))
    return (*spans, box[2])


def _without_gaps(voxels: Array) -> Array:
    """Fill voxels without a value, which can only lie outside the outline, with the mean of the others."""
    known = np.isfinite(voxels)
    return voxels if known.all() else np.where(known, voxels, voxels[known].mean())


def _summarise(values: Array, recipe: RadiomicsRecipe) -> dict[str, float]:
    values = values.astype(np.float64)
    mean = values.mean()
    apart = values - mean
    squares = apart * apart
    second, third, fourth = float(squares.mean()), float((squares * apart).mean()), float((squares * squares).mean())
    normal = 3.0 if recipe.standard == "ibsi" else 0.0
    shares = np.histogram(values, recipe.bin_count or BINS)[0] / values.size
    shares = shares[shares > 0]
    return {"Mean": float(mean), "Variance": second, "Energy": float(np.square(values).sum()),
            "Entropy": abs(float((shares * np.log2(shares)).sum())),
            "Skewness": third / second**1.5 if second > 0 else 0.0,
            "Kurtosis": fourth / second**2 - normal if second > 0 else 0.0}

"""Where a network looked: Grad-CAM and occlusion, how much of it lies in the tumour, and a caution if too little."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from app.core.data import Caution
from app.core.deep.device import Device, find_device, reproducible

FloatArray = NDArray[np.float32]
LOOKS_ELSEWHERE = "looks_elsewhere"
_EVEN = 1e-4
"""Of the expected share: no more than this beyond it is as good as even."""


class _TwoScores(nn.Module):
    """A network of one logit as one of two scores, whose softmax is the probability of class 0 and of class 1."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        logits = self.network(pictures)
        return torch.stack([-logits / 2, logits / 2], dim=1)


def find_layer(network: nn.Module, picture: FloatArray) -> str:
    """Name the last convolution that a picture runs through.

    Parameters
    ----------
    network : Module
    picture : array of float32, shape (channels, y, x) or (channels, z, y, x)

    Returns
    -------
    str
        As `named_modules` calls it.

    Raises
    ------
    ValueError
        The network has no convolution.
    """
    convolutions = (nn.Conv2d, nn.Conv3d)
    names = {module: name for name, module in network.named_modules() if isinstance(module, convolutions)}
    called: list[str] = []
    hooks = [module.register_forward_hook(lambda each, _given, _made: called.append(names[each])) for module in names]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.from_numpy(picture[None]).to(next(network.parameters()).device))
    finally:
        for hook in hooks:
            hook.remove()
        network.train(training)
    if not called:
        raise ValueError("the network has no convolution")
    return called[-1]


def draw_gradcam(
    network: nn.Module,
    pictures: FloatArray,
    label: int = 1,
    layer: str | None = None,
    device: Device | None = None,
) -> FloatArray:
    """Grad-CAM: which places of the last convolution's maps speak for a class.

    Parameters
    ----------
    network : Module
        From pictures to one logit each; left as it is.
    pictures : array of float32, shape (n, channels, y, x) or (n, channels, z, y, x)
    label : int
        The class that is spoken for, 0 or 1.
    layer : str, optional
        As `named_modules` calls it; by default the network's own `maps`, or else its last convolution.
    device : Device, optional

    Returns
    -------
    array of float32, shape (n, y, x) or (n, z, y, x)
        From 0 to the picture's own largest value, scaled to 1; all 0 where nothing speaks for the class.

    References
    ----------
    Selvaraju et al., Grad-CAM, ICCV (2017), 10.1109/ICCV.2017.74.
    """
    from monai.visualize.class_activation_maps import GradCAM

    device = device or find_device("cpu")
    layer = layer or getattr(network, "maps", None) or find_layer(network, pictures[0])
    # the copy takes the hooks, and gradients even where the network's parameters are frozen
    scored = _TwoScores(copy.deepcopy(network)).to(device.torch).eval().requires_grad_(True)
    draw: Any = GradCAM(scored, f"network.{layer}", postprocessing=_as_it_is)
    maps = []
    with reproducible(0, device):
        for picture in pictures:
            given = torch.from_numpy(picture[None]).to(device.torch).requires_grad_(True)
            maps.append(draw(given, class_idx=label)[0, 0].detach().cpu().numpy())
    return _scale(np.stack(maps))


def draw_occlusion(
    network: nn.Module,
    pictures: FloatArray,
    label: int = 1,
    patch: int = 0,
    batch: int = 16,
    device: Device | None = None,
    tell: Callable[[float], None] | None = None,
) -> FloatArray:
    """Occlusion: how much of a class's probability is lost when a patch of the picture is covered by its mean.

    Parameters
    ----------
    network, pictures, label, device
        As for `draw_gradcam`.
    patch : int
        Side of what is covered, pixels; an eighth of the picture's longest side by default, and never less than 2.
    batch : int
        Covered pictures that are scored at a time.
    tell : callable, optional
        Told after each of these the fraction that is done; may raise to stop.

    Returns
    -------
    array of float32, shape (n, y, x) or (n, z, y, x)
        Lost probability, averaged over the patches that cover a place; negative where covering adds to it.

    References
    ----------
    Zeiler and Fergus, ECCV (2014), 10.1007/978-3-319-10590-1_53.
    """
    device = device or find_device("cpu")
    training, place = network.training, next(network.parameters()).device
    sides = pictures.shape[2:]
    size = [min(side, patch or max(max(sides) // 8, 2)) for side in sides]
    starts = [_starts(side, length) for side, length in zip(sides, size, strict=True)]
    windows = [tuple(map(slice, at, np.add(at, size))) for at in itertools.product(*starts)]
    sign = 1 if label == 1 else -1
    network.to(device.torch).eval()
    maps = np.zeros((len(pictures), *sides))
    times = np.zeros(sides)
    for window in windows:
        times[window] += 1
    try:
        with torch.inference_mode(), reproducible(0, device):
            for number, (found, picture) in enumerate(zip(maps, pictures, strict=True)):
                given = torch.from_numpy(picture).to(device.torch)
                mean = given.flatten(1).mean(dim=1).reshape(-1, *[1] * len(sides))
                whole = torch.sigmoid(sign * network(given[None]))[0].item()
                for start in range(0, len(windows), batch):
                    some = windows[start : start + batch]
                    covered = given.repeat(len(some), *[1] * given.ndim)
                    for each, window in zip(covered, some, strict=True):
                        each[(slice(None), *window)] = mean
                    for window, left in zip(some, torch.sigmoid(sign * network(covered)).tolist(), strict=True):
                        found[window] += whole - left
                    if tell is not None:
                        tell((number + min(start + batch, len(windows)) / len(windows)) / len(pictures))
    finally:
        network.to(place).train(training)
    return np.asarray(maps / times, dtype=np.float32)


def _starts(side: int, length: int) -> list[int]:
    """Where patches begin along an axis: half a patch apart, the last one flush with the end."""
    return sorted({*range(0, side - length, max(length // 2, 1)), side - length})


def share_inside(maps: FloatArray, masks: NDArray[np.bool_]) -> tuple[float, float]:
    """How much of the maps lies in the tumour, and how much would if they were spread evenly.

    Parameters
    ----------
    maps : array, shape (n, y, x) or (n, z, y, x)
        Negative values count as 0.
    masks : array of bool, same shape

    Returns
    -------
    share, expected : float
        Between 0 and 1; the share is NaN where the maps are empty.
    """
    weight = np.maximum(np.asarray(maps, dtype=np.float64), 0)
    total = float(weight.sum())
    return float(weight[masks].sum()) / total if total > 0 else float("nan"), float(masks.mean())


def count_cells(network: nn.Module, picture: FloatArray) -> tuple[int, ...]:
    """Places of a network's last map along (y, x) or (z, y, x): a map of where it looks is no finer than these.

    Parameters
    ----------
    network : Module
        Left as it is; on the CPU.
    picture : array of float32, shape (channels, y, x) or (channels, z, y, x)
    """
    layer = getattr(network, "maps", None) or find_layer(network, picture)
    found: list[tuple[int, ...]] = []
    hook = network.get_submodule(layer).register_forward_hook(
        lambda _layer, _given, made: found.append(tuple(made.shape[2:]))
    )
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.from_numpy(np.array(picture[None])))
    finally:
        hook.remove()
        network.train(training)
    return found[-1]


def attainable_share(masks: NDArray[np.bool_], cells: Sequence[int]) -> float:
    """Share inside the tumour of a map that is the tumour itself, drawn as coarsely as in so many places.

    Parameters
    ----------
    masks : array of bool, shape (n, y, x) or (n, z, y, x)
        Not all empty.
    cells : sequence of int
        Along (y, x) or (z, y, x).
    """
    flat = masks.ndim == 3
    given = torch.from_numpy(masks.astype(np.float32))[:, None]
    pool: Any = functional.adaptive_avg_pool2d if flat else functional.adaptive_avg_pool3d
    coarse = pool(given, tuple(cells))
    mode = "bilinear" if flat else "trilinear"
    fine = functional.interpolate(coarse, size=masks.shape[1:], mode=mode, align_corners=False)
    return share_inside(fine[:, 0].numpy(), masks)[0]


def check_attention(share: float, expected: float, attainable: float = 1.0, fewest: float = 0.5) -> Caution | None:
    """Say when a network looked elsewhere.

    Parameters
    ----------
    share, expected : float
        From `share_inside`.
    attainable : float
        Share that a map as coarse as this can have at most, from `attainable_share`.
    fewest : float
        Of the attainable share that should be reached.

    Returns
    -------
    Caution or None
        When less than `fewest` of what can be lies in the tumour, or no more than an even spread would have there.
    """
    if np.isnan(share):
        return Caution(LOOKS_ELSEWHERE, "No place in the pictures spoke for the network's answer.")
    if share >= fewest * attainable and share > expected * (1 + _EVEN):
        return None
    coarse = f", and {attainable:.0%} would if it looked at nothing else" if attainable < 1 else ""
    return Caution(
        LOOKS_ELSEWHERE,
        f"Only {share:.0%} of what the network looked at lies in the tumour, {expected:.0%} of the picture{coarse}: "
        "its answer may rest on something else.",
    )


def _as_it_is(maps: Tensor) -> Tensor:
    """Keep MONAI from turning the map over."""
    return maps


def _scale(maps: NDArray[Any]) -> FloatArray:
    peaks = maps.reshape(len(maps), -1).max(axis=1).reshape(-1, *[1] * (maps.ndim - 1))
    return np.asarray(np.divide(maps, peaks, out=np.zeros_like(maps), where=peaks > 0), dtype=np.float32)

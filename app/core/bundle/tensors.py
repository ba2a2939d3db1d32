"""The tensors of a bundle's networks: one file, written in one way, and read only if it holds what was promised."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.core.bundle.specification import WEIGHTS, NetworkEstimator, Specification, TensorShape
from app.core.errors import BundleError
from app.core.network_recipe import NetworkRecipe

if TYPE_CHECKING:
    from torch import Tensor

    from app.core.deep.answer import Networks

State = Mapping[str, NDArray[Any]]
NOT_USED = "It is not used. Train it again, or ask whoever sent it."
_HEADER, _LINE = 2**16, 2**10
"""Bytes of a file's header: at most so many, and so many more for each tensor."""
_TYPES = {"F32": "float32", "I64": "int64"}


def pack_tensors(states: Sequence[State]) -> bytes:
    """The tensors of several networks as the bytes of one .safetensors file.

    Parameters
    ----------
    states : sequence of mapping of str to array
        Of each network its tensors by name.
    """
    from safetensors.numpy import save

    return bytes(save(_number(states), metadata={"format": "pt"}))


def describe_shapes(states: Sequence[State]) -> dict[str, TensorShape]:
    """What the file of `pack_tensors` holds, for the specification."""
    return {
        name: TensorShape.parse({"shape": value.shape, "dtype": str(value.dtype)})
        for name, value in sorted(_number(states).items())
    }


def _number(states: Sequence[State]) -> dict[str, NDArray[Any]]:
    return {
        f"{place}/{name}": np.asarray(value, order="C")  # a count of batches stays a number
        for place, state in enumerate(states)
        for name, value in state.items()
    }


def read_networks(folder: Path, specification: Specification) -> Networks:
    """Build the networks of a bundle and give them their tensors; nothing in the file is run.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    specification : Specification
        With a `NetworkEstimator`.

    Raises
    ------
    BundleError
        The file cannot be read, holds other tensors than the specification or the recipe's networks have, or numbers
        that are none.
    """
    from app.core.deep.answer import Networks
    from app.core.deep.estimator import list_networks
    from app.core.deep.networks import build_network

    estimator, recipe = specification.estimator, specification.recipe.network
    if not isinstance(estimator, NetworkEstimator) or recipe is None:
        raise BundleError(f"The model '{specification.name}' has no networks.", "Choose another model.")
    asked = [each for each, _, _ in list_networks(recipe)] if _is_plain(estimator, recipe) else []
    if [each.kind for each in asked] != [each.kind for each in estimator.networks]:
        raise _other(specification, "its list of networks is not the recipe's")
    _check_header(folder / WEIGHTS, specification.name, estimator)
    states = _split(_load(folder / WEIGHTS, specification.name), len(asked))
    networks = Networks(recipe)
    for place, (each, state) in enumerate(zip(asked, states, strict=True)):
        network = build_network(each)
        wrong = _differing({name: tuple(value.shape) for name, value in network.state_dict().items()},
                           {name: tuple(value.shape) for name, value in state.items()})  # fmt: skip
        if wrong:
            raise _other(specification, f"a {each.kind} has no tensor {place}/{wrong} of that kind")
        if place == 0 and describe_contract(network, each) != estimator.contract:
            raise _other(specification, "the pictures that it expects are not the recipe's")
        if network.count_parameters().total != estimator.networks[place].parameters:
            raise _other(specification, "its count of parameters is not the network's")
        networks.add(each, network, state)
    return networks


def describe_contract(network: Any, recipe: NetworkRecipe) -> dict[str, Any]:
    """What a network takes and gives, as JSON reads back."""
    from app.core.deep.weights import describe_tensors

    return dict(json.loads(json.dumps(describe_tensors(network, recipe))))


def _is_plain(estimator: NetworkEstimator, recipe: NetworkRecipe) -> bool:
    """Whether a recipe asks for no more networks, and no larger heads, than the file's tensors can be of."""
    members = (recipe, *recipe.members)
    promised = sum(int(np.prod(tensor.shape, dtype=float)) for tensor in estimator.tensors.values())
    heads = sum(each.copies * sum(wide * width for wide, width in pairwise(each.head)) for each in members)
    return sum(each.copies for each in members) == len(estimator.networks) and heads <= promised


def _check_header(path: Path, name: str, estimator: NetworkEstimator) -> None:
    """Compare the file's list of tensors with the specification's before a tensor is read."""
    from safetensors import SafetensorError, safe_open

    try:
        with path.open("rb") as file:
            header = int.from_bytes(file.read(8), "little")
        if header > _HEADER + _LINE * len(estimator.tensors):
            raise _unreadable(name)
        with safe_open(path, framework="np") as opened:
            found = {
                each: (tuple(opened.get_slice(each).get_shape()), opened.get_slice(each).get_dtype())
                for each in opened.keys()  # noqa: SIM118 - this reader is no dict
            }
    except (SafetensorError, OSError, ValueError, MemoryError) as error:
        raise _unreadable(name) from error
    for missing in sorted(set(estimator.tensors) - set(found)):
        raise BundleError(f"The weights of the model '{name}' lack the tensor {missing}.", NOT_USED)
    for added in sorted(set(found) - set(estimator.tensors)):
        raise BundleError(f"The weights of the model '{name}' hold a tensor that it does not list: {added[:80]}.",
                          NOT_USED)  # fmt: skip
    for each, expected in estimator.tensors.items():
        shape, kind = found[each][0], _TYPES.get(found[each][1], found[each][1])
        if (shape, kind) != (expected.shape, expected.dtype):
            raise BundleError(
                f"The tensor {each} of the model '{name}' is {_describe(shape, kind)}, "
                f"{_describe(expected.shape, expected.dtype)} was expected.",
                NOT_USED,
            )


def _describe(shape: tuple[int, ...], kind: str) -> str:
    return f"{' x '.join(map(str, shape)) or 'one number'} of {kind}"


def _load(path: Path, name: str) -> dict[str, Tensor]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, MemoryError) as error:
        raise _unreadable(name) from error
    for each, value in sorted(tensors.items()):
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise BundleError(f"The tensor {each} of the model '{name}' holds undefined or infinite numbers.", NOT_USED)
    return dict(tensors)


def _split(tensors: Mapping[str, Tensor], count: int) -> list[dict[str, Tensor]]:
    """The tensors of each network; what belongs to none stays with the first under its whole name."""
    states: list[dict[str, Tensor]] = [{} for _ in range(count)]
    for name, value in tensors.items():
        number, slash, rest = name.partition("/")
        known = bool(slash) and number.isdecimal() and str(int(number)) == number and int(number) < count
        states[int(number) if known else 0][rest if known else name] = value
    return states


def _differing(expected: Mapping[str, tuple[int, ...]], found: Mapping[str, tuple[int, ...]]) -> str:
    """A tensor that is in one of them only, or has another shape there; empty where they agree."""
    return next((name for name in sorted({*expected, *found}) if expected.get(name) != found.get(name)), "")


def _other(specification: Specification, why: str) -> BundleError:
    return BundleError(f"The weights of the model '{specification.name}' are another network's: {why}.", NOT_USED)


def _unreadable(name: str) -> BundleError:
    return BundleError(f"The file {WEIGHTS} of the model '{name}' cannot be read as tensors.", NOT_USED)

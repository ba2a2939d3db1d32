"""Weights of networks: files read without running any code in them, what fitted and what did not, and files written."""

from __future__ import annotations

import hashlib
import json
import pickle
import re
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from app.core.deep.networks import Network, build_network
from app.core.errors import InputError
from app.core.files import staged_file
from app.core.network_recipe import NetworkRecipe
from app.core.paths import data_folder

State = dict[str, Tensor]
WEIGHTS = "weights.safetensors"
"""Name of the file in a saved model's folder."""
ENOUGH = 0.9
"""Share of the numbers of file and backbone that must fit: less is another network."""
_UNREADABLE = (OSError, pickle.UnpicklingError, struct.error, EOFError, RuntimeError, ValueError, LookupError,
               AttributeError, TypeError)  # fmt: skip
"""What a damaged or foreign file has torch raise."""
_WRAPPERS = ("state_dict", "model_state_dict", "model", "net", "network")
_PREFIXES = ("module.", "model.", "encoder.")
_FIRST, _NUMBERED = "0/", re.compile(r"\d+/")
_CLASSIFIERS = ("fc.", "classifier.", "class_layers.", "head.")
_FINDINGS = ("matched", "missing", "unexpected", "classifier", "reshaped", "adapted")
_DENSE_LAYER = re.compile(r"^(.*denselayer\d+)\.(norm|conv)\.?([12])\.(weight|bias|running_mean|running_var)$")


@dataclass(frozen=True)
class LoadedWeights:
    """What of a file went into a network.

    Parameters
    ----------
    file : str
        Its name, without the folder.
    sha256 : str
        Of its bytes.
    origin, licence : str
        As the recipe tells; empty where it does not.
    matched : tuple of str
        Tensors that were taken, as the network calls them.
    missing : tuple of str
        Tensors of the network's backbone that the file does not have: they keep their first, random values.
    unexpected : tuple of str
        Tensors of the file, as it calls them, that have no place in the network.
    classifier : tuple of str
        Those of the file's own answers, which are to another question: not used, and no fault.
    reshaped : tuple of str
        Tensors that the file has in another shape: left as they were.
    adapted : tuple of str
        First convolutions that were brought from the file's number of channels to the network's.
    share : float
        Numbers that fit, of all that backbone and file have between them, classifiers aside.
    """

    file: str
    sha256: str
    origin: str
    licence: str
    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    classifier: tuple[str, ...]
    reshaped: tuple[str, ...]
    adapted: tuple[str, ...]
    share: float

    def describe(self) -> str:
        """One line for the user."""
        counts = f"{len(self.matched)} tensors of {self.file} were taken ({self.share:.0%} of the numbers)"
        left = [f"{len(names)} {what}: {_some(names)}" for what, names in (
            ("are missing from it", self.missing), ("were not expected", self.unexpected),
            ("of its own classifier are not used", self.classifier),
            ("have another shape", self.reshaped), ("were brought to the channels of the pictures", self.adapted),
        ) if names]  # fmt: skip
        told = f"Origin: {self.origin or 'not stated'}. Licence: {self.licence or 'not stated'}."
        return f"{'; '.join([counts, *left])}. {told}"


def start_network(recipe: NetworkRecipe, seed: int = 0) -> tuple[Network, LoadedWeights | None]:
    """Make a recipe's network and give it the weights of the recipe's file, if it names one.

    Raises
    ------
    InputError
        See `load_weights`.
    """
    network = build_network(recipe, seed)
    if recipe.weights is None:
        return network, None
    return network, load_weights(network, recipe)


def load_weights(network: Network, recipe: NetworkRecipe, *, strict: bool = False) -> LoadedWeights:
    """Give a network the weights of a file.

    Parameters
    ----------
    network : Network
        Changed in place; its head only takes the head of an own file.
    recipe : NetworkRecipe
        Names the file: .pth or .pt in torchvision's layout, .safetensors, or the folder of a saved model.
    strict : bool
        Whether every tensor of the backbone must be there in its shape, and nothing else but a classifier.

    Raises
    ------
    InputError
        The file cannot be read, is not the one that the recipe expects, holds undefined numbers, or fits too little:
        nothing of it is taken then.
    """
    path = find_weights(recipe.weights or "")
    sha256 = hash_file(path)
    if recipe.weights_sha256 and sha256 != recipe.weights_sha256.lower():
        raise InputError(f"{path.name} is not the file that the recipe expects: its SHA-256 begins {sha256[:12]}, "
                         f"expected {recipe.weights_sha256[:12]}.", "Choose that file.")  # fmt: skip
    own = {name: value for name, value in network.state_dict().items() if value.is_floating_point()}
    fitted = _fit(_rename(read_weights(path)), own, recipe)
    loaded = LoadedWeights(path.name, sha256, recipe.weights_origin, recipe.weights_licence, **fitted.told)
    incomplete = loaded.missing or loaded.reshaped or loaded.unexpected
    if loaded.share < ENOUGH or (strict and incomplete):
        raise InputError(f"{path.name} does not fit a {recipe.kind}: {loaded.describe()}",
                         "Choose weights of the same network.")  # fmt: skip
    network.load_state_dict(fitted.state, strict=False)
    return loaded


def read_weights(path: Path) -> State:
    """Read the tensors of a file on the CPU; nothing in the file is run.

    Raises
    ------
    InputError
        It cannot be read, holds anything but tensors, or undefined numbers.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a pickle that another program wrote
            read: Any = load_file(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except (SafetensorError, *_UNREADABLE) as error:
        raise InputError(f"{path.name} does not hold weights that can be read without running code in it.",
                         "Choose a .safetensors file, or a .pth file of a state dict.") from error  # fmt: skip
    for wrapper in _WRAPPERS:
        if isinstance(read, dict) and isinstance(read.get(wrapper), dict):
            read = read[wrapper]
    if not isinstance(read, dict) or not any(isinstance(value, Tensor) for value in read.values()):
        raise InputError(f"{path.name} holds no tensors by name.", "Choose a file of a state dict.")
    state = {name: value for name, value in read.items() if isinstance(value, Tensor) and value.is_floating_point()}
    undefined = [name for name, value in state.items() if not bool(torch.isfinite(value).all())]
    if undefined:
        raise InputError(f"{path.name} holds undefined or infinite numbers, first in {undefined[0]}.",
                         "Choose another file.")  # fmt: skip
    return {name: value.float() for name, value in state.items()}


def find_weights(text: str) -> Path:
    """Find the file that a recipe names: itself, one in the data folder's `weights`, or that of a saved model's folder.

    Raises
    ------
    InputError
        There is none.
    """
    own = data_folder() / "weights"
    for named in (Path(text), own / text) if text else ():
        path = named / WEIGHTS if named.is_dir() else named
        if path.is_file():
            return path
    raise InputError(f"The weights '{Path(text).name}' are not there.",
                     f"Put the file into {own}, or choose another.")  # fmt: skip


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_weights(network: Network, recipe: NetworkRecipe, path: Path) -> str:
    """Write a network's tensors, whole or not at all, with what they take and give as metadata.

    Parameters
    ----------
    network : Network
    recipe : NetworkRecipe
        That it was made from.
    path : Path
        Ends in .safetensors.

    Returns
    -------
    str
        The file's SHA-256.
    """
    from safetensors.torch import save_file

    state = {name: value.detach().cpu().contiguous() for name, value in sorted(network.state_dict().items())}
    contract = json.dumps(describe_tensors(network, recipe), sort_keys=True)
    with staged_file(path) as stage:
        save_file(state, stage, metadata={"format": "pt", "contract": contract})
    return hash_file(path)


def describe_tensors(network: Network, recipe: NetworkRecipe) -> dict[str, Any]:
    """Tell what a network takes and gives, as JSON, in the words of MONAI's bundles."""
    crop = recipe.crop
    grey = {"neighbours": ["slice before", "slice", "slice after"]}.get(crop.set, ["grey"] * crop.channels)
    channels = [*grey, *(["outline"] if crop.mask_channel else [])]
    low_high = None if crop.scale == "zscore" else [0.0, 1.0]
    count = network.count_parameters()
    return {
        "network": recipe.kind,
        "parameters": {"backbone": count.backbone, "head": count.head},
        "inputs": {"image": {
            "type": "image", "modality": "MR", "dtype": "float32", "num_channels": crop.inputs,
            "spatial_shape": list(crop.shape[1:]), "axes": ["n", "channel", *"zyx"[-len(crop.shape) + 1 :]],
            "channel_def": dict(enumerate(channels)), "scale": crop.scale, "value_range": low_high,
            "is_patch_data": True,
        }},
        "outputs": {
            "logit": {"type": "logit", "dtype": "float32", "shape": ["n"]},
            "features": {"type": "embedding", "dtype": "float32", "shape": ["n", network.features]},
        },
    }  # fmt: skip


@dataclass(frozen=True)
class _Fitted:
    state: State
    told: dict[str, Any]


def _rename(given: State) -> dict[str, tuple[str, Tensor]]:
    """Key tensors as networks here call them; each comes with the name that its file gives it."""
    if all(_NUMBERED.match(name) for name in given):  # of a saved model, the first of its networks
        given = {name: value for name, value in given.items() if name.startswith(_FIRST)}
    prefix = next((each for each in (_FIRST, *_PREFIXES) if all(name.startswith(each) for name in given)), "")
    renamed = {}
    for original, value in given.items():
        name = original.removeprefix(prefix)
        if not name.startswith(("backbone.", "head.")):
            name = "backbone." + _DENSE_LAYER.sub(r"\1.layers.\2\3.\4", name)
        renamed[name] = (original, value)
    return renamed


def _fit(given: dict[str, tuple[str, Tensor]], own: State, recipe: NetworkRecipe) -> _Fitted:
    state: State = {}
    names: dict[str, list[str]] = {key: [] for key in _FINDINGS}
    between = matched = 0
    for name, (original, value) in given.items():
        wanted = own.get(name)
        if wanted is None:
            classifier = name.removeprefix("backbone.").startswith(_CLASSIFIERS)
            names["classifier" if classifier else "unexpected"].append(original)
            between += 0 if classifier else value.numel()
            continue
        if _takes_pictures(name, value, wanted):
            value = _adapt(value, wanted.shape[1], recipe)
            names["adapted"].append(name)
        if value.shape != wanted.shape:
            names["reshaped"].append(name)
            continue
        state[name] = value
        names["matched"].append(name)
    for name, wanted in own.items():
        if name.startswith("head."):
            continue
        between += wanted.numel()
        matched += wanted.numel() if name in state else 0
        if name not in given:
            names["missing"].append(name)
    told = {key: tuple(sorted(found)) for key, found in names.items()}
    return _Fitted(state, {**told, "share": matched / between})


def _takes_pictures(name: str, value: Tensor, wanted: Tensor) -> bool:
    """Whether a tensor is a first convolution made for another number of channels, and can be brought to this one."""
    first = name in ("backbone.conv1.weight", "backbone.features.conv0.weight")
    alike = value.shape[:1] + value.shape[2:] == wanted.shape[:1] + wanted.shape[2:]
    return first and alike and value.shape[1] in (1, 3) and value.shape[1] != wanted.shape[1]


def _adapt(value: Tensor, inputs: int, recipe: NetworkRecipe) -> Tensor:
    """Bring a first convolution to the recipe's channels: grey gives what it gave before, an outline nothing."""
    grey = recipe.crop.channels
    if value.shape[1] != grey:
        value = value.sum(dim=1, keepdim=True).expand(-1, grey, *value.shape[2:]) / grey
    nothing = value.new_zeros(value.shape[0], inputs - grey, *value.shape[2:])
    return torch.cat([value, nothing], dim=1)


def _some(names: tuple[str, ...], most: int = 3) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")

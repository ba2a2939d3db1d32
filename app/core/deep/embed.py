"""Pooled features of cases, computed once for the same network and the same pictures, whoever asks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from app.core.deep.device import Device
from app.core.deep.image_set import ImageSet
from app.core.deep.phases import is_head
from app.core.deep.predict import FloatArray, Rows, Sample, embed_pictures, gather_cases
from app.core.files import staged_file
from app.core.network_recipe import NetworkRecipe

Array = NDArray[np.float64]
MOST_IN_MEMORY = 2**30
"""Bytes of pictures up to which they are read at once; beyond, batch by batch."""


class _Lazy:
    """Pictures of cases that are read when they are needed."""

    def __init__(self, images: ImageSet, cases: Sequence[str], owners: Rows) -> None:
        self._images, self._cases, self._owners = images, cases, owners
        self._first = np.searchsorted(owners, np.arange(len(cases)))

    def __getitem__(self, rows: Rows) -> FloatArray:
        owners = self._owners[rows]
        pairs = zip(owners.tolist(), (rows - self._first[owners]).tolist(), strict=True)
        return np.stack([self._images.read(self._cases[owner], picture) for owner, picture in pairs])


def take_sample(images: ImageSet, cases: Sequence[str]) -> Sample:
    """All pictures of some cases, in their order.

    Raises
    ------
    InputError
        A case has no pictures.
    """
    owners = images.owners(cases)
    if len(owners) * int(np.prod(images.shape)) * 4 > MOST_IN_MEMORY:
        return Sample(_Lazy(images, cases, owners), np.arange(len(owners)), owners)
    return Sample(images.take(cases).values, np.arange(len(owners)), owners)


def take_cases(sample: Sample, cases: Rows) -> Sample:
    """The pictures of some cases of a sample; the list of cases that they refer to stays the same."""
    chosen = np.isin(sample.cases, cases)
    return Sample(sample.pictures, sample.rows[chosen], sample.cases[chosen])


def digest_backbone(network: nn.Module) -> str:
    """SHA-256 of all that decides the pooled features: every tensor but those of the head."""
    digest = hashlib.sha256(torch.__version__.encode())
    for name, value in sorted(network.state_dict().items()):
        if not is_head(name):
            digest.update(f"{name} {tuple(value.shape)}".encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


class KeptFeatures:
    """Pooled features that are found on disk, by network and pictures, before they are computed.

    Parameters
    ----------
    folder : Path or None
        Nothing is kept without one. File names tell neither patient nor path.
    images : ImageSet
    cases : sequence of str
        The list that samples refer to.
    recipe : NetworkRecipe
        Of the network: what it does to pictures before its first layer is in no tensor.
    """

    def __init__(self, folder: Path | None, images: ImageSet, cases: Sequence[str], recipe: NetworkRecipe) -> None:
        self._folder, self._images, self._cases, self._recipe = folder, images, cases, recipe

    def __call__(self, network: nn.Module, sample: Sample, device: Device) -> FloatArray:
        """Pooled features of a sample that has all pictures of each of its cases; shape (pictures, features)."""
        if self._folder is None:
            return embed_pictures(network, sample, device)
        backbone = digest_backbone(network)
        own = {int(case): np.flatnonzero(sample.cases == case) for case in np.unique(sample.cases)}
        paths = {case: self._folder / f"{self._key(backbone, case)}.npy" for case in own}
        known = {case: found for case, places in own.items() if (found := _read(paths[case], len(places))) is not None}
        absent = [case for case in own if case not in known]
        if absent:
            missing = take_cases(sample, np.array(absent))
            fresh = embed_pictures(network, missing, device)
            for case in absent:
                known[case] = fresh[missing.cases == case]
                with staged_file(paths[case]) as stage:
                    np.save(stage, known[case])
        features = np.empty((len(sample), next(iter(known.values())).shape[1]), dtype=np.float32)
        for case, places in own.items():
            features[places] = known[case]
        return features

    def _key(self, backbone: str, case: int) -> str:
        told = json.dumps(
            [backbone, self._recipe.kind, self._recipe.standardise, self._images.digest, self._cases[case]]
        )
        return hashlib.sha256(told.encode()).hexdigest()


def embed_cases(
    network: nn.Module,
    recipe: NetworkRecipe,
    images: ImageSet,
    cases: Sequence[str],
    device: Device,
    folder: Path | None = None,
) -> Array:
    """Pooled features of cases: the means over their pictures.

    Parameters
    ----------
    network : Module
        On the device.
    recipe : NetworkRecipe
        That it was made from.
    images : ImageSet
    cases : sequence of str
    device : Device
    folder : Path, optional
        Where they are kept for the next time.

    Returns
    -------
    array, shape (cases, features)
    """
    sample = take_sample(images, cases)
    features = KeptFeatures(folder, images, cases, recipe)(network, sample, device)
    return gather_cases(features.astype(np.float64), sample.cases, len(cases))


def _read(path: Path, pictures: int) -> FloatArray | None:
    """Features of one case; None where they are absent or damaged."""
    try:
        found: FloatArray = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == pictures else None

"""Tiny networks and pictures: a bright square at a known place tells class 1."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

SIDE = 16
SPOT = (slice(3, 8), slice(9, 14))


class ToyNetwork(nn.Module):
    """Two convolutions, pooling over all places, one logit."""

    def __init__(self, channels: int = 1, width: int = 6) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(width, 1))

    def parts(self) -> list[list[nn.Module]]:
        return [[self.features], [self.head]]

    def embed(self, pictures: Tensor) -> Tensor:
        return self.features(pictures).mean(dim=(2, 3))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.head(self.embed(pictures))[:, 0]


class SpotNetwork(nn.Module):
    """A logit that grows with what is bright anywhere: no training needed."""

    def __init__(self) -> None:
        super().__init__()
        self.smooth = nn.Conv2d(1, 1, 3, padding=1)
        with torch.no_grad():
            self.smooth.weight.fill_(1 / 9)
            self.smooth.bias.fill_(0.0)

    def forward(self, pictures: Tensor) -> Tensor:
        return 8 * torch.relu(self.smooth(pictures)).mean(dim=(1, 2, 3)) - 0.5


def make_pictures(count: int, seed: int, signal: float = 2.0) -> tuple[NDArray[np.float32], NDArray[np.int_]]:
    """Noise, shape (count, 1, SIDE, SIDE); every other picture has the square, `signal` brighter."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pictures = rng.normal(size=(count, 1, SIDE, SIDE)).astype(np.float32)
    pictures[labels == 1, 0, *SPOT] += signal
    return pictures, labels

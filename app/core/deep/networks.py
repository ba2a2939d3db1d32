"""Networks by name: a backbone that turns pictures into pooled features, and a head that turns these into a logit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.core.network_recipe import NetworkRecipe

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Of the colour channels, as weights trained on ImageNet expect them."""
CNN_2019 = (16, 32, 64)
CNN_SMALL = (8, 16, 32, 64)
"""Channels of the blocks."""
DENSENET_121 = 1024
"""Pooled features."""


@dataclass(frozen=True)
class ParameterCount:
    """Numbers that a network learns.

    Parameters
    ----------
    backbone, head : int
    """

    backbone: int
    head: int

    @property
    def total(self) -> int:
        """Both."""
        return self.backbone + self.head


class Network(nn.Module):
    """A backbone and a head.

    Parameters
    ----------
    backbone : Module
        From pictures to pooled features, (n, features).
    head : Module
        From these to logits, (n, 1).
    features : int
        Pooled features of a picture.
    stages : sequence of tuple of str
        Names of the backbone's parts from the picture to the features, in the groups that are frozen together.
    maps : str
        Name, within the network, of the part whose output is the last map of places.
    imagenet : bool
        Whether pictures from 0 to 1 get the mean and deviation of ImageNet first.
    """

    _mean: Tensor
    _deviation: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        head: nn.Module,
        features: int,
        stages: tuple[tuple[str, ...], ...],
        maps: str,
        imagenet: bool = False,
    ) -> None:
        super().__init__()
        self.backbone, self.head, self.features, self.maps = backbone, head, features, maps
        self._stages, self._imagenet = stages, imagenet
        for name, colours in (("_mean", IMAGENET_MEAN), ("_deviation", IMAGENET_DEVIATION)):
            self.register_buffer(name, torch.tensor(colours).reshape(1, 3, 1, 1), persistent=False)

    def embed(self, pictures: Tensor) -> Tensor:
        """Pooled features of pictures.

        Parameters
        ----------
        pictures : Tensor of float32, shape (n, channels, y, x) or (n, channels, z, y, x)

        Returns
        -------
        Tensor of float32, shape (n, features)
        """
        if self._imagenet:
            grey = (pictures[:, :3] - self._mean) / self._deviation
            pictures = torch.cat([grey, pictures[:, 3:]], dim=1)
        pooled: Tensor = self.backbone(pictures)
        return pooled

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of class 1, shape (n,)."""
        logits: Tensor = self.head(self.embed(pictures))
        return logits[:, 0]

    def parts(self) -> list[list[nn.Module]]:
        """Group the layers from the picture to the answer: the head comes last, and before it the last block."""
        groups = [[self.backbone.get_submodule(name) for name in stage] for stage in self._stages]
        return [*groups, [self.head]]

    def count_parameters(self) -> ParameterCount:
        """Count what is learned; running means and the like are not."""
        backbone, head = (sum(each.numel() for each in part.parameters()) for part in (self.backbone, self.head))
        return ParameterCount(backbone, head)


def build_network(recipe: NetworkRecipe, seed: int = 0) -> Network:
    """Make a network with its first weights; those of the recipe's file come with `weights.start_network`.

    Parameters
    ----------
    recipe : NetworkRecipe
        Its copies and members are networks of their own.
    seed : int
        Of the first weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BUILDERS[recipe.kind](recipe)


def _build_cnn_2019(recipe: NetworkRecipe) -> Network:
    """Three blocks of convolution, batch norm, ReLU, pooling and dropout; one dense layer of 32."""
    blocks: list[nn.Module] = []
    channels = recipe.crop.inputs
    for width in CNN_2019:
        blocks.append(
            nn.Sequential(
                nn.Conv2d(channels, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Dropout(recipe.dropout),
            )
        )
        channels = width
    places = (recipe.crop.size // 2 ** len(CNN_2019)) ** 2
    dense = nn.Sequential(nn.Flatten(1), nn.Linear(channels * places, 32), nn.ReLU())
    backbone = nn.Sequential(*blocks, dense)
    network = _join(recipe, backbone, 32, (("0",), ("1",), ("2",), ("3",)), f"{len(blocks) - 1}.2")
    for part in network.modules():
        if isinstance(part, (nn.Conv2d, nn.Linear)):
            nn.init.xavier_uniform_(part.weight)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    return network


def _build_cnn_small(recipe: NetworkRecipe) -> Network:
    """Four residual blocks with group norm, each halving the picture; what is everywhere and what is anywhere, pooled.

    Group norm does not learn from which cases share a batch, and pooling over all places leaves no dense layer to
    memorise them: both matter with few cases.
    """
    from monai.networks.blocks.convolutions import ResidualUnit

    blocks: list[nn.Module] = []
    channels = recipe.crop.inputs
    act, norm = ("relu", {"inplace": False}), ("group", {"num_groups": 4})
    for width in CNN_SMALL:
        blocks.append(ResidualUnit(2, channels, width, strides=2, subunits=2, act=act, norm=norm, bias=False))
        channels = width
    backbone = nn.Sequential(*blocks, _MeanAndLargest())
    stages = tuple((str(place),) for place in range(len(blocks)))
    return _join(recipe, backbone, 2 * channels, stages, str(len(blocks) - 1))


class _MeanAndLargest(nn.Module):
    """Pool maps (n, channels, ...) to their means and their largest values, (n, 2 channels)."""

    def forward(self, maps: Tensor) -> Tensor:
        flat = maps.flatten(2)
        return torch.cat([flat.mean(dim=2), flat.amax(dim=2)], dim=1)


def _build_resnet(recipe: NetworkRecipe) -> Network:
    """Make MONAI's ResNet with torchvision's names and shapes, or the same in three dimensions."""
    from monai.networks.nets import resnet

    make = {"resnet10": resnet.resnet10, "resnet18": resnet.resnet18, "resnet50": resnet.resnet50}
    name, flat = recipe.kind.removesuffix("-3d"), recipe.crop.set != "volume"
    backbone = make[name](
        spatial_dims=2 if flat else 3,
        n_input_channels=recipe.crop.inputs,
        conv1_t_size=7,
        conv1_t_stride=2 if flat else (1, 2, 2),
        bias_downsample=False,
        shortcut_type="B",
        feed_forward=False,
    )
    features = backbone.in_planes
    stages = (("conv1", "bn1"), ("layer1",), ("layer2",), ("layer3",), ("layer4",))
    return _join(recipe, backbone, features, stages, "layer4")


def _build_densenet(recipe: NetworkRecipe) -> Network:
    """Make MONAI's DenseNet121; `weights` knows torchvision's names for its layers."""
    from monai.networks.nets.densenet import DenseNet121

    backbone = DenseNet121(spatial_dims=2, in_channels=recipe.crop.inputs, out_channels=1)
    features = DENSENET_121
    backbone.class_layers = nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(1))
    stages = (
        ("features.conv0", "features.norm0"),
        ("features.denseblock1", "features.transition1"),
        ("features.denseblock2", "features.transition2"),
        ("features.denseblock3", "features.transition3"),
        ("features.denseblock4", "features.norm5"),
    )
    return _join(recipe, backbone, features, stages, "features")


def _join(
    recipe: NetworkRecipe, backbone: nn.Module, features: int, stages: tuple[tuple[str, ...], ...], maps: str
) -> Network:
    """Put the recipe's head behind a backbone."""
    layers: list[nn.Module] = []
    width = features
    for units in recipe.head:
        layers += [nn.Linear(width, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(recipe.dropout)]
        width = units
    if not recipe.head:
        layers.append(nn.Dropout(recipe.dropout))
    head = nn.Sequential(*layers, nn.Linear(width, 1))
    imagenet = recipe.standardise == "imagenet"
    return Network(backbone, head, features, stages, f"backbone.{maps}", imagenet)


BUILDERS: dict[str, Callable[[NetworkRecipe], Network]] = {
    "cnn-2019": _build_cnn_2019,
    "cnn-small": _build_cnn_small,
    "resnet18": _build_resnet,
    "resnet50": _build_resnet,
    "densenet121": _build_densenet,
    "resnet10-3d": _build_resnet,
    "resnet18-3d": _build_resnet,
}

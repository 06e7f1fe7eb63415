"""Small modules with known shapes, and what turns them into networks and data."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from qcore.data.dataset import Dataset
from qcore.data.preprocess import Preprocessing
from qcore.graph.build import build_network
from qcore.graph.network import Network


def as_network(module: nn.Module, channels: int = 3, size: int = 8, name: str = "small") -> Network:
    """The module as a network that reads (N, channels, size, size)."""
    preprocessing = Preprocessing(size, (size, size), (0.5,) * channels, (0.25,) * channels)
    return build_network(module, name, (preprocessing.input_shape,), preprocessing)


def randomise(module: nn.Module, seed: int = 0) -> nn.Module:
    """Batch norms that are not the identity, and no parameter that is all zero."""
    generator = torch.Generator().manual_seed(seed)

    def draw(target: Tensor, low: float, high: float) -> None:
        target.data.copy_(torch.rand(target.shape, generator=generator) * (high - low) + low)

    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            for tensor, low, high in (
                (part.weight, 0.5, 1.5),
                (part.bias, -0.5, 0.5),
                (part.running_mean, -0.5, 0.5),
                (part.running_var, 0.5, 2.0),
            ):
                draw(tensor, low, high)
    for parameter in module.parameters():
        if not parameter.any():
            draw(parameter, -0.1, 0.1)
    return module.eval()


class Residual(nn.Module):
    """Four layers: stem, two convolutions of a block with a shortcut, head."""

    def __init__(self, channels: int = 3, width: int = 6, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        y = self.norm2(self.second(self.relu(self.first(x))))
        y += x
        out: Tensor = self.head(self.relu(y).mean((2, 3)))
        return out


def small_residual(seed: int = 0, **sizes: int) -> Residual:
    """A seeded ``Residual`` whose outputs differ clearly between images."""
    torch.manual_seed(seed)
    module = Residual(**sizes)
    module.head.weight.data *= 4
    randomise(module, seed)
    return module


@cache
def residual_network() -> Network:
    """``small_residual()`` as a network that all tests share: to export it takes its time."""
    return as_network(small_residual())


def random_data(
    count: int,
    shape: tuple[int, ...] = (3, 8, 8),
    classes: int | None = 5,
    seed: int = 1,
    name: str = "random",
) -> Dataset:
    """Normal images; labels drawn from ``classes``, none where that is None."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, *shape, generator=generator)
    labels = None if classes is None else torch.randint(classes, (count,), generator=generator)
    return Dataset(name, images, labels, None)

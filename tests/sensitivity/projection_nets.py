"""Small networks that use every kind of layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Convolutions(nn.Module):
    """Strides, dilation, groups, paddings, a depthwise one with two kernels per channel."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding="same", dilation=2)
        self.wide = nn.Conv2d(6, 6, (3, 5), stride=2, groups=6, padding=(1, 2))
        self.twice = nn.Conv2d(6, 12, 4, groups=6, padding="same")
        self.grouped = nn.Conv2d(12, 8, 3, groups=4, padding=1)
        self.point = nn.Conv2d(8, 6, 1, stride=2, padding=1)
        self.tokens = nn.Linear(6, 7)
        self.head = nn.Linear(7, 5)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.stem, self.wide, self.twice, self.grouped, self.point):
            x = torch.tanh(layer(x))
        x = self.tokens(x.flatten(2).transpose(1, 2))
        out: Tensor = self.head(torch.tanh(x).mean(1))
        return out


class Transposed(nn.Module):
    """Transposed convolutions of one, two and three dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.two = nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)
        self.three = nn.ConvTranspose3d(4, 4, 2, groups=2)
        self.one = nn.ConvTranspose1d(8, 4, 3)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.two(x))
        x = torch.tanh(self.three(x.unsqueeze(2))).flatten(1, 2)
        out: Tensor = self.head(torch.tanh(self.one(x.flatten(2))).mean(2))
        return out


class Dimensions(nn.Module):
    """Convolutions of one and three dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.three = nn.Conv3d(3, 4, (2, 3, 3), padding=(1, 1, 1))
        self.deep = nn.Conv3d(4, 4, 3, groups=4, padding=1)
        self.one = nn.Conv1d(4, 4, 5, stride=2)
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.deep(torch.tanh(self.three(x.unsqueeze(2)))))
        out: Tensor = self.head(torch.tanh(self.one(x.flatten(2))).mean(2))
        return out


class Shared(nn.Module):
    """One layer that is used twice, and one that sees a constant beside the images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.again = nn.Conv2d(6, 6, 3, padding=1)
        self.place = nn.Parameter(torch.randn(1, 2))
        self.position = nn.Linear(2, 6)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.again(torch.tanh(self.again(torch.tanh(self.stem(x))))))
        out: Tensor = self.head(torch.tanh(x.mean((2, 3)) + self.position(self.place)))
        return out


class Attention(nn.Module):
    """Tokens come before images inside."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, stride=4)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        t = self.stem(x).flatten(2).transpose(1, 2)
        out: Tensor = self.head((t + self.attention(t, t, t)[0]).mean(1))
        return out


class TwoOutputs(nn.Module):
    """A map and a vector: no classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.tanh(self.stem(x))
        return y, self.head(y.mean((2, 3)))

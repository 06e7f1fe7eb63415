"""A small convolutional network for 28x28 grey images of clothing (Fashion-MNIST)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvUnit(nn.Module):
    """3x3 convolution, batch norm, ReLU: (batch, in, h, w) -> (batch, out, h/stride, w/stride)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in, h, w) to (batch, out, h/stride, w/stride)."""
        y: Tensor = self.relu(self.bn(self.conv(x)))
        return y


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch norm and an identity shortcut; keeps (batch, c, h, w)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c, h, w) to the same shape."""
        y = self.relu1(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        out: Tensor = self.relu2(x + y)
        return out


class SeparableUnit(nn.Module):
    """Depthwise 3x3 then pointwise 1x1 convolution, each with batch norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, 3, stride, padding=1, groups=in_channels, bias=False
        )
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.relu1 = nn.ReLU()
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.relu2 = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in, h, w) to (batch, out, h/stride, w/stride)."""
        y = self.relu1(self.bn1(self.depthwise(x)))
        out: Tensor = self.relu2(self.bn2(self.pointwise(y)))
        return out


class FashionCNN(nn.Module):
    """Eleven-layer CNN: images (batch, 1, 28, 28) -> class scores (batch, 10).

    The input is float32, normalised as ``qcore.samples`` says; the output is unnormalised logits.
    Shapes between the parts, without the batch axis::

        stem         1x28x28 -> 16x28x28   3x3 convolution
        down        16x28x28 -> 24x14x14   3x3 convolution, stride 2
        block1      24x14x14 -> 24x14x14   residual, two 3x3 convolutions
        separable   24x14x14 -> 56x7x7     depthwise 3x3 stride 2, pointwise 1x1
        block2      56x7x7   -> 56x7x7     residual, two 3x3 convolutions
        separable2  56x7x7   -> 96x7x7     depthwise 3x3, pointwise 1x1
        pool        96x7x7   -> 96         mean over positions
        head        96       -> 10         linear, with bias

    79,690 parameters, 5.95 million multiply-accumulates per image, eleven convolution and linear
    layers. Module names are the layer names, for example ``block1.conv2``.
    """

    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.stem = ConvUnit(1, 16)
        self.down = ConvUnit(16, 24, stride=2)
        self.block1 = ResidualBlock(24)
        self.separable = SeparableUnit(24, 56, stride=2)
        self.block2 = ResidualBlock(56)
        self.separable2 = SeparableUnit(56, 96)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(96, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images (batch, 1, 28, 28) to logits (batch, num_classes)."""
        y = self.down(self.stem(x))
        y = self.separable(self.block1(y))
        y = self.separable2(self.block2(y))
        logits: Tensor = self.head(torch.flatten(self.pool(y), 1))
        return logits

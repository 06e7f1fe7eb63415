"""Networks whose costs are published, as descriptions without weights."""

from __future__ import annotations

from collections.abc import Iterable

from qcore.graph.layer import Description, Layer


def conv(
    name: str, cin: int, cout: int, kernel: int, out: int, groups: int = 1, stride: int = 1
) -> Layer:
    """A square convolution with an output of out x out, and an input of ``stride`` times as many.

    Example: 16 to 32 channels, 3x3, 8x8 output: 294,912 multiply-accumulates.
    """
    shape = (cout, cin // groups, kernel, kernel)
    macs = cout * (cin // groups) * kernel**2 * out**2
    sizes = (1, cin, out * stride, out * stride), (1, cout, out, out)
    return Layer(name, "conv2d", name, None, (name,), shape, groups, cout, macs, *sizes)


def linear(name: str, cin: int, cout: int, positions: int = 1) -> Layer:
    """A linear layer on a sequence of ``positions``. Example: 1,024 to 1,000: 1,024,000 MACs."""
    macs = cin * cout * positions
    sizes = (1, positions, cin), (1, positions, cout)
    return Layer(name, "linear", name, None, (name,), (cout, cin), 1, cout, macs, *sizes)


def describe(layers: Iterable[Layer], name: str = "by hand") -> Description:
    """Layers alone: nothing beside them is stored or computed."""
    return Description(
        name=name,
        fingerprint="0",
        parameters=0,
        input_shape=(3, 224, 224),
        output_shapes=((1000,),),
        layers=tuple(layers),
        not_quantized={},
        macs_not_quantized=0,
        other_count=0,
        folded_batch_norms=0,
        weights_note=None,
    )


def mobilenet_v1() -> Description:
    """MobileNet V1 at width 1 and 224x224: 28 layers (Howard et al. 2017, table 1)."""
    outputs = [(64, 112), (128, 56), (128, 56), (256, 28), (256, 28)]
    outputs += [(512, 14)] * 6 + [(1024, 7)] * 2
    layers, channels, before = [conv("stem", 3, 32, 3, 112, stride=2)], 32, 112
    for number, (width, size) in enumerate(outputs):
        stride = before // size
        layers.append(conv(f"{number}.dw", channels, channels, 3, size, channels, stride))
        layers.append(conv(f"{number}.pw", channels, width, 1, size))
        channels, before = width, size
    return describe([*layers, linear("head", 1024, 1000)], "MobileNet V1")

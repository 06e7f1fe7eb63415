"""The bytes of a quantized network, against a ledger written by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_nets import residual_network

from qcore.graph.layer import Description, Layer
from qcore.hardware.size import (
    SizeLedger,
    average_bits,
    full_precision_bytes,
    layer_bytes,
    layers_ratio,
    network_ratio,
    size_ledger,
)
from qcore.quantize.limits import WeightBits


def layer(name: str, kernels: int, shape: tuple[int, ...]) -> Layer:
    return Layer(name, "conv2d", name, None, (name,), shape, 1, kernels, 1, (1, 1), (1, 1))


NETWORK = Description(
    name="by hand",
    fingerprint="0",
    parameters=0,
    input_shape=(3, 8, 8),
    output_shapes=((5,),),
    layers=(layer("a", 4, (4, 3, 3, 3)), layer("b", 5, (5, 4)), layer("c", 3, (3, 1, 3, 3))),
    not_quantized={},
    macs_not_quantized=0,
    other_count=7,
    folded_batch_norms=0,
    weights_note=None,
)
"""108, 20 and 27 weights; 4, 5 and 3 kernels; 7 other values."""

widths = st.just(0) | st.integers(2, 16)
kernel_choices = st.fixed_dictionaries(
    {
        name: st.none() | widths | st.tuples(*[widths] * kernels)
        for name, kernels in (("a", 4), ("b", 5), ("c", 3))
    }
)
bit_choices = st.fixed_dictionaries(
    {name: st.none() | st.integers(2, 16) for name in ("a", "b", "c")}
)


@pytest.mark.parametrize(
    ("bits", "weight_bytes", "scale_bytes"),
    [
        ({"a": 2, "b": 2, "c": 2}, 27 + 5 + 7, 48),  # 27 * 2 / 8 = 6.75
        ({"a": 3, "b": 3, "c": 3}, 41 + 8 + 11, 48),  # 40.5, 7.5, 10.125
        ({"a": 8, "b": 8, "c": 8}, 155, 48),
        ({"a": 8, "b": 3, "c": None}, 108 + 8 + 108, 36),
        ({"a": None, "b": None, "c": None}, 620, 0),
    ],
    ids=["2 bits", "3 bits", "8 bits", "mixed", "full precision"],
)
def test_ledger_by_hand(bits: dict[str, int | None], weight_bytes: int, scale_bytes: int) -> None:
    ledger = size_ledger(NETWORK, bits)
    assert ledger == SizeLedger(weight_bytes, scale_bytes, 28)
    assert ledger.total_bytes == weight_bytes + scale_bytes + 28


def test_layer_bytes_example() -> None:
    example = layer("x", 16, (16, 1, 3, 3))
    assert layer_bytes(example, 3) == (54, 64, 0)
    assert layer_bytes(example, None) == (576, 0, 0)
    assert layer_bytes(example, (3,) * 15 + (0,)) == (51, 60, 8)
    assert layer_bytes(example, 0) == (0, 0, 0)


@pytest.mark.parametrize(
    ("bits", "parts"),
    [
        # a: 27 x (2 + 3 + 0 + 8) = 351 bits in 44 bytes, 3 scales, 4 widths in 2 bytes.
        ({"a": (2, 3, 0, 8), "b": 4, "c": None}, (44 + 10 + 108, 4 * (3 + 5), 28, 2, 4 * 9)),
        # b: 4 x 22 bits in 11 bytes, 5 scales, 5 widths in 3 bytes; c: all pruned, 2 bytes.
        ({"a": 8, "b": (2, 2, 2, 8, 8), "c": (0, 0, 0)}, (108 + 11, 36, 28, 5, 4 * 12)),
        ({"a": 0, "b": None, "c": None}, (188, 0, 28, 0, 16)),
        ({"a": None, "b": None, "c": None}, (620, 0, 28, 0, 0)),
    ],
    ids=["mixed", "one width or none", "a layer pruned", "full precision"],
)
def test_ledger_of_kernels_by_hand(
    bits: dict[str, WeightBits | None], parts: tuple[int, ...]
) -> None:
    corrected = size_ledger(NETWORK, bits, corrected=True)
    assert corrected == SizeLedger(*parts)
    assert corrected.total_bytes == sum(parts)
    assert corrected.layer_bytes == parts[0] + parts[1] + parts[3]
    assert size_ledger(NETWORK, bits) == SizeLedger(*parts[:4])


def test_a_layer_with_a_bias_is_given_none() -> None:
    layers = tuple(replace(one, bias_key=f"{one.name}.bias") for one in NETWORK.layers[:2])
    network = replace(NETWORK, layers=(*layers, NETWORK.layers[2]))
    ledger = size_ledger(network, {"a": 4, "b": 4, "c": 4}, corrected=True)
    assert ledger.correction_bytes == 12


def test_ratios_by_hand() -> None:
    bits: dict[str, WeightBits | None] = {"a": (2, 3, 0, 8), "b": 4, "c": None}
    assert layers_ratio(NETWORK, bits) == (54 + 32 + 2) / (4 * 128)
    assert network_ratio(NETWORK, bits) == (162 + 32 + 28 + 2) / 648
    assert network_ratio(NETWORK, bits, corrected=True) == (162 + 32 + 28 + 2 + 36) / 648
    assert layers_ratio(NETWORK, {"a": None, "b": None, "c": None}) is None


def test_another_number_of_kernels_is_refused() -> None:
    bits: dict[str, WeightBits | None] = {"a": (2, 2, 2), "b": 4, "c": 4}
    for function in (size_ledger, average_bits):
        with pytest.raises(ValueError, match="3 widths for the 4 kernels of a"):
            function(NETWORK, bits)


@given(kernel_choices)
def test_kernels_add_up(bits: dict[str, WeightBits | None]) -> None:
    ledger, stored = size_ledger(NETWORK, bits), 0.0
    scales = tagged = 0
    for one in NETWORK.layers:
        own = bits[one.name]
        each = own if isinstance(own, tuple) else (32 if own is None else own,) * one.kernels
        stored += sum(each) * one.weight_count / one.kernels
        scales += 0 if own is None else sum(width > 0 for width in each)
        tagged += -(-one.kernels // 2) if isinstance(own, tuple) else 0
    assert stored / 8 <= ledger.weight_bytes < stored / 8 + len(NETWORK.layers)
    assert (ledger.scale_bytes, ledger.width_bytes) == (4 * scales, tagged)
    assert average_bits(NETWORK, bits) == pytest.approx(stored / 155)


def test_full_precision_of_a_network_is_every_stored_tensor() -> None:
    network = residual_network()
    stored = sum(tensor.numel() * tensor.element_size() for tensor in network.tensors.values())
    assert full_precision_bytes(network.description) == stored
    assert full_precision_bytes(NETWORK) == 648


@given(bit_choices)
def test_parts_add_up(bits: dict[str, int | None]) -> None:
    ledger = size_ledger(NETWORK, bits)
    layers = [layer_bytes(one, bits[one.name]) for one in NETWORK.layers]
    assert ledger.total_bytes == sum(map(sum, layers)) + 28
    exact = sum(one.weight_count * (bits[one.name] or 32) / 8 for one in NETWORK.layers)
    assert exact <= ledger.weight_bytes < exact + len(NETWORK.layers)
    assert average_bits(NETWORK, bits) == pytest.approx(exact * 8 / 155)


@given(bit_choices, st.sampled_from("abc"))
def test_one_more_bit_never_takes_less(bits: dict[str, int | None], name: str) -> None:
    more = {**bits, name: None if bits[name] in (None, 16) else bits[name] + 1}
    assert size_ledger(NETWORK, more).weight_bytes >= size_ledger(NETWORK, bits).weight_bytes
    assert average_bits(NETWORK, more) >= average_bits(NETWORK, bits)


@pytest.mark.parametrize(
    ("bits", "average"),
    [
        ({"a": 4, "b": 4, "c": 4}, 4),
        ({"a": 8, "b": 3, "c": 2}, (864 + 60 + 54) / 155),
        ({"a": 2, "b": 2, "c": None}, (216 + 40 + 864) / 155),
    ],
    ids=["uniform", "mixed", "one at full precision"],
)
def test_average_bits(bits: dict[str, int | None], average: float) -> None:
    assert math.isclose(average_bits(NETWORK, bits), average, rel_tol=1e-15)


@pytest.mark.parametrize("function", [size_ledger, average_bits])
def test_a_layer_without_bits_is_a_key_error(function: object) -> None:
    with pytest.raises(KeyError, match="b"):
        function(NETWORK, {"a": 2, "c": 2})

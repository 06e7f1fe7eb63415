"""Allocation files: what is read, and what is refused and why."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_nets import as_network, small_residual

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.clipping import METHODS, Clipping
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.quantize.limits import WeightBits

names = st.text(min_size=1, max_size=8)
bits = st.none() | st.integers(2, 16)
widths = st.just(0) | st.integers(2, 16)
weight_bits = st.none() | widths | st.lists(widths, min_size=1, max_size=4).map(tuple)


sources = st.builds(DataSource, names, st.none(), st.booleans())
clippings = st.builds(Clipping, st.sampled_from(list(METHODS)), st.sampled_from(list(METHODS)))


@given(
    st.dictionaries(names, st.tuples(weight_bits, bits), max_size=5),
    st.none() | names,
    st.none() | sources,
    clippings,
)
def test_survives_a_file(
    chosen: dict[str, tuple[WeightBits | None, int | None]],
    model: str | None,
    data: DataSource | None,
    clipping: Clipping,
) -> None:
    weights = {name: pair[0] for name, pair in chosen.items()}
    inputs = {name: pair[1] for name, pair in chosen.items() if pair[1] is not None}
    facts = {"predicted_loss": 0.25}
    allocation = BitAllocation(weights, model, "f" * 64, data, "kl", facts, inputs, clipping)
    written = json.loads(json.dumps(allocation.to_json()))
    assert written["predicted_loss"] == 0.25
    read = {n: (e["weight"], e["activation"]) for n, e in written["bits"].items()}
    assert {n: (tuple(w) if isinstance(w, list) else w, a) for n, (w, a) in read.items()} == chosen
    assert written["calibration"] == (None if data is None else data.reference)
    assert replace(BitAllocation.from_json(written), facts=facts) == allocation


def test_a_reference_alone_names_the_calibration_data() -> None:
    read = BitAllocation.from_json({"bits": {"a": {"weight": 4}}, "calibration": "sample:x"})
    assert read.calibration == DataSource("sample:x")


@pytest.mark.parametrize(
    "extra",
    [{}, {"model": None}, {"model": "x"}, {"calibration": 3}, {"comment": "by hand"}],
    ids=["bits alone", "no model", "model is a text", "calibration is a number", "unknown field"],
)
def test_written_by_hand(extra: dict[str, Any]) -> None:
    read = BitAllocation.from_json({"bits": {"a": {"weight": 4}, "b": {"weight": None}}, **extra})
    assert read == BitAllocation({"a": 4, "b": None})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "not an allocation"),
        (None, "not an allocation"),
        ("bits", "not an allocation"),
        ({}, "not an allocation"),
        ({"bits": None}, "not an allocation"),
        ({"bits": [4, 4]}, "not an allocation"),
        ({"bits": {"stem": 4}}, "'stem' of the allocation needs"),
        ({"bits": {"stem": {}}}, "'stem' of the allocation needs"),
        ({"bits": {"stem": {"activation": None}}}, "'stem' of the allocation needs"),
        ({"bits": {"stem": {"weight": 4, "activation": 99}}}, "'stem' has 99 activation bits"),
        ({"bits": {"stem": {"weight": [4, 1]}}}, "kernel 1 of layer 'stem' has 1 bits"),
        ({"bits": {"stem": {"weight": [4, None]}}}, "kernel 1 of layer 'stem' has None bits"),
        ({"bits": {"stem": {"weight": [[4]]}}}, "kernel 0 of layer 'stem' has [4] bits"),
        ({"bits": {"stem": {"weight": [True]}}}, "kernel 0 of layer 'stem' has True bits"),
        ({"bits": {"stem": {"weight": []}}}, "'stem' has an empty list"),
        ({"bits": {"stem": {"weight": 4, "activation": [4]}}}, "'stem' has [4] activation bits"),
        ({"bits": {"stem": {"weight": 4, "activation": 0}}}, "'stem' has 0 activation bits"),
        ({"bits": {"stem": {"weight": 1}}}, "'stem' has 1 weight bits"),
        ({"bits": {"stem": {"weight": 17}}}, "'stem' has 17 weight bits"),
        ({"bits": {"stem": {"weight": -4}}}, "'stem' has -4 weight bits"),
        ({"bits": {"stem": {"weight": 4.0}}}, "'stem' has 4.0 weight bits"),
        ({"bits": {"stem": {"weight": "4"}}}, "'stem' has '4' weight bits"),
        ({"bits": {"stem": {"weight": True}}}, "'stem' has True weight bits"),
        ({"bits": {"stem": {"weight": {}}}}, "'stem' has {} weight bits"),
        ({"bits": {"ok": {"weight": 4}, "last": {"weight": 1}}}, "'last' has 1 weight bits"),
    ],
    ids=[
        "a list",
        "null",
        "a text",
        "no bits",
        "bits null",
        "bits a list",
        "entry a number",
        "entry empty",
        "entry without weight",
        "activation bits",
        "1 bit of a kernel",
        "full precision of a kernel",
        "a list of a list",
        "true of a kernel",
        "an empty list",
        "activation bits per kernel",
        "pruned inputs",
        "1 bit",
        "17 bits",
        "negative",
        "a float",
        "a text as bits",
        "true",
        "an object as bits",
        "only the last is wrong",
    ],
)
def test_malformed_is_refused_by_layer(data: Any, message: str) -> None:
    with pytest.raises(BadInput) as raised:
        BitAllocation.from_json(data)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.fixture(scope="module")
def network() -> Description:
    return as_network(small_residual(), name="four layers").description


FITTING: dict[str, int | None] = {"stem": 4, "first": None, "second": 2, "head": 16}


def test_fits(network: Description) -> None:
    BitAllocation(FITTING).check_fits(network)
    BitAllocation({**FITTING, "stem": (0, 2, 3, 4, 8, 16), "first": 0}).check_fits(network)


@pytest.mark.parametrize("count", [1, 5, 7])
def test_another_number_of_kernels(network: Description, count: int) -> None:
    with pytest.raises(BadInput, match=rf"{count} bits for the 6 kernels of layer 'stem'"):
        BitAllocation({**FITTING, "stem": (4,) * count}).check_fits(network)


@pytest.mark.parametrize("layer", list(FITTING))
def test_missing_layer(network: Description, layer: str) -> None:
    some = {name: b for name, b in FITTING.items() if name != layer}
    with pytest.raises(BadInput, match=rf"no bits for 1 layers of four layers.*'{layer}'"):
        BitAllocation(some).check_fits(network)


@pytest.mark.parametrize(
    "chosen", [{**FITTING, "tail": 4}, {"tail": 4}, {"tail": None}], ids=["more", "other", "null"]
)
def test_unknown_layer(network: Description, chosen: dict[str, int | None]) -> None:
    with pytest.raises(BadInput, match="names layer 'tail', which four layers lacks"):
        BitAllocation(chosen).check_fits(network)


def test_empty_allocation(network: Description) -> None:
    with pytest.raises(BadInput, match="no bits for 4 layers"):
        BitAllocation.from_json({"bits": {}}).check_fits(network)


def test_thresholds_of_a_layer_that_the_network_lacks(network: Description) -> None:
    clipping = Clipping().with_choice("nope", "activation", 0.5)
    with pytest.raises(BadInput, match="'nope'"):
        BitAllocation(FITTING, clipping=clipping).check_fits(network)

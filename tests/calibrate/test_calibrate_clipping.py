"""Choices of clipping thresholds: what they mean, and what survives a file."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_nets import residual_network

from qcore.calibrate.clipping import METHODS, Clipping, Override
from qcore.calibrate.methods import find_threshold
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.calibrate.streaming import count_values
from qcore.errors import BadInput
from qcore.quantize.symmetric import max_scale, mse_scale, quantize
from qcore.store.clippings import keep_clipping, read_clipping
from qcore.store.home import home

methods = st.sampled_from(list(METHODS))
targets = st.sampled_from(["weight", "activation"])
choices = methods | st.floats(1e-30, 1e30)
changes = st.lists(st.tuples(st.sampled_from("abc"), targets, choices), max_size=5)


@st.composite
def clippings(draw: st.DrawFn) -> Clipping:
    found = Clipping(draw(methods), draw(methods), draw(st.floats(1, 100)), draw(st.floats(1, 100)))
    for layer, target, choice in draw(changes):
        found = found.with_choice(layer, target, choice)
    return found


@given(clippings())
def test_survives_a_file(clipping: Clipping) -> None:
    assert Clipping.from_json(json.loads(json.dumps(clipping.to_json()))) == clipping


@given(clippings(), clippings())
def test_joined_takes_weights_of_one_and_inputs_of_the_other(a: Clipping, b: Clipping) -> None:
    both = a.joined(b)
    assert (both.of("weight"), both.of("activation")) == (a.of("weight"), b.of("activation"))
    if "percentile" in (a.weight, *(o.choice for o in a.overrides_of("weight"))):
        assert both.percentile("weight") == a.percentile("weight")
    for layer in "abc":
        assert both.choice(layer, "weight") == a.choice(layer, "weight")
        assert both.choice(layer, "activation") == b.choice(layer, "activation")


@given(clippings(), targets)
def test_of_a_target_keeps_what_it_says_of_it(clipping: Clipping, target: Any) -> None:
    own = clipping.of(target)
    assert own.of(target) == own
    assert [own.choice(la, target) for la in "abc"] == [clipping.choice(la, target) for la in "abc"]
    other = "activation" if target == "weight" else "weight"
    assert {own.choice(layer, other) for layer in "abc"} == {"mse"}


def test_a_layer_given_back_is_as_all() -> None:
    changed = Clipping().with_choice("a", "weight", 0.5)
    assert changed.overrides == (Override("a", "weight", 0.5),)
    assert changed.with_choice("a", "weight", None) == Clipping()


def test_kept_under_what_it_says() -> None:
    clipping = Clipping("max", "entropy").with_choice("a", "activation", 2.0)
    name = keep_clipping(clipping)
    assert keep_clipping(clipping) == name != keep_clipping(Clipping())
    assert read_clipping(name) == clipping
    (home() / "clippings" / f"{name}.json").write_text("[" * 100_000)
    assert read_clipping(name) is None
    assert keep_clipping(clipping) == name
    assert read_clipping(name) == clipping  # written anew
    for unknown in ("", "0" * 32, "../../etc/passwd", name + "/", name.upper() + "x"):
        assert read_clipping(unknown) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": "best"}, "'best'"),
        ({"weight_percentile": 0}, "above 0"),
        ({"activation_percentile": 101}, "at most 100"),
        ({"activation_percentile": "99"}, "percentile"),
        ({"weight_percentile": 10**400}, "percentile"),
        ({"overrides": 3}, "no choice"),
        ({"overrides": [{"layer": "a", "target": "bias", "choice": "max"}]}, "'bias'"),
        ({"overrides": [{"layer": "a", "target": "weight", "choice": -1.0}]}, "above zero"),
        ({"overrides": [{"layer": "a", "target": "weight", "choice": 1e300}]}, "beyond any"),
        ({"overrides": [{"layer": "a", "target": "weight", "choice": 10**400}]}, "choice"),
        ({"overrides": [{"layer": "a", "target": "weight"}]}, "choice"),
        (
            {"overrides": [{"layer": "a", "target": "weight", "choice": c} for c in (1.0, 2.0)]},
            "'a' has two choices",
        ),
        ({"overrides": ["a"]}, "no choice"),
    ],
)
def test_what_is_no_choice_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        Clipping.from_json({**Clipping().to_json(), **change})


@pytest.mark.parametrize("method", [*METHODS, 0.05])
def test_weights_are_clipped_where_the_choice_says(method: Any) -> None:
    network = residual_network()
    layer = network.description.layer("second")
    chosen = Clipping().with_choice(layer.name, "weight", method)
    found = NetworkQuantizer(network, chosen).weight(layer, 4).reshape(layer.kernels, -1).cpu()
    rows = network.weight(layer).reshape(layer.kernels, -1)
    if method in ("mse", "max"):
        scale = mse_scale(rows, 4) if method == "mse" else max_scale(rows, 4)
    else:
        threshold = find_threshold(count_values(rows), method, 4, "weight", 99.99).value
        scale = torch.minimum(max_scale(rows, 4), torch.tensor(threshold / 7))
        assert found.abs().max() <= threshold * (1 + 1e-6)
    assert torch.equal(found, quantize(rows, scale, 4))

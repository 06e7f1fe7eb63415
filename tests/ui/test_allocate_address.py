"""A link shows the same dial, and a strange one does no harm."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcore.allocate.costs import BUDGETS
from qcore.sensitivity.config import Width
from ui.allocation.address import PARAMETERS, Scope, read_query, to_query
from ui.allocation.dialled import MOST_KEPT, Dialled, with_kept, with_pin, without_kept
from ui.allocation.digits import read_digits, read_widths, write_digits, write_widths

LAYERS = ("stem", "a:b", "c,d", "head")
BITS = (2, 4, 8, 16)
SCOPE = Scope(LAYERS, tuple(map(Width, BITS)), ("bismo-edge", "x:y"), (2, 4, 8))
BOTH = Scope(LAYERS, tuple(Width(b, b) for b in BITS), (), ())

dials = st.sampled_from([name for name in BUDGETS if name != "loss"])
numbers = st.floats(0, 1e18, exclude_min=True)


def configurations(scope: Scope) -> st.SearchStrategy[tuple[Width, ...]]:
    widths = st.sampled_from([*scope.widths, *(Width(b, a) for b in BITS for a in scope.inputs)])
    return st.tuples(*[widths] * len(LAYERS))


@st.composite
def states(draw: st.DrawFn, scope: Scope) -> Dialled:
    budget, other = draw(st.tuples(dials, dials).filter(lambda pair: pair[0] != pair[1]))
    pins = draw(st.dictionaries(st.sampled_from(LAYERS), st.sampled_from(BITS)))
    kept = draw(st.lists(configurations(scope), max_size=MOST_KEPT, unique=True))
    return Dialled(
        budget,
        draw(st.none() | numbers),
        draw(st.none() | numbers.map(lambda value: (other, value))),
        draw(st.none() | st.sampled_from(scope.hardware)) if scope.hardware else None,
        draw(st.none() | st.sampled_from(scope.inputs)) if scope.inputs else None,
        draw(st.sampled_from(scope.methods)),
        tuple(sorted(pins.items())),
        tuple(kept),
    )


@given(states(SCOPE))
def test_a_link_says_everything(state: Dialled) -> None:
    query = {name: text for name, text in to_query(state, SCOPE).items() if text is not None}
    assert set(query) <= set(PARAMETERS)
    assert read_query(query, SCOPE) == (state, ())


@given(states(BOTH))
def test_pairs_of_widths_too(state: Dialled) -> None:
    query = {name: text for name, text in to_query(state, BOTH).items() if text is not None}
    assert read_query(query, BOTH) == (state, ())


def test_the_default_needs_no_parameters() -> None:
    assert set(to_query(Dialled(), SCOPE).values()) == {None}
    assert read_query({}, SCOPE) == (Dialled(), ())


@given(st.dictionaries(st.sampled_from([*PARAMETERS, "model"]), st.text(max_size=30)))
def test_any_text_is_a_state_or_ignored(query: dict[str, str]) -> None:
    state, ignored = read_query(query, SCOPE)
    assert set(ignored) <= {name for name in PARAMETERS if query.get(name)}
    again = {name: text for name, text in to_query(state, SCOPE).items() if text is not None}
    assert read_query(again, SCOPE) == (state, ())


FOREIGN: dict[str, dict[str, str]] = {
    "a budget nobody knows": {"budget": "price:3"},
    "a loss is not dialled": {"budget": "loss:0.1"},
    "no number": {"budget": "size_bytes:many"},
    "not a finite one": {"also": "bops:inf"},
    "none that any network has": {"also": "size_ratio:1.7e308"},
    "a negative one": {"budget": "size_bytes:-1"},
    "nothing at all": {"budget": "size_bytes:0"},
    "the same budget twice": {"also": "size_bytes:9"},
    "unknown hardware": {"hardware": "<b>"},
    "inputs of 3 bits are not offered here": {"input_bits": "3"},
    "an unknown method": {"method": "magic"},
    "pins of another network": {"pins": "44"},
    "a pin that was not measured": {"pins": "3..."},
    "kept of another network": {"kept": "444"},
    "one of two is foreign": {"kept": "4444,4445"},
    "five kept": {"kept": "2222,4444,8888,2444,2888"},
    "twice the same": {"kept": "2222,2222"},
    "a kept layer without bits": {"kept": "444."},
}


@pytest.mark.parametrize("query", FOREIGN.values(), ids=FOREIGN.keys())
def test_what_does_not_fit_is_named_and_left_out(query: dict[str, str]) -> None:
    assert read_query(query, SCOPE) == (Dialled(), tuple(query))


def test_digits_and_widths_read_as_documented() -> None:
    assert write_digits((4, None, 16)) == "4.g"
    assert read_digits("4.g", 3) == (4, None, 16)
    assert write_widths([Width(4, 8), Width(8, 8)]) == "48-88"
    assert read_widths("48-88", 2) == (Width(4, 8), Width(8, 8))
    assert read_widths("48-8", 2) is None


def test_pins_and_kept() -> None:
    state = with_pin(with_pin(Dialled(), "b", 4), "a", 2)
    assert state.pins == (("a", 2), ("b", 4))
    assert with_pin(with_pin(state, "a", 8), "b", None).pins == (("a", 8),)
    four: Any = [(Width(bits),) for bits in (2, 4, 6, 8)]
    for widths in (*four, four[0], (Width(3),)):
        state = with_kept(state, widths)
    assert state.kept == tuple(four)
    assert without_kept(state, 1).kept == (four[0], *four[2:])

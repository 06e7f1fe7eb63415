"""What is chosen on the page Hardware: one value that is in the URL, so a link shows it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from qcore.graph.layer import Description
from qcore.hardware import BitPair
from qcore.hardware.model import MOST_IMAGES
from qcore.quantize.limits import MAX_BITS
from ui.allocation.dialled import Widths
from ui.allocation.digits import read_widths, write_widths
from ui.state import put_in_url

PARAMETERS = ("hardware", "batch", "weight_bits", "input_bits", "bits")
"""Query parameters, all of them."""

UNIFORM, LINK = "uniform", "link"
"""Sources of a configuration beside those that the page Allocate has."""

_NOW, _WRITTEN = "hardware_now", "hardware_written"
_FULL = "full"


@dataclass(frozen=True)
class Chosen:
    """Hardware by name, the images of a batch (None: as many as it works on at once) and the bits
    of every layer.

    ``source`` says where these come from: ``UNIFORM`` is ``weight_bits`` and ``input_bits``
    everywhere, all others have ``widths``; of those without bits of inputs, ``input_bits`` are
    taken. None is full precision.
    """

    hardware: str = "bismo-cloud"
    batch: int | None = None
    weight_bits: int | None = 4
    input_bits: int | None = 8
    source: str = UNIFORM
    widths: Widths | None = None

    @property
    def asks_for_inputs(self) -> bool:
        """True where the bits of inputs are to be chosen."""
        return self.widths is None or any(w.activation_bits is None for w in self.widths)

    def pairs(self, network: Description) -> tuple[BitPair, ...]:
        """The bits of each layer. Example: two layers at uniform 4/8: (4/8, 4/8)."""
        if self.widths is None:
            return (BitPair(self.weight_bits, self.input_bits),) * len(network.layers)
        return tuple(
            BitPair(w.bits, self.input_bits if w.activation_bits is None else w.activation_bits)
            for w in self.widths
        )


def begin(known: Mapping[str, Widths], layers: int) -> Chosen:
    """What is chosen now: what the link says, else what was chosen here before.

    ``known``: configurations of this network by name. One that is gone gives way to the uniform
    one, or stays as the link's where it fits the network.
    """
    query = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    found: Chosen | None = st.session_state.get(_NOW)
    if found is None or (query and query != st.session_state.get(_WRITTEN)):
        found = read_query(query, known, layers)
    st.session_state[_NOW] = found = _present(found, known, layers)
    written = to_query(found)
    for name, value in written.items():
        put_in_url(name, value)
    st.session_state[_WRITTEN] = {n: v for n, v in written.items() if v is not None}
    return found


def now() -> Chosen:
    """What is chosen; call after ``begin``, or from a callback."""
    found: Chosen = st.session_state[_NOW]
    return found


def change(chosen: Chosen) -> None:
    """Choose something else; call from a callback."""
    st.session_state[_NOW] = chosen


def uniform(pair: BitPair) -> Chosen:
    """The same hardware with these bits in every layer."""
    return replace(
        now(),
        weight_bits=pair.weight_bits,
        input_bits=pair.activation_bits,
        source=UNIFORM,
        widths=None,
    )


def to_query(chosen: Chosen) -> dict[str, str | None]:
    """Every parameter's text, None where it is left out because it is the default."""
    first = Chosen()
    texts = {
        "hardware": chosen.hardware,
        "batch": "" if chosen.batch is None else str(chosen.batch),
        "weight_bits": _text(chosen.weight_bits),
        "input_bits": _text(chosen.input_bits),
        "bits": "" if chosen.widths is None else write_widths(chosen.widths),
    }
    defaults = first.hardware, "", _text(first.weight_bits), _text(first.input_bits), ""
    pairs = zip(texts.items(), defaults, strict=True)
    return {name: None if text == default else text for (name, text), default in pairs}


def read_query(query: Mapping[str, str], known: Mapping[str, Widths], layers: int) -> Chosen:
    """The inverse; what is not understood takes its default."""
    first = Chosen()
    text = query.get("batch", "")
    images = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    found = replace(
        first,
        hardware=query.get("hardware", first.hardware),
        batch=images if 1 <= images <= MOST_IMAGES else None,
        weight_bits=_bits(query.get("weight_bits"), first.weight_bits),
        input_bits=_bits(query.get("input_bits"), first.input_bits),
    )
    widths = read_widths(query.get("bits", ""), layers)
    if widths is None or any(w.bits > MAX_BITS for w in widths):
        return found
    source = next((name for name, own in known.items() if own == widths), LINK)
    return replace(found, source=source, widths=widths)


def _present(chosen: Chosen, known: Mapping[str, Widths], layers: int) -> Chosen:
    if chosen.source in known:
        return replace(chosen, widths=known[chosen.source])
    if chosen.widths is not None and len(chosen.widths) == layers:
        return replace(chosen, source=LINK)
    return replace(chosen, source=UNIFORM, widths=None)


def _text(bits: int | None) -> str:
    return _FULL if bits is None else str(bits)


def _bits(text: str | None, default: int | None) -> int | None:
    if text == _FULL:
        return None
    return next((b for b in range(1, MAX_BITS + 1) if str(b) == text), default)

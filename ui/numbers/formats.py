"""The integer formats of the page: what the visitor sets, and the codes that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.quantize.codes import CodeFormat, affine_codes, fixed_point_codes, symmetric_codes

MAX_CODE_BITS = 16


@dataclass(frozen=True)
class NamedCodes:
    """An integer format under the name that its row has; ``problem`` where there is none."""

    key: str
    title: str
    codes: CodeFormat | None
    problem: str = ""


def choose_formats() -> tuple[NamedCodes, ...]:
    """Draw the fields; what they say is in the URL."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        m = int(_whole("Qm.n: m", "q_m", 4, 1, "Bits left of the binary point, with the sign."))
        n = int(_whole("Qm.n: n", "q_n", 4, 0, "Bits right of the point: steps of 2⁻ⁿ."))
        bits = int(_whole("Integer bits", "number_bits", 8, 2, "Bit width of INT and UINT."))
        threshold = _real(
            "Symmetric: threshold",
            "number_threshold",
            8.0,
            "Codes cover −threshold to threshold.",
        )
        low = _real("Affine: low", "number_low", -2.0, "The smallest value the codes must reach.")
        high = _real(
            "Affine: high",
            "number_high",
            8.0,
            "The largest value. A range without 0 is widened to hold it, since 0 has to be exact.",
        )
    return (_fixed(m, n), *_symmetric(threshold, bits), _affine(low, high, bits))


def _fixed(m: int, n: int) -> NamedCodes:
    title = f"Q{m}.{n}"
    if m + n > MAX_CODE_BITS:
        problem = f"{title} takes {m + n} bits; lower m or n to {MAX_CODE_BITS} together"
        return NamedCodes("fixed", title, None, problem)
    return NamedCodes("fixed", title, fixed_point_codes(m, n))


def _symmetric(threshold: float, bits: int) -> tuple[NamedCodes, NamedCodes]:
    names = (("restricted", f"INT{bits} restricted"), ("full", f"INT{bits} full range"))
    if not 1e-30 <= threshold <= 1e30:
        problem = "The threshold must be positive and at most 1e30"
        first, second = (NamedCodes(key, title, None, problem) for key, title in names)
    else:
        first, second = (
            NamedCodes(key, title, symmetric_codes(threshold, bits, full_range=key == "full"))
            for key, title in names
        )
    return first, second


def _affine(low: float, high: float, bits: int) -> NamedCodes:
    title = f"UINT{bits} affine"
    if not (low < high and max(abs(low), abs(high)) <= 1e30 and high - low >= 1e-30):
        problem = "Low must be below high, and both within 1e30"
        return NamedCodes("affine", title, None, problem)
    return NamedCodes("affine", title, affine_codes(low, high, bits))


def _whole(label: str, key: str, value: int, least: int, help: str) -> float:
    most = MAX_CODE_BITS if least else MAX_CODE_BITS - 1
    return st.number_input(
        label, least, most, value, 1, key=key, bind="query-params", help=help, width=120
    )


def _real(label: str, key: str, value: float, help: str) -> float:
    return st.number_input(
        label,
        value=value,
        step=0.5,
        format="%g",
        key=key,
        bind="query-params",
        help=help,
        width=165,
    )

"""What the whole network takes, with uniform 8/8 bits on the same machine beside it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from qcore.hardware.at_bits import NetworkAtBits
from qcore.hardware.bound import Bound
from ui import format as fmt
from ui.allocation.units import amount
from ui.figures.bounds import BOUNDS
from ui.hardware.run import BASELINE, counted

_NOTHING = "–"


def totals(run: NetworkAtBits, baseline: NetworkAtBits) -> None:
    """A row of figures; a dash where one is not known."""
    many = run.batch > 1
    images = f"{run.batch} images" if many else "an image"
    with st.container(horizontal=True):
        if run.hardware.has_latency:
            least = ", at least" if run.hardware.lower_bound else ""
            _metric(f"Latency of {images}{least}", run, baseline, lambda r: _ms(r.total_ms))
            if many:
                _metric("Per image", run, baseline, lambda r: _ms(_each(r.total_ms, r)))
            most = ", at most" if run.hardware.lower_bound else ""
            _metric(f"Images a second{most}", run, baseline, _speed)
        if run.hardware.has_energy:
            _metric(f"Energy of {images}", run, baseline, lambda r: _mj(r.total_mj))
            if many:
                _metric("Energy per image", run, baseline, lambda r: _mj(_each(r.total_mj, r)))
        for bound in counted(run):
            look = BOUNDS[bound]
            _metric(fmt.capital(look.title), run, baseline, _share(bound), look.help)


def _metric(
    label: str,
    run: NetworkAtBits,
    baseline: NetworkAtBits,
    text: Callable[[NetworkAtBits], str | None],
    help_text: str | None = None,
) -> None:
    base = text(baseline)
    st.metric(
        label,
        text(run) or _NOTHING,
        delta=f"{BASELINE}: {base}" if base else f"{BASELINE} does not run",
        delta_color="off",
        delta_arrow="off",
        border=True,
        help=help_text,
    )


def _each(total: float | None, run: NetworkAtBits) -> float | None:
    return None if total is None else total / run.batch


def _ms(value: float | None) -> str | None:
    return None if value is None else amount("latency_ms", value)


def _mj(value: float | None) -> str | None:
    return None if value is None else amount("energy_mj", value)


def _speed(run: NetworkAtBits) -> str | None:
    if not run.total_ms:
        return None
    speed = 1e3 * run.batch / run.total_ms
    return fmt.count(speed) if speed >= 1e3 else f"{speed:.3g}"


def _share(bound: Bound) -> Callable[[NetworkAtBits], str | None]:
    return lambda run: None if run.shares is None else fmt.share(run.shares[bound])

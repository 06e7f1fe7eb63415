"""What charts say of one cell of a sensitivity table."""

from __future__ import annotations

import re

from qcore.sensitivity.row import OutputNoise, SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt


def cell_text(row: SensitivityRow, table: SensitivityTable) -> str:
    """Layer, width, value with its interval, images; how it was found where the table's other cells
    were found otherwise."""
    found = "<br>measured exactly" if refined(row, table) else ""
    within = fmt.interval(row.ci_low, row.ci_high)
    value = f"{table.config.quantity} {fmt.loss(row.delta_loss)} {table.config.unit}".strip()
    return (
        f"<b>{fmt.label(row.layer)}</b> at {_bits(row)} bits<br>{value}{_noise_text(row.noise)}"
        f"{f'<br>95 %: {within}' if within else ''}<br>{row.samples:,} images{found}"
    )


def _bits(row: SensitivityRow) -> str:
    """Of the weights, and behind a stroke those of the input where they differ."""
    same = row.activation_bits in (None, row.bits)
    return str(row.bits) if same else f"{row.bits}/{row.activation_bits}"


def _noise_text(noise: OutputNoise | None) -> str:
    if noise is None:
        return ""
    ratio = "no error" if noise.sqnr_db is None else f"SQNR {noise.sqnr_db:.1f} dB"
    return f"<br>{ratio}, cosine {noise.cosine:.4f}"


def refined(row: SensitivityRow, table: SensitivityTable) -> bool:
    """True for an exact value in a table of estimates."""
    return row.method == "exact" and table.config.method != "exact"


def no_loss_shown(row: SensitivityRow) -> bool:
    """True where the 95 % interval includes zero (or there is none): the sign may be chance."""
    if row.ci_low is None or row.ci_high is None:
        return True
    return row.ci_low <= 0 <= row.ci_high


def short_loss(value: float) -> str:
    """ΔL with two digits, for a narrow place: 0.0077, −1.3e−5, 1200."""
    if value == 0:
        return "0"
    plain = 1e-4 <= abs(value) < 1e5
    text = f"{float(f'{value:.2g}'):g}" if plain else f"{value:.1e}"
    return re.sub(r"e([-+])0*", r"e\1", text).replace("e+", "e").replace("-", "−")


def bits_title(table: SensitivityTable) -> str:
    """What the bits are of."""
    names = {"weight": "weight bits", "activation": "input bits"}
    return names.get(table.config.target, "bits of weights and inputs")


def short_name(name: str, most: int = 24) -> str:
    """The end of a layer's name, which tells it from others: …13._depthwise_conv."""
    if len(name) <= most:
        return name
    end = name[1 - most :]
    _, dot, rest = end.partition(".")
    return "…" + (rest if dot and 2 * len(rest) > most else end)

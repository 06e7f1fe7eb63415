"""Numbers as people read them: units, three significant digits."""

from __future__ import annotations

import html
import re

LOSS_NAMES = {
    "cross_entropy": "cross-entropy",
    "kl": "KL divergence",
    "mse": "relative squared error",
}
"""The objectives in words."""

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~$:<>&^=])")
# Addresses and icons, which Streamlit looks for once escapes have been undone.
_FOUND_LATER = re.compile(
    r"(?<=:)(?=//|material/|streamlit:)|(?<=www)(?=\.)|(?<=[-.+\w])(?=@[-\w]+\.)", re.IGNORECASE
)
_JOINER = "\u2060"  # no width, and no line may break there


def plain(text: str) -> str:
    """Text that somebody else wrote, for a place that reads markdown: ``a*b`` -> ``a\\*b``.

    White space becomes single spaces: indented lines would be code, and empty ones paragraphs.
    An invisible character keeps addresses from becoming links.
    """
    return _MARKUP.sub(r"\\\1", _FOUND_LATER.sub(_JOINER, " ".join(text.split())))


def label(text: str) -> str:
    """Text that somebody else wrote, for a chart, which reads HTML: ``<b>`` -> ``&lt;b&gt;``."""
    return html.escape(text, quote=False)


def capital(text: str) -> str:
    """output error -> Output error, as a sentence begins."""
    return text[:1].upper() + text[1:]


def shortened(text: str, most: int) -> str:
    """One line of at most ``most`` characters: ``a long  reason`` -> ``a long …``."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


def file_name(text: str) -> str:
    """A name for a download: ``sample:a/b`` -> ``a-b``."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text.removeprefix("sample:")).strip("-.") or "network"


def count(value: float) -> str:
    """1234567 -> 1.23 M; below 10,000 in full."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= limit:
            return f"{value / (1e3 if unit == 'k' else limit):.3g} {unit}"
    return f"{value:,.0f}"


def size(value: float) -> str:
    """Bytes in decimal units: 18432 -> 18.4 kB."""
    for limit, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= limit:
            return f"{_digits(value / limit)} {unit}"
    return f"{value:.0f} B"


def loss(value: float) -> str:
    """ΔL with its sign: +0.00766, -1.3e-05."""
    if value == 0:
        return "0"
    if abs(value) < 1e-3:
        return f"{value:+.1e}"
    return f"{value:+.3g}"


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval, empty where there is none."""
    return "" if low is None or high is None else f"{loss(low)} to {loss(high)}"


def duration(seconds: float) -> str:
    """0.4 s, 12 s, 3 min 05 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def shape(sizes: tuple[int, ...]) -> str:
    """(16, 3, 3, 3) -> 16 × 3 × 3 × 3."""
    return " × ".join(str(size) for size in sizes)


def share(value: float) -> str:
    """0.92 -> 92 %."""
    return f"{100 * value:.0f} %"


def percent(value: float) -> str:
    """0.9201 -> 92.0 %."""
    return f"{100 * value:.1f} %"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"

"""A roofline as a JSON file that a person may write."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from qcore import fields
from qcore.errors import BadInput
from qcore.hardware.model import MOST_IMAGES
from qcore.hardware.roofline import Peak, Roofline
from qcore.quantize.limits import MAX_BITS

LONGEST_TITLE = 80
MOST_CHARACTERS = 100_000
_LONGEST_SOURCE = 4_000
_MOST_PEAKS = 64
_RATES = (1e-6, 1e9)  # 1e9 operations or bytes a second: no figure overflows or divides by zero
_MOST_OVERHEAD_US = 1e6

_FIELDS = ("title", "source", "peaks", "gigabytes_per_s", "batch", "overhead_us")
_PEAK_FIELDS = ("weight_bits", "activation_bits", "giga_ops_per_s")


def roofline_to_json(roofline: Roofline) -> dict[str, Any]:
    """What ``roofline_from_json`` reads: the fields of ``Roofline``, peaks as a list of objects."""
    return {**asdict(roofline), "peaks": [asdict(peak) for peak in roofline.peaks]}


def roofline_from_json(data: Any) -> Roofline:
    """The inverse of ``roofline_to_json``; source, batch and overhead may be left out.

    Raises BadInput that names the field and what it must be. Example: ``{"title": "Mine",
    "gigabytes_per_s": 20, "peaks": [{"weight_bits": 8, "activation_bits": 8, "giga_ops_per_s":
    100}, {"weight_bits": null, "activation_bits": null, "giga_ops_per_s": 25}]}``.
    """
    try:
        _check_names(data, _FIELDS)
        given = {"source": "", "batch": 1, "overhead_us": 0.0, **data}
        peaks = fields.entries(given, "peaks")
        if len(peaks) > _MOST_PEAKS:
            raise ValueError(f"'peaks' has {len(peaks):,} entries; give at most {_MOST_PEAKS}")
        return Roofline(
            title=checked_title(fields.text(given, "title")),
            source=_source(given),
            peaks=_peaks(peaks),
            gigabytes_per_s=_within(given, "gigabytes_per_s", *_RATES),
            batch=_batch(given),
            overhead_us=_within(given, "overhead_us", 0.0, _MOST_OVERHEAD_US),
        )
    except KeyError as error:
        raise BadInput(f"the roofline lacks the field {error}; it needs {_needed()}") from error
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"the roofline is wrong: {error}") from error


def read_roofline(text: str) -> Roofline:
    """The roofline of a JSON file's text. Raises BadInput for what is none."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"the roofline has more than {MOST_CHARACTERS:,} characters; give its JSON")
    try:
        data = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            f"the roofline is no JSON ({str(error)[:80]}); it needs {_needed()}"
        ) from error
    return roofline_from_json(data)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. ValueError for a field that is there twice, of which JSON would take the last."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the field {name[:40]!r} is there twice")
        found[name] = value
    return found


def checked_title(text: str) -> str:
    """A title to show on one line. Raises BadInput for none, for a long one or strange signs."""
    title = text.strip()
    if not title or len(title) > LONGEST_TITLE or not title.isprintable():
        raise BadInput(
            f"the title of hardware has 1 to {LONGEST_TITLE} characters on one line, not "
            f"{title[:LONGEST_TITLE]!r}; change it"
        )
    return title


def _peaks(rows: Any) -> tuple[Peak, ...]:
    peaks: list[Peak] = []
    for number, row in enumerate(rows, start=1):
        try:
            _check_names(row, _PEAK_FIELDS)
            peak = Peak(
                _width(row, "weight_bits"),
                _width(row, "activation_bits"),
                _within(row, "giga_ops_per_s", *_RATES),
            )
        except KeyError as error:
            raise ValueError(f"peak {number} lacks {error}") from error
        except ValueError as error:
            raise ValueError(f"peak {number}: {error}") from error
        if peak.pair in [other.pair for other in peaks]:
            raise ValueError(f"peak {number} is a second one of {peak.pair} bits; give one")
        peaks.append(peak)
    return tuple(peaks)


def _check_names(data: Any, known: tuple[str, ...]) -> None:
    if not isinstance(data, Mapping):
        raise ValueError(f"{str(data)[:40]!r} is no object with the fields {', '.join(known)}")
    for name in data:
        if name not in known:
            near = difflib.get_close_matches(str(name)[:40], known, 1, cutoff=0.0)[0]
            raise ValueError(f"there is no field {str(name)[:40]!r}; did you mean {near!r}?")


def _width(row: Mapping[str, Any], name: str) -> int | None:
    if row[name] is None:
        return None
    bits = fields.whole(row, name, 1)
    if bits > MAX_BITS:
        raise ValueError(f"{name!r} is {str(bits)[:40]}; give 1 to {MAX_BITS}, or null for float32")
    return bits


def _within(data: Mapping[str, Any], name: str, least: float, most: float) -> float:
    value = fields.number(data, name)
    if not least <= value <= most:
        raise ValueError(f"{name!r} is {value:g}; give a number from {least:g} to {most:g}")
    return value


def _batch(data: Mapping[str, Any]) -> int:
    batch = fields.whole(data, "batch", 1)
    if batch > MOST_IMAGES:
        raise ValueError(f"'batch' is {str(batch)[:40]}; give at most {MOST_IMAGES:,}")
    return batch


def _source(data: Mapping[str, Any]) -> str:
    source = fields.text(data, "source")
    if len(source) > _LONGEST_SOURCE:
        raise ValueError(f"'source' is longer than {_LONGEST_SOURCE:,} characters; shorten it")
    if not source.replace("\n", "").isprintable():
        raise ValueError("'source' holds signs that cannot be shown; write plain text")
    return source


def _needed() -> str:
    return f"title, gigabytes_per_s and peaks, a list of {{{', '.join(_PEAK_FIELDS)}}}"

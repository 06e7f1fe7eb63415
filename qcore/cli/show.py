"""Tables, progress and files."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from qcore.errors import BadInput

_MANY_ROWS = 10_000


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    for row in (header, *rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        print("  ".join(cells).rstrip())


def progress_line(fraction: float, message: str) -> None:
    """One line on standard error that overwrites itself; silent where that is not a terminal."""
    if sys.stderr.isatty():
        end = "\n" if fraction >= 1 else ""
        print(f"\r{fraction:4.0%}  {message[:60]:60}", end=end, file=sys.stderr, flush=True)


def text_beside_json(target: str | None) -> AbstractContextManager[Any]:
    """Send what is printed to standard error where standard output is for the JSON alone."""
    return contextlib.redirect_stdout(sys.stderr) if target == "-" else contextlib.nullcontext()


def check_target(target: str | None) -> None:
    """BadInput where ``write_json`` could not write: known before the work, not after it."""
    if target in (None, "-"):
        return
    path = Path(str(target))
    if not path.name or path.is_dir():
        raise BadInput(f"cannot write {target!r}: it is a folder; name a file in it")
    if not path.parent.is_dir():
        raise BadInput(f"cannot write {target!r}: there is no folder {str(path.parent)!r}")


def write_json(target: str | None, value: Any) -> None:
    """Write to a file, whole or not at all; '-' is standard output, None nothing.

    Raises BadInput where the file cannot be written.
    """
    if target is None:
        return
    text = _json_text(value)
    if target == "-":
        print(text)
        return
    write_whole(target, (text + "\n").encode())


def write_whole(target: str, content: bytes) -> None:
    """Write a file, whole or not at all. Raises BadInput where that fails."""
    path = Path(target)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise BadInput(f"cannot write {target!r}: {error.strerror}") from error


def _json_text(value: Any) -> str:
    """Indented, but for a table of very many rows, which then takes a tenth of the time."""
    many = isinstance(value, dict) and len(value.get("rows", ())) > _MANY_ROWS
    return json.dumps(value, indent=None if many else 1, ensure_ascii=False, allow_nan=False)


def read_json(source: str, what: str) -> Any:
    """Read a JSON file; BadInput where it is missing or not JSON."""
    path = Path(source)
    if not path.is_file():
        raise BadInput(f"there is no file {source!r}; {what} is needed")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise BadInput(f"{source!r} is not JSON ({error}); {what} is needed") from error

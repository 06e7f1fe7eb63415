"""Published weights: from a folder on this computer, else downloaded once and checked.

The start of the SHA-256 is part of the file's name, as torch.hub has it: ``resnet18-f37072fd.pth``.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import threading
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from qcore.errors import BadInput
from qcore.store.home import home

CONNECT_S = 5.0
REMEMBERED_S = 60.0
_SLOWEST_BYTES_PER_S = 50_000
_BLOCK_BYTES = 2**18
_HASH = re.compile(r"-([a-f0-9]{8,})\.")

# What could not be reached -> when and why; so the next network does not wait again.
_failures: dict[str, tuple[float, str]] = {}


class Unavailable(Exception):
    """The file is neither here nor to be had; the message is the reason, without a full stop."""


def fetch(url: str, largest_bytes: int) -> Path:
    """The file of that URL: in ``home()/torchvision``, in torch's hub cache, or downloaded.

    Its name must hold the start of its SHA-256, and it does where this returns. Raises Unavailable
    within seconds where there is no connection, and at once for a minute after that or where
    ``BITDIAL_OFFLINE`` is 1.
    """
    name = Path(urlsplit(url).path).name
    match = _HASH.search(name)
    if match is None:
        raise Unavailable("their file has no hash in its name to check it by")
    try:
        folder = home() / "torchvision"
        for place in (folder, Path(torch.hub.get_dir()) / "checkpoints"):
            if (place / name).is_file() and _sha256(place / name).startswith(match[1]):
                return place / name
        if os.environ.get("BITDIAL_OFFLINE", "0") not in ("", "0"):
            raise Unavailable("BITDIAL_OFFLINE is set")
        _check_remembered(url)
        folder.mkdir(parents=True, exist_ok=True)
        return _download(url, folder / name, match[1], largest_bytes)
    except (OSError, HTTPException, BadInput) as error:
        raise Unavailable(_remember(url, error)) from error


def _download(url: str, target: Path, start_of_hash: str, largest_bytes: int) -> Path:
    handle, draft_name = tempfile.mkstemp(prefix=".draft-", dir=target.parent)
    draft = Path(draft_name)
    try:
        with os.fdopen(handle, "wb") as file, _connect(url) as response:
            _copy(response, file, largest_bytes)
        found = _sha256(draft)
        if not found.startswith(start_of_hash):
            raise OSError(f"the file has SHA-256 {found[:8]}..., not {start_of_hash}...")
        draft.replace(target)
        return target
    finally:
        draft.unlink(missing_ok=True)


def _copy(response: Any, file: Any, largest_bytes: int) -> None:
    started, size = time.monotonic(), 0
    # read1 returns what has come; read would wait for a whole block from a server that drips.
    while block := response.read1(_BLOCK_BYTES):
        size += len(block)
        if size > largest_bytes:
            raise OSError(f"the file is larger than the {largest_bytes // 10**6} MB expected")
        if time.monotonic() - started > 4 * CONNECT_S + size / _SLOWEST_BYTES_PER_S:
            raise TimeoutError("the connection is too slow")
        file.write(block)


def _connect(url: str) -> Any:
    """``urlopen`` in a thread: the name look-up has no time limit of its own."""
    answer: list[Any] = []
    late = threading.Event()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "bitdial"})
            response = urllib.request.urlopen(request, timeout=CONNECT_S)
        except Exception as error:
            answer.append(error)
            return
        answer.append(response)
        if late.is_set():
            response.close()

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(2 * CONNECT_S)
    if not answer:
        late.set()
        raise TimeoutError("timed out")
    if isinstance(answer[0], Exception):
        raise answer[0]
    return answer[0]


def _check_remembered(url: str) -> None:
    for place in (url, urlsplit(url).netloc):
        then, reason = _failures.get(place, (0.0, ""))
        if reason and time.monotonic() - then < REMEMBERED_S:
            raise Unavailable(reason)


def _remember(url: str, error: Exception) -> str:
    """The reason in a few words, kept for a minute: for the file, or for all of a host."""
    if isinstance(error, urllib.error.HTTPError):
        place, reason = url, f"the server answers {error.code}"
        error.close()
    elif isinstance(error, urllib.error.URLError | TimeoutError):
        place = urlsplit(url).netloc
        reason = str(getattr(error, "reason", None) or error)
    else:
        place, reason = url, str(error) or type(error).__name__
    reason = " ".join(reason.split())[:120]
    _failures[place] = (time.monotonic(), reason)
    return reason


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

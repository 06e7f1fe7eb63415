"""Where results are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path


def home() -> Path:
    """The folder of the store: ``BITDIAL_HOME``, else one in the user's data directory."""
    chosen = os.environ.get("BITDIAL_HOME")
    folder = Path(chosen).expanduser() if chosen else user_data_path("bitdial")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def weights_file(fingerprint: str) -> Path:
    """The folded weights of a prepared network, for pages that draw them."""
    folder = home() / "networks"
    folder.mkdir(exist_ok=True)
    return folder / f"{fingerprint}.safetensors"


def database_url() -> str:
    """``BITDIAL_DATABASE`` (for workers on other machines), else a SQLite file in ``home()``."""
    return os.environ.get("BITDIAL_DATABASE") or f"sqlite:///{home() / 'bitdial.sqlite'}"

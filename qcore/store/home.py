"""Where results are kept."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_path

from qcore.errors import BadInput

# Parts of files' names: raise them when the file would hold other arrays or other numbers.
_WEIGHTS, _CALIBRATION, _MEANS = 2, 1, 1


def home() -> Path:
    """``BITDIAL_HOME``, else a folder in the user's data directory; made where it is missing."""
    chosen = os.environ.get("BITDIAL_HOME")
    folder = Path(chosen).expanduser() if chosen else user_data_path("bitdial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"results cannot be kept in {str(folder)!r} ({error.strerror}); "
            "set BITDIAL_HOME to a folder that can be written to"
        ) from error
    return folder


def weights_file(fingerprint: str) -> Path:
    """The folded weights of a prepared network, for pages that draw them."""
    folder = home() / "networks"
    folder.mkdir(exist_ok=True)
    return folder / f"{fingerprint}.{_WEIGHTS}.safetensors"


def calibration_file(network_fingerprint: str, data_fingerprint: str) -> Path:
    """The histograms of a network on a set of images."""
    folder = home() / "calibrations"
    folder.mkdir(exist_ok=True)
    return folder / f"{network_fingerprint}-{data_fingerprint}.{_CALIBRATION}.safetensors"


def means_file(network_fingerprint: str, data_fingerprint: str) -> Path:
    """What enters the layers of a network on average over a set of images."""
    folder = home() / "means"
    folder.mkdir(exist_ok=True)
    return folder / f"{network_fingerprint}-{data_fingerprint}.{_MEANS}.safetensors"


def database_url() -> str:
    """``BITDIAL_DATABASE`` (for workers on other machines), else a SQLite file in ``home()``."""
    return os.environ.get("BITDIAL_DATABASE") or f"sqlite:///{home() / 'bitdial.sqlite'}"

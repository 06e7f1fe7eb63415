"""Make sure the browser tests have a Chromium: find one, or install Debian's where that is allowed.

Prints what it found. Exits 1 only under CI=true, where browser tests must not be skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """The path of a Chromium: ``BITDIAL_CHROMIUM``, else the first on the search path."""
    chosen = os.environ.get("BITDIAL_CHROMIUM")
    if chosen:
        return chosen if os.access(chosen, os.X_OK) else None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install() -> None:
    """apt-get install chromium; quiet, and without effect where it is not possible."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("update",), ("install", "-y", "--no-install-recommends", "chromium")):
        subprocess.run(
            ["apt-get", "-qq", *command],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )


def main() -> int:
    """Find, else install and find again."""
    if find() is None:
        install()
    path = find()
    if path is not None:
        print(f"browser tests use {path}")
        return 0
    print(
        "no Chromium found: browser tests are skipped (install chromium, or set BITDIAL_CHROMIUM)"
    )
    return 1 if os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())

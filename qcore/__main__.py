"""``python -m qcore``: the engine without the browser."""

from qcore.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())

"""Parse arguments, run one command, print; exit code 2 and one line on bad input."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from qcore.cli.commands import COMMANDS
from qcore.cli.parser import command_parser
from qcore.cli.show import check_target, text_beside_json, write_json
from qcore.errors import BadInput
from qcore.memory import keep_freed_memory, wait_without_spinning


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 2 on bad input, 130 when interrupted."""
    keep_freed_memory()
    wait_without_spinning()
    try:
        arguments = command_parser().parse_args(argv)
        check_target(arguments.json)
        with text_beside_json(arguments.json):
            value = COMMANDS[arguments.command](arguments)
        write_json(arguments.json, value)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what was finished is kept: the same command goes on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    return 0

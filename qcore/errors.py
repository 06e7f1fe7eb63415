"""The one error a user's input can cause, and the one that no reader may swallow."""

from __future__ import annotations


class Stopped(Exception):
    """The work was asked to stop before it had a result."""


class BadInput(ValueError):
    """What the user gave cannot be used. The message is one line: what is wrong, what to do.

    Example: ``BadInput("image folder 'x' holds no .jpg or .png file; name a folder that does")``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


def is_out_of_memory(error: BaseException) -> bool:
    """True where an allocation failed, which torch tells only in the words of a RuntimeError."""
    words = str(error) if isinstance(error, RuntimeError) else ""
    return isinstance(error, MemoryError) or "allocate memory" in words or "bad_alloc" in words

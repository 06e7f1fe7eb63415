"""The one error a user's input can cause."""

from __future__ import annotations


class BadInput(ValueError):
    """What the user gave cannot be used. The message is one line: what is wrong, what to do.

    Example: ``BadInput("image folder 'x' holds no .jpg or .png file; name a folder that does")``.
    """

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))

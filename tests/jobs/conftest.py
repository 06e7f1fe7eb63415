"""The store of a test, closed at its end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qcore.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()

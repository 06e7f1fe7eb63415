"""Open the database that jobs are kept in, and make its tables where they are missing."""

from __future__ import annotations

import sqlite3
import time

import sqlalchemy as sa

from qcore.errors import BadInput
from qcore.store.schema import metadata

_PATIENCE_SECONDS = 30.0  # how long one process waits while another writes


def open_database(url: str) -> sa.Engine:
    """Raises BadInput for a URL that is none and for a database that cannot be opened."""
    options = {"timeout": _PATIENCE_SECONDS} if url.startswith("sqlite") else {}
    try:
        engine = sa.create_engine(url, connect_args=options)
    except (sa.exc.ArgumentError, ImportError) as error:
        raise BadInput(
            f"BITDIAL_DATABASE cannot be used ({error}); "
            "give an SQLAlchemy URL whose driver is installed, or unset it"
        ) from error
    if url.startswith("sqlite"):
        sa.event.listen(engine, "connect", _set_pragmas)
    try:
        with engine.begin() as connection:
            for table in metadata.sorted_tables:  # another process may be doing the same
                connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
    except sa.exc.DBAPIError as error:
        raise BadInput(
            f"the store {engine.url!r} cannot be opened ({error.orig}); "
            "set BITDIAL_HOME to a folder that can be written to, or mend BITDIAL_DATABASE"
        ) from error
    return engine


def _set_pragmas(connection: sqlite3.Connection, record: object) -> None:
    # Readers (pages) do not wait for the writer (worker); a power cut may cost the last piece.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError as error:
            # The one statement that does not wait by itself while another process does the same.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")

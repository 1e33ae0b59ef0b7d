"""DuckDB, set up the same way everywhere: UTC, a memory limit, and a place to spill to."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb

from braze_assets.errors import ConfigurationError

__all__ = ["EngineSettings", "connect", "quote_identifier", "quote_literal"]


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """How much of the machine a query may take."""

    memory_limit: str = "2GB"
    """DuckDB's limit; larger work spills to `temp_directory`."""
    threads: int | None = None
    """All cores when None."""
    temp_directory: str | None = None
    """The system's temporary directory when None."""

    @classmethod
    def from_environment(cls, memory_limit: str | None = None) -> "EngineSettings":
        """Read `BRAZE_ASSETS_MEMORY_LIMIT`, `BRAZE_ASSETS_THREADS`, `BRAZE_ASSETS_TEMP_DIRECTORY`.

        Args:
            memory_limit: What work of a kind of its own may take where nobody says otherwise.

        Raises:
            ConfigurationError: One of them is not what it should be.
        """
        threads = os.environ.get("BRAZE_ASSETS_THREADS", "")
        if threads and not (threads.isdigit() and int(threads)):
            raise ConfigurationError(
                "The number of threads is not a whole number above 0.",
                place="BRAZE_ASSETS_THREADS",
                remedy="Set it to a number such as 2, or leave it out for all cores.",
            )
        memory = os.environ.get("BRAZE_ASSETS_MEMORY_LIMIT") or memory_limit or cls.memory_limit
        if not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", memory, re.IGNORECASE):
            raise ConfigurationError(
                f"The memory limit {memory!r} is not a size.",
                place="BRAZE_ASSETS_MEMORY_LIMIT",
                remedy="Set it to a size such as 2GB or 500MB.",
            )
        return cls(
            memory_limit=memory,
            threads=int(threads) if threads else None,
            temp_directory=os.environ.get("BRAZE_ASSETS_TEMP_DIRECTORY"),
        )


@contextmanager
def connect(settings: EngineSettings | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection of its own, closed and cleaned up at the end.

    Row order is only what a query orders: insertion order is given up for bounded memory.
    """
    settings = settings or EngineSettings.from_environment()
    with tempfile.TemporaryDirectory(
        prefix="braze-assets-", dir=settings.temp_directory, ignore_cleanup_errors=True
    ) as spill:
        connection = duckdb.connect()
        try:
            # Nothing is ever fetched from the network behind the user's back.
            connection.execute("SET autoinstall_known_extensions = false")
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET preserve_insertion_order = false")
            connection.execute("SET enable_progress_bar = false")
            connection.execute(f"SET memory_limit = {quote_literal(settings.memory_limit)}")
            connection.execute(f"SET temp_directory = {quote_literal(spill)}")
            if settings.threads:
                connection.execute(f"SET threads = {settings.threads}")
            yield connection
        finally:
            connection.close()


def quote_identifier(name: str) -> str:
    """A column or table name as SQL, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    """A text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"

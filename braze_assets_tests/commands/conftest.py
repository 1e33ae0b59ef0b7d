"""A DuckDB connection for each test."""

from collections.abc import Iterator

import duckdb
import pytest

from braze_assets.storage import connect


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with connect() as opened:
        yield opened

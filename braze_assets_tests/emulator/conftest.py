"""One local Braze for all tests that need a server."""

from collections.abc import Iterator

import pytest

from braze_assets.emulator import LocalBraze


@pytest.fixture(scope="session")
def server() -> Iterator[LocalBraze]:
    with LocalBraze() as braze:
        yield braze


@pytest.fixture
def braze(server: LocalBraze) -> LocalBraze:
    """The server, empty and with its settings of the start."""
    server.control.reset_settings()
    server.control.clear()
    return server

from collections.abc import Iterator
from pathlib import Path

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets.storage import connect
from braze_assets_tests.delivery.harness import KEY
from braze_assets_tests.events.world import Events


@pytest.fixture(scope="session")
def _running() -> Iterator[LocalBraze]:
    with LocalBraze(api_key=KEY, record_requests=500) as local:
        yield local


@pytest.fixture
def braze(_running: LocalBraze) -> Iterator[LocalBraze]:
    """A local Braze as new."""
    _running.control.clear()
    _running.control.reset_settings()
    yield _running
    _running.control.clear_faults()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Events]:
    with connect() as connection:
        yield Events(connection, str(tmp_path))


@pytest.fixture
def anywhere(storage_url: str) -> Iterator[Events]:
    """Once in a folder, once on S3."""
    with connect() as connection:
        yield Events(connection, storage_url)

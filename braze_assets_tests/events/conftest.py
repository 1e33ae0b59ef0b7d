from collections.abc import Iterator
from pathlib import Path

import pytest

from braze_assets.storage import connect
from braze_assets_tests.delivery.conftest import _running, braze
from braze_assets_tests.events.world import Events

__all__ = ["_running", "anywhere", "braze", "world"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Events]:
    with connect() as connection:
        yield Events(connection, str(tmp_path))


@pytest.fixture
def anywhere(storage_url: str) -> Iterator[Events]:
    """Once in a folder, once on S3."""
    with connect() as connection:
        yield Events(connection, storage_url)

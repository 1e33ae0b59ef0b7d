from collections.abc import Iterator

import pytest

from braze_assets.emulator.process import LocalBraze
from braze_assets_tests.delivery.harness import KEY


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

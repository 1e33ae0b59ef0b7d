"""Two runs that make a ledger's tables in the same moment."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from upath import UPath

from braze_assets.ledger import delta
from braze_assets.ledger.damage import log_files
from braze_assets.ledger.delta import LedgerTable
from braze_assets.storage import Storage


def test_a_table_that_another_run_makes_at_that_moment_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K30: of two first sends at once, the slower one saw no table, and then the other one's log."""
    schema = pa.schema([("n", pa.int64())])
    mine, other = (LedgerTable(Storage(str(tmp_path)), str(tmp_path / "sends"), schema) for _ in range(2))

    def looked(uri: str) -> Iterator[tuple[int, UPath]]:
        monkeypatch.undo()
        other.open_or_create()
        yield from log_files(uri)

    monkeypatch.setattr(delta, "log_files", looked)
    table = mine.open()
    assert table is not None
    assert table.version() == 0

"""What delta-rs says goes no further: it quotes values (K01, X15)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from braze_assets.errors import LedgerError
from braze_assets.ledger.delta import delta_errors

SECRET = "marked@example.com"


def _wrong_type(uri: str) -> None:
    from deltalake import write_deltalake

    write_deltalake(uri, pa.table({"external_id": ["u1"], "a": [SECRET]}), mode="append")


def _wrong_cast(uri: str) -> None:
    from deltalake import DeltaTable

    rows = pa.table({"external_id": ["u1"], "a": [SECRET]})
    merge = DeltaTable(uri).merge(rows, "t.external_id = s.external_id", source_alias="s", target_alias="t")
    merge.when_matched_update(updates={"a": "cast(s.a as bigint)"}).execute()


def _wrong_column(uri: str) -> None:
    from deltalake import DeltaTable

    DeltaTable(uri).delete(f"nobody = '{SECRET}'")


def _damaged_file(uri: str) -> None:
    from deltalake import DeltaTable

    for path in Path(uri).glob("*.parquet"):
        path.write_bytes(SECRET.encode())
    DeltaTable(uri).delete(f"a < 9 AND external_id <> '{SECRET}'")


@pytest.mark.parametrize(
    ("fail", "cause"),
    [
        (_wrong_type, "a value does not fit its column"),
        (_wrong_cast, "a value does not fit its column"),
        (_wrong_column, "the columns are not those"),
        (_damaged_file, "a data file cannot be read"),
    ],
)
def test_no_value_is_in_the_error_or_behind_it(
    tmp_path: Path, fail: Callable[[str], None], cause: str
) -> None:
    from deltalake import write_deltalake

    uri = str(tmp_path / "table")
    write_deltalake(uri, pa.table({"external_id": ["u1"], "a": [1]}))
    with pytest.raises(LedgerError, match=cause) as caught, delta_errors(uri):
        fail(uri)
    shown = "".join(traceback.format_exception(caught.value, chain=True))
    assert SECRET not in str(caught.value)
    assert "The above exception was the direct cause" not in shown
    assert SECRET not in shown
    assert caught.value.remedy


def test_other_errors_are_not_taken_for_the_ledgers(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), delta_errors(str(tmp_path)):
        raise ZeroDivisionError

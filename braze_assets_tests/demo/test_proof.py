"""The demo's proof finds a difference where there is one."""

from pathlib import Path
from typing import Any

import pytest

from braze_assets.demo.proof import Proof, prove
from braze_assets.rows import RowsSpec, TableQuery, build_rows
from braze_assets.storage import StoredTable, connect, write_parquet

SQL = """
SELECT * FROM (VALUES
    ('0001', 'gold', 12.50::DECIMAL(8, 2), 0.1::DOUBLE, true,
     TIMESTAMPTZ '2026-01-02 03:04:05.678+00', DATE '1990-02-03'),
    ('0002', NULL, 1.00, 1e22, false, NULL, NULL),
    ('0003', 'silver', 3.00, 2.5, true, NULL, NULL)
) AS t(external_id, tier, spent, score, vip, seen, dob)
"""
HELD: dict[str, dict[str, Any]] = {
    "0001": {
        "tier": "gold",
        "spent": 12.5,
        "score": 0.1,
        "vip": True,
        "seen": "2026-01-02T03:04:05.678Z",
        "dob": "1990-02-03",
        "other": 1,
    },
    "0002": {"spent": 1, "score": 1e22, "vip": False, "seen": "kept"},
    "9999": {"tier": "gold"},
}


def proof(tmp_path: Path, held: dict[str, dict[str, Any]]) -> Proof:
    from datetime import datetime, timezone

    path = tmp_path / "rows.parquet"
    with connect() as connection:
        spec = RowsSpec(name="t", query=TableQuery(SQL))
        as_of = datetime(2026, 7, 1, tzinfo=timezone.utc)
        built = build_rows(connection, spec, {}, partition=None, as_of=as_of)
        write_parquet(StoredTable.at(path).paths[0], built.reader(), metadata=built.documents)
    profiles = [{"external_id": key, "attributes": values} for key, values in held.items()]
    return prove(StoredTable.at(path), profiles, unset=frozenset({"tier"}))


def test_no_difference(tmp_path: Path) -> None:
    found = proof(tmp_path, HELD)
    assert (found.profiles, found.differences) == (2, 0)
    assert (found.unknown_to_braze, found.only_in_braze) == (1, 1)
    assert found.values == 6 + 4
    assert found.left_alone == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tier", "silver"),
        ("spent", 12.51),
        ("score", 0.10000000000000002),
        ("vip", 1),
        ("vip", False),
        ("seen", "2026-01-02T03:04:05.679Z"),
        ("dob", "1990-02-04"),
        ("dob", None),
    ],
)
def test_a_difference_is_found(tmp_path: Path, name: str, value: Any) -> None:
    found = proof(tmp_path, {**HELD, "0001": {**HELD["0001"], name: value}})
    assert found.by_attribute == {name: 1}


def test_a_missing_and_a_leftover_value_are_differences(tmp_path: Path) -> None:
    less = {name: value for name, value in HELD["0001"].items() if name != "spent"}
    assert proof(tmp_path, {**HELD, "0001": less}).by_attribute == {"spent": 1}
    more = {**HELD["0002"], "tier": "gold"}
    assert proof(tmp_path, {**HELD, "0002": more}).by_attribute == {"tier": 1}

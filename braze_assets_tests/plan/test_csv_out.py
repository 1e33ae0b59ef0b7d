"""CSV out: a file brings back what the plan says, or less, and what is less is counted (L16)."""

from __future__ import annotations

import csv
import io
import itertools
import json
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from braze_assets.csv_files.cells import read_cells
from braze_assets.csv_files.records import Records
from braze_assets.csv_files.settings import CsvSettings
from braze_assets.csv_files.writing import WrittenCsv, write_csv_files
from braze_assets.errors import CsvError
from braze_assets.plan.csv_out import CsvForm, CsvTable, csv_table
from braze_assets.storage import connect, open_path
from braze_assets_tests.plan.world import World

TYPES = {
    "text": "VARCHAR",
    "first_name": "VARCHAR",
    "whole": "BIGINT",
    "price": "DECIMAL(9,2)",
    "score": "DOUBLE",
    "vip": "BOOLEAN",
    "born": "DATE",
    "seen, at": "TIMESTAMP WITH TIME ZONE",
    'tags"': "VARCHAR[]",
    "sizes": "BIGINT[]",
}
UGLY = [
    "",
    "null",
    "NULL",
    "0123",
    "1.50",
    "-0",
    "1e5",
    ".5",
    "true",
    "False",
    "nan",
    "[1]",
    "['a']",
    "[",
    " x ",
]
UGLY += ['q"u', "a,b", "l1\nl2", "l1\r\nl2", "é😀", "'", "=1+1", "\\", "\t", "99999999999999999999"]
TEXTS = st.one_of(st.sampled_from(UGLY), st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12))
ROW = st.fixed_dictionaries(
    {
        "text": st.none() | TEXTS,
        "first_name": st.none() | TEXTS,
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "price": st.none() | st.decimals(-9_999, 9_999, places=2).map(str),
        "score": st.none() | st.floats(allow_nan=False, allow_infinity=False).map(lambda each: each + 0.0),
        "vip": st.none() | st.booleans(),
        "born": st.none() | st.dates().map(str),
        "seen, at": st.none() | st.sampled_from(["2026-01-02T03:04:05.678Z", "1969-12-31T23:59:59.000Z"]),
        'tags"': st.none() | st.lists(TEXTS, max_size=3, unique=True),
        "sizes": st.none() | st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3, unique=True),
    }
)
USERS = st.dictionaries(st.sampled_from(["0123", "true", "null", 'q"u,\n', "ü", "u1", "u2"]), ROW, min_size=1)


def written(
    connection: duckdb.DuckDBPyConnection, table: CsvTable, folder: Path, size: int = 500_000_000
) -> list[WrittenCsv]:
    return write_csv_files(
        connection.sql(table.sql).to_arrow_reader(3),
        table.header,
        lambda number: open_path(str(folder / f"{number}.csv")),
        max_bytes=size,
    )


def read_back(
    connection: duckdb.DuckDBPyConnection, files: list[WrittenCsv], casts: Any, folder: Path
) -> dict[str, dict[str, Any]]:
    """What an import of the files sends: attributes by user; nothing may be wrong with any row or cell."""
    found: dict[str, dict[str, Any]] = {}
    for file in files:
        reads = CsvSettings(casts=casts)
        records = Records([Path(file.uri).read_bytes()], reads, file.uri)
        cells = read_cells(connection, records, reads, folder)
        names = cells.header.attributes
        values = ", ".join(f"v{number}" for number in range(len(names)))
        rows = connection.sql(f"SELECT id, error, findings, {values} FROM {cells.sql}").fetchall()
        for user, error, findings, *texts in rows:
            assert error is None
            assert not findings
            assert user not in found
            pairs = zip(names, texts, strict=True)
            found[user] = {name: json.loads(text) for name, text in pairs if text is not None}
    return found


def objects(connection: duckdb.DuckDBPyConnection, plan: Any) -> dict[str, dict[str, Any]]:
    rows = connection.sql(f"SELECT object FROM {plan.sql(connection)} WHERE n IS NOT NULL").fetchall()
    sent = [json.loads(text) for (text,) in rows]
    return {
        each.pop("external_id"): {k: v for k, v in each.items() if k != "_update_existing_only"}
        for each in sent
    }


@settings(deadline=None, max_examples=25)
@given(users=USERS, form=st.sampled_from(["drop", "dashboard"]), unset=st.booleans(), again=USERS)
def test_a_file_brings_back_the_objects_of_the_plan_but_for_what_is_counted(
    users: dict[str, Any], again: dict[str, Any], form: CsvForm, unset: bool
) -> None:
    """Also of a second plan, in which attributes are unset."""
    policy = "unset" if unset else "omit"
    with tempfile.TemporaryDirectory() as name, connect() as connection:
        folder = Path(name)
        world = World(connection, str(folder / "storage"))
        if unset:
            header, plan = world.plan(world.rows(people(users), TYPES, null_policy=policy))
            if header.counts.objects:
                world.send(header, plan)
            users = again
        header, plan = world.plan(world.rows(people(users), TYPES, null_policy=policy))
        wanted = objects(connection, plan)
        table = csv_table(connection, plan, header, form)
        files = written(connection, table, folder)
        found = read_back(connection, files, table.casts, folder)
        assert len(found) == table.rows == sum(file.rows for file in files)
        assert len(wanted) == table.rows + table.empty
        missing = 0
        for user, attributes in wanted.items():
            carried = found.get(user, {})
            assert carried == {key: attributes[key] for key in carried}
            missing += len(attributes) - len(carried)
            for key in attributes.keys() - carried.keys():
                assert hard(attributes[key], form, key in table.casts), (key, attributes[key])
        assert missing == table.left_out


def people(users: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"external_id": user, **row} for user, row in users.items()]


def hard(value: Any, form: CsvForm, cast: bool) -> bool:
    """Whether CSV may leave a value out at all."""
    if (
        value == ""
        or (form == "dashboard" and str(value).lower() == "null")
        or (value is None and (form == "dashboard" or cast))
    ):
        return True
    if isinstance(value, list):
        return form == "dashboard"
    # One column cannot have both texts that look like something else and `null`; profile fields are text.
    return isinstance(value, str) and not cast


def test_columns_that_are_left_out_are_told_with_the_reason(tmp_path: Path) -> None:
    """L16: arrays and nested objects; a blank cell and null change nothing in the dashboard's import."""
    with connect() as connection:
        world = World(connection, str(tmp_path / "storage"))
        rows = [{"external_id": "u1", "tags": ["a"], "name": "", "tier": "gold", "code": "0123"}]
        types = {"tags": "VARCHAR[]", "name": "VARCHAR", "tier": "VARCHAR", "code": "VARCHAR"}
        header, plan = world.plan(world.rows(rows, types))
        table = csv_table(connection, plan, header, "dashboard")
        assert table.header == ("external_id", "tier", "code")
        assert {each.name: dict(each.left_out) for each in table.columns} == {
            "tags": {"array": 1},
            "name": {"empty text": 1},
            "tier": {},
            "code": {},
        }
        drop = csv_table(connection, plan, header, "drop")
        assert drop.header == ("external_id", "tags", "tier", "code")
        files = written(connection, drop, tmp_path)
        lines = list(csv.reader(io.StringIO(Path(files[0].uri).read_text())))
        assert lines == [["external_id", "tags", "tier", "code"], ["u1", '["a"]', "gold", "0123"]]


def test_the_casts_of_a_drop_are_taken_as_they_are(tmp_path: Path) -> None:
    """What that drop would read as something else is not written; it is counted."""
    with connect() as connection:
        world = World(connection, str(tmp_path / "storage"))
        rows = [{"external_id": "u1", "code": "0123", "zip": "12345"}]
        header, plan = world.plan(world.rows(rows, {"code": "VARCHAR", "zip": "VARCHAR"}))
        reads = CsvSettings(casts={"code": "integer"})
        table = csv_table(connection, plan, header, "drop", drop=reads)
        left = {each.name: dict(each.left_out) for each in table.columns}
        assert left == {
            "code": {"would arrive as something else": 1},
            "zip": {"would arrive as something else": 1},
        }
        assert table.header == ("external_id", "code")
        assert (table.rows, table.empty) == (0, 1)


def test_an_alias_takes_two_columns(tmp_path: Path) -> None:
    with connect() as connection:
        world = World(connection, str(tmp_path / "storage"), identifier="user_alias")
        alias = json.dumps({"alias_name": "a,1", "alias_label": "app"}, separators=(",", ":"))
        header, plan = world.plan(world.rows([{"user_alias": alias, "tier": "gold"}], {"tier": "VARCHAR"}))
        files = written(connection, csv_table(connection, plan, header, "dashboard"), tmp_path)
        text = Path(files[0].uri).read_text()
        assert text == 'user_alias_name,user_alias_label,tier\n"a,1",app,gold\n'


@settings(deadline=None, max_examples=12)
@given(
    lengths=st.lists(st.integers(0, 400), min_size=1, max_size=40),
    size=st.integers(1_000, 3_000),
)
def test_files_are_cut_between_rows_and_none_is_larger(lengths: list[int], size: int) -> None:
    with tempfile.TemporaryDirectory() as name, connect() as connection:
        folder = Path(name)
        world = World(connection, str(folder / "storage"))
        rows = [{"external_id": f"u{n}", "text": "x" * max(1, each // 2)} for n, each in enumerate(lengths)]
        header, plan = world.plan(world.rows(rows, {"text": "VARCHAR"}))
        table = csv_table(connection, plan, header, "dashboard")
        files = written(connection, table, folder, size)
        assert [Path(file.uri).stat().st_size for file in files] == [file.bytes for file in files]
        assert all(file.bytes <= size for file in files)
        whole = [line for file in files for line in Path(file.uri).read_text().splitlines()]
        assert sorted(line for line in whole if line != "external_id,text") == sorted(
            f"{row['external_id']},{row['text']}" for row in rows
        )
        assert whole.count("external_id,text") == len(files)
        # As few as there can be, for rows in this order.
        for one, other in itertools.pairwise(files):
            first = Path(other.uri).read_text().splitlines()[1]
            assert one.bytes + len(first) + 1 > size


def test_a_row_that_fits_into_no_file_is_refused_and_nothing_appears(tmp_path: Path) -> None:
    with connect() as connection:
        lines = connection.sql("SELECT repeat('x', 2000) AS line").to_arrow_reader(10)
        with pytest.raises(CsvError, match=r"A row of 2,000 bytes does not fit into 1,000"):
            write_csv_files(
                lines, ["external_id"], lambda n: open_path(str(tmp_path / f"{n}.csv")), max_bytes=1_000
            )
    assert list(tmp_path.iterdir()) == []

"""What the Parquet writer is told of columns, seen from the first row group."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from braze_assets.storage import EncodedBatches, StoredTable, open_path, write_parquet

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("name", pa.string()),
        ("big", pa.string()),
        ("tags", pa.list_(pa.string())),
        ("pair", pa.struct([("one", pa.string()), ("two", pa.list_(pa.int64()))])),
        ("at", pa.timestamp("us", tz="UTC")),
    ]
)


def batch(start: int, rows: int, encoded: bool) -> pa.RecordBatch:
    """Rows of ids that differ, names that do not, and texts too many for a dictionary."""
    numbers = range(start, start + rows)
    columns: list[Any] = [
        pa.array([f"id-{each}" for each in numbers]),
        pa.array([("x", "y", None)[each % 3] for each in numbers], pa.string()),
        pa.array([f"{each % (rows // 2):0200d}" for each in numbers]),
        pa.array([["a", None]] * rows, SCHEMA.field("tags").type),
        pa.array([{"one": "q", "two": [each]} for each in numbers], SCHEMA.field("pair").type),
        pa.array(list(numbers), SCHEMA.field("at").type),
    ]
    if encoded:
        columns[1:3] = [column.dictionary_encode() for column in columns[1:3]]
    return pa.record_batch(columns, names=SCHEMA.names)


@pytest.mark.parametrize("kinds", [[True] * 3, [True, False, True], [False, True, True], [False] * 3])
def test_the_file_is_the_same_table_whatever_came_as_a_dictionary(tmp_path: Path, kinds: list[bool]) -> None:
    """P1: types, rows and documents; of several row groups, each with columns of both sorts."""
    batches = [batch(number * 70_000, 70_000, encoded) for number, encoded in enumerate(kinds)]
    path = tmp_path / "table.parquet"
    documents = {"about": {"one": 1}}
    written = write_parquet(open_path(str(path)), EncodedBatches(SCHEMA, batches), metadata=documents)
    assert written.rows == 210_000
    plain = [batch(number * 70_000, 70_000, encoded=False) for number in range(3)]
    table = pq.read_table(path)
    assert table.schema.remove_metadata() == SCHEMA
    assert table.replace_schema_metadata(None) == pa.Table.from_batches(plain)
    assert StoredTable.at(path).document("about") == {"one": 1}
    assert pq.ParquetFile(path).metadata.num_row_groups > 1


def test_only_columns_that_repeat_have_a_dictionary(tmp_path: Path) -> None:
    """P1: hashing every id would be for nothing; what is within lists and structs is as it was."""
    path = tmp_path / "table.parquet"
    write_parquet(open_path(str(path)), [batch(0, 20_000, encoded=True)], schema=SCHEMA)
    group = pq.read_metadata(path).row_group(0)
    found = {
        group.column(each).path_in_schema: group.column(each).has_dictionary_page
        for each in range(group.num_columns)
    }
    assert not found.pop("id")
    assert all(found.values())
    assert set(found) == {"name", "big", "tags.list.element", "pair.one", "pair.two.list.element", "at"}


def test_a_batch_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """P1: also when it is made in a thread ahead."""

    def failing() -> Any:
        yield batch(0, 130_000, encoded=True)
        raise ValueError("no more")

    path = tmp_path / "table.parquet"
    write_parquet(open_path(str(path)), [batch(0, 10, encoded=False)], schema=SCHEMA)
    with pytest.raises(ValueError, match="no more"):
        write_parquet(open_path(str(path)), EncodedBatches(SCHEMA, failing()))
    assert pq.read_metadata(path).num_rows == 10

"""Text that comes again and again is kept once; nothing else changes by it (K40, SPEED AND MEMORY)."""

import random
from pathlib import Path
from typing import Any

import fastavro
import pyarrow as pa
import pytest

from braze_assets.currents.decode import DecodeSettings, UnreadableError, decode
from braze_assets.currents.groups import grouped
from braze_assets.currents.ingest import IngestSettings, ingest_hour
from braze_assets.currents.listing import CurrentsSource
from braze_assets.storage import StoredTable, open_path, write_parquet
from braze_assets.storage.dictionaries import is_dictionary, plain_table
from braze_assets_tests.currents.conftest import HOUR, OPEN, Write, avro, event, record

TEXTS = ["", "a", "1234567", "12345678", "123456789", "x" * 63, "y" * 64, "z" * 65, "é" * 40, "q" * 300]
TEXTS += ["same start, " + "-" * 40 + str(number) for number in range(30)]
ALIKE = ["k" * 20 + f"{number:05d}" + "m" * 60 + "t" * 20 for number in range(300)]
"""As long as each other, and different only where the hash does not look."""
SCHEMA = record(
    ("id", "string"),
    ("name", ["null", "string"]),
    ("campaign", [{"type": "string"}, "null"]),
    ("alike", "string"),
    ("nothing", ["null", "string"]),
    ("raw", ["null", "bytes"]),
    ("flag", ["null", "boolean"]),
    ("time", "long"),
)
NAMES = [field["name"] for field in SCHEMA["fields"]]


def records(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Records of texts of every length around the bounds, in no order."""
    rng = random.Random(seed)
    return [
        {
            "id": f"{rng.getrandbits(128):032x}",
            "name": rng.choice([*TEXTS, None]),
            "campaign": rng.choice(["one", "two", None]),
            "alike": rng.choice(ALIKE),
            "nothing": None,
            "raw": rng.choice([b"", b"\xff\x00", None]),
            "flag": rng.choice([True, False, None]),
            "time": rng.randrange(-(2**40), 2**40),
        }
        for _ in range(count)
    ]


def encoded(table: pa.Table) -> list[str]:
    """The columns that are dictionaries."""
    return [field.name for field in table.schema if is_dictionary(field.type)]


@pytest.mark.parametrize("codec", ["null", "deflate"])
@pytest.mark.parametrize("block", [100, 4_000, 1 << 20])
def test_dictionaries_hold_what_fastavro_reads(codec: str, block: int) -> None:
    """K40: every text of every length, as a dictionary and not."""
    rows = records(3_000)
    data = avro(SCHEMA, rows, codec=codec, sync_interval=block)
    found = decode(data, dictionaries=True)
    assert found.problem is None
    assert encoded(found.table) == ["name", "campaign", "nothing", "raw"]
    assert plain_table(found.table).to_pylist() == rows
    assert decode(data).table.to_pylist() == rows
    assert plain_table(found.table) == decode(data).table


def test_the_end_of_a_block_is_where_it_is() -> None:
    """K40: texts of all lengths as the last of their block, whose end the fast reading must not pass."""
    schema = record(("text", ["null", "string"]))
    rows = [{"text": "é" * (each // 2) + "x" * (each % 2)} for each in range(140)] + [{"text": None}] * 3
    for row in rows:
        assert decode(avro(schema, [row])).table.to_pylist() == [row]
    data = avro(schema, rows, sync_interval=1)
    assert decode(data).table.to_pylist() == rows
    # One byte less in a block, its own count of bytes corrected: refused, and no byte behind it is taken.
    for each in (1, 61, 62, 63, 64, 65, 130):
        whole = avro(schema, [{"text": "x" * each}])
        head, sync = whole[: whole[:-16].rindex(b"x" * each)], whole[-16:]
        size = each + (2 if each < 64 else 3)
        block = head.rindex(_long(1) + _long(size) + b"\x02")
        cut = head[:block] + _long(1) + _long(size - 1) + head[block + len(_long(1) + _long(size)) :]
        found = decode(cut + b"x" * (each - 1) + sync)
        assert found.table.num_rows == 0
        assert "does not decode" in str(found.problem)


def _long(value: int) -> bytes:
    value, found = value << 1, b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def test_damage_is_found_in_the_same_place() -> None:
    """K40: of a damaged file the same records are read, and the same is said of it."""
    good = avro(SCHEMA, records(1_500), sync_interval=8_000)
    rng = random.Random(5)
    refused = 0
    for _ in range(60):
        data = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(600, len(data))] = rng.randrange(256)
        try:
            one = decode(bytes(data), DecodeSettings())
        except UnreadableError as error:
            with pytest.raises(UnreadableError, match=str(error)[:20]):
                decode(bytes(data), dictionaries=True)
            continue
        other = decode(bytes(data), dictionaries=True)
        assert (one.problem, one.offset) == (other.problem, other.offset)
        assert plain_table(other.table) == one.table
        refused += one.problem is not None
    assert refused > 20


def test_text_that_is_not_utf8_is_refused_in_a_dictionary() -> None:
    """K40: also where it comes a thousand times, and in its own block only."""
    rows = [{"id": f"{each:09d}", "name": "campaign"} for each in range(3_000)]
    data = avro(record(("id", "string"), ("name", "string")), rows, sync_interval=20_000)
    place = data.index(b"campaign", len(data) // 2)
    broken = data[:place] + b"camp\xffign" + data[place + 8 :]
    found = decode(broken, dictionaries=True)
    assert found.problem == decode(broken).problem
    assert 1_000 < found.table.num_rows < 3_000
    assert plain_table(found.table) == decode(broken).table


def test_an_hour_of_small_and_large_files_is_one_table(write: Write, tmp_path: Path) -> None:
    """K39: files with dictionaries, without, on disk and in memory: the table is the same."""
    wanted = []
    for offset, count in enumerate([3, 4, 2_500, 5, 1_200, 7, 0, 9]):
        rows = [event(offset * 10_000 + each, dispatch_id=f"d{each % 3}") for each in range(count)]
        rows += rows[:1]
        write(rows, offset=offset)
        wanted += [row["id"] for row in rows[:count]]
    tables = []
    for in_memory in (64 << 20, 200_000, 0):
        settings = IngestSettings(in_memory=in_memory)
        hour = ingest_hour(CurrentsSource(str(tmp_path)), OPEN, HOUR, settings=settings)
        path = str(tmp_path / f"{in_memory}.parquet")
        write_parquet(open_path(path), hour.encoded(), metadata={"about": {"one": 1}})
        stored = StoredTable.at(path)
        assert stored.document("about") == {"one": 1}
        assert stored.schema.remove_metadata() == hour.schema
        table = stored.dataset().to_table().replace_schema_metadata(None)
        assert table == hour.table()
        tables.append(table)
        sizes = [len(group.files) for group in grouped(hour.read.files)]
        assert sum(sizes) == 8
        assert (max(sizes) > 1) == (in_memory > 0)
    assert tables[0] == tables[1] == tables[2]
    assert tables[0].column("id").to_pylist() == wanted


def test_fastavro_and_we_read_the_same_hour(write: Write, tmp_path: Path) -> None:
    """K40: every field of every event, by the file it came in."""
    rng = random.Random(3)
    expected = {}
    for offset in range(6):
        rows = [
            event(offset * 5_000 + each, dispatch_id=rng.choice([None, "a", "b" * 70]))
            for each in range(rng.choice([20, 1_700]))
        ]
        path = write(rows, offset=offset)
        with path.open("rb") as source:
            expected |= {row["id"]: row for row in fastavro.reader(source)}
    table = ingest_hour(CurrentsSource(str(tmp_path)), OPEN, HOUR).table()
    assert table.num_rows == len(expected)
    for row in table.to_pylist():
        assert {name: row[name] for name in expected[row["id"]]} == expected[row["id"]]

"""Every place a finished world leaves something in, searched for marks.

    finds = scan(MARKS, Places(home=..., storage=..., texts={"output of a command": text}))

A find says which mark, in what kind of place, and where. Of Parquet files each column is a place of its own.
"""

import base64
import gzip
import io
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from braze_assets_tests.privacy.marks import Marks

__all__ = ["Find", "Places", "scan"]


class Find(NamedTuple):
    """A mark that was found."""

    mark: str
    kind: str
    """database, instance, file, column, statistics, footer, delta log, name, text."""
    where: str
    excerpt: str


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where to look."""

    home: Path | None = None
    """`DAGSTER_HOME`: runs, event logs, schedules, compute logs."""
    instance: Any = None
    """The instance itself: what the UI and the API show."""
    storage: str | None = None
    """A folder or `s3://...`: tables and ledgers."""
    folders: tuple[Path, ...] = ()
    """Others, such as the one for temporary files."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """By name: errors, outputs of commands, lists of processes."""


class _Piece(NamedTuple):
    kind: str
    where: str
    data: bytes


def scan(marks: Marks, places: Places) -> list[Find]:
    """All marks in all places, each once a place."""
    return [
        Find(mark, piece.kind, piece.where, excerpt.decode("utf-8", "replace"))
        for piece in _pieces(places)
        for mark, excerpt in marks.found(piece.data)
    ]


def _pieces(places: Places) -> Iterator[_Piece]:
    for name, text in places.texts.items():
        yield _Piece("text", name, text.encode("utf-8", "replace"))
    if places.home is not None:
        yield from _files(_of_folder(places.home), databases=places.home)
    for folder in places.folders:
        yield from _files(_of_folder(folder))
    if places.storage is not None:
        s3 = places.storage.startswith("s3://")
        yield from _files(_of_bucket(places.storage) if s3 else _of_folder(Path(places.storage)))
    if places.instance is not None:
        yield from _of_instance(places.instance)


def _of_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(folder).as_posix(), path.read_bytes()


def _of_bucket(url: str) -> Iterator[tuple[str, bytes]]:
    import boto3

    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    client = boto3.client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", ()):
            shown = client.get_object(Bucket=bucket, Key=each["Key"])
            name = each["Key"].removeprefix(f"{prefix}/")
            yield f"{name} (S3 metadata)", str(shown["Metadata"]).encode()
            yield name, shown["Body"].read()


def _files(files: Iterable[tuple[str, bytes]], databases: Path | None = None) -> Iterator[_Piece]:
    for name, data in files:
        yield _Piece("name", name, name.encode())
        log = "_delta_log" in name
        if data[:4] == b"PAR1":
            yield from _of_parquet(name, data, log=log)
            continue
        yield _Piece("delta log" if log else "file", name, data)
        if data[:2] == b"\x1f\x8b":
            yield _Piece("file", f"{name} (unpacked)", gzip.decompress(data))
        if databases is not None and data.startswith(b"SQLite format 3\0"):
            yield from _of_database(databases / name, name)


def _of_database(path: Path, name: str) -> Iterator[_Piece]:
    connection = sqlite3.connect(path)
    connection.text_factory = bytes
    try:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for table in (each.decode() for (each,) in tables):
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    if isinstance(value, bytes):
                        where = f"{name}: {table}.{column}"
                        yield _Piece("database", where, value)
                        if (unpacked := _unpacked(value)) is not None:
                            yield _Piece("database", f"{where} (unpacked)", unpacked)
    finally:
        connection.close()


def _unpacked(value: bytes) -> bytes | None:
    """Dagster packs its snapshots."""
    for data in (value, base64.b64decode(value) if value[:2] in (b"eJ", b"H4") else b""):
        try:
            return zlib.decompress(data, wbits=47)
        except zlib.error:
            continue
    return None


def _of_parquet(name: str, data: bytes, *, log: bool) -> Iterator[_Piece]:
    file = pq.ParquetFile(io.BytesIO(data))
    for key, value in (file.metadata.metadata or {}).items():
        if key == b"ARROW:schema":
            value = value + str(pa.ipc.read_schema(pa.py_buffer(base64.b64decode(value)))).encode()
        yield _Piece("delta log" if log else "footer", f"{name}#{key.decode()}", key + b" " + value)
    table = file.read()
    for column in table.column_names:
        kind = "delta log" if log else "column"
        yield _Piece(kind, f"{name}#{column}", column.encode())
        values = json.dumps(table.column(column).to_pylist(), default=str, ensure_ascii=False)
        yield _Piece(kind, f"{name}#{column}", values.encode("utf-8", "surrogatepass"))
    for group in range(file.metadata.num_row_groups):
        row_group = file.metadata.row_group(group)
        for number in range(row_group.num_columns):
            chunk = row_group.column(number)
            if chunk.is_stats_set and chunk.statistics.has_min_max:
                text = f"{chunk.statistics.min} {chunk.statistics.max}"
                column = chunk.path_in_schema.partition(".")[0]
                yield _Piece("delta log" if log else "statistics", f"{name}#{column}", text.encode())


def _of_instance(instance: Any) -> Iterator[_Piece]:
    """What Dagster hands out: events as they are shown, run configuration, tags, metadata, checks."""
    import dagster as dg
    from dagster_shared.serdes import serialize_value

    for run in instance.get_runs():
        yield _Piece("instance", f"run {run.run_id}", serialize_value(run).encode())
        for entry in instance.all_logs(run.run_id):
            kind = entry.dagster_event.event_type_value if entry.dagster_event else "log"
            yield _Piece("instance", f"{kind} of {entry.step_key}", f"{entry} {entry.message}".encode())
    for key in instance.all_asset_keys():
        for kind in (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_OBSERVATION):
            for record in instance.event_log_storage.get_event_records(
                dg.EventRecordsFilter(event_type=kind, asset_key=key)
            ):
                yield _Piece(
                    "instance", f"{kind.value} of {key.to_user_string()}", f"{record.asset_event}".encode()
                )

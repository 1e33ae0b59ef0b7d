"""A day of the Customer 360 sample, all tables, beside DuckDB's own COPY of the same queries."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.measure import measured
from benchmarks.scale import FULL, Scale
from braze_assets.customer_360 import TABLES, SampleSettings, build_table, table_sql
from braze_assets.storage import StoredTable, connect, open_path, quote_literal, write_parquet

__all__ = ["run"]

DAY = date(2026, 7, 1)


def run(scale: Scale, work: Path) -> list[Figure]:
    """Each once: this takes minutes."""
    ours = measured("sample:tables", folder=str(work / "sample"), customers=scale.customers)
    bare = measured("sample:copies", folder=str(work / "copies"), customers=scale.customers)
    if ours.result != bare.result:
        raise RuntimeError(f"{ours.result} rows were written, {bare.result} copied")
    common = {"case": "sample", "beside": "DuckDB: COPY of the same queries"}
    judged = scale.customers >= FULL.customers
    return [
        Figure(
            **common,
            what=f"{scale.customers:,} customers, one day: {len(TABLES)} tables, {ours.result:,} rows",
            value=ours.seconds,
            baseline=bare.seconds,
            unit="s",
            goal="120 s",
            met=ours.seconds <= 120 if judged else None,
            note=f"CPU {ours.cpu:.0f} s and {bare.cpu:.0f} s",
        ),
        Figure(
            **common,
            what="peak memory of that",
            value=ours.peak,
            baseline=bare.peak,
            unit="MB",
            note=f"spilled {ours.spilled:,.0f} MB, the copies {bare.spilled:,.0f} MB",
        ),
    ]


def tables(folder: str, customers: int) -> int:
    """As the assets do: streamed through Arrow, each table from the stored ones it depends on."""
    settings, rows = SampleSettings(customers=customers), 0
    for name, path, upstream in _steps(folder):
        with connect() as connection:
            sources = {each: StoredTable.at(file).sql(connection) for each, file in upstream.items()}
            reader = build_table(connection, name, settings, day=DAY, upstream=sources)
            rows += write_parquet(open_path(path), reader).rows
    return rows


def copies(folder: str, customers: int) -> int:
    """Without Arrow and Python between query and file."""
    settings, rows = SampleSettings(customers=customers), 0
    Path(folder).mkdir(parents=True)
    for name, path, upstream in _steps(folder):
        with connect() as connection:
            sources = {each: f"read_parquet({quote_literal(file)})" for each, file in upstream.items()}
            sql = table_sql(name, settings, DAY, sources)
            options = "(FORMAT parquet, COMPRESSION zstd)"
            [(count,)] = connection.execute(f"COPY ({sql}) TO {quote_literal(path)} {options}").fetchall()
            rows += int(count)
    return rows


def _steps(folder: str) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Name, file, and the files of what it depends on."""
    for name, table in TABLES.items():
        yield (
            name,
            f"{folder}/{name}.parquet",
            {each: f"{folder}/{each}.parquet" for each in table.depends_on},
        )

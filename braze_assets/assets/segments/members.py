"""The members of segments, computed once for all segments of a run."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import duckdb

from braze_assets.assets.segments.definition import SegmentsDefinition
from braze_assets.errors import BrazeAssetsError, SourceError, StorageError
from braze_assets.rows import TableFile
from braze_assets.rows.failures import engine_error
from braze_assets.segments import Segment, Tables, compile_segments, membership_sql, tables_of
from braze_assets.segments.names import column_name
from braze_assets.segments.rules import Column, Field, Truth
from braze_assets.storage import EngineSettings, connect, quote_identifier

if TYPE_CHECKING:
    import pyarrow as pa

    from braze_assets.storage.partitions import PartitionedTable

__all__ = ["CONTACTABLE", "Counted", "Members", "computed_members"]

_BATCH = 122_880
_MEMORY = "4GB"
"""What DuckDB may take unless somebody says otherwise: with 2 GB, 100 segments of 5 million customers spill,
and take half as long again."""
_PLOTTED = 12
"""Segments, the largest, whose overlap is counted: more would not be looked at."""
CONTACTABLE = "customer_attributes"
_CHANNELS = ("contactable_email", "contactable_phone", "contactable_global")


@dataclass(frozen=True)
class Counted:
    """How many there are."""

    customers: int
    members: Mapping[str, int]
    """By segment."""
    contactable: Mapping[str, Mapping[str, int]]
    """By column of customer_attributes (`contactable_email`), then by segment."""
    overlap: Mapping[frozenset[str], int]
    """Members that two segments have in common, for pairs of the largest."""


@dataclass
class Members:
    """Computes a partition when its first segment is asked for, and keeps it for the others."""

    definition: SegmentsDefinition
    segments: Sequence[Segment]
    """Those of this run."""
    inputs: Mapping[str, "PartitionedTable"]
    connection: duckdb.DuckDBPyConnection
    now: datetime
    _counted: dict[str | None, Counted] = field(default_factory=dict)
    _tables: dict[str | None, Tables] = field(default_factory=dict)

    def counted(self, partition: str | None) -> Counted:
        """How many customers and members a partition has; it is computed now if it was not before."""
        if partition not in self._counted:
            self._counted[partition] = self._compute(partition)
        return self._counted[partition]

    def reader(self, segment: Segment, partition: str | None) -> "pa.RecordBatchReader":
        """The members of a segment, in a partition that is computed."""
        key = column_name(self.definition.tables.key)
        return self.connection.sql(
            f"SELECT {key} FROM {self._kept(partition)} WHERE {quote_identifier(segment.name)}"
        ).to_arrow_reader(_BATCH)

    def sql(self, segment: Segment, partition: str | None) -> str:
        """The SQL of one segment by itself, over tables as they are in a partition that is computed."""
        return membership_sql(segment, self._tables[partition], self._others)

    @property
    def _others(self) -> dict[str, Segment]:
        own = {each.name: each.segment for each in self.definition.segments}
        return {**self.definition.others, **own}

    def _compute(self, partition: str | None) -> Counted:
        tables = self._tables[partition] = self._opened(partition)
        # With a blank in their names, they are nobody's segments.
        channels = {
            f"is {name}": Segment(f"is {name}", Field(Column(name, CONTACTABLE), Truth(True)))
            for name in _CHANNELS
            if (tables.columns.get(CONTACTABLE) or {}).get(name) == "BOOLEAN"
        }
        sql = compile_segments([*self.segments, *channels.values()], tables, self._others)
        as_of = self.definition.as_of(partition, self.now)
        kept, key = self._kept(partition), column_name(tables.key)
        self._run(f"CREATE TEMP TABLE {kept} AS {sql}", {"as_of": as_of} if "$as_of" in sql else {})
        names = [each.name for each in self.segments]
        [(customers, different)] = self._run(f"SELECT count(*), count(DISTINCT {key}) FROM {kept}")
        if customers != different:
            raise self._several_rows(tables)
        members, reached = self._reached(kept, names, list(channels))
        largest = sorted(names, key=lambda name: -members[name])[:_PLOTTED]
        return Counted(
            customers=customers,
            members=members,
            contactable={channel.removeprefix("is "): reached[channel] for channel in channels},
            overlap=self._overlap(kept, list(itertools.combinations(largest, 2))),
        )

    def _reached(
        self, kept: str, names: Sequence[str], channels: Sequence[str]
    ) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
        """Members by segment, and those of them that a channel reaches, by channel and segment.

        Counted by group of those whom the same channels reach: a few groups, instead of each segment once
        more for each channel.
        """
        columns = [*map(quote_identifier, channels), _sums([(name,) for name in names])]
        rows = self._run(f"SELECT {', '.join(columns)} FROM {kept} GROUP BY ALL")
        members = dict.fromkeys(names, 0)
        reached = {channel: dict.fromkeys(names, 0) for channel in channels}
        for row in rows:
            by = [reached[channel] for channel, is_so in zip(channels, row, strict=False) if is_so]
            for name, count in zip(names, row[len(channels) :], strict=True):
                for told in (members, *by):
                    told[name] += int(count or 0)
        return members, reached

    def _overlap(self, kept: str, pairs: Sequence[tuple[str, str]]) -> dict[frozenset[str], int]:
        if not pairs:
            return {}
        [row] = self._run(f"SELECT {_sums(pairs)} FROM {kept}")
        return {frozenset(pair): int(rows or 0) for pair, rows in zip(pairs, row, strict=True)}

    def _opened(self, partition: str | None) -> Tables:
        """The tables as views, and their columns."""
        columns = {}
        for name, table in self.inputs.items():
            if name == CONTACTABLE and not self._is_there(table, partition):
                continue
            self._view(name, table.existing(partition).sql(self.connection))
            columns[name] = self._columns(name)
        for name, source in self.definition.sources.items():
            if source.url is not None:
                self._view(name, TableFile(source.url).sql(self.connection))
                columns[name] = self._columns(name)
        known = self.definition.tables
        return Tables(columns, known.customers, known.key, known.many)

    def _is_there(self, table: "PartitionedTable", partition: str | None) -> bool:
        """Whether the table can be read, or has to be: without it, only shares that can be contacted lack."""
        needed = tables_of(self.segments, self.definition.tables, self._others)
        if CONTACTABLE in needed:
            return True
        try:
            return table.existing(partition).exists()
        except StorageError:
            return False

    def _view(self, name: str, table: str) -> None:
        self._run(f"CREATE OR REPLACE TEMP VIEW {column_name(name)} AS SELECT * FROM {table}")

    def _columns(self, name: str) -> dict[str, str]:
        return {row[0]: row[1] for row in self._run(f"DESCRIBE {column_name(name)}")}

    def _several_rows(self, tables: Tables) -> BrazeAssetsError:
        key = column_name(tables.key)
        for name in (tables.customers, *tables.columns):
            if name in tables.many or key not in (tables.columns[name] or {}):
                continue
            found = self._run(
                f"SELECT count(*) FROM (SELECT {key} FROM {column_name(name)} WHERE {key} IS NOT NULL "
                f"GROUP BY {key} HAVING count(*) > 1)"
            )
            if found[0][0]:
                return SourceError(
                    f"The table {name} has several rows for {found[0][0]:,} customers ({key}).",
                    place=name,
                    remedy="A rule asks one row a customer: make the table so, or read another.",
                )
        raise AssertionError("no table has several rows a customer")

    def _kept(self, partition: str | None) -> str:
        return quote_identifier(f"members of {partition or 'now'}")

    def _run(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        try:
            return self.connection.execute(sql, dict(parameters or {})).fetchall()
        except duckdb.Error as error:
            raise engine_error(error, "the rules of the segments") from None


def _sums(groups: Sequence[tuple[str, ...]]) -> str:
    """SQL: customers that are in all segments of a group, for each group."""
    # Summed, not filtered: that takes a fifth of the time.
    return ", ".join(f"sum(({' AND '.join(map(quote_identifier, group))})::INTEGER)" for group in groups)


@contextmanager
def computed_members(
    definition: SegmentsDefinition, segments: Sequence[Segment], inputs: Mapping[str, "PartitionedTable"]
) -> Iterator[Members]:
    """What a run needs to know of the members of these segments; gone at its end."""
    with connect(EngineSettings.from_environment(_MEMORY)) as connection:
        yield Members(definition, segments, inputs, connection, datetime.now(timezone.utc))

"""Making the table of events of one partition: run the query, canonicalise, validate, find duplicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

import duckdb
import pyarrow as pa

from braze_assets.errors import QueryError
from braze_assets.rows.canonical import Canonical, canonical_expression, problem_struct
from braze_assets.rows.events.fields import Field, field_of
from braze_assets.rows.events.header import EVENTS_KEY, EventsHeader
from braze_assets.rows.events.spec import EventsSpec
from braze_assets.rows.failures import engine_error
from braze_assets.rows.identifiers import identifier_sql
from braze_assets.rows.names import identifier_columns
from braze_assets.rows.relation import error_place, listed, prepared
from braze_assets.storage import quote_identifier, quote_literal

__all__ = ["BuiltEvents", "build_events"]

_ROWS, _VIEW, _DUPLICATES = "_event_rows", "_event_rows_view", "_event_duplicates"
_NOTHING = "CAST([] AS STRUCT(attribute VARCHAR, problem VARCHAR, detail VARCHAR)[])"


@dataclass(frozen=True)
class BuiltEvents:
    """A built table, held by the connection until the next `build_events` on it."""

    connection: duckdb.DuckDBPyConnection
    header: EventsHeader

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """What belongs in the metadata of the Parquet file, by key."""
        return {EVENTS_KEY: self.header.to_document()}

    def reader(self, rows_per_batch: int = 65_536) -> pa.RecordBatchReader:
        """The rows: event_id, identifier, the fields, `properties`, `_error`, `_findings`."""
        return self.connection.sql(f"SELECT * FROM {_VIEW}").to_arrow_reader(rows_per_batch)

    def findings(self) -> list[tuple[str, str, int]]:
        """What is wrong with properties: column, problem, cells; the most frequent first."""
        rows = self.connection.sql(
            "SELECT f.attribute, f.problem, count(*) AS cells FROM "
            f"(SELECT unnest(_findings) AS f FROM {_VIEW} WHERE len(_findings) > 0) "
            "GROUP BY ALL ORDER BY cells DESC, 1, 2"
        ).fetchall()
        return [(str(name), str(problem), int(cells)) for name, problem, cells in rows]


def build_events(
    con: duckdb.DuckDBPyConnection,
    spec: EventsSpec,
    sources: Mapping[str, str],
    *,
    partition: str | None,
    as_of: datetime,
) -> BuiltEvents:
    """Make the table a spec asks for.

    Every row the query yields is in the result; one that cannot be sent carries an `_error` (a key of
    `REASONS`). A bad property makes its whole row unsendable: an event cannot be corrected afterwards.

    Args:
        con: A connection of `storage.connect()`; views and temporary tables are made in it.
        spec: The wanted table.
        sources: A SQL table expression for each table of the query, by name, in any case.
        partition: The key of the partition, for the header.
        as_of: The end of the partition, aware: `$as_of` in the query.

    Raises:
        SourceError: A table of the query is not among the sources, or cannot be read.
        QueryError: The query does not run, or lacks columns.
    """
    as_of = as_of.astimezone(timezone.utc)
    texts = {spec.columns.event_id, spec.columns.name, spec.columns.product_id, spec.columns.currency}
    statement, parameters = prepared(con, spec.query, sources, as_of=as_of, text_columns=texts)
    try:
        described = con.execute(f"DESCRIBE\n{statement}", parameters).fetchall()
    except duckdb.Error as error:
        raise engine_error(error, error_place(spec.query, error, statement)) from None
    names = spec.query.delivered([str(row[0]) for row in described])
    types = {name: str(row[1]) for name, row in zip(names, described, strict=True)}
    _check(spec, names)
    columns = {name: f"_c{ordinal}" for ordinal, name in enumerate(names)}
    places = {name: spec.query.column_place(ordinal) for ordinal, name in enumerate(names)}
    fields = {
        role: field_of(role, columns[name], types[name], name=name, place=places[name], limits=spec.limits)
        for role, name in spec.roles.items()
    }
    used = {*spec.roles.values(), *identifier_columns(spec.identifier)}
    properties = {
        name: _property(columns[name], types[name], name, spec, places[name])
        for name in (spec.columns.properties or names)
        if name not in used
    }
    identifier = identifier_sql(spec.identifier, types, columns, place=spec.query.place)
    select = _select(spec, identifier, fields, properties, as_of)
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS WITH _q ({', '.join(columns.values())}) AS (\n"
            f"{statement}\n) {select}",
            parameters,
        )
    except duckdb.Error as error:
        raise engine_error(error, error_place(spec.query, error, statement)) from None
    field_types = {role: field.type.sql for role, field in fields.items() if role != "event_id"}
    header = EventsHeader(
        name=spec.name,
        kind=spec.kind,
        identifier=spec.identifier,
        partition=partition,
        as_of=as_of,
        query_digest=spec.query.digest,
        fields=field_types if spec.event_name is None else {"name": "VARCHAR", **field_types},
        properties={name: each.type.sql for name, each in properties.items()},
    )
    return BuiltEvents(con, replace(header, counts=_finish(con)))


def _check(spec: EventsSpec, names: Sequence[str]) -> None:
    wanted = {**spec.roles, **{name: name for name in identifier_columns(spec.identifier)}}
    wanted |= {f"property {name}": name for name in spec.columns.properties or ()}
    missing = [
        f"{name} ({role})" if role != name else name for role, name in wanted.items() if name not in names
    ]
    if missing:
        raise QueryError(
            f"The table of events lacks the columns {', '.join(missing)}.",
            place=spec.query.place,
            remedy=f"Select them, or say under `columns` what they are called. There are: {listed(names)}.",
        )


def _property(column: str, type: str, name: str, spec: EventsSpec, place: str) -> Canonical:
    if not name.strip() or name.startswith("$") or len(name) > spec.limits.name_chars:
        raise QueryError(
            "The name of a property is blank, too long, or begins with a dollar sign.",
            place=f"{place} (column {name[:40]})",
            remedy="Rename the column with AS.",
        )
    try:
        return canonical_expression(column, type, column=name, limits=spec.limits)
    except QueryError as error:
        raise QueryError(error.cause, place=f"{place} (column {name})", remedy=error.remedy) from None


def _select(
    spec: EventsSpec,
    identifier: str,
    fields: Mapping[str, Field],
    properties: Mapping[str, Canonical],
    as_of: datetime,
) -> str:
    latest = f"TIMESTAMPTZ {quote_literal((as_of + spec.max_ahead).isoformat())}"
    bad = {
        "null_event_id": fields["event_id"].bad,
        "null_identifier": "_identifier IS NULL",
        "identifier_too_long": f"strlen(_identifier) > {spec.limits.external_id_bytes}",
        **{field.reason: field.bad for role, field in fields.items() if role != "event_id"},
    }
    problems = [problem_struct(name, each.problems) for name, each in properties.items() if each.problems]
    notes = [problem_struct(name, each.notes) for name, each in properties.items() if each.notes]
    found = ", ".join([*problems, *notes])
    errors = " ".join(f"WHEN {test} THEN {quote_literal(code)}" for code, test in bad.items())
    inner = [
        f"{identifier} AS _identifier",
        *(f"{field.value} AS _f_{role}" for role, field in fields.items()),
        f"[{found}] AS _found" if found else "NULL AS _found",
        f"list_any_value([{', '.join(problems)}]) IS NOT NULL AS _spoiled"
        if problems
        else "false AS _spoiled",
        "*",
    ]
    outer = ["_f_event_id AS event_id", f"_identifier AS {quote_identifier(spec.identifier)}"]
    if spec.event_name is not None:
        outer.append(f"{quote_literal(spec.event_name)} AS name")
    outer += [
        f"CAST(_f_{role} AS {f.type.sql}) AS {role}" for role, f in fields.items() if role != "event_id"
    ]
    if properties:
        # A row with a property that cannot be sent keeps none: it is not sent.
        packed = ", ".join(
            f"{quote_identifier(name)} := "
            f"CASE WHEN NOT _spoiled THEN CAST({each.value} AS {each.type.sql}) END"
            for name, each in properties.items()
        )
        outer.append(f"struct_pack({packed}) AS properties")
    outer += [
        f"CASE {errors} WHEN _f_time > {latest} THEN 'time_in_future' WHEN _spoiled THEN 'bad_property' END "
        "AS _bad",
        f"CASE WHEN _found IS NULL THEN {_NOTHING} ELSE list_filter(_found, lambda _f: _f IS NOT NULL) END "
        "AS _findings",
    ]
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM _q)"


def _finish(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Find duplicates, put `_error` beside the rows, and count."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE {_DUPLICATES} AS SELECT event_id AS _id, min(rowid) AS _first, "
        f"count(DISTINCT hash(r)) > 1 AS _differ FROM {_ROWS} AS r WHERE event_id IN (SELECT event_id FROM "
        f"{_ROWS} WHERE event_id IS NOT NULL GROUP BY event_id HAVING count(*) > 1) GROUP BY event_id"
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP VIEW {_VIEW} AS
        SELECT r.* EXCLUDE (_bad, _findings),
            CASE WHEN d._differ THEN 'duplicate_event_id' WHEN _bad IS NOT NULL THEN _bad
                 WHEN d._first <> r.rowid THEN 'repeated_row' END AS _error, _findings
        FROM {_ROWS} AS r LEFT JOIN {_DUPLICATES} AS d ON d._id = r.event_id"""
    )
    rows = con.execute(f"SELECT _error, count(*) FROM {_VIEW} GROUP BY ALL ORDER BY ALL").fetchall()
    errors = {str(reason): int(number) for reason, number in rows if reason is not None}
    return {"rows": sum(int(number) for _, number in rows), **errors}

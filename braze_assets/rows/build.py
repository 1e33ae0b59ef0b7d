"""Making the wanted table of one partition: run the query, canonicalise, validate, count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import duckdb
import pyarrow as pa

from braze_assets.braze.fields import PROFILE_FIELDS
from braze_assets.errors import ConfigurationError, QueryError
from braze_assets.rows.canonical import Canonical, canonical_expression, problem_struct
from braze_assets.rows.counts import ROWS, VIEW, RowsCounts, count_rows
from braze_assets.rows.failures import engine_error
from braze_assets.rows.header import ROWS_KEY, Attribute, RowsHeader
from braze_assets.rows.identifiers import identifier_sql
from braze_assets.rows.names import check_names, identifier_columns
from braze_assets.rows.profile import profile_expression
from braze_assets.rows.relation import error_place, listed, prepared
from braze_assets.rows.spec import RowsSpec
from braze_assets.storage import quote_identifier

__all__ = ["BuiltRows", "build_rows"]

_NOTHING = "CAST([] AS STRUCT(attribute VARCHAR, problem VARCHAR, detail VARCHAR)[])"


@dataclass(frozen=True)
class BuiltRows:
    """A built table, held by the connection until the next `build_rows` on it."""

    connection: duckdb.DuckDBPyConnection
    header: RowsHeader
    counts: RowsCounts

    @property
    def documents(self) -> dict[str, dict[str, Any]]:
        """What belongs in the metadata of the Parquet file, by key."""
        return {ROWS_KEY: self.header.to_document()}

    def reader(self, rows_per_batch: int = 65_536) -> pa.RecordBatchReader:
        """The rows as Arrow batches: identifier, attributes, `_error`, `_findings`."""
        columns = [self.header.identifier, *(one.name for one in self.header.attributes)]
        selected = ", ".join(quote_identifier(name) for name in (*columns, "_error", "_findings"))
        return self.connection.sql(f"SELECT {selected} FROM {VIEW}").to_arrow_reader(rows_per_batch)


def build_rows(
    con: duckdb.DuckDBPyConnection,
    spec: RowsSpec,
    sources: Mapping[str, str],
    *,
    partition: str | None,
    as_of: datetime,
) -> BuiltRows:
    """Make the table a spec asks for.

    Every row the query yields is in the result: one that cannot be sent carries an `_error`, a cell that
    cannot be sent is NULL and has a finding. An empty result is a result.

    Args:
        con: A connection of `storage.connect()`; views and temporary tables are made in it.
        spec: The wanted table.
        sources: A SQL table expression for each table of the query, by name, in any case.
        partition: The key of the partition, for the header.
        as_of: The end of the partition, aware: `$as_of` in the query, and the present for dates of birth.

    Raises:
        SourceError: A table of the query is not among the sources, or cannot be read.
        QueryError: The query does not run, or its columns cannot be attributes.
        ConfigurationError: Settings name an attribute the table does not have.
    """
    as_of = as_of.astimezone(timezone.utc)
    texts = [*identifier_columns(spec.identifier)]
    texts += [name for name, field in PROFILE_FIELDS.items() if field.type in ("String", "Date")]
    typed = {name for name in (*spec.attributes, *spec.catalog) if spec.settings(name).type}
    # A file is read under its own names of columns.
    texts = [name for name in texts if name not in spec.names] + [*typed.difference(spec.names)]
    texts += [column for column, name in spec.names.items() if name in texts]
    statement, parameters = prepared(con, spec.query, sources, as_of=as_of, text_columns=texts)
    try:
        described = con.execute(f"DESCRIBE\n{statement}", parameters).fetchall()
    except duckdb.Error as error:
        raise engine_error(error, error_place(spec.query, error, statement)) from None
    columns = [(str(name), str(kind)) for name, kind, *_ in described]
    delivered = [spec.names.get(name, name) for name in spec.query.delivered([name for name, _ in columns])]
    check_names(delivered, spec.identifier, place=spec.query.column_place, limits=spec.limits)
    _check_settings(spec, delivered)

    aliases = {name: f"_c{ordinal}" for ordinal, name in enumerate(delivered)}
    types = dict(zip(delivered, (kind for _, kind in columns), strict=True))
    made = {
        name: _canonical(aliases[name], types[name], name, spec, as_of, spec.query.column_place(ordinal))
        for ordinal, name in enumerate(delivered)
        if name not in identifier_columns(spec.identifier) and name not in spec.yields
    }
    header = RowsHeader(
        name=spec.name,
        identifier=spec.identifier,
        partition=partition,
        as_of=as_of,
        query_digest=spec.query.digest,
        attributes=tuple(_attribute(name, canonical, spec) for name, canonical in made.items()),
    )
    identifier = identifier_sql(spec.identifier, types, aliases, place=spec.query.place)
    head = f"CREATE OR REPLACE TEMP TABLE {ROWS} AS WITH _q ({', '.join(aliases.values())}) AS (\n"
    try:
        con.execute(f"{head}{statement}\n) {_select(spec, identifier, made)}", parameters)
    except duckdb.Error as error:
        raise engine_error(error, error_place(spec.query, error, statement)) from None
    return BuiltRows(con, header, count_rows(con, spec.identifier, spec.limits))


def _check_settings(spec: RowsSpec, delivered: Sequence[str]) -> None:
    for name, settings in spec.attributes.items():
        if name not in delivered or name in identifier_columns(spec.identifier):
            raise ConfigurationError(
                f"The attribute {name} has settings, but the table has no such column.",
                place=spec.query.place,
                remedy=f"Remove it or correct its name. The columns are: {listed(delivered)}.",
            )
        if settings.type and name in PROFILE_FIELDS:
            raise ConfigurationError(
                f"The profile field {name} has the type Braze gives it; it cannot be set.",
                place=spec.query.place,
                remedy="Remove the type, and CAST the column in the SQL if it has another.",
            )


def _canonical(column: str, type: str, name: str, spec: RowsSpec, as_of: datetime, place: str) -> Canonical:
    try:
        if field := PROFILE_FIELDS.get(name):
            return profile_expression(column, type, field, as_of=as_of, limits=spec.limits)
        settings = spec.settings(name)
        if settings.bucket is not None:
            column, type = settings.bucket.applied(column, type, name=name)
        return canonical_expression(column, type, column=name, cast=settings.cast, limits=spec.limits)
    except QueryError as error:
        raise QueryError(error.cause, place=f"{place} (column {name})", remedy=error.remedy) from None


def _attribute(name: str, canonical: Canonical, spec: RowsSpec) -> Attribute:
    settings = spec.settings(name)
    field = PROFILE_FIELDS.get(name)
    column = next((column for column, other in spec.names.items() if other == name), name)
    bucket = f"In buckets: {settings.bucket.sql(column)}" if settings.bucket else ""
    said = settings.description or (field.description if field else "")
    if settings.update == "patch" and not canonical.type.patchable:
        raise ConfigurationError(
            f"The attribute {name} cannot be sent as a patch: its type is {canonical.type}.",
            place=spec.query.place,
            remedy="Leave `update` out. Objects can be patched, and arrays of text or integers.",
        )
    return Attribute(
        name=name,
        kind="profile" if field else "custom",
        type=canonical.type,
        null_policy=settings.null_policy or spec.null_policy,
        description=". ".join(filter(None, (said.rstrip("."), bucket))),
        update=settings.update,
    )


def _select(spec: RowsSpec, identifier: str, made: Mapping[str, Canonical]) -> str:
    """Values and problems first, side by side; then values only where there is no problem."""
    inner = [f"{identifier} AS _identifier"]
    outer = [f"_identifier AS {spec.identifier}"]
    problems, remarks = [], []
    for ordinal, (name, canonical) in enumerate(made.items()):
        value, problem, note = f"_v{ordinal}", f"_p{ordinal}", f"_n{ordinal}"
        inner.append(f"{canonical.value} AS {value}")
        shown = value
        if canonical.problems:
            inner.append(f"{problem_struct(name, canonical.problems)} AS {problem}")
            problems.append(problem)
            shown = f"CASE WHEN {problem} IS NULL THEN {value} END"
        if canonical.notes:
            inner.append(f"{problem_struct(name, canonical.notes)} AS {note}")
            remarks.append(note)
        outer.append(f"CAST({shown} AS {canonical.type.sql}) AS {quote_identifier(name)}")
    found = [*problems, *remarks]
    findings = _NOTHING
    if found:
        clean = " AND ".join(f"{one} IS NULL" for one in found)
        listed = f"list_filter([{', '.join(found)}], lambda _f: _f IS NOT NULL)"
        findings = f"CASE WHEN {clean} THEN {_NOTHING} ELSE {listed} END"
    outer.append(f"{findings} AS _findings")
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM _q)"

"""The wanted table of a sync: one row a user, one column an attribute."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.assets.tables import table_asset
from braze_assets.io_managers import TableOutput
from braze_assets.rows import CATALOGUE, Attribute, BuiltRows, TableQuery, build_rows

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["build_rows_asset"]


def build_rows_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the wanted table, as of the end of the partition."""
    lineage = _lineage(sync)

    def build(
        connection: "DuckDBPyConnection", sources: Mapping[str, str], partition: str | None, as_of: datetime
    ) -> TableOutput:
        built = build_rows(connection, sync.rows, sources, partition=partition, as_of=as_of)
        facts = _facts(built, sync)  # before the connection is busy with the rows
        return TableOutput(built.reader(), documents=built.documents, metadata={**lineage, **facts})

    return table_asset(
        sync,
        build,
        description="The attributes Braze should hold: one row a user, one column an attribute, as of the "
        "end of the partition. Rows and cells that cannot be sent are kept and marked.",
        digest=sync.rows.query.digest,
    )


def _lineage(sync: SyncDefinition) -> dict[str, Any]:
    """Which columns of which assets every attribute is made from (X9)."""
    assets = {table: source.asset for table, source in sync.sources.items() if source.asset}
    deps = {
        column: [dg.TableColumnDep(assets[table], source) for table, source in pairs if table in assets]
        for column, pairs in sync.lineage.items()
    }
    known = {column: found for column, found in deps.items() if found}
    return {"dagster/column_lineage": dg.TableColumnLineage(deps_by_column=known)} if known else {}


def _facts(built: BuiltRows, sync: SyncDefinition) -> dict[str, Any]:
    counts = built.counts
    problems = [("(row)", problem, rows) for problem, rows in counts.errors.items()]
    problems += [
        (attribute, problem, cells)
        for attribute, by_problem in counts.findings.items()
        for problem, cells in by_problem.items()
    ]
    query = sync.rows.query
    sql = query.sql if sync.show_sql and isinstance(query, TableQuery) else ""
    return {
        **({"sql": dg.MetadataValue.md(f"```sql\n{sql}\n```")} if sql else {}),
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(built.header.identifier, "VARCHAR", "The identifier Braze knows the user by."),
                *(
                    dg.TableColumn(each.name, each.type.sql, _described(each, sync))
                    for each in built.header.attributes
                ),
            ]
        ),
        "as_of": built.header.as_of.isoformat(),
        "sendable_rows": counts.sendable,
        "rows_with_errors": sum(counts.errors.values()),
        "findings": markdown_table(
            ("attribute", "problem", "count", "what to do"),
            ((name, code, count, CATALOGUE[code].remedy) for name, code, count in problems),
            empty="Nothing was found wrong.",
        ),
    }


def _described(attribute: Attribute, sync: SyncDefinition) -> str:
    """Kind, description, and where it comes from."""
    pairs = sync.lineage.get(attribute.name, ())
    origin = ", ".join(f"{table}.{column}" for table, column in pairs)
    kind = "Profile field" if attribute.kind == "profile" else "Custom attribute"
    return ". ".join(filter(None, (kind, attribute.description.rstrip("."), origin and f"From {origin}")))

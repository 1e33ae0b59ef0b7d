"""From the YAML vocabulary to tables: queries, sources, partitions."""

import difflib
from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from braze_assets.assets.flow import Source
from braze_assets.assets.partitions import daily_partitions, hourly_partitions
from braze_assets.components.models import PartitionsModel, SourceModel, TableModel
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import QueryError
from braze_assets.rows import FrontMatter, TableFile, TableQuery

__all__ = ["declared_source", "front_of", "held_back", "located", "partitions_of", "table_query"]


def table_query(table: TableModel, folder: Path) -> TableQuery | TableFile:
    """The SQL file or the table file that is meant.

    Args:
        table: Which one.
        folder: Where relative paths start.

    Raises:
        QueryError: The SQL file is not there or is not one SELECT.
    """
    if table.sql is not None:
        file = folder / table.sql
        if not file.is_file():
            raise _unknown_query(table.sql, folder)
        return TableQuery.from_file(file)
    return TableFile(located(table.url or "", folder))


def _unknown_query(name: str, folder: Path) -> QueryError:
    there = sorted(str(each.relative_to(folder)) for each in folder.rglob("*.sql"))
    near = difflib.get_close_matches(name, there, n=1, cutoff=0.4)
    return QueryError(
        f"The SQL file {name} is not there.",
        place=line_of(folder / "defs.yaml", name) if (folder / "defs.yaml").is_file() else str(folder / name),
        remedy=(f"Did you mean {near[0]}? " if near else "")
        + f"The path starts at {folder}; there are {', '.join(there[:10]) or 'no SQL files'}.",
    )


def front_of(query: TableQuery | TableFile) -> FrontMatter:
    """What a SQL file says of itself; a table file says nothing.

    Raises:
        QueryError: The front matter cannot be read; names file and line.
    """
    return query.front if isinstance(query, TableQuery) else FrontMatter()


def held_back(query: TableQuery | TableFile) -> str:
    """Why what the query yields may not be sent; empty where it may."""
    return (
        f"The query {query.place} is a draft: nothing is sent." if front_of(query).status == "draft" else ""
    )


def declared_source(name: str, sources: Mapping[str, SourceModel], folder: Path) -> Source:
    """Where a table of the SQL comes from; an asset of `customer_360` unless it is declared."""
    declared = {key.lower(): each for key, each in sources.items()}.get(name)
    if declared is None:
        return Source(asset=dg.AssetKey(["customer_360", name]))
    if declared.asset is not None:
        return Source(asset=dg.AssetKey.from_user_string(declared.asset))
    return Source(url=located(declared.url or "", folder))


def partitions_of(partitions: PartitionsModel) -> dg.TimeWindowPartitionsDefinition | None:
    """The partitions that are meant, or None."""
    make = {"daily": daily_partitions, "hourly": hourly_partitions}.get(partitions.cadence)
    return make(partitions.first_day) if make else None


def located(url: str, folder: Path) -> str:
    """A URL, or a path beside the YAML file."""
    return url if "://" in url else str((folder / url).absolute())

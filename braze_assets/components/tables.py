"""From the YAML vocabulary to tables: queries, sources, partitions."""

from collections.abc import Mapping
from pathlib import Path

import dagster as dg

from braze_assets.assets.flow import Source
from braze_assets.assets.partitions import daily_partitions, hourly_partitions
from braze_assets.components.models import PartitionsModel, SourceModel, TableModel
from braze_assets.rows import TableFile, TableQuery

__all__ = ["declared_source", "located", "partitions_of", "table_query"]


def table_query(table: TableModel, folder: Path) -> TableQuery | TableFile:
    """The SQL file or the table file that is meant.

    Args:
        table: Which one.
        folder: Where relative paths start.

    Raises:
        QueryError: The SQL file is not there or is not one SELECT.
    """
    if table.sql is not None:
        return TableQuery.from_file(folder / table.sql)
    return TableFile(located(table.url or "", folder))


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

"""The sample as a whole: its tables, and the SQL of any of them for any day."""

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from braze_assets.customer_360.customer_attributes import CUSTOMER_ATTRIBUTES
from braze_assets.customer_360.itemized_transactions import UNIFIED_ITEMIZED_TRANSACTIONS
from braze_assets.customer_360.loyalty import UNIFIED_LOYALTY
from braze_assets.customer_360.merged_customers import MERGED_CUSTOMERS
from braze_assets.customer_360.opt_status import EMAIL_OPT_STATUS, SMS_OPT_STATUS
from braze_assets.customer_360.sample_table import SampleTable, with_upstream
from braze_assets.customer_360.settings import SampleSettings
from braze_assets.customer_360.transaction_attributes import TRANSACTION_ATTRIBUTES_EXTENDED
from braze_assets.customer_360.transactions import UNIFIED_TRANSACTIONS
from braze_assets.errors import ConfigurationError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["TABLES", "build_table", "table_sql"]

_BATCH = 122_880  # rows, as many as a row group of Parquet

TABLES: Mapping[str, SampleTable] = {
    table.name: table
    for table in (
        MERGED_CUSTOMERS,
        UNIFIED_ITEMIZED_TRANSACTIONS,
        UNIFIED_TRANSACTIONS,
        TRANSACTION_ATTRIBUTES_EXTENDED,
        EMAIL_OPT_STATUS,
        SMS_OPT_STATUS,
        UNIFIED_LOYALTY,
        CUSTOMER_ATTRIBUTES,
    )
}
"""The tables by name, each after those it depends on."""


def table_sql(
    name: str, settings: SampleSettings, day: date, upstream: Mapping[str, str] | None = None
) -> str:
    """The SQL of a table as of the end of a day; columns are those declared, in their order.

    Args:
        name: A key of `TABLES`.
        settings: The sample.
        day: The day; on or after `settings.start`.
        upstream: SQL table expressions of the tables it depends on, such as `StoredTable.sql` gives. Those
            that are missing are computed along the way.

    Raises:
        ConfigurationError: There is no such table, or no such day.
    """
    table = TABLES.get(name)
    if table is None:
        raise ConfigurationError(
            f"The sample has no table {name!r}.",
            place="table_sql",
            remedy=f"Ask for one of {', '.join(TABLES)}.",
        )
    settings.day_number(day)
    given = upstream or {}
    sources = {
        source: given.get(source) or f"({table_sql(source, settings, day, given)})"
        for source in table.depends_on
    }
    columns = ", ".join(f"CAST({column} AS {sql_type}) AS {column}" for column, sql_type, _ in table.columns)
    return f"SELECT {columns} FROM (\n{with_upstream(table.query(settings, day), sources)}\n)"


def build_table(
    connection: "duckdb.DuckDBPyConnection",
    name: str,
    settings: SampleSettings,
    *,
    day: date,
    upstream: Mapping[str, str] | None = None,
) -> "pa.RecordBatchReader":
    """The rows of a table as of the end of a day, computed as they are read.

    Arguments and errors are those of `table_sql`. Rows come in no particular order.
    """
    # The default of 1 MB is less than a batch: DuckDB and the reader would wait for each other in turn.
    connection.execute("SET streaming_buffer_size = '64MB'")
    return connection.sql(table_sql(name, settings, day, upstream)).to_arrow_reader(_BATCH)

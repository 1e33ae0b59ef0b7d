"""A synthetic Customer 360: seeded, of any size, with a snapshot for every day, made by DuckDB."""

from braze_assets.customer_360.sample import TABLES, build_table, table_sql
from braze_assets.customer_360.sample_table import Column, SampleTable
from braze_assets.customer_360.settings import SampleSettings, day_end

__all__ = ["TABLES", "Column", "SampleSettings", "SampleTable", "build_table", "day_end", "table_sql"]

"""A synthetic Customer 360: seeded, of any size, with a snapshot for every day, made by DuckDB."""

from braze_assets.customer_360.braze_seed import braze_seed_sql, seed_profiles
from braze_assets.customer_360.checks import CHECKS, checks_of
from braze_assets.customer_360.sample import TABLES, build_table, table_sql
from braze_assets.customer_360.sample_table import Column, SampleTable
from braze_assets.customer_360.settings import SampleSettings, day_end
from braze_assets.customer_360.table_check import TableCheck

__all__ = [
    "CHECKS",
    "TABLES",
    "Column",
    "SampleSettings",
    "SampleTable",
    "TableCheck",
    "braze_seed_sql",
    "build_table",
    "checks_of",
    "day_end",
    "seed_profiles",
    "table_sql",
]

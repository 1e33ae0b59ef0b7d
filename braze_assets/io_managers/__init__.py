"""How assets are stored and handed over."""

from braze_assets.io_managers.outputs import TableOutput
from braze_assets.io_managers.parquet import ParquetIOManager, column_schema
from braze_assets.io_managers.paths import stored_table

__all__ = ["ParquetIOManager", "TableOutput", "column_schema", "stored_table"]

"""Dagster types that inputs are declared with where a parameter cannot be annotated."""

import dagster as dg

from braze_assets.storage.partitions import PartitionedTable

__all__ = ["PARTITIONED_TABLE"]

PARTITIONED_TABLE = dg.PythonObjectDagsterType(PartitionedTable, name="PartitionedTable")
"""Partitions opened one by one: an asset that takes `**tables` has no annotation to say so."""

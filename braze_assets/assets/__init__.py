"""Thin wiring: what Dagster sees of the rooms further in."""

import warnings

# Beta in Dagster 1.13, used on purpose: without them a backfill of a year is a year of runs.
warnings.filterwarnings(
    "ignore", message="Parameter `(backfill_policy|allow_nonexistent_upstream_partitions)`"
)
warnings.filterwarnings("ignore", message="Class `(CodeReferencesMetadataValue|LocalFileCodeReference)`")
# Dagster's own loader of a folder of components calls it.
warnings.filterwarnings("ignore", message="Function `load_definitions_from_module")

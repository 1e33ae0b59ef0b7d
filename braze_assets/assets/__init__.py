"""Thin wiring: what Dagster sees of the rooms further in."""

import warnings

# Beta in Dagster 1.13, used on purpose: without them a backfill of a year is a year of runs.
warnings.filterwarnings("ignore", message="Parameter `backfill_policy`")
warnings.filterwarnings("ignore", message="Class `(CodeReferencesMetadataValue|LocalFileCodeReference)`")

"""A drop as definitions: its assets, its job, its sensor."""

import dagster as dg

from braze_assets.assets.csv_drops.definition import CsvDropDefinition
from braze_assets.assets.csv_drops.delta import build_delta_asset
from braze_assets.assets.csv_drops.results import build_results_asset
from braze_assets.assets.csv_drops.send import build_send_asset
from braze_assets.assets.csv_drops.sensor import build_sensor

__all__ = ["build_csv_drop"]


def build_csv_drop(drop: CsvDropDefinition) -> dg.Definitions:
    """Everything one drop is made of. The sensor is stopped until somebody starts it."""
    files = dg.AssetSpec(
        drop.part("files"),
        group_name=drop.group,
        owners=list(drop.owners),
        description=drop.description
        or f"CSV files dropped under {drop.url}; observed by `{drop.name}_sensor`.",
        kinds={"csv"},
        metadata={"url": drop.url},
        tags={"pii": "true"},
    )
    assets = [build_delta_asset(drop), build_send_asset(drop), build_results_asset(drop)]
    job = dg.define_asset_job(
        f"{drop.name}_job",
        selection=dg.AssetSelection.assets(*(asset.key for asset in assets)),
        tags=dict(drop.tags),
        description=f"Plan, send (mode: {drop.mode}) and results of one file of {drop.name}.",
    )
    return dg.Definitions(assets=[files, *assets], jobs=[job], sensors=[build_sensor(drop, job)])

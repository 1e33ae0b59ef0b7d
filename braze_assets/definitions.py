"""What Dagster loads: everything under `defs/`, with the resources of this deployment."""

import importlib
from pathlib import Path

import dagster as dg

from braze_assets.components.loading import load_folder
from braze_assets.components.sources import require_sources
from braze_assets.io_managers import ParquetIOManager
from braze_assets.resources.deployments import DEPLOYMENTS, deployment_name

__all__ = ["defs", "resources"]


def resources() -> dict[str, object]:
    """The resources of this deployment, and the IO manager over its storage."""
    chosen = dict(DEPLOYMENTS[deployment_name()]())
    return {**chosen, "io_manager": ParquetIOManager(storage=chosen["storage"])}


@dg.definitions
def defs() -> dg.Definitions:
    """The project."""
    return require_sources(
        dg.Definitions.merge(
            load_folder(importlib.import_module("braze_assets.defs"), Path(__file__).parent.parent),
            dg.Definitions(resources=resources(), executor=dg.in_process_executor),
        )
    )

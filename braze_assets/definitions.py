"""What Dagster loads: everything under `defs/`, with the resources of this deployment."""

import importlib
from pathlib import Path
from types import ModuleType

import dagster as dg

from braze_assets.components.loading import load_folder
from braze_assets.components.sources import require_sources
from braze_assets.io_managers import ParquetIOManager
from braze_assets.resources.deployments import DEPLOYMENTS, deployment_name

__all__ = ["defs", "project", "resources"]


def resources() -> dict[str, object]:
    """The resources of this deployment, and the IO manager over its storage."""
    chosen = dict(DEPLOYMENTS[deployment_name()]())
    return {**chosen, "io_manager": ParquetIOManager(storage=chosen["storage"])}


def project(folder: ModuleType) -> dg.Definitions:
    """All components in a folder, this project's or another's, with the resources of this deployment.

    Args:
        folder: The package of the YAML files, such as `acme.defs`.

    Raises:
        ConfigurationError: A YAML file is wrong, or a table that is read is not there; names file and line.
        QueryError: A SQL file is wrong.
    """
    package, _, _ = folder.__name__.rpartition(".")
    root = Path(folder.__path__[0]).parents[package.count(".") + 1] if package else Path(folder.__path__[0])
    return require_sources(
        dg.Definitions.merge(
            load_folder(folder, root),
            dg.Definitions(resources=resources(), executor=dg.in_process_executor),
        )
    )


@dg.definitions
def defs() -> dg.Definitions:
    """The project."""
    return project(importlib.import_module("braze_assets.defs"))

"""The project, and beside it one sync that is wrong on purpose."""

import importlib
from pathlib import Path

import dagster as dg

from braze_assets import definitions as project
from braze_assets.components.loading import load_folder

__all__ = ["defs"]


@dg.definitions
def defs() -> dg.Definitions:
    """What the demo runs, and what `make dev` opens."""
    return dg.Definitions.merge(
        project.defs(),
        load_folder(importlib.import_module("braze_assets.demo.defs"), Path(__file__).parent),
    )

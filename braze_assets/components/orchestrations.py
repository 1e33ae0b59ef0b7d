"""The component `braze_assets.Orchestrations`: the list of all flows of a project, in YAML."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from braze_assets.assets.orchestrations import build_orchestrations
from braze_assets.components.scaffolding import FromTemplate

__all__ = ["Orchestrations"]


@dg.scaffold_with(FromTemplate)
class Orchestrations(dg.Component, dg.Model, dg.Resolvable):
    """The asset `orchestrations`: every flow with its destination, mode, last run and next tick.

    One is enough for a project: it finds the flows by itself.
    """

    owners: Sequence[str] = Field(default=(), description="Dagster owners.")
    group: str = Field(default="braze", description="The asset group.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The asset."""
        return dg.Definitions(assets=[build_orchestrations(group=self.group, owners=self.owners)])

"""The component `braze_assets.DataTemplate`: settings that several syncs have in common, in YAML."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from braze_assets.components.references import declared
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.sync_settings import SyncSettings

__all__ = ["DataTemplate"]


@dg.scaffold_with(FromTemplate)
class DataTemplate(dg.Component, SyncSettings, dg.Resolvable):
    """Settings for every sync that names it as its `template`: over the destination's, under the sync's own.

    Makes no assets of its own.
    """

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", description="Letters, digits and underscores.")
    description: str | None = None
    pii: bool = Field(
        description="Whether personal data may be sent: names, e-mail, phone, date of birth, addresses."
    )
    destination: str | list[str] | None = Field(
        default=None, description="Where its syncs go, unless they say otherwise."
    )
    owners: Sequence[str] = Field(
        default=(), description="Dagster owners, of the syncs too that name none of their own."
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Nothing; it is looked up by the syncs.

        Raises:
            ConfigurationError: Another template has its name.
        """
        declared(context, DataTemplate)
        return dg.Definitions()

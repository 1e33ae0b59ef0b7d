"""The component `braze_assets.AttributeSync`: a sync of one's own, in YAML."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from braze_assets.assets.syncs import SyncDefinition, build_sync
from braze_assets.components.models import AttributeModel, SourceModel, TableModel
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.tables import declared_source, partitions_of, table_query
from braze_assets.errors import ConfigurationError, QueryError
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.rows import AttributeSettings, RowsSpec, TableQuery

__all__ = ["AttributeSync"]


class AttributeSync(dg.Component, SyncSettings, dg.Resolvable):
    """Keeps attributes in Braze in step with a table: one row a user, one column an attribute.

    Makes five assets: the table `<name>`, `<name>_findings`, the plan `<name>_delta`, the send `<name>_sync`
    and `<name>_audit`; and a job and a schedule, stopped until somebody starts it.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Letters, digits and underscores; the assets are named after it.",
    )
    table: TableModel
    sources: dict[str, SourceModel] = Field(
        default={}, description="Tables of the SQL that are not assets of `customer_360`."
    )
    destination: str = Field(default="braze", description="The resource key of the Braze workspace.")
    attributes: dict[str, AttributeModel] = Field(default={}, description="Settings by attribute.")
    description: str | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The sync's assets, job and schedule."""
        return build_sync(self.definition(context.path))

    def definition(self, folder: Path) -> SyncDefinition:
        """The sync in Python.

        Args:
            folder: Where relative paths start.

        Raises:
            QueryError: The SQL does not parse, lacks the identifier, or has names that cannot be.
        """
        query = table_query(self.table, folder)
        query.check(self.identifier)
        return SyncDefinition(
            rows=RowsSpec(
                name=self.name,
                query=query,
                identifier=self.identifier,
                attributes={name: self._attribute(name, each) for name, each in self.attributes.items()},
                null_policy=self.null_policy,
            ),
            plan=PlanSettings(
                guards=GuardSettings(**self.guards.model_dump()),
                removed_rows=self.removed_rows,
                removed_attributes=self.removed_attributes,
                update_existing_only=self.update_existing_only,
            ),
            sources={name: declared_source(name, self.sources, folder) for name in query.sources},
            destination=self.destination,
            mode=self.mode,
            test_users=self.test_users,
            replay=self.replay,
            partitions=partitions_of(self.partitions),
            cron_schedule=self.schedule,
            audit_sample=self.audit_sample,
            show_values=self.show_values,
            description=self.description,
            owners=self.owners,
            group=self.group,
            lineage=query.lineage() if isinstance(query, TableQuery) else {},
        )

    def _attribute(self, name: str, model: AttributeModel) -> AttributeSettings:
        try:
            return AttributeSettings(
                null_policy=model.null_policy or self.null_policy,
                type=model.type,
                description=model.description or "",
                update=model.update,
            )
        except QueryError as error:
            place = f"attributes.{name}.type of the sync {self.name}"
            raise ConfigurationError(error.cause, place=place, remedy=error.remedy) from None

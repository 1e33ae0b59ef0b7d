"""The component `braze_assets.AttributeSync`: a sync of one's own, in YAML."""

import difflib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.pausing import paused
from braze_assets.assets.syncs import SyncDefinition, build_sync
from braze_assets.braze.limits import Limits
from braze_assets.components.cataloged import Known, known_attributes, refuse_personal
from braze_assets.components.csv_delivery import csv_delivery
from braze_assets.components.models import AttributeModel, SourceModel, TableModel
from braze_assets.components.overlap import alone
from braze_assets.components.precedence import Settled, require_one_table, settle
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.schedule_model import placed, timing_of
from braze_assets.components.sync_settings import SyncSettings
from braze_assets.components.tables import declared_source, front_of, held_back, partitions_of, table_query
from braze_assets.components.writers import writers
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError, QueryError
from braze_assets.plan import PlanSettings
from braze_assets.resources.deployments import DEFAULT_DESTINATION
from braze_assets.rows import AttributeSettings, RowsSpec, TableFile, TableQuery

__all__ = ["AttributeSync"]


@dg.scaffold_with(FromTemplate)
class AttributeSync(dg.Component, SyncSettings, dg.Resolvable):
    """Keeps attributes in Braze in step with a table: one row a user, one column an attribute.

    Makes five assets: the table `<name>`, `<name>_findings`, the plan `<name>_delta`, the send `<name>_sync`
    and `<name>_audit`; and a job and a schedule, stopped until somebody starts it. With a `delivery` by CSV
    files it is `<name>_csv` in place of the last two.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Letters, digits and underscores; the assets are named after it.",
    )
    table: TableModel
    sources: dict[str, SourceModel] = Field(
        default={}, description="Tables of the SQL that are not assets of `customer_360`."
    )
    destination: str | list[str] = Field(
        default=DEFAULT_DESTINATION,
        description="A `Destination` or a resource key; a list sends one table to several.",
    )
    template: str | None = Field(default=None, description="The `DataTemplate` whose settings it takes.")
    attributes: dict[str, AttributeModel] = Field(default={}, description="Settings by attribute.")
    delivery: Literal["api", "csv_drop", "csv_download"] = Field(
        default="api",
        description="Requests; or CSV files, for a drop folder or for Braze's import by hand.",
    )
    csv_drop: str | None = Field(
        default=None,
        description="For `delivery: csv_drop` the `CsvDrop` that imports the files; left out: the drop "
        "location of the destination.",
    )
    csv_file_bytes: int = Field(
        default=Limits.csv_file_bytes, ge=1_000, description="No CSV file is larger; then there are several."
    )
    owns: Sequence[str] = Field(
        default=(), description="Attributes that other syncs write too: they do not send them then."
    )
    description: str | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The sync's assets, job and schedule."""
        settled = settle(context, self)
        require_one_table(context, settled)
        known = known_attributes(context, [str(each.sync.destination) for each in settled])
        definitions = (
            replace(each.sync.definition(context.path, known, each), csv=csv_delivery(context, each))
            for each in settled
        )
        with placed(context.path / "defs.yaml"):
            made = build_sync(*(self._alone(context, each) for each in definitions))
        why_not = held_back(table_query(self.table, context.path))
        if not any(each.enabled for each in settled):
            why_not = settled[0].why_not
        return paused(made, why_not) if why_not else made

    def _alone(self, context: dg.ComponentLoadContext, definition: SyncDefinition) -> SyncDefinition:
        """The sync without what others own."""
        query = definition.rows.query

        def place(attribute: str) -> str:
            columns = (query.outputs() if isinstance(query, TableQuery) else None) or ()
            names = [definition.rows.names.get(column, column) for column in columns]
            if attribute in names and isinstance(query, TableQuery):
                return query.column_place(names.index(attribute))
            return line_of(context.path / "defs.yaml", self.name)

        return alone(context, self, definition, writers(context), place)

    def definition(
        self, folder: Path, known: Known | None = None, settled: "Settled[AttributeSync] | None" = None
    ) -> SyncDefinition:
        """The sync in Python, for one destination.

        Args:
            folder: Where relative paths start.
            known: What catalogs say of the attributes.
            settled: Where its settings come from.

        Raises:
            QueryError: The SQL does not parse, lacks the identifier, or has names that cannot be.
            ConfigurationError: It has personal data, which the template does not allow.
        """
        known = known or Known()
        query = table_query(self.table, folder)
        if isinstance(query, TableQuery):
            query = replace(query, case=known.case)
        query.check(self.identifier)
        front = front_of(query)
        guards = known.guards(
            self.guards.settings(),
            policy=self.guards.new_attributes,
            personal=not settled or settled.personal,
        )
        guards = replace(guards, thresholds=front.thresholds)
        refuse_personal(query, known, guards, settled.template if settled else None)
        self._require_columns(query, known, folder)
        attributes = {
            known.names.get(name, name): self._attribute(name, each, known)
            for name, each in self.attributes.items()
        }
        lineage = query.lineage() if isinstance(query, TableQuery) else {}
        return SyncDefinition(
            rows=RowsSpec(
                name=self.name,
                query=query,
                identifier=self.identifier,
                attributes=attributes,
                null_policy=self.null_policy,
                names=known.names,
                catalog=known.settings,
                limits=settled.table_limits if settled else Limits(),
            ),
            plan=PlanSettings(
                limits=settled.limits if settled else Limits(),
                guards=guards,
                removed_rows=self.removed_rows,
                removed_attributes=self.removed_attributes,
                update_existing_only=self.update_existing_only,
            ),
            sources={name: declared_source(name, self.sources, folder) for name in query.sources},
            destination=str(self.destination),
            target=settled.target if settled else "",
            enabled=not settled or settled.enabled,
            mode=self.mode,
            held_back=held_back(query),
            test_users=self.test_users,
            replay=self.replay,
            partitions=partitions_of(self.partitions),
            timing=timing_of(self.schedule),
            audit_sample=self.audit_sample,
            show_values=self.show_values,
            description=self.description or front.description,
            owners=self.owners or front.owners,
            group=self.group,
            lineage={known.names.get(name, name): pairs for name, pairs in lineage.items()},
        )

    def _require_columns(self, query: TableQuery | TableFile, known: Known, folder: Path) -> None:
        """Refuse settings of attributes that the query does not yield, as far as it says what it yields."""
        columns = query.outputs() if isinstance(query, TableQuery) else None
        there = {known.names.get(name, name) for name in columns or ()}
        unknown = next((name for name in self.attributes if known.names.get(name, name) not in there), None)
        if columns and unknown is not None:
            near = difflib.get_close_matches(unknown, columns, n=1)
            file = folder / "defs.yaml"
            raise ConfigurationError(
                f"`attributes` has the setting of {unknown!r}, which is no column of the query.",
                place=line_of(file, unknown) if file.is_file() else f"attributes.{unknown} of {self.name}",
                remedy=(f"Did you mean {near[0]!r}? " if near else "")
                + f"The query yields {', '.join(columns)}.",
            )

    def _attribute(self, name: str, model: AttributeModel, known: Known) -> AttributeSettings:
        below = known.settings.get(known.names.get(name, name)) or AttributeSettings()
        try:
            return AttributeSettings(
                null_policy=model.null_policy or below.null_policy,
                type=model.type or below.type,
                description=model.description or below.description,
                update=model.update,
                bucket=below.bucket,
            )
        except QueryError as error:
            place = f"attributes.{name}.type of the sync {self.name}"
            raise ConfigurationError(error.cause, place=place, remedy=error.remedy) from None

"""The component `braze_assets.EventSync`: a sync of events or purchases of one's own, in YAML."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Literal

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.assets.event_syncs import EventSyncDefinition, build_event_sync
from braze_assets.assets.pausing import paused
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.braze.limits import Limits
from braze_assets.components.event_models import EventColumnsModel, EventGuardsModel
from braze_assets.components.models import PartitionsModel, SourceModel, TableModel
from braze_assets.components.precedence import settle
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.schedule_model import SCHEDULE, Schedule, placed, schedule_text, timing_of
from braze_assets.components.tables import declared_source, front_of, held_back, partitions_of, table_query
from braze_assets.errors import QueryError
from braze_assets.plan.events import EventGuardSettings, EventPlanSettings
from braze_assets.rows.events import EventColumns, EventsSpec

__all__ = ["EventSync"]


@dg.scaffold_with(FromTemplate)
class EventSync(dg.Component, dg.Model, dg.Resolvable):
    """Sends events or purchases to Braze, each once: one row an event, known by its id.

    Makes four assets: the table `<name>`, the plan `<name>_delta`, the send `<name>_sync`, `<name>_review`,
    the list of those in doubt; a job, a job that settles the review, and a schedule, stopped until somebody
    starts it.
    """

    name: str = Field(
        pattern=r"^[A-Za-z0-9_]+$",
        description="Letters, digits and underscores; the assets and the ledger are named after it.",
    )
    kind: Literal["events", "purchases"] = "events"
    table: TableModel
    columns: EventColumnsModel = EventColumnsModel()
    event_name: str | None = Field(default=None, description="The name of all events; else a column has it.")
    app_id: str | None = Field(
        default=None, description="Braze's identifier of the app they are filed under."
    )
    identifier: IdentifierKind = Field(
        default="external_id", description="What users are known by: the column of that name."
    )
    sources: dict[str, SourceModel] = Field(
        default={}, description="Tables of the SQL that are not assets of `customer_360`."
    )
    destination: str = Field(default="braze", description="A `Destination`, or the key of a resource.")
    mode: Literal["preview", "test", "live"] = Field(
        default="preview", description="preview sends nothing, test sends `test_events`, live sends."
    )
    test_events: int = Field(default=10, ge=1)
    delivery: Literal["at_most_once", "at_least_once"] = Field(
        default="at_most_once",
        description="What is done with an event of which nobody knows whether Braze took it.",
    )
    keep_ids_days: int | None = Field(
        default=None,
        ge=1,
        description="Days that the ledger keeps ids after their partition's end; for good when left out. "
        "Older partitions cannot be sent any more.",
    )
    update_existing_only: bool = Field(default=True, description="Never create users in Braze.")
    max_ahead_hours: float = Field(
        default=24, ge=0, description="A time this far behind the partition's end is taken for a mistake."
    )
    guards: EventGuardsModel = EventGuardsModel()
    partitions: PartitionsModel = PartitionsModel()
    schedule: Schedule = Field(default=None, description=SCHEDULE)
    show_values: bool = Field(default=False, description="Show personal data in previews.")
    description: str | None = None
    owners: Sequence[str] = ()
    group: str = "braze"

    _schedule = field_validator("schedule")(schedule_text)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The sync's assets, jobs and schedule."""
        [settled] = settle(context, self)
        with placed(context.path / "defs.yaml"):
            made = build_event_sync(settled.sync.definition(context.path, settled.limits))
        why_not = held_back(table_query(self.table, context.path)) if settled.enabled else settled.why_not
        return paused(made, why_not) if why_not else made

    def definition(self, folder: Path, limits: Limits | None = None) -> EventSyncDefinition:
        """The sync in Python.

        Args:
            folder: Where relative paths start.
            limits: What the destination accepts.

        Raises:
            QueryError: The SQL does not parse, or has parameters or tables that cannot be.
            ConfigurationError: The settings contradict each other.
        """
        query = table_query(self.table, folder)
        front = front_of(query)
        if front.thresholds:
            raise QueryError(
                "Thresholds are asked of syncs of attributes only; this query is one of events.",
                place=query.place,
                remedy="Remove them from the front matter, and set the sync's guards.",
            )
        columns = self.columns.model_dump()
        properties = columns.pop("properties")
        return EventSyncDefinition(
            events=EventsSpec(
                name=self.name,
                kind=self.kind,
                query=query,
                identifier=self.identifier,
                columns=EventColumns(**columns, properties=None if properties is None else tuple(properties)),
                event_name=self.event_name,
                max_ahead=timedelta(hours=self.max_ahead_hours),
                limits=limits or Limits(),
            ),
            plan=EventPlanSettings(
                guarantee=self.delivery,
                app_id=self.app_id,
                update_existing_only=self.update_existing_only,
                guards=EventGuardSettings(**self.guards.model_dump()),
                limits=limits or Limits(),
            ),
            sources={name: declared_source(name, self.sources, folder) for name in query.sources},
            destination=self.destination,
            mode=self.mode,
            held_back=held_back(query),
            test_events=self.test_events,
            keep_ids_days=self.keep_ids_days,
            partitions=partitions_of(self.partitions),
            timing=timing_of(self.schedule),
            show_values=self.show_values,
            description=self.description or front.description,
            owners=self.owners or front.owners,
            group=self.group,
        )

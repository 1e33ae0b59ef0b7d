"""The component `braze_assets.CurrentsFeed`: event types of Braze Currents as tables, in YAML."""

from collections.abc import Sequence

import dagster as dg
from pydantic import Field

from braze_assets.assets.currents import CurrentsFeedDefinition, build_feed
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.yaml_errors import line_of
from braze_assets.currents.catalog import expand
from braze_assets.currents.decode import DecodeSettings
from braze_assets.currents.discovery import DiscoverySettings
from braze_assets.currents.events import EMAIL_EVENT_TYPES
from braze_assets.currents.field_rules import FieldRules
from braze_assets.currents.ingest import IngestSettings
from braze_assets.errors import ConfigurationError

__all__ = ["CurrentsFeed"]


@dg.scaffold_with(FromTemplate)
class CurrentsFeed(dg.Component, dg.Model, dg.Resolvable):
    """Reads what Braze Currents writes to a bucket: one asset for each event type, hour by hour.

    Of messages it also makes `message_engagement` and `campaign_response`, of email `unified_email_events`,
    `email_engagement_summary` and, given `customers`, `email_engagement_attributes`.
    """

    name: str | None = Field(
        default=None,
        pattern=r"^([a-z][a-z0-9_]*|\{\{.*\}\})?$",
        description="Tells feeds apart; tables of the Customer 360 are made of the one without.",
    )
    url: str | None = Field(
        default=None, description="A folder or s3://bucket/prefix; BRAZE_CURRENTS_URL when left out."
    )
    event_types: Sequence[str] = Field(
        default=EMAIL_EVENT_TYPES,
        description="Event types as the folders are named, or wildcards: users.messages.email.*",
    )
    lag_minutes: int = Field(
        default=DiscoverySettings.lag_minutes,
        ge=0,
        description="Minutes after its end before an hour is read first.",
    )
    look_back_hours: int = Field(
        default=DiscoverySettings.look_back_hours,
        ge=1,
        le=24 * 31,
        description="Hours, once read, in which late and changed files are looked for.",
    )
    look_seconds: int = Field(
        default=DiscoverySettings.look_seconds, ge=5, description="Seconds between two looks of the sensor."
    )
    window_hours: int = Field(
        default=IngestSettings.window_hours, ge=0, description="Earlier hours searched for duplicates."
    )
    error_threshold: float = Field(
        default=IngestSettings.error_threshold,
        ge=0,
        le=1,
        description="Share of an hour's files that may be unreadable before the hour is refused.",
    )
    accept_type_changes: Sequence[str] = Field(
        default=(),
        description="Fields that are text from now on, because their type has changed for good.",
    )
    quarantine_days: int = Field(
        default=IngestSettings.quarantine_days,
        ge=0,
        description="Days that files which could not be read whole are kept in quarantine.",
    )
    empty_when_files_are_gone: bool = Field(
        default=IngestSettings.empty_when_files_are_gone,
        description="Whether an hour is emptied when the bucket has none of its files any more.",
    )
    workers: int = Field(
        default=IngestSettings.workers, ge=1, description="Files decoded at a time; one a core is enough."
    )
    salvage: bool = Field(
        default=DecodeSettings.salvage,
        description="Whether the intact records of a damaged file are kept. False: it is refused whole.",
    )
    max_decoded_mb: int = Field(
        default=DecodeSettings.max_decoded_bytes >> 20,
        ge=1,
        le=2047,
        description="Megabytes (2^20) that a file may hold decompressed; what is beyond is refused.",
    )
    drop_fields: Sequence[str] = Field(
        default=(), description="Fields left out of all event types. Documented ones are NULL."
    )
    hash_fields: Sequence[str] = Field(
        default=(),
        description="Fields kept only as the SHA-256 of their text, in hexadecimal, in all event types.",
    )
    departures: dict[str, IdentifierKind] = Field(
        default={},
        description="Syncs whose ledgers users leave when Braze deletes or merges them: name to identifier.",
    )
    identity_days: int = Field(
        default=CurrentsFeedDefinition.identity_days,
        ge=0,
        description="Days of the feed's other events in which a deleted profile's external id is looked up.",
    )
    read_back: dict[str, IdentifierKind] = Field(
        default={},
        description="Syncs whose acknowledged values are compared with profile updates: name to identifier.",
    )
    send_again_when_changed: Sequence[str] = Field(
        default=(), description="Syncs of `read_back` whose next plan sends again what others changed."
    )
    customers: str | None = Field(
        default=None,
        description="The asset of customers, with `amperity_id` and `external_id`: makes "
        "`email_engagement_attributes`, by Amperity ID.",
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The feed's assets, job and schedule."""
        return build_feed(
            CurrentsFeedDefinition(
                name=self.name or "",
                url=self.url or "",
                event_types=self._event_types(context),
                discovery=DiscoverySettings(
                    lag_minutes=self.lag_minutes,
                    look_back_hours=self.look_back_hours,
                    look_seconds=self.look_seconds,
                ),
                settings=IngestSettings(
                    window_hours=self.window_hours,
                    error_threshold=self.error_threshold,
                    accept_type_changes=tuple(self.accept_type_changes),
                    quarantine_days=self.quarantine_days,
                    empty_when_files_are_gone=self.empty_when_files_are_gone,
                    workers=self.workers,
                    decoding=DecodeSettings(
                        salvage=self.salvage, max_decoded_bytes=self.max_decoded_mb << 20
                    ),
                    fields=FieldRules(tuple(self.drop_fields), tuple(self.hash_fields)),
                ),
                departures=self.departures,
                identity_days=self.identity_days,
                read_back=self.read_back,
                send_again_when_changed=self.send_again_when_changed,
                customers=self.customers or "",
            )
        )

    def _event_types(self, context: dg.ComponentLoadContext) -> tuple[str, ...]:
        file = context.path / "defs.yaml"
        try:
            return expand(self.event_types)
        except ConfigurationError as error:
            error.place = line_of(file, str(error.place)) if file.exists() else error.place
            raise

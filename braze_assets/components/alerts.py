"""The component `braze_assets.Alerts`: who is told when a flow's status changes, in YAML."""

import difflib
from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from pydantic import ConfigDict, Field, field_validator

from braze_assets.alerts import Rules
from braze_assets.assets.alerts import AlertsDefinition, Watched, build_alerts
from braze_assets.components.channel_model import ChannelModel
from braze_assets.components.flows import flows
from braze_assets.components.references import declared
from braze_assets.components.scaffolding import FromTemplate
from braze_assets.components.yaml_errors import line_of
from braze_assets.errors import ConfigurationError

__all__ = ["Alerts"]


@dg.scaffold_with(FromTemplate)
class Alerts(dg.Component, dg.Model, dg.Resolvable):
    """Tells people when the status of a flow changes: once for each change, and when it is ok again.

    Makes the sensor `<name>_sensor`, stopped until it is started.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        default="alerts", pattern=r"^[A-Za-z0-9_]+$", description="Letters, digits and underscores."
    )
    flows: Sequence[str] = Field(
        default=(), description="Syncs, event syncs, campaigns, audiences, CSV drops; all when left out."
    )
    channels: dict[str, ChannelModel] = Field(min_length=1, description="Who is told, by a name of yours.")
    max_rejected_share: float | None = Field(
        default=None, ge=0, lt=1, description="More than this share of a send's objects was rejected."
    )
    max_age_hours: float | None = Field(
        default=None, gt=0, description="The last send that came to its end is longer ago."
    )
    zero_rows: bool = Field(default=False, description="The flow's table has no rows.")
    dagster_url: str = Field(default="", description="Of the Dagster UI, for links to runs.")
    look_seconds: int = Field(default=60, ge=30, description="Seconds between two looks of the sensor.")
    description: str | None = None

    @field_validator("dagster_url")
    @classmethod
    def _is_a_url(cls, text: str) -> str:
        if text and "{{" not in text and not text.startswith(("https://", "http://")):
            raise ValueError("give the whole URL, such as https://dagster.example.com")
        return text

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The sensor."""
        declared(context, Alerts)
        return build_alerts(self.definition(self._chosen(context)))

    def definition(self, watched: Sequence[Watched]) -> AlertsDefinition:
        """The alerts in Python.

        Args:
            watched: The flows they are about.
        """
        return AlertsDefinition(
            name=self.name,
            flows=watched,
            channels={name: each.channel() for name, each in self.channels.items()},
            rules=Rules(
                max_rejected_share=self.max_rejected_share,
                max_age=None if self.max_age_hours is None else timedelta(hours=self.max_age_hours),
                zero_rows=self.zero_rows,
            ),
            base_url=self.dagster_url,
            look_seconds=self.look_seconds,
            description=self.description,
        )

    def _chosen(self, context: dg.ComponentLoadContext) -> list[Watched]:
        known = flows(context)
        by_name = {**{each.name: [each] for some in known.values() for each in some}, **known}
        for name in self.flows:
            if name not in by_name:
                near = difflib.get_close_matches(name, sorted(by_name), n=1)
                there = f"Known: {', '.join(sorted(by_name))}." if by_name else "There is no flow yet."
                raise ConfigurationError(
                    f"The flow {name!r} is unknown.",
                    place=line_of(context.path / "defs.yaml", name),
                    remedy=(f"Did you mean {near[0]}? " if near else "") + there,
                )
        chosen = [each for name in (self.flows or known) for each in by_name[name]]
        return [*{each.name: each for each in chosen if each.enabled}.values()]

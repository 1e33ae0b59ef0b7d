"""What alerts are: the Python form of their YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from braze_assets.alerts import Channel, Rules

__all__ = ["AlertsDefinition", "Watched"]


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A flow that is looked at."""

    name: str
    """As the messages call it."""
    send: dg.AssetKey
    """The asset whose materialization says what became of a send."""
    table: dg.AssetKey | None = None
    """The asset of its table; None where the send itself tells the rows."""
    ordered: bool = True
    """Whether its partitions follow each other in time."""
    enabled: bool = True
    """Whether anything is sent at all; one of a disabled destination is not looked at."""


@dataclass(frozen=True, kw_only=True)
class AlertsDefinition:
    """Who is told of which flows.

    `braze_assets.components.Alerts` makes it from YAML; `build_alerts` makes the sensor from it.
    """

    name: str
    flows: Sequence[Watched]
    channels: Mapping[str, Channel]
    rules: Rules = field(default_factory=Rules)
    base_url: str = ""
    """Of the Dagster UI, for the links."""
    look_seconds: int = 60
    description: str | None = None

"""What a campaign is: the Python form of its YAML."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from braze_assets.assets.syncs import SyncDefinition
from braze_assets.campaigns import Audience

__all__ = ["CampaignDefinition"]


@dataclass(frozen=True, kw_only=True)
class CampaignDefinition:
    """A campaign at one destination.

    `braze_assets.components.Campaign` makes it from YAML; `build_campaign` makes assets from it.
    """

    name: str
    """For people."""
    sync: SyncDefinition
    """What is sent, and where."""
    audiences: Mapping[str, Audience] = field(default_factory=dict)
    """By treatment; one without a name where there is but one."""
    array: str | None = None
    """The one attribute whose items are the names of the audiences; without, each is a boolean."""
    segments: tuple[str, ...] = ()
    """The names of the segments it includes."""
    customers: str = "merged_customers"
    """The table of the customers, as the SQL calls it."""
    key: str = "amperity_id"
    sample: int = 100
    """Members in the sample; 0 for none."""

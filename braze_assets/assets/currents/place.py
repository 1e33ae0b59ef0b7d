"""What tells one feed from another: names, groups, and where its files are."""

from dataclasses import dataclass

import dagster as dg

from braze_assets.currents.listing import CurrentsSource
from braze_assets.resources.currents import CurrentsResource
from braze_assets.storage import Storage

__all__ = ["FeedPlace", "event_asset_key"]


def event_asset_key(event_type: str) -> dg.AssetKey:
    """`users.messages.email.Open` as `currents/users_messages_email_open`, in the feed without a name."""
    return FeedPlace().key(event_type)


@dataclass(frozen=True, kw_only=True)
class FeedPlace:
    """A feed's name and bucket. The feed without a name is the one that the email tables are made of."""

    name: str = ""
    url: str = ""
    """Where Currents writes; that of the resource `currents` when empty."""

    def key(self, event_type: str) -> dg.AssetKey:
        """The asset of an event type, or of something else that the feed has one of."""
        above = ["currents", self.name] if self.name else ["currents"]
        return dg.AssetKey([*above, event_type.replace(".", "_").lower()])

    def named(self, what: str) -> str:
        """`currents_hour`, or `currents_<name>_hour` for a feed with a name."""
        return f"currents_{self.name}_{what}" if self.name else f"currents_{what}"

    def group(self, event_type: str | None = None) -> str:
        """The group of an event type: its channel, such as `currents_email`; without one, of the feed."""
        whole = f"currents_{self.name}" if self.name else "currents"
        return f"{whole}_{_channel(event_type)}" if event_type else whole

    def source(self, currents: CurrentsResource) -> CurrentsSource:
        """What is listed and read, by the resource's client.

        Raises:
            CurrentsError: The URL has an unknown scheme.
        """
        place = currents.at(self.url)
        return CurrentsSource(place.location(), place.s3_client())

    def beside(self, storage: Storage) -> Storage:
        """Where ids, marks and the quarantine of the feed are kept."""
        return Storage(storage.uri("feeds", self.name)) if self.name else storage


def _channel(event_type: str) -> str:
    parts = event_type.split(".")
    if parts[:2] == ["users", "messages"] and len(parts) > 3:
        return parts[2]
    if parts[0] != "users":
        return parts[0].lower()
    known = {"behaviors": "behaviors", "campaigns": "campaigns", "canvas": "canvas", "canvasstep": "canvas"}
    return known.get(parts[1].lower() if len(parts) > 2 else "", "users")

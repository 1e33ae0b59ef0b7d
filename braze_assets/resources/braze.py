"""A Braze workspace as a Dagster resource."""

import os
import re
from typing import TYPE_CHECKING, Literal

import dagster as dg
from pydantic import Field, field_validator

from braze_assets.braze.instances import Instance, resolve_instance
from braze_assets.braze.limits import Limits
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.errors import ConfigurationError

if TYPE_CHECKING:
    from braze_assets.delivery import BrazeClient
    from braze_assets.delivery.connection import Finding

__all__ = ["BrazeResource", "Mode"]

Mode = Literal["preview", "test", "live"]
_MODES: tuple[Mode, ...] = ("preview", "test", "live")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class BrazeResource(dg.ConfigurableResource[None]):
    """One destination: an instance, a key, and how far it may be written to.

    The key itself is never part of the configuration: it is read from its environment variable when a
    request is about to be made.
    """

    destination: str = Field(default="braze", description="Its name, for messages: the resource key.")
    enabled: bool = Field(default=True, description="False: nothing is sent there, and nothing asked.")
    instance: str = Field(
        default="",
        description="Instance id (US-03), or a dashboard, REST or SDK URL. Empty: the environment variable "
        "BRAZE_INSTANCE.",
    )
    api_key_variable: str = Field(
        default="BRAZE_API_KEY",
        description="The environment variable that holds the REST API key.",
    )
    most: Mode = Field(
        default="live",
        description="No sync goes further here, whatever it is set to: preview, test or live.",
    )
    objects_per_request: int = Field(default=Limits.objects_per_request, ge=1)
    bytes_per_request: int = Field(default=Limits.bytes_per_request, ge=1_000)
    requests_per_window: int = Field(
        default=Limits.requests_per_window,
        ge=1,
        description="Of all runs on one machine together. Where runs are on several, the part of each.",
    )
    window_seconds: float = Field(default=Limits.window_seconds, gt=0)
    requests_per_hour: int = Field(default=0, ge=0, description="0: the contract has no hourly limit.")
    export_requests_per_minute: int = Field(default=Limits.export_requests_per_minute, ge=1)
    array_items: int = Field(default=Limits.array_items, ge=1, description="Braze raises it on request.")
    array_bytes: int = Field(default=Limits.array_bytes, ge=1)
    settling_seconds: float = Field(
        default=DeliverySettings.settling_time,
        ge=0,
        description="Between two sends of one sync: Braze may apply requests out of order.",
    )
    max_attempts: int = Field(
        default=DeliverySettings.max_attempts,
        ge=1,
        description="Times a batch is sent before it is given up.",
    )

    segment_name: str = Field(default="", description="A segment that must exist in Braze; may be empty.")
    drop_url: str = Field(default="", description="Where CSV files are dropped; may be empty.")

    @field_validator("api_key_variable")
    @classmethod
    def _names_a_variable(cls, text: str) -> str:
        # It may be the key itself, in the wrong place. Dagster shows what a resource is set to: it must not
        # even get there, and is not repeated.
        if not _VARIABLE.fullmatch(text):
            raise ConfigurationError(
                "The setting is not the name of an environment variable.",
                place="api_key_variable of the BrazeResource",
                remedy="Set it to a name such as BRAZE_API_KEY, and that variable to the key.",
            )
        return text

    def resolved(self) -> Instance:
        """The instance.

        Raises:
            ConfigurationError: It is not set, or nobody knows it.
        """
        text = self.instance or os.environ.get("BRAZE_INSTANCE", "")
        if not text.strip():
            raise ConfigurationError(
                "The Braze instance is not set.",
                place="BRAZE_INSTANCE",
                remedy="Set it to an instance id such as US-03, or to the URL of your Braze dashboard.",
            )
        return resolve_instance(text)

    def client(self) -> "BrazeClient":
        """A client with the key.

        Raises:
            ConfigurationError: Instance or key are missing or cannot be right, or it is disabled.
        """
        self.require_enabled()
        from braze_assets.delivery import BrazeClient

        return BrazeClient(
            endpoint=self.resolved().rest_url,
            api_key=os.environ.get(self.api_key_variable, ""),
            settings=self.delivery(),
            key_place=self.api_key_variable,
        )

    def require_enabled(self) -> None:
        """Refuse to go on where the destination is disabled.

        Raises:
            ConfigurationError: It is.
        """
        if not self.enabled:
            raise ConfigurationError(
                f"The destination {self.destination} is disabled: nothing is sent to it.",
                place=f"destination {self.destination}",
                remedy="Set `enabled: true` on the destination, or send to another one.",
            )

    def check(self, *, write_probe: bool = False) -> "tuple[Finding, ...]":
        """Whether everything a send needs is there: instance, key, permission, segment, drop location.

        No data is sent.

        Args:
            write_probe: Whether a small object is written to the drop location and removed again.
        """
        from braze_assets.delivery.connection import Finding, check_destination

        if not self.enabled:
            cause = "The destination is disabled: nothing was asked."
            return (Finding(subject="connection", passed=True, cause=cause),)
        return check_destination(
            self.client,
            limits=self.limits(),
            segment_name=self.segment_name,
            drop_url=self.drop_url,
            write_probe=write_probe,
        )

    def limits(self) -> Limits:
        """What this workspace's contract allows."""
        return Limits(
            objects_per_request=self.objects_per_request,
            bytes_per_request=self.bytes_per_request,
            requests_per_window=self.requests_per_window,
            window_seconds=self.window_seconds,
            requests_per_hour=self.requests_per_hour or None,
            export_requests_per_minute=self.export_requests_per_minute,
            array_items=self.array_items,
            array_bytes=self.array_bytes,
        )

    def delivery(self) -> DeliverySettings:
        """How a send behaves."""
        return DeliverySettings(settling_time=self.settling_seconds, max_attempts=self.max_attempts)

    def allowed_mode(self, mode: Mode) -> Mode:
        """The mode asked for, or as far as this destination lets it go."""
        return _MODES[min(_MODES.index(mode), _MODES.index(self.most))]

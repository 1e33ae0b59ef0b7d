"""How a send behaves: every number a person may want to change, with the reason for its default."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from braze_assets.errors import ConfigurationError

__all__ = ["DeliverySettings"]

_LOWEST: Mapping[str, float] = {
    "connect_timeout": 0.01,
    "read_timeout": 0.01,
    "max_attempts": 1,
    "max_throttled": 1,
    "in_flight_start": 1,
    "in_flight_max": 1,
    "ready_batches": 1,
    "read_rows": 1,
    "journal_backlog": 1,
    "refused_batches": 1,
}
"""The lowest value that makes sense, where that is not 0."""


@dataclass(frozen=True, kw_only=True)
class DeliverySettings:
    """Times in seconds.

    Raises:
        ConfigurationError: A number is out of its range.
    """

    connect_timeout: float = 10.0
    """To reach Braze. Nothing was sent when it runs out."""
    read_timeout: float = 30.0
    """To send a request, and then for the whole reply, also if it comes in drops. When it runs out, Braze
    may or may not have taken the request."""
    max_attempts: int = 8
    """Times a batch is sent before its outcome is left unknown. Replies with 429 do not count: they say for
    certain that nothing was taken, and when to come back."""
    max_throttled: int = 60
    """Replies with 429 a single batch bears before the send stops."""
    backoff_base: float = 0.5
    """The first pause before a retry; it doubles with every attempt, and half of it is chance."""
    backoff_cap: float = 30.0
    """No pause is longer. With the defaults a batch survives an outage of about a minute and a half."""
    in_flight_start: int = 128
    """Requests in flight before the latency is known. Later it is fewer where fewer fill the limit. To begin
    with fewer would leave a part of every window unused: each window repeats the pace of the first."""
    in_flight_max: int = 160
    """Requests in flight at most: one thread and one connection each. The documented limit of 1,000 requests
    a second takes 100 of them at a latency of 100 ms, and some more where latencies vary."""
    ready_batches: int = 256
    """Batches read ahead and held ready in memory (up to 4 MB each, usually some 20 KB)."""
    read_rows: int = 7_500
    """Objects read from the plan at a time; a multiple of the objects in a request."""
    journal_interval: float = 1.0
    """Receipts are written to the ledger this often, more often as a long send ends: what a crash can lose,
    and would send once more."""
    journal_backlog: int = 300_000
    """Receipts not yet journaled at which sending waits for the journal, so that memory stays bounded."""
    refused_batches: int = 3
    """Batches that may be refused with HTTP 400 to their last object while none was ever accepted. More
    means that not the rows are at fault but the requests, and the send stops."""
    settling_time: float = 10.0
    """Between two sends of one sync: Braze may apply two requests for one user out of order, also after it
    answered both (documentation "Create and update users", September 2026)."""
    check_first: bool = True
    """Ask Braze whether it takes this key before the send is written down as begun. Otherwise a wrong key
    leaves every object of the plan as possibly sent, and all of them go again."""
    header_pause_cap: float = 15.0
    """A reply that claims no request is left (a number that Braze calls approximate) pauses the send for this
    long at most; a real 429 says how long to wait."""
    throttled_pause_cap: float = 3_600.0
    """A 429 pauses the send for this long at most, whatever its headers say; then it asks again. Limits start
    anew on the clock hour, so none should say more."""
    progress_interval: float = 1.0
    """The progress callback is called this often at most."""
    proxy: str | None = None
    """URL of an HTTP proxy. Proxy variables and .netrc of the environment are not read: what they say could
    send the API key somewhere else, and looking them up costs time in every request."""
    ca_bundle: str | None = None
    """File of certificate authorities, where a proxy opens TLS; the usual public ones when None."""

    @property
    def lease(self) -> float:
        """Seconds after a look at the ledger's fence during which requests may leave; 0: no such limit.

        Half the settling time. Whoever takes a sync over moves the fence, then waits the settling time: by
        then the lease of a run that was stopped in between, or that lost its storage, has long run out.
        """
        return self.settling_time / 2

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if isinstance(value, (int, float)) and not value >= _LOWEST.get(setting.name, 0):
                raise ConfigurationError(
                    f"The delivery setting {setting.name} is {value}: it must be at least "
                    f"{_LOWEST.get(setting.name, 0)}.",
                    place=f"delivery setting {setting.name}",
                    remedy="Correct it, or leave it out for the default.",
                )

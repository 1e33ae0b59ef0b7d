"""What a send does before it begins: let the last one settle, and ask whether key and instance are right."""

from collections.abc import Callable
from datetime import datetime

from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.limiter import Permit, RateLimiter
from braze_assets.delivery.no_reply import NoReplyError
from braze_assets.delivery.settings import DeliverySettings

__all__ = ["check_first", "wait_for_permit", "wait_until_settled"]

_SLICE = 0.2


def wait_until_settled(
    since: datetime,
    *,
    settling_time: float,
    clocks: Clocks,
    cancelled: Callable[[], bool] | None,
) -> float:
    """Wait until Braze has applied what the sync's last send sent it; returns the seconds waited.

    Args:
        since: When that send ended.
        settling_time: Seconds between two sends.
        clocks: Time.
        cancelled: True ends the waiting.
    """
    passed = (clocks.now() - since).total_seconds()
    # A clock that went back must not make it wait for ever.
    wait = max(0.0, min(settling_time - passed, settling_time))
    start = clocks.monotonic()
    while (left := start + wait - clocks.monotonic()) > 0:
        if cancelled is not None and cancelled():
            break
        clocks.sleep(min(left, _SLICE))
    return clocks.monotonic() - start if wait else 0.0


def check_first(
    client: BrazeClient, limiter: RateLimiter, *, settings: DeliverySettings, clocks: Clocks
) -> None:
    """Ask whether key, instance and permission are right, and try again where that may help.

    Raises:
        DeliveryError: They are not, or Braze does not answer.
    """
    for attempt in range(1, settings.max_attempts + 1):
        permit = wait_for_permit(limiter, clocks)
        try:
            client.check_connection()
            return
        except NoReplyError:
            if attempt == settings.max_attempts:
                raise
        finally:
            limiter.done(permit, now=clocks.monotonic(), wall=clocks.now().timestamp())
        clocks.sleep(min(settings.backoff_base * 2.0 ** (attempt - 1), settings.backoff_cap))


def wait_for_permit(limiter: RateLimiter, clocks: Clocks) -> Permit:
    """The right to send one request; to be given back with `RateLimiter.done`."""
    share = object()
    try:
        while True:
            permit = limiter.acquire(share, now=clocks.monotonic(), wall=clocks.now().timestamp())
            if isinstance(permit, Permit):
                return permit
            clocks.sleep(min(permit, _SLICE))
    finally:
        limiter.leave(share, now=clocks.monotonic(), wall=clocks.now().timestamp())

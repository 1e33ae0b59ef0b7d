"""One rate limiter a destination, whoever sends there from this process."""

import threading

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.limiter import RateLimiter

__all__ = ["limiter_for"]

_lock = threading.Lock()
_limiters: dict[tuple[object, ...], RateLimiter] = {}


def limiter_for(client: BrazeClient, limits: Limits) -> RateLimiter:
    """The limiter of a client's workspace.

    It is kept for as long as the process lives: the requests of a send that has just ended still count.
    Sends in other processes are not seen here. Where several run at once, give each its part of the limit in
    the settings, or let them meet at Braze's 429: both slow down then.
    """
    window = (limits.requests_per_window, limits.window_seconds, limits.requests_per_hour)
    key = (client.endpoint, hash(client.secrets), *window)
    with _lock:
        if key not in _limiters:
            _limiters[key] = RateLimiter.of(limits)
        return _limiters[key]

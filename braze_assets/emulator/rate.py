"""Braze's rate limits: fixed windows, and the two documented ways of telling about them in headers.

Source: Braze documentation "API limits", September 2026. Limits start anew on the clock hour; that the short
windows are fixed too, aligned to the epoch, and that a refused request costs nothing, are assumptions.
"""

import math

from braze_assets.emulator.http import Headers, Reply, json_reply
from braze_assets.emulator.settings import Settings

__all__ = ["RateLimits", "Window", "rate_limited"]


class Window:
    """So many requests in so many seconds."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self._index = -1
        self._used = 0

    def remaining(self, now: float) -> int:
        """Requests left in the window of this instant (epoch seconds)."""
        index = int(now // self.seconds)
        if index != self._index:
            self._index, self._used = index, 0
        return max(0, self.limit - self._used)

    def take(self) -> None:
        """Count one request into the window last looked at."""
        self._used += 1

    def reset(self, now: float) -> float:
        """Epoch seconds at which the window of this instant ends."""
        return (now // self.seconds + 1) * self.seconds


class RateLimits:
    """The windows of one endpoint group; every one must have room.

    The first window is the one classic headers describe, the last one those of newer contracts (which
    describe the hour).
    """

    def __init__(self, windows: list[Window], regime: str) -> None:
        self._windows = windows
        self._regime = regime

    @classmethod
    def by_group(cls, settings: Settings) -> dict[str, "RateLimits"]:
        """The limits of every group of endpoints."""
        groups: dict[str, list[tuple[int | None, float]]] = {
            "track": [
                (settings.requests_per_window, settings.window_seconds),
                (settings.requests_per_hour, 3600.0),
            ],
            "export": [(settings.export_requests_per_minute, 60.0)],
            "export_fields": [(settings.export_requests_per_second, 1.0)],
            "identity": [(settings.identity_requests_per_minute, 60.0)],
            "listing": [(settings.listing_requests_per_hour, 3600.0)],
            "other": [(settings.other_requests_per_hour, 3600.0)],
        }
        return {
            group: cls(
                [Window(limit, seconds) for limit, seconds in windows if limit is not None],
                settings.rate_headers,
            )
            for group, windows in groups.items()
        }

    def enter(self, now: float) -> tuple[Headers, Reply | None]:
        """Count one request: the headers of its answer, or a 429 in place of it."""
        windows = self._windows
        for window in windows:
            if not window.remaining(now):
                return (), self._refusal(window, now)
        for window in windows:
            window.take()
        if not windows:
            return (), None
        return self._headers(windows[0] if self._regime == "classic" else windows[-1], now), None

    def _headers(self, window: Window, now: float) -> Headers:
        reset = window.reset(now)
        value = math.ceil(reset) if self._regime == "classic" else math.ceil(reset - now)
        return (
            (b"x-ratelimit-limit", b"%d" % window.limit),
            (b"x-ratelimit-remaining", b"%d" % window.remaining(now)),
            (b"x-ratelimit-reset", b"%d" % value),
        )

    def _refusal(self, window: Window, now: float) -> Reply:
        if self._regime == "classic":
            return rate_limited().adding(self._headers(window, now))
        return rate_limited(max(1, math.ceil(window.reset(now) - now)))


def rate_limited(retry_after: int | None = None) -> Reply:
    """A 429. Newer contracts send `x-ratelimit-retry-after` and nothing else; the body is an assumption."""
    headers: Headers = () if retry_after is None else ((b"x-ratelimit-retry-after", b"%d" % retry_after),)
    return json_reply(429, {"message": "Rate limit exceeded"}, headers)

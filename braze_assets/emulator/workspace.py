"""A Braze workspace in memory: profiles, settings, faults, limits and counters together."""

import random
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from braze_assets.emulator.apply import Applier
from braze_assets.emulator.counters import Counters
from braze_assets.emulator.faults import Faults
from braze_assets.emulator.http import Call
from braze_assets.emulator.pending import Pending
from braze_assets.emulator.profiles import Profiles
from braze_assets.emulator.rate import RateLimits
from braze_assets.emulator.settings import Settings
from braze_assets.emulator.values import ValueRules

__all__ = ["Workspace"]


class Workspace:
    """Everything a local Braze knows.

    Args:
        settings: How it behaves.
        now: Tells the time in epoch seconds; tests give their own.
    """

    def __init__(self, settings: Settings | None = None, *, now: Callable[[], float] = time.time) -> None:
        self.now = now
        self.initial = settings or Settings()
        self.clear()
        self.configure(self.initial)

    def clear(self) -> None:
        """Forget profiles, pending changes, faults, counters and recorded requests; keep the settings."""
        settings = getattr(self, "settings", self.initial)
        self.counters = Counters()
        self.profiles = Profiles(self.now)
        self.applier = Applier(self.profiles, ValueRules.of(settings), settings.kept_events)
        self.pending = Pending(random.Random(settings.seed))  # noqa: S311
        self.faults = Faults(random.Random(settings.seed + 1))  # noqa: S311
        self.chance = random.Random(settings.seed + 2)  # noqa: S311
        self._airborne: dict[str, float] = {}
        self.recorded: deque[dict[str, Any]] = deque(maxlen=settings.record_requests)
        self.applied: deque[dict[str, Any]] = deque(maxlen=settings.record_applied)

    def configure(self, settings: Settings) -> None:
        """Behave differently from now on. Rate limit windows start afresh."""
        self.settings = settings
        self.applier.configure(ValueRules.of(settings), settings.kept_events)
        self.blocked = frozenset(settings.blocked_users)
        self.permissions = None if settings.permissions is None else frozenset(settings.permissions)
        self.limits = RateLimits.by_group(settings)
        self.authorization = f"Bearer {settings.api_key}".encode()
        if self.recorded.maxlen != settings.record_requests:
            self.recorded = deque(self.recorded, maxlen=settings.record_requests)
        if self.applied.maxlen != settings.record_applied:
            self.applied = deque(self.applied, maxlen=settings.record_applied)

    def accept(self, objects: dict[str, list[dict[str, Any]]], call: Call | None = None) -> None:
        """Apply the accepted objects of one request, now or later."""
        number = self.counters.requests

        def apply() -> None:
            self.counters.data_points += self.applier.apply(objects)
            if self.applied.maxlen and call is not None:
                body = call.body.decode("utf-8", "replace")
                taken = objects.get("attributes", [])
                self.applied.append(
                    {"number": number, "body": body, "heard": call.heard, "attributes": taken}
                )

        due = self.later(apply)
        settings = self.settings
        if settings.latency_ms or settings.apply_delay_ms or settings.reorder_ms:
            self._note_overlaps(objects, max(due, self.now() + settings.latency_ms / 1e3))

    def _note_overlaps(self, objects: dict[str, list[dict[str, Any]]], until: float) -> None:
        now, airborne = self.now(), self._airborne
        users = {
            str(
                item.get("external_id") or item.get("braze_id") or item.get("user_alias") or item.get("email")
            )
            for items in objects.values()
            for item in items
        }
        for user in users:
            self.counters.overlapping += airborne.get(user, 0.0) > now
            airborne[user] = max(until, airborne.get(user, 0.0))

    def record(self, call: Call) -> None:
        """Keep a request for tests to look at, without its key."""
        if self.recorded.maxlen:
            headers = {
                name.decode("latin-1"): value.decode("latin-1") for name, value in call.headers.items()
            }
            headers.pop("authorization", None)
            body = call.body.decode("utf-8", "replace")
            self.recorded.append({"method": call.method, "path": call.path, "headers": headers, "body": body})

    def later(self, change: Callable[[], None]) -> float:
        """Apply an accepted change when its time has come; returns that, in epoch seconds."""
        settings = self.settings
        return self.pending.add(
            change, now=self.now(), delay=settings.apply_delay_ms / 1e3, reorder=settings.reorder_ms / 1e3
        )

    def settle(self) -> None:
        """Apply what is due; called before anything is read."""
        if self.pending:
            self.pending.settle(self.now())

    def latency(self) -> float:
        """Seconds to wait before the next answer."""
        settings = self.settings
        jitter = self.chance.uniform(0, settings.latency_jitter_ms) if settings.latency_jitter_ms else 0
        return (settings.latency_ms + jitter) / 1e3

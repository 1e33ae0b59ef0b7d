"""Made-up email events that hang together: who opens or clicks was sent something before.

Everything is drawn from the seed and the hour alone, so that any hour can be made at any time, in any order.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from braze_assets.currents.profile_updates import PROFILE_UPDATE, profile_update

__all__ = ["Timeline"]

Event = dict[str, Any]

_PREFIX = "users.messages.email."
_FOLLOWS = {"Open": 0.42, "Click": 0.09, "Bounce": 0.015, "Unsubscribe": 0.004}
"""What follows a send, and how likely."""
_COPIED = (
    *("user_id", "external_user_id", "email_address", "dispatch_id", "campaign_id", "campaign_name"),
    *("message_variation_id", "canvas_id", "canvas_name", "canvas_step_id", "send_id", "app_group_id"),
    "timezone",
)
_TIMEZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "America/Sao_Paulo", None)
_HOUR = timedelta(hours=1)
_UPDATES = 0.02
"""Of the sends of an hour."""


@dataclass
class Timeline:
    """The events of a made-up feed.

    Args:
        seed: The same seed gives the same events.
        external_ids: Whose events. One event in fifty is of a user without an external id.
        sends_per_hour: Emails sent an hour.
    """

    seed: int
    external_ids: Sequence[str]
    sends_per_hour: int
    _sends: dict[datetime, list[Event]] = field(default_factory=dict, repr=False)

    def events(self, event_type: str, hour: datetime) -> list[Event]:
        """The distinct events of a type that are queued in an hour, in the order of their queueing."""
        if event_type == PROFILE_UPDATE:
            return list(self._updates(hour))
        name = event_type.removeprefix(_PREFIX)
        if name == "Send":
            return self.sends(hour)
        if name not in _FOLLOWS:
            return []
        found = [
            event
            for sent in (hour - _HOUR, hour)
            for queued, event in self._following(name, sent)
            if hour <= queued < hour + _HOUR
        ]
        return sorted(found, key=lambda event: (event["time"], event["id"]))

    def sends(self, hour: datetime) -> list[Event]:
        """The emails sent in an hour."""
        if hour not in self._sends:
            while len(self._sends) > 8:
                self._sends.pop(next(iter(self._sends)))
            self._sends[hour] = list(self._draw_sends(hour))
        return self._sends[hour]

    def _updates(self, hour: datetime) -> Iterator[Event]:
        """Some who were sent something change their language, in an app."""
        rng = self._random("Update", hour.isoformat())
        for number, send in enumerate(self.sends(hour)):
            if rng.random() >= _UPDATES:
                continue
            at = datetime.fromtimestamp(send["time"], timezone.utc)
            attributes = {"language": rng.choice(("de", "en", "es", "ja")), "language_chosen": True}
            yield {
                **profile_update(
                    number,
                    at,
                    attributes,
                    external_id=send["external_user_id"],
                    braze_id=send["user_id"],
                    source="SDK",
                ),
                "id": _uuid(rng),
            }

    def _random(self, *about: object) -> random.Random:
        return random.Random("/".join(str(part) for part in (self.seed, *about)))  # noqa: S311

    def _draw_sends(self, hour: datetime) -> Iterator[Event]:
        rng = self._random("Send", hour.isoformat())
        start = int(hour.timestamp())
        for place in range(self.sends_per_hour if self.external_ids else 0):
            external_id = self.external_ids[rng.randrange(len(self.external_ids))]
            campaign = rng.randrange(12)
            canvas = rng.random() < 0.3
            known = rng.random() >= 0.02
            yield {
                "id": _uuid(rng),
                "user_id": self._random("user", external_id).randbytes(12).hex(),
                "external_user_id": external_id if known else None,
                "email_address": f"{external_id}@example.com",
                "dispatch_id": f"{rng.getrandbits(128):032x}",
                "time": start + place * 3600 // self.sends_per_hour,
                "timezone": rng.choice(_TIMEZONES),
                "campaign_id": None if canvas else f"campaign-{campaign:02d}",
                "campaign_name": None if canvas else f"Campaign {campaign}",
                "message_variation_id": f"variation-{campaign:02d}-{rng.randrange(2)}",
                "canvas_id": f"canvas-{campaign:02d}" if canvas else None,
                "canvas_name": f"Canvas {campaign}" if canvas else None,
                "canvas_step_id": f"step-{campaign:02d}-{rng.randrange(4)}" if canvas else None,
                "send_id": f"send-{campaign:02d}-{hour:%Y%m%d}",
                "ip_pool": "default",
                "app_group_id": "0123456789abcdef01234567",
                "from_domain": "mail.example.com",
            }

    def _following(self, name: str, sent: datetime) -> Iterator[tuple[datetime, Event]]:
        """What follows the sends of an hour, with the time it is queued: for a few well after it happened."""
        rng = self._random(name, sent.isoformat())
        for send in self.sends(sent):
            if rng.random() >= _FOLLOWS[name]:
                continue
            delay = min(int(rng.expovariate(1 / 900)), 3599)
            late = rng.randrange(3600 - delay) if rng.random() < 0.03 else 0
            event = {key: send[key] for key in _COPIED}
            event |= {"id": _uuid(rng), "time": send["time"] + delay, **_details(name, rng)}
            yield datetime.fromtimestamp(event["time"] + late, timezone.utc), event


def _details(name: str, rng: random.Random) -> Event:
    """The fields that only this kind of event has."""
    if name == "Bounce":
        return {"bounce_reason": "550 mailbox unavailable", "esp": "sparkpost", "is_drop": False}
    if name == "Unsubscribe":
        return {"ip_pool": "default"}
    device = rng.choice((("mobile", "iOS"), ("desktop", "Windows"), ("mobile", "Android")))
    details: Event = {"device_class": device[0], "device_os": device[1], "is_amp": False, "esp": "sparkpost"}
    if name == "Open":
        return {**details, "machine_open": "true" if rng.random() < 0.3 else None}
    bot = rng.random() < 0.08
    return {
        **details,
        "url": f"https://www.example.com/offers/{rng.randrange(20)}",
        "link_id": f"link-{rng.randrange(8)}",
        "is_suspected_bot_click": bot,
        "suspected_bot_click_reason": ["user_agent"] if bot else None,
    }


def _uuid(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))

"""Where Currents puts its files: keys, parsed and built.

Three layouts are known (Currents documentation and older buckets, September 2026):

    <integration>/event_type=<T>/date=<hour>/version=<N>/<environment>/<integration>+<partition>+<offset>.avro
    <integration>/event_type=<T>/date=<hour>/<schema id>/<zone>/<integration>+<partition>+<offset>.avro
    the second, with an integration named without its cluster

The integration is `dataexport.<cluster>.S3.integration.<id>`. Braze says that names may change, so only
`event_type=` and `date=` are relied upon. The date is the hour (UTC) in which Braze queued the events, not
the hour in which they happened.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Literal

from braze_assets.errors import CurrentsError

__all__ = [
    "CurrentsKey",
    "Layout",
    "build_key",
    "hour_name",
    "hour_prefix",
    "parse_hour",
    "parse_key",
    "window",
]

Layout = Literal["version", "schema", "2017", "unknown"]

_HOUR = re.compile(r"\d{4}-\d{2}-\d{2}-\d{2}")
_NAME = re.compile(r"\+(?P<partition>\d+)\+(?P<offset>\d+)\.avro$")
_INTEGRATION = re.compile(r"^dataexport\.(?:(?P<cluster>[^.]+)\.)?[^.]+\.integration\.[^.]+$")


@dataclass(frozen=True, kw_only=True)
class CurrentsKey:
    """What a key tells about its file. Only the event type and the hour are always there."""

    event_type: str
    hour: datetime
    layout: Layout = "unknown"
    integration: str | None = None
    """The folder of the connector, for instance `dataexport.prod-01.S3.integration.0123`."""
    version: int | None = None
    """The Currents version, or the schema id in the older layouts."""
    environment: str | None = None
    partition: int | None = None
    offset: int | None = None


def hour_name(hour: datetime) -> str:
    """An hour as Currents writes it: `2026-11-22-07`.

    Raises:
        CurrentsError: The time has no time zone or is not a whole hour.
    """
    if hour.tzinfo is None or hour.replace(minute=0, second=0, microsecond=0) != hour:
        raise CurrentsError(
            "An hour of Currents is a whole hour with a time zone.",
            place=hour.isoformat(),
            remedy="Give a UTC datetime with minutes and seconds zero.",
        )
    return hour.astimezone(timezone.utc).strftime("%Y-%m-%d-%H")


@lru_cache(maxsize=8192)
def parse_hour(text: str) -> datetime | None:
    """The hour behind `date=`, or None where the text is not one."""
    if not _HOUR.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H").replace(tzinfo=timezone.utc)
    except ValueError:
        return None


def window(hour: datetime, hours: int) -> list[datetime]:
    """The hours before an hour, nearest first, in which a duplicate of its events is looked for."""
    return [hour - timedelta(hours=back) for back in range(1, hours + 1)]


def hour_prefix(integration: str, event_type: str, hour: datetime) -> str:
    """The prefix of all files of one event type and hour, ending in a slash."""
    root = integration.rstrip("/")
    return f"{root + '/' if root else ''}event_type={event_type}/date={hour_name(hour)}/"


def build_key(key: CurrentsKey) -> str:
    """The key of a file, in its layout.

    Raises:
        CurrentsError: The layout is unknown or a part of the key is missing.
    """
    parts = (key.integration, key.version, key.environment, key.partition, key.offset)
    if key.layout == "unknown" or None in parts:
        raise CurrentsError(
            "A key of Currents cannot be built from its parts.",
            place=key.event_type,
            remedy="Give a layout (version, schema or 2017) and all the parts.",
        )
    version = f"version={key.version}" if key.layout == "version" else str(key.version)
    offset = f"{key.offset:010d}" if key.layout == "2017" else str(key.offset)
    prefix = hour_prefix(str(key.integration), key.event_type, key.hour)
    return f"{prefix}{version}/{key.environment}/{key.integration}+{key.partition}+{offset}.avro"


def parse_key(key: str) -> CurrentsKey | None:
    """What a key tells, or None where it has no event type or no hour.

    Args:
        key: The key or path, with or without what comes before the integration.
    """
    folders = key.split("/")
    values = dict(folder.split("=", 1) for folder in folders[:-1] if "=" in folder)
    hour = parse_hour(values.get("date", ""))
    event_type = values.get("event_type", "")
    if hour is None or not event_type:
        return None
    integration = next((folder for folder in folders[:-1] if _INTEGRATION.match(folder)), None)
    name = _NAME.search(folders[-1])
    date = next(place for place, folder in enumerate(folders) if folder.startswith("date="))
    layout, version, environment = _layout(folders[date + 1 : -1], integration)
    return CurrentsKey(
        event_type=event_type,
        hour=hour,
        layout=layout,
        integration=integration,
        version=version,
        environment=environment,
        partition=int(name["partition"]) if name else None,
        offset=int(name["offset"]) if name else None,
    )


def _layout(between: list[str], integration: str | None) -> tuple[Layout, int | None, str | None]:
    """Layout, version and environment, from the folders between the hour and the file."""
    known = _INTEGRATION.match(integration) if integration else None
    if known is None or len(between) != 2:
        return "unknown", None, None
    number = between[0].removeprefix("version=")
    if not number.isdecimal():
        return "unknown", None, None
    if number != between[0]:
        return "version", int(number), between[1]
    return "schema" if known["cluster"] else "2017", int(number), between[1]

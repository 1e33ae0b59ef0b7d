"""Hours that must be made again, because an earlier hour has changed.

Of two copies of an event in different hours the earlier one stays. A late file of an hour can so take an
event out of a later one, and a file that was taken away can give one back. The run of the changed hour
leaves a mark for each hour this may concern; a sensor asks for those, and their runs take the marks away.

A mark is an empty file of its own, `currents_refill/<event type>/<hour>.<token>`, so that one made while the
hour is running is not taken away by that run.
"""

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from braze_assets.currents.paths import hour_name, parse_hour
from braze_assets.storage import Storage, storage_errors

__all__ = ["clear", "mark", "marked", "tokens"]

_FOLDER = "currents_refill"


def mark(storage: Storage, event_type: str, hours: Iterable[datetime]) -> None:
    """Ask for hours to be made again.

    Raises:
        StorageError: A mark cannot be written.
    """
    for hour in hours:
        path = storage.path(_FOLDER, event_type, f"{hour_name(hour)}.{uuid.uuid4().hex}")
        with storage_errors(str(path)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")


def marked(storage: Storage, event_types: Iterable[str]) -> dict[str, list[datetime]]:
    """The hours to make again, ascending, for those of these event types that have any.

    Raises:
        StorageError: The marks cannot be listed.
    """
    found = {each: sorted({hour for hour, _ in _marks(storage, each)}) for each in event_types}
    return {event_type: hours for event_type, hours in found.items() if hours}


def tokens(storage: Storage, event_type: str, hour: datetime) -> tuple[str, ...]:
    """The names of an hour's marks, sorted. They change when it is marked again.

    Raises:
        StorageError: The marks cannot be listed.
    """
    return tuple(sorted(token for each, token in _marks(storage, event_type) if each == hour))


def clear(storage: Storage, event_type: str, hour: datetime, seen: Sequence[str] | None = None) -> None:
    """Take the marks of an hour away.

    Args:
        storage: Where the marks are.
        event_type: The event type.
        hour: The hour that has been made again.
        seen: Its `tokens` when the run began; marks made since then stay. All of them when None.

    Raises:
        StorageError: A mark cannot be removed.
    """
    for token in tokens(storage, event_type, hour) if seen is None else seen:
        path = storage.path(_FOLDER, event_type, f"{hour_name(hour)}.{token}")
        with storage_errors(str(path)):
            path.unlink(missing_ok=True)


def _marks(storage: Storage, event_type: str) -> Iterator[tuple[datetime, str]]:
    folder = storage.path(_FOLDER, event_type)
    with storage_errors(str(folder)):
        names = [path.name for path in folder.iterdir()] if folder.exists() else []
    for name in names:
        hour, _, token = name.partition(".")
        if token and (parsed := parse_hour(hour)) is not None:
            yield parsed, token

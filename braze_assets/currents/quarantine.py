"""Files that could not be read whole: their bytes and why, under the storage's root.

`currents_quarantine/<event type>/<hour>/` holds a copy of each file as it was and `log.jsonl`, a line a file.
Braze's bucket is only read. The folder is what the last run of the hour found: a file that reads well by then
leaves it.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from upath import UPath

from braze_assets.currents.manifest import version_of
from braze_assets.currents.paths import hour_name
from braze_assets.currents.spool import SpooledFile
from braze_assets.storage import Storage, atomic_writer, storage_errors

__all__ = ["FOLDER", "expire", "quarantine", "quarantined"]

FOLDER = "currents_quarantine"
_LOG = "log.jsonl"


def quarantine(
    storage: Storage, event_type: str, hour: datetime, files: Sequence[SpooledFile], now: datetime
) -> list[dict[str, Any]]:
    """Make the quarantine of an hour what its files say, and give its log.

    Args:
        storage: Where it is kept.
        event_type: The event type.
        hour: The hour.
        files: All files of the hour.
        now: When this is.

    Raises:
        StorageError: It cannot be written.
    """
    bad = [file for file in files if file.quarantined]
    folder = storage.path(FOLDER, event_type, hour_name(hour))
    with storage_errors(str(folder)):
        before = {row["copy"]: row for row in _read(folder)}
        if not bad and not before:
            return []
        log = [_row(event_type, hour, file, now) for file in bad]
        for row, file in zip(log, bad, strict=True):
            known = before.get(row["copy"])
            if known is not None:
                row["quarantined_at"] = known["quarantined_at"]
            elif file.copy is not None:
                with file.copy.open("rb") as source, atomic_writer(folder / row["copy"]) as sink:
                    shutil.copyfileobj(source, sink, 1 << 20)
        if log:
            with atomic_writer(folder / _LOG) as sink:
                sink.write("".join(json.dumps(row) + "\n" for row in log).encode())
        _remove(folder, keep={_LOG, *(row["copy"] for row in log)} if log else set())
    return log


def quarantined(storage: Storage, event_type: str) -> Iterator[dict[str, Any]]:
    """The log of an event type's quarantine, a row a file, by hour.

    Raises:
        StorageError: It cannot be read.
    """
    place = storage.path(FOLDER, event_type)
    with storage_errors(str(place)):
        for folder in sorted(place.iterdir(), key=lambda each: each.name) if place.exists() else []:
            yield from _read(folder)


def expire(storage: Storage, event_type: str, days: int, now: datetime) -> int:
    """Remove the quarantine of hours whose files all came there more than `days` ago; give their number.

    Raises:
        StorageError: It cannot be read or removed.
    """
    place, limit, gone = storage.path(FOLDER, event_type), now - timedelta(days=days), 0
    with storage_errors(str(place)):
        for folder in list(place.iterdir()) if place.exists() else []:
            rows = _read(folder)
            if rows and all(datetime.fromisoformat(row["quarantined_at"]) < limit for row in rows):
                _remove(folder, keep=set())
                gone += 1
    return gone


def _row(event_type: str, hour: datetime, file: SpooledFile, now: datetime) -> dict[str, Any]:
    found = file.quarantined
    assert found is not None
    name = hashlib.sha256(f"{file.file.key}\0{version_of(file.file)}".encode()).hexdigest()[:16]
    return {
        "event_type": event_type,
        "hour": hour.isoformat(),
        "file": file.file.key,
        "uri": file.file.uri,
        "size": file.file.size,
        "version": version_of(file.file),
        "reason": found.reason,
        "offset": found.offset,
        "records_recovered": found.records_recovered,
        "quarantined_at": now.isoformat(),
        "copy": f"{name}.avro",
    }


def _read(folder: UPath) -> list[dict[str, Any]]:
    log = folder / _LOG
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def _remove(folder: UPath, keep: set[str]) -> None:
    for path in list(folder.iterdir()) if folder.exists() else []:
        if path.name not in keep:
            path.unlink(missing_ok=True)
    if not keep and folder.exists() and folder.protocol in ("", "file"):
        folder.rmdir()

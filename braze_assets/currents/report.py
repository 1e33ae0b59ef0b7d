"""What became of the files of an hour."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from braze_assets.currents.decode import Quarantined

__all__ = ["IngestReport"]


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """Counts and findings of one event type and hour. It holds no event and nothing of a person."""

    event_type: str
    hour: datetime
    files: int
    """Files listed, quarantined ones included."""
    bytes: int
    """Their size."""
    records: int
    """Records decoded."""
    rows: int
    """Events in the table: records less duplicates."""
    duplicates_in_hour: int
    """Left out because another file or place of this hour has the same id."""
    duplicates_of_earlier_hours: int
    """Left out because an earlier hour of the window has the same id."""
    without_id: int
    """Events without an id; all are kept."""
    quarantined: tuple[Quarantined, ...]
    """Files that could not be read whole, and why."""
    slow_files: int
    """Files the fast decoder refused and the slow one read."""
    unknown_fields: tuple[str, ...]
    """Fields that are not documented for this event type. They are in the table."""
    absent_fields: tuple[str, ...]
    """Documented fields that no file has. They are null in the table."""
    versions: tuple[int, ...]
    """Currents versions or schema ids found in the keys."""
    first_event_time: datetime | None
    last_event_time: datetime | None
    """The span of the events' own times, which may lie well before the hour they were queued in."""

    def metadata(self) -> dict[str, Any]:
        """The report as plain values, for a log or for metadata."""
        return {
            "files": self.files,
            "bytes": self.bytes,
            "records": self.records,
            "rows": self.rows,
            "duplicates_in_hour": self.duplicates_in_hour,
            "duplicates_of_earlier_hours": self.duplicates_of_earlier_hours,
            "without_id": self.without_id,
            "quarantined_files": len(self.quarantined),
            "quarantined": [
                {"uri": file.uri, "reason": file.reason, "records_recovered": file.records_recovered}
                for file in self.quarantined
            ],
            "slow_files": self.slow_files,
            "unknown_fields": list(self.unknown_fields),
            "absent_fields": list(self.absent_fields),
            "versions": list(self.versions),
            "first_event_time": self.first_event_time.isoformat() if self.first_event_time else None,
            "last_event_time": self.last_event_time.isoformat() if self.last_event_time else None,
        }

"""What became of the files of an hour."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from braze_assets.currents.columns import Times
from braze_assets.currents.decode import Quarantined

__all__ = ["IngestReport"]


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """Counts and findings of one event type and hour. It holds no event and nothing of a person."""

    event_type: str
    hour: datetime
    files: int
    """Files listed, quarantined ones included."""
    files_read: int
    """Files read whole."""
    late_files: int = 0
    """Files that were not there when the hour was loaded first."""
    files_gone: int = 0
    """Files of the last load that the bucket no longer has, or has rewritten."""
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
    not_finite: int = 0
    """Prices that were no finite numbers (NaN or infinite), duplicates included. They are NULL."""
    times: Times = field(default_factory=Times)
    """The span of the events' own times, which may lie well before the hour they were queued in."""
    quarantined: tuple[Quarantined, ...]
    """Files that could not be read whole, and why."""
    slow_files: int
    """Files the fast decoder refused and the slow one read."""
    unknown_fields: tuple[str, ...]
    """Fields that are not documented for this event type. They are in the table."""
    absent_fields: tuple[str, ...]
    """Documented fields that no file has. They are null in the table."""
    fields_as_text: tuple[str, ...] = ()
    """Fields that are text by the setting `accept_type_changes`."""
    versions: tuple[int, ...]
    """Currents versions or schema ids found in the keys."""

    def with_changes(self, late_files: int, files_gone: int) -> "IngestReport":
        """The report with what has changed since the hour was loaded before."""
        return replace(self, late_files=late_files, files_gone=files_gone)

    def differences(self, stored: int) -> list[str]:
        """The counts that do not add up, in words; none is what they should.

        Args:
            stored: Rows that the stored table has.
        """
        gone = self.duplicates_in_hour + self.duplicates_of_earlier_hours
        found = []
        if self.records != self.rows + gone:
            found.append(f"{self.records:,} records are not {self.rows:,} events and {gone:,} duplicates")
        if self.rows != stored:
            found.append(f"{self.rows:,} events are not the {stored:,} rows stored")
        if self.files != self.files_read + len(self.quarantined):
            found.append(
                f"{self.files:,} files are not {self.files_read:,} read and "
                f"{len(self.quarantined):,} quarantined"
            )
        return found

    def metadata(self) -> dict[str, Any]:
        """The report as plain values, for a log or for metadata."""
        return {
            "files": self.files,
            "files_read": self.files_read,
            "late_files": self.late_files,
            "files_gone": self.files_gone,
            "bytes_of_files": self.bytes,
            "records": self.records,
            "rows": self.rows,
            "duplicates_in_hour": self.duplicates_in_hour,
            "duplicates_of_earlier_hours": self.duplicates_of_earlier_hours,
            "without_id": self.without_id,
            "without_time": self.times.missing,
            "prices_not_finite": self.not_finite,
            "time_in_milliseconds": self.times.in_milliseconds,
            "time_in_future": self.times.in_future,
            "quarantined_files": len(self.quarantined),
            "quarantined": [
                {"uri": file.uri, "reason": file.reason, "records_recovered": file.records_recovered}
                for file in self.quarantined
            ],
            "slow_files": self.slow_files,
            "unknown_fields": list(self.unknown_fields),
            "absent_fields": list(self.absent_fields),
            "fields_as_text": list(self.fields_as_text),
            "versions": list(self.versions),
            "first_event_time": self.times.first.isoformat() if self.times.first else None,
            "last_event_time": self.times.last.isoformat() if self.times.last else None,
        }

"""What a table of events says of itself, kept in the metadata of its Parquet file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.errors import StorageError
from braze_assets.rows.events.spec import EventKind
from braze_assets.storage import StoredTable

__all__ = ["EVENTS_KEY", "EventsHeader", "read_events_header"]

EVENTS_KEY = "braze_assets.events"
"""The key of the header in the file's metadata."""


@dataclass(frozen=True, kw_only=True)
class EventsHeader:
    """The kind of events, their fields and properties, and the moment of a table of events."""

    name: str
    kind: EventKind
    identifier: IdentifierKind
    partition: str | None
    as_of: datetime
    """The end of the partition, aware, UTC."""
    query_digest: str
    fields: Mapping[str, str] = field(default_factory=dict)
    """Canonical DuckDB type of `time`, and of `name` or the fields of a purchase."""
    properties: Mapping[str, str] = field(default_factory=dict)
    """Canonical DuckDB type of each field of the column `properties`; there is no such column without."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows in all (`rows`), and those that cannot be sent, by reason."""

    def to_document(self) -> dict[str, Any]:
        """The header as JSON-ready data."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "EventsHeader":
        """The header that `to_document` wrote."""
        return cls(**{**document, "as_of": datetime.fromisoformat(document["as_of"])})


def read_events_header(table: StoredTable) -> EventsHeader:
    """The header of a stored table of events.

    Raises:
        StorageError: The table is not there, or is not a table of events.
    """
    document = table.document(EVENTS_KEY)
    if document is None:
        raise StorageError(
            "The Parquet file is not a table of events for Braze: its metadata lacks the header.",
            place=table.uris[0],
            remedy="Materialize the events again.",
        )
    return EventsHeader.from_document(document)

"""An hour while it is made: its files decoded, then its events without duplicates."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.columns import ADDED, event_time
from braze_assets.currents.evolution import conform
from braze_assets.currents.groups import grouped
from braze_assets.currents.listing import FileRef
from braze_assets.currents.report import IngestReport
from braze_assets.currents.spool import SpooledFile, leave_out
from braze_assets.storage import EncodedBatches
from braze_assets.storage.dictionaries import plain_table

__all__ = ["IngestedHour", "ReadHour"]


@dataclass(frozen=True)
class ReadHour:
    """The files of an hour, decoded, and the files of the hours before it."""

    event_type: str
    hour: datetime
    folder: "tempfile.TemporaryDirectory[str]"
    listing: Mapping[datetime, Sequence[FileRef]]
    """The files of the hour and of each hour of the window."""
    files: Sequence[SpooledFile]

    @property
    def earlier(self) -> dict[datetime, Sequence[FileRef]]:
        """The files of the window."""
        return {hour: files for hour, files in self.listing.items() if hour != self.hour}


class IngestedHour:
    """One event type and hour, decoded; the events wait on disk until they are read.

    Columns: the documented fields, then the unknown ones, then `event_time` (from `time`, UTC) and `_file`
    (the key of the file under the source).
    """

    def __init__(
        self, read: ReadHour, schema: pa.Schema, gone: npt.NDArray[np.int64], report: IngestReport
    ) -> None:
        self._gone = gone
        self._fields = schema
        self.read = read
        self.report = report
        self.schema = pa.schema([*schema, *ADDED])

    def reader(self) -> pa.RecordBatchReader:
        """The events, some files at a time. May be called again."""
        plain = (batch for each in self._batches() for batch in _plain(each, self.schema))
        return pa.RecordBatchReader.from_batches(self.schema, plain)

    def table(self) -> pa.Table:
        """All events at once, for hours known to be small."""
        return self.reader().read_all()

    def encoded(self) -> EncodedBatches:
        """The same as `reader` for the Parquet writer: text that comes again and again is in dictionaries."""
        return EncodedBatches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for group in grouped(self.read.files):
            table = group.table().append_column("_file", group.keys())
            events = leave_out(table, group.start, self._gone)
            keys = events.column("_file")
            events = conform(events, self._fields)
            events = events.append_column(ADDED.field("event_time"), event_time(events))
            yield from events.append_column("_file", keys).to_batches()


def _plain(batch: pa.RecordBatch, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    yield from plain_table(pa.Table.from_batches([batch])).cast(schema).to_batches()

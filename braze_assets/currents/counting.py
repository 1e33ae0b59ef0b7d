"""The report of an hour, counted from its files."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from braze_assets.currents.columns import Times, times
from braze_assets.currents.duplicates import Duplicates
from braze_assets.currents.evolution import unify
from braze_assets.currents.groups import grouped
from braze_assets.currents.hour import ReadHour
from braze_assets.currents.paths import parse_key
from braze_assets.currents.report import IngestReport
from braze_assets.currents.spool import SpooledFile, leave_out

__all__ = ["report_of"]


def report_of(
    read: ReadHour,
    duplicates: Duplicates,
    documented: pa.Schema,
    schema: pa.Schema,
    accepted: Sequence[str],
    now: datetime,
) -> IngestReport:
    """What became of the files of an hour.

    Args:
        read: Its files.
        duplicates: What was left out of them.
        documented: The fields documented for the event type.
        schema: The columns of the table.
        accepted: Fields that are text by the settings.
        now: When this is.
    """
    files = read.files
    seen = unify(file.schema for file in files)
    keys = [parse_key(file.file.key) for file in files]
    records = sum(file.records for file in files)
    return IngestReport(
        event_type=read.event_type,
        hour=read.hour,
        files=len(files),
        files_read=sum(file.quarantined is None for file in files),
        bytes=sum(file.file.size for file in files),
        records=records,
        rows=records - len(duplicates.positions),
        duplicates_in_hour=duplicates.in_hour,
        duplicates_of_earlier_hours=duplicates.of_earlier_hours,
        without_id=sum(file.without_id for file in files),
        not_finite=sum(sum(file.not_finite.values()) for file in files),
        times=_times(files, duplicates.positions, now),
        quarantined=tuple(file.quarantined for file in files if file.quarantined),
        slow_files=sum(file.slow for file in files),
        unknown_fields=tuple(name for name in seen.names if name not in documented.names),
        absent_fields=tuple(name for name in documented.names if name not in seen.names) if records else (),
        fields_as_text=tuple(name for name in accepted if name in schema.names),
        versions=tuple(sorted({key.version for key in keys if key and key.version is not None})),
    )


def _times(files: Sequence[SpooledFile], gone: npt.NDArray[np.int64], now: datetime) -> Times:
    """The times of the events that stay."""
    total = Times()
    for group in grouped(files):
        column = group.column("time")
        if column is not None:
            total += times(leave_out(pa.table({"time": column}), group.start, gone), now)
        else:
            first, last = np.searchsorted(gone, (group.start, group.start + group.records))
            total += Times(missing=group.records - int(last - first))
    return total

"""What the page of an hour shows of it: counts that are always there, and lists where there is something."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from braze_assets.assets.previews import markdown_table
from braze_assets.currents.filling import FilledHour
from braze_assets.currents.paths import hour_name
from braze_assets.currents.quarantine import FOLDER
from braze_assets.currents.reconciliation import Difference
from braze_assets.storage import Storage

__all__ = ["shown_differences", "shown_hour"]

_MOST = 20


def shown_hour(filled: FilledHour, beside: Storage) -> dict[str, Any]:
    """The metadata of an hour.

    Args:
        filled: The hour.
        beside: Where the quarantine of the feed is kept.
    """
    report = filled.report
    facts = {name: each for name, each in report.metadata().items() if each not in ([], None)}
    late = [file for file in filled.manifest.files if file.late]
    if late:
        facts["late"] = markdown_table(
            ["file", "written", "records"],
            [
                [_name(file.key), f"{file.modified:%Y-%m-%d %H:%M:%S}", f"{file.records:,}"]
                for file in late[:_MOST]
            ],
            empty="",
        )
    if report.quarantined:
        facts["quarantined"] = markdown_table(
            ["file", "reason", "damaged at byte", "records kept"],
            [
                [
                    _name(file.uri),
                    file.reason,
                    "" if file.offset is None else f"{file.offset:,}",
                    f"{file.records_recovered:,}",
                ]
                for file in report.quarantined[:_MOST]
            ],
            empty="",
        )
        facts["quarantine"] = beside.uri(FOLDER, report.event_type, hour_name(report.hour))
    return facts


def shown_differences(differences: Sequence[Difference]) -> dg.MetadataValue:
    """Some of the files that are not loaded as they are in the bucket."""
    return markdown_table(
        ["event type", "hour", "file", "status"],
        [[each.event_type, hour_name(each.hour), _name(each.file), each.status] for each in differences],
        empty="None.",
    )


def _name(key: str) -> str:
    return key.rpartition("/")[2]

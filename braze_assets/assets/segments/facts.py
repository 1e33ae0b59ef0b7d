"""What the run page shows of a segment: figures and SQL, nobody's data."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from braze_assets.assets.previews import markdown_table
from braze_assets.assets.segments.members import Counted

__all__ = ["segment_facts"]

_BLOCKS = 20
_CHANNELS = {
    "contactable_email": "share_contactable_by_email",
    "contactable_phone": "share_contactable_by_text_message",
    "contactable_global": "share_contactable",
}


def segment_facts(name: str, counted: Counted, *, sql: str, before: int | None) -> Mapping[str, Any]:
    """The metadata of one segment in one partition.

    Args:
        name: The segment.
        counted: The figures of all segments of the run.
        sql: The segment by itself.
        before: Members in the partition before, None where that was never made.
    """
    members = counted.members[name]
    facts: dict[str, Any] = {
        "members": members,
        "share_of_customers": _share(members, counted.customers),
        "sql": dg.MetadataValue.md(f"```sql\n{sql}\n```"),
    }
    for channel, reached in counted.contactable.items():
        facts[_CHANNELS[channel]] = _share(reached[name], members)
    if before is not None:
        facts["members_before"] = before
        facts["change"] = members - before
    if any(name in pair for pair in counted.overlap):
        facts["overlap"] = _overlap(name, counted)
    return facts


def _overlap(name: str, counted: Counted) -> dg.MetadataValue:
    """How many of its members are in the other segments of the run, as bars."""
    members = counted.members[name]
    others = {
        next(iter(pair - {name})): rows for pair, rows in counted.overlap.items() if name in pair and rows
    }
    return markdown_table(
        ("of its members, in", "members", "share", ""),
        (
            (other, rows, f"{_share(rows, members):.1%}", "█" * round(_BLOCKS * _share(rows, members)))
            for other, rows in sorted(others.items(), key=lambda pair: (-pair[1], pair[0]))
        ),
        empty="None of its members is in another of the largest segments of this run.",
    )


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0

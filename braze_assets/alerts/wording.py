"""What a change of status says: a line for people, and the same as JSON."""

from datetime import datetime
from typing import Any

from braze_assets.alerts.status import Change

__all__ = ["document", "line", "link", "subject"]

_SAID = {
    "ok": "ok again",
    "failing": "failing",
    "no success": "no success for too long",
    "rejections": "too many objects rejected",
    "zero rows": "its table has no rows",
}


def line(change: Change, *, before: bool = True) -> str:
    """One line: the flow, what changed, since when, counts. Without a link.

    Args:
        change: What it is about.
        before: Whether the status before is told too.
    """
    parts = [f"{change.flow}: {_SAID[change.status]}."]
    if change.status == "no success":
        parts.append(f"Nothing came to its end since {_time(change.since)}.")
    else:
        of = f"Partition {_plain(change.partition)}, since" if change.partition else "Since"
        parts.append(f"{of} {_time(change.since)}.")
    if change.counts.get("objects"):
        objects, rejected = change.counts["objects"], change.counts["rejected"]
        share = f"{rejected:,} of {objects:,} objects rejected ({rejected / objects:.1%})."
        parts.append(share if rejected else f"{objects:,} objects, none rejected.")
    if change.because:
        because = _plain(change.because)
        parts.append(because if because.endswith(".") else f"{because}.")
    if before and change.previous_since and change.previous != "ok":
        parts.append(f"Before: {_SAID[change.previous]}, since {_time(change.previous_since)}.")
    return " ".join(parts)


def subject(changes: "tuple[Change, ...]") -> str:
    """A few words for all of them."""
    first = f"{changes[0].flow}: {_SAID[changes[0].status]}"
    return first if len(changes) == 1 else f"{first}, and {len(changes) - 1:,} more changes"


def document(change: Change, base_url: str = "") -> dict[str, Any]:
    """The JSON of a change.

    Args:
        change: What it is about.
        base_url: Of the Dagster UI; without it there is no link.
    """
    return {
        "id": change.id,
        "flow": change.flow,
        "status": change.status,
        "previous": change.previous,
        "since": change.since.isoformat(),
        "partition": change.partition,
        "counts": dict(change.counts),
        "because": change.because or None,
        "run_id": change.run or None,
        "run_url": link(change, base_url) or None,
        "text": line(change),
    }


def link(change: Change, base_url: str) -> str:
    """The page of the run, or an empty text."""
    return f"{base_url.rstrip('/')}/runs/{change.run}" if base_url and change.run else ""


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _plain(text: str | None) -> str:
    """On one line, whatever a partition is called."""
    return " ".join("".join(each if each.isprintable() else " " for each in text or "").split())

"""When an hour is not loaded: too many files unreadable, a field that changed its type, no files any more."""

from collections.abc import Collection, Sequence
from datetime import datetime

from braze_assets.currents.evolution import Held, type_changes
from braze_assets.currents.paths import hour_name
from braze_assets.currents.spool import SpooledFile
from braze_assets.errors import CurrentsError

__all__ = ["refuse_gone", "refuse_incompatible", "refuse_unreadable"]


def refuse_unreadable(
    event_type: str, hour: datetime, files: Sequence[SpooledFile], threshold: float
) -> None:
    """Refuse an hour with more unreadable files than the threshold allows, or with nothing readable.

    Raises:
        CurrentsError: It has.
    """
    bad = [file.quarantined for file in files if file.quarantined]
    allowed = max(1, int(threshold * len(files))) if threshold else 0
    unreadable = bool(files) and threshold < 1 and all(file.kept is None for file in files)
    if len(bad) <= allowed and not unreadable:
        return
    shown = "; ".join(f"{file.uri}: {file.reason}" for file in bad[:3])
    raise CurrentsError(
        f"{len(bad)} of {len(files)} files of {event_type} in the hour {hour_name(hour)} cannot be read whole"
        f" (allowed: {0 if unreadable else allowed}). Nothing was replaced.",
        place=shown + (f"; and {len(bad) - 3} more" if len(bad) > 3 else ""),
        remedy="Copy the files again or take them away, then run the hour again; or raise `error_threshold` "
        "of the feed. Copies of the files are in quarantine.",
    )


def refuse_incompatible(
    event_type: str, hour: datetime, files: Sequence[SpooledFile], held: Held, accepted: Collection[str]
) -> None:
    """Refuse an hour with a field whose values no longer fit the column of its table.

    Raises:
        CurrentsError: A field turned from text to a number, from one value to a list, or the like.
    """
    changes = type_changes(held, ((file.file.key, file.schema) for file in files), accepted)
    if not changes:
        return
    first = changes[0]
    names = ", ".join(each.field for each in changes)
    lists = any("list" in each.old or "list" in each.new for each in changes)
    reload = "then load the hours before it again, so that they have text too" if lists else "then run again"
    raise CurrentsError(
        f"The field {first.field} of {event_type} is {first.old} in the table and {first.new} in a file of "
        f"the hour {hour_name(hour)}" + (f" (so are others: {names})" if len(changes) > 1 else "") + ". "
        "Nothing was replaced; other event types go on.",
        place=f"{first.file}; before that, {first.held_by}",
        remedy=f"Set `accept_type_changes: [{names}]` on the feed to make it text from now on, {reload}. Or "
        "take the file away if it is wrong.",
    )


def refuse_gone(event_type: str, hour: datetime, loaded: int) -> CurrentsError:
    """The error where the bucket has none of an hour's files any more."""
    return CurrentsError(
        f"The bucket no longer has any file of {event_type} in the hour {hour_name(hour)}; {loaded:,} were "
        "loaded. Nothing was replaced.",
        place=hour_name(hour),
        remedy="Nothing, if the bucket drops old files. To empty the hour, set "
        "`empty_when_files_are_gone: true` on the feed and run it again.",
    )

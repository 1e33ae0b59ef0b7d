"""The review of a sync of events: those of which nobody knows whether Braze took them."""

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import dagster as dg

from braze_assets.assets.event_syncs.definition import EventSyncDefinition
from braze_assets.assets.previews import markdown_table
from braze_assets.braze.redaction import impersonal
from braze_assets.errors import LedgerError, LedgerMovedError
from braze_assets.io_managers import TableOutput
from braze_assets.ledger.events import EventLedger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["build_review_asset"]

_COLUMNS = {
    "event_id": "The event.",
    "partition": "The partition it was sent for.",
    "reason": "Why nobody knows: what came instead of an answer.",
    "time": "When that was written down.",
    "plan_id": "The plan it was sent with.",
    "object": "What went out, or did not: look for it in Braze.",
}


def _fate(sync: EventSyncDefinition) -> str:
    if sync.plan.guarantee == "at_least_once":
        return "The next run of their partition sends them again."
    return (
        "They are not sent again until somebody settles them, with the job "
        f"`{sync.name}_settle` or `braze-assets events settle`."
    )


def _expired(
    context: dg.AssetExecutionContext, ledger: EventLedger, connection: "DuckDBPyConnection", days: int
) -> dict[str, int]:
    """Remove the ids of partitions that ended more than some days ago, unless some are still in doubt."""
    midnight = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return {"ids_removed": ledger.review.expire(connection, midnight - timedelta(days=days))}
    except LedgerMovedError:
        raise
    except LedgerError as error:
        context.log.warning(f"No ids were removed: {error}")
        return {"ids_removed": 0}


def build_review_asset(sync: EventSyncDefinition) -> dg.AssetsDefinition:
    """The asset of the review: all events in doubt at the moment, whatever partition they are of."""
    key = sync.key("review")

    @dg.asset(
        key=key,
        deps=[sync.key("sync")],
        check_specs=[
            dg.AssetCheckSpec(
                "nothing_in_doubt", asset=key, description="Of every event it is known whether Braze has it."
            )
        ],
        description=f"The {sync.events.kind} of which nobody knows whether Braze took them. {_fate(sync)}",
        group_name=sync.group,
        kinds={"parquet"},
        owners=list(sync.owners),
        tags={"pii": "true"},
        pool=sync.name,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def review(context: dg.AssetExecutionContext, storage: StorageResource):  # type: ignore[no-untyped-def]
        ledger = EventLedger(storage.storage(), sync.name)
        with dagster_failures(), connect() as connection:
            ledger.settle(datetime.now(timezone.utc), connection)
            counts = ledger.review.count(connection)
            events = sum(counts.values())
            facts = {
                "in_doubt": events,
                "by_partition": markdown_table(
                    ("partition", "reason", "events"),
                    ((key or "-", impersonal(reason), count) for (key, reason), count in counts.items()),
                    empty="Nothing is in doubt.",
                ),
            }
            if sync.keep_ids_days is not None:
                facts |= _expired(context, ledger, connection, sync.keep_ids_days)
            reader = ledger.review.list(connection)
            yield dg.MaterializeResult(value=TableOutput(reader, metadata=facts, descriptions=_COLUMNS))
            yield dg.AssetCheckResult(
                check_name="nothing_in_doubt",
                passed=not events,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"in_doubt": events},
            )

    return review

"""What Braze says that users' attributes became, against what a sync was told it acknowledged, by hour."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from braze_assets.assets.currents.events import event_asset_key
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.types import PARTITIONED_TABLE
from braze_assets.braze.identifiers import IdentifierKind
from braze_assets.currents.profile_updates import PROFILE_UPDATE, UPDATES_NEED, updates_sql
from braze_assets.io_managers import TableOutput, stored_table
from braze_assets.ledger import Ledger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import Storage, StoredTable, connect
from braze_assets.storage.partitions import PartitionedTable

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.delivery.profile_updates import Comparison

__all__ = ["ReadBackConfig", "build_read_back_asset", "read_back_asset_key"]

_BEFORE, _AFTER = 1, 24
"""Hours in which a newer event of a user and attribute is looked for, where a value differs."""
_SHOWN = 30

_COLUMNS = {
    "event_id": "The event of Currents.",
    "identifier": "The user.",
    "attribute": "The attribute.",
    "expected": "What Braze acknowledged, as JSON.",
    "found": "What Braze says it became, as JSON; null where it was removed.",
    "verdict": "What is to be made of it.",
    "event_time": "When that was, says the event (UTC).",
    "source": "What changed it, says the event.",
    "sent_again": "Whether the next plan was told to send the acknowledged attribute again.",
}


class ReadBackConfig(dg.Config):
    """Options of a run."""

    send_again: bool | None = Field(
        default=None,
        description="Whether what others changed is marked, so that the next plan sends it again. As the "
        "feed says when left out.",
    )


def read_back_asset_key(sync: str) -> dg.AssetKey:
    """`currents/<sync>_read_back`."""
    return dg.AssetKey(["currents", f"{sync}_read_back"])


def build_read_back_asset(
    sync: str,
    identifier: IdentifierKind,
    partitions: dg.TimeWindowPartitionsDefinition,
    *,
    send_again: bool,
) -> dg.AssetsDefinition:
    """The asset of the values of one sync that Braze says are others by now.

    Args:
        sync: The sync's name.
        identifier: What its users are known by; events carry no alias.
        partitions: The feed's hours.
        send_again: Whether the ledger is told not to rely on what others changed.
    """
    key = read_back_asset_key(sync)

    @dg.asset(
        key=key,
        ins={"updates": dg.AssetIn(event_asset_key(PROFILE_UPDATE), dagster_type=PARTITIONED_TABLE)},
        partitions_def=partitions,
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[
            dg.AssetCheckSpec(
                "not_changed_by_others",
                asset=key,
                description=f"Nobody else has overwritten what `{sync}` sent and Braze acknowledged.",
            ),
            dg.AssetCheckSpec(
                "kept_as_sent",
                asset=key,
                description="Braze made no other values of those that were sent.",
            ),
        ],
        required_resource_keys={"storage"},
        description=f"Values that Braze acknowledged to `{sync}` and that are others by its own profile "
        "updates, one row a user and attribute. Only users with updates in the hour are compared.",
        group_name="currents",
        kinds={"duckdb", "parquet"},
        tags={"pii": "true"},
        pool=sync,
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def read_back(  # type: ignore[no-untyped-def]
        context: dg.AssetExecutionContext, config: ReadBackConfig, updates: PartitionedTable
    ):
        storage: StorageResource = context.resources.storage
        root = storage.storage()
        mark = send_again if config.send_again is None else config.send_again
        done: list[Comparison] = []

        def tables() -> Iterator[tuple[str, TableOutput]]:
            for name in context.partition_keys:
                with dagster_failures(), connect() as connection:
                    hour = updates.existing(name)
                    found, marked = _compare(
                        connection,
                        Ledger(root, sync, identifier),
                        hour,
                        partial(_beside, root, partitions, name),
                        mark,
                    )
                    done.append(found)
                    rows = connection.sql(_rows(mark)).to_arrow_reader(122_880)
                    yield name, TableOutput(rows, metadata=_facts(found, marked), descriptions=_COLUMNS)

        yield dg.MaterializeResult(value=tables())
        yield from _checks(done)

    return read_back


def _compare(
    connection: "DuckDBPyConnection",
    ledger: Ledger,
    hour: StoredTable,
    beside: Callable[[], StoredTable | None],
    mark: bool,
) -> "tuple[Comparison, int]":
    from braze_assets.delivery.profile_updates import DIFFERENCES, compare_updates
    from braze_assets.ledger.operations import Doubt, operate

    now = datetime.now(timezone.utc)
    ledger.settle(now, connection)
    identifier = ledger.identifier

    def others(users: str) -> str | None:
        table = beside()
        return None if table is None else _updates(connection, table, identifier, users)

    updates = _updates(connection, hour, identifier)
    found = compare_updates(connection, ledger, updates, others=others)
    if not mark:
        return found, 0
    changed = f"(SELECT identifier, attribute FROM {DIFFERENCES} WHERE verdict = 'changed_since')"
    outcome = operate(
        ledger, Doubt(changed, "changed in Braze by somebody else"), connection, now=now, settle=True
    )
    return found, outcome.size.values if outcome.done else 0


def _updates(
    connection: "DuckDBPyConnection", table: StoredTable, identifier: str, only: str | None = None
) -> str:
    source = table.sql(connection)
    columns = [row[0] for row in connection.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]
    if not set(columns) >= UPDATES_NEED:
        # An hour without files, of a type that is not documented any more.
        source, columns = "(SELECT NULL::VARCHAR AS id, NULL::TIMESTAMPTZ AS event_time LIMIT 0)", []
    return updates_sql(source, columns, identifier, only)


def _beside(root: Storage, partitions: dg.TimeWindowPartitionsDefinition, name: str) -> StoredTable | None:
    """The stored hours around an hour, where there are any."""
    key = event_asset_key(PROFILE_UPDATE)
    hour = partitions.time_window_for_partition_key(name).start.astimezone(timezone.utc)
    first = partitions.start.astimezone(timezone.utc)
    hours = [hour + timedelta(hours=number) for number in range(-_BEFORE, _AFTER + 1) if number]
    names = [partitions.get_partition_key_for_timestamp(each.timestamp()) for each in hours if each >= first]
    table = PartitionedTable(
        key.to_user_string(), {each: stored_table(root, key, partitions, each) for each in names}
    )
    stored = table.stored()
    return table.only(stored) if stored else None


def _rows(marked: bool) -> str:
    from braze_assets.delivery.profile_updates import DIFFERENCES

    sent_again = "verdict = 'changed_since'" if marked else "false"
    return f"SELECT *, {sent_again} AS sent_again FROM {DIFFERENCES} ORDER BY identifier, attribute"


def _facts(found: "Comparison", marked: int) -> dict[str, Any]:
    from braze_assets.delivery.profile_updates import VERDICTS

    figures = found.figures()
    names = sorted({*found.changed, *found.taken_otherwise}, key=lambda name: -found.changed.get(name, 0))
    return {
        **{name: value for name, value in figures.items() if isinstance(value, int)},
        "values_sent_again": marked,
        "attributes": markdown_table(
            ("attribute", "changed since", "taken otherwise"),
            (
                (name, found.changed.get(name, 0), found.taken_otherwise.get(name, 0))
                for name in names[:_SHOWN]
            ),
            empty="Nothing was changed by others.",
        ),
        "verdicts": markdown_table(("verdict", "meaning"), VERDICTS.items(), empty=""),
    }


def _checks(hours: "Sequence[Comparison]") -> Iterator[dg.AssetCheckResult]:
    for name, verdict in (("not_changed_by_others", "changed_since"), ("kept_as_sent", "taken_otherwise")):
        values = sum(each.values.get(verdict, 0) for each in hours)
        equal = sum(each.values.get("equal", 0) for each in hours)
        yield dg.AssetCheckResult(
            check_name=name,
            passed=not values,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"values": values, "equal": equal},
        )

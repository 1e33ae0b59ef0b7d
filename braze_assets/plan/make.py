"""Making a plan: the wanted table against the ledger, judged and priced."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from braze_assets.errors import PlanError
from braze_assets.ledger import Held, Ledger, Position, Projection
from braze_assets.plan.audiences import emptied_audiences, retired_only
from braze_assets.plan.churn import churn
from braze_assets.plan.cost import count_attributes, count_changes, count_if_resent
from braze_assets.plan.diff import OUTCOME_UNKNOWN, TOO_LARGE, Diff
from braze_assets.plan.facts import Facts
from braze_assets.plan.guards import GUARDS
from braze_assets.plan.header import Counts, PlanHeader
from braze_assets.plan.judging import check_guard_names, judge
from braze_assets.plan.merge_patch import register_merge_patch
from braze_assets.plan.plan import Plan, new_plan_id, not_asked
from braze_assets.plan.settings import PlanSettings
from braze_assets.plan.suspects import find_suspects
from braze_assets.rows import RowsHeader, read_rows_header
from braze_assets.storage import StoredTable, quote_identifier, quote_literal, storage_errors

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["make_plan"]


@storage_errors("the wanted table or the ledger")
def make_plan(
    connection: "DuckDBPyConnection",
    *,
    sync: str,
    rows: StoredTable,
    ledger: Ledger,
    settings: PlanSettings,
    partition: str | None,
    as_of: datetime,
    now: datetime,
    rewind: bool = False,
    allow: Collection[str] = frozenset(),
    projection: Projection | None = None,
    rows_before: int | None = None,
) -> Plan:
    """What would be sent now so that Braze holds what the table says.

    An unfinished earlier send is settled first. Nothing is sent and nothing else is written.
    With a projection it is what would be sent after other plans that are not sent yet.

    Args:
        connection: A DuckDB connection; it holds the plan's rows until they are read.
        sync: The sync's name.
        rows: The wanted table.
        ledger: The sync's ledger.
        settings: The sync's settings.
        partition: The partition of the table; None for a sync without.
        as_of: The end of that partition.
        now: The current time.
        rewind: Plan a partition older than the ledger's all the same.
        allow: Guards that are waived for this one plan, by name.
        projection: Takes the place of the ledger.
        rows_before: Rows of the partition before, for the thresholds of the query.

    Raises:
        PlanError: The table has no attributes, or another kind of identifier than the ledger.
        ConfigurationError: `allow` names a guard that does not exist.
        StorageError: The table is not there.
        LedgerError: The ledger cannot be read, or an earlier send cannot be settled.
    """
    check_guard_names(GUARDS, allow)
    wanted = read_rows_header(rows)
    _check(wanted, ledger, rows)
    if projection is None:
        ledger.settle(now, connection)
    position = projection.position if projection else ledger.position()
    header = PlanHeader(
        plan_id=new_plan_id(now),
        sync=sync,
        partition=partition,
        as_of=as_of,
        created_at=now,
        identifier=wanted.identifier,
        ledger_position=position.sequence,
        status="ready",
        rewind=rewind,
        types={attribute.name: attribute.type.sql for attribute in wanted.attributes},
        update_existing_only=settings.update_existing_only,
        rows=rows.uris,
        follows=position.partition if projection else None,
        allow=tuple(sorted(allow)),
    )
    older = position.as_of is not None and as_of < position.as_of
    if older and not rewind:
        note = (
            f"Stale: the ledger stands at partition {position.partition}, and {partition} is older. "
            "Nothing is sent. To overwrite newer values on purpose, ask for a rewind."
        )
        return Plan(replace(header, status="stale", note=note, verdicts=not_asked(stale_partition=note)))
    held: Held = projection.held if projection else ledger.acknowledged()
    diff = Diff(
        rows=rows.sql(connection),
        header=wanted,
        held=held.sql(connection),
        held_types=held.types(),
        settings=settings,
        retired=_retired(ledger, held, wanted),
        acknowledged=projection is None,
    )
    changes = quote_identifier(f"plan_{header.plan_id}")
    _compute(connection, diff, max(rows.num_rows, held.users), changes)
    counts = replace(
        count_changes(connection, changes),
        users=rows.num_rows,
        data_points_if_resent=count_if_resent(connection, rows, wanted),
    )
    per_attribute = count_attributes(connection, changes, wanted)
    flipped = {c.name: (c.old or "", c.type.sql) for c in diff.columns if c.flipped}
    removed_types = {c.name: c.type.sql for c in diff.columns if c.new is None and c.name in per_attribute}
    facts = Facts(
        header=wanted,
        settings=settings,
        counts=counts,
        per_attribute=per_attribute,
        ledger_users=held.users,
        rewinds=(position.partition or str(position.as_of)) if older else None,
        flipped=flipped,
        rows_before=rows_before,
        churn=churn(ledger, counts, per_attribute) if _asked(settings, held, projection) else {},
        held=frozenset(c.name for c in diff.columns if c.old is not None),
        emptied=emptied_audiences(connection, diff, settings.guards.audiences),
        launched=ledger.launched(partition) if settings.guards.one_off else None,
        **_counted(connection, changes, settings, position, counts),
    )
    header = replace(
        header,
        status="ready" if counts.objects else "empty",
        note=_note(diff, held, settings, header, older=older),
        verdicts=judge(GUARDS, facts, allow),
        counts=counts,
        per_attribute=per_attribute,
        types={**header.types, **removed_types},
        flipped=tuple(flipped),
    )
    return Plan(header, connection, changes)


def _compute(connection: "DuckDBPyConnection", diff: Diff, users: int, changes: str) -> None:
    """Fill the table of changes."""
    if diff.merges:
        register_merge_patch(connection)
    if diff.held is None:
        connection.execute(f"CREATE TEMP TABLE {changes} AS {diff.changes(f'({diff.candidates()})')}")
        return
    suspects = find_suspects(connection, diff, users, "plan_suspects")
    # What a filter lets through comes in small pieces, and rendering costs by the piece: first gather.
    connection.execute(f"CREATE OR REPLACE TEMP TABLE plan_candidates AS {diff.candidates(suspects.among)}")
    connection.execute("DROP TABLE plan_suspects")
    connection.execute(f"CREATE TEMP TABLE {changes} AS {diff.changes('plan_candidates')}")
    connection.execute("DROP TABLE plan_candidates")


def _retired(ledger: Ledger, held: Held, wanted: RowsHeader) -> Collection[str]:
    """Of the attributes that are not in the table any more, those that somebody retired by hand."""
    gone = {*held.types()} - {attribute.name for attribute in wanted.attributes}
    return gone & ledger.retired() if gone else ()


def _asked(settings: PlanSettings, held: Held, projection: Projection | None) -> bool:
    guards = settings.guards
    return projection is None and guards.max_churn is not None and held.users >= max(guards.min_users, 1)


def _check(wanted: RowsHeader, ledger: Ledger, rows: StoredTable) -> None:
    if wanted.identifier != ledger.identifier:
        raise PlanError(
            f"The table's identifier is {wanted.identifier}, the ledger's is {ledger.identifier}.",
            place=rows.uris[0],
            remedy="One sync has one kind of identifier: materialize the table again, or correct the sync.",
        )
    if not wanted.attributes:
        raise PlanError(
            "The table has no attributes, only the identifier.",
            place=rows.uris[0],
            remedy="Select at least one attribute beside the identifier.",
        )


def _counted(
    connection: "DuckDBPyConnection", changes: str, settings: PlanSettings, position: Position, counts: Counts
) -> Mapping[str, Any]:
    """What only the guards need of the changes."""
    counted = f"NOT {retired_only(settings.guards.retired)}"
    [(changed, unset)] = connection.sql(
        # A user whose last outcome is unknown gets an object because of that, not because of the table.
        f"SELECT count(*) FILTER (kind IN ('changed', 'unset') AND NOT vanished AND reason IS DISTINCT FROM "
        f"{quote_literal(OUTCOME_UNKNOWN)} AND {counted}), "
        f"count(*) FILTER (kind = 'unset' AND vanished AND {counted}) FROM {changes}"
    ).fetchall()
    left_out = connection.sql(
        f"SELECT reason, count(*) FROM {changes} WHERE kind = 'left_out' GROUP BY reason"
    )
    reasons = {reason: int(number) for reason, number in left_out.fetchall()}
    too_large = reasons.pop(TOO_LARGE, 0)
    # Users that are kept stay in the ledger for good: what counts is how many vanished since the last plan.
    newly = max(0, counts.vanished - (position.vanished or 0))
    return {
        "ledger_changed": changed,
        "removed": unset if settings.removed_rows == "unset" else newly,
        "identifier_errors": reasons,
        "too_large": too_large,
    }


def _note(diff: Diff, held: Held, settings: PlanSettings, header: PlanHeader, *, older: bool) -> str:
    notes = []
    if header.follows is not None:
        notes.append(
            f"Foreseen: what remains to be sent when Braze has accepted the plan of {header.follows}. It is "
            "made again right before it is sent."
        )
    gone = [c.name for c in diff.columns if c.new is None]
    if gone:
        for fate, names in (
            (
                "left as they are in Braze",
                [c.name for c in diff.columns if c.new is None and not diff.unsets(c)],
            ),
            ("unset", [c.name for c in diff.columns if c.new is None and diff.unsets(c)]),
        ):
            if names:
                notes.append(f"No longer in the table, and {fate}: {', '.join(names)}.")
    added = [c.name for c in diff.columns if c.old is None]
    if added and held.users:
        notes.append(f"New to the ledger: {', '.join(added)}.")
    if older:
        notes.append("Rewound: older values overwrite newer ones.")
    return " ".join(notes)

"""The audit of a sync: a sample of users read back from Braze and compared with the ledger."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import dagster as dg

from braze_assets.assets.flow import flow_asset
from braze_assets.assets.previews import markdown_table
from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.errors import LedgerError
from braze_assets.io_managers import TableOutput
from braze_assets.ledger import Ledger
from braze_assets.resources.braze import BrazeResource
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect

if TYPE_CHECKING:
    from braze_assets.delivery import AuditReport

__all__ = ["build_audit_asset"]

_COLUMNS = {
    "identifier": "The user.",
    "attribute": "The attribute that was compared; NULL where Braze does not know the user.",
    "expected": "What the ledger holds.",
    "found": "What Braze exported.",
    "verdict": "match, drift (another value), missing (no value) or no_user.",
}


def build_audit_asset(sync: SyncDefinition) -> dg.AssetsDefinition:
    """The asset of the audit: one row a compared value."""
    key = sync.key("audit")

    @flow_asset(
        sync,
        "audit",
        deps=[sync.key("sync")],
        check_specs=[
            dg.AssetCheckSpec("no_drift", asset=key, description="Braze holds what it acknowledged to hold.")
        ],
        required_resource_keys={"storage", sync.destination},
        description=f"A sample of {sync.audit_sample} users read back from Braze through /users/export/ids "
        "and compared with the ledger, value by value.",
        kinds={"braze", "parquet"},
        tags={"pii": "true"},
    )
    # No return annotation: with checks, Dagster takes one for the type of a single output.
    def audit(context: dg.AssetExecutionContext):  # type: ignore[no-untyped-def]
        from braze_assets.delivery import AUDIT_SCHEMA, AuditReport, audit_sample

        braze: BrazeResource = getattr(context.resources, sync.destination)
        storage: StorageResource = context.resources.storage
        ledger = Ledger(storage.storage(), sync.name, sync.rows.identifier)
        with dagster_failures():
            report = (
                audit_sample(
                    ledger=ledger,
                    client=braze.client,
                    limits=braze.limits(),
                    settings=braze.delivery(),
                    sample=sync.audit_sample,
                    seed=ledger.position().sequence,
                )
                if ledger.position().plan_id
                else AuditReport()
            )
            released = _release(context, ledger, report)
        # A range has one state to audit, the newest; it is kept with the last partition.
        *earlier, last = sync.keys(context)
        tables = [(key, TableOutput(AUDIT_SCHEMA.empty_table())) for key in earlier]
        output = TableOutput(
            report.values, metadata={**_facts(report), "released_users": released}, descriptions=_COLUMNS
        )
        yield dg.MaterializeResult(value=iter([*tables, (last, output)]))
        yield dg.AssetCheckResult(
            check_name="no_drift",
            passed=not report.drift,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"drift": dict(report.drift)},
        )

    return audit


def _release(context: dg.AssetExecutionContext, ledger: Ledger, report: "AuditReport") -> int:
    """Let users leave the ledger whom Braze does not know, so that the next plan tries them again.

    Where only existing users are updated, Braze accepts an object for a user it does not have, and drops it:
    the ledger must not go on saying that Braze holds it.
    """
    from braze_assets.ledger.operations import Release, operate, users_named

    if not report.unknown_users:
        return 0
    rows = report.values.to_pylist()
    users = users_named(row["identifier"] for row in rows if row["verdict"] == "no_user")
    try:
        with connect() as connection:
            now = datetime.now(timezone.utc)
            outcome = operate(ledger, Release(users, "not known to Braze"), connection, now=now)
    except LedgerError as error:
        # The audit stands; a send is going on, or another run came in between.
        context.log.warning(f"Users that Braze does not know stay in the ledger for now: {error.cause}")
        return 0
    return outcome.size.users


def _facts(report: "AuditReport") -> dict[str, Any]:
    return {
        **report.figures(),
        "not_exported": ", ".join(report.not_exported) or "-",
        "by_attribute": markdown_table(
            ("attribute", "values that differ"), report.drift.items(), empty="No value differs."
        ),
    }

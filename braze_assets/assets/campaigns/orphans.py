"""Audiences that Braze still has members of, though nothing declares them any more."""

import dagster as dg

from braze_assets.assets.syncs import SyncDefinition
from braze_assets.ledger import Ledger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect, quote_identifier

__all__ = ["build_orphan_check"]


def build_orphan_check(sync: SyncDefinition, declared: frozenset[str]) -> dg.AssetChecksDefinition:
    """The check `orphaned_audiences` of the send.

    Args:
        sync: Of the audiences.
        declared: The attributes that are declared, retired ones included.
    """

    @dg.asset_check(
        asset=sync.key("sync"),
        name="orphaned_audiences",
        description="Nothing that was taken out of the configuration is still held in Braze.",
        required_resource_keys={"storage"},
    )
    def orphaned_audiences(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        storage: StorageResource = context.resources.storage
        with dagster_failures(), connect() as connection:
            found = _orphans(connection, Ledger(storage.storage(), sync.name, sync.rows.identifier), declared)
        commands = "\n".join(f"braze-assets audiences retire {sync.name} {name}" for name in found)
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=(
                "In Braze, but declared no more: "
                + ", ".join(f"{name} ({users:,} users)" for name, users in found.items())
                + f". Declare it again, or remove its members:\n{commands}"
            )
            if found
            else None,
            metadata={"audiences": len(found), "users": max(found.values(), default=0)},
        )

    return orphaned_audiences


def _orphans(connection: object, ledger: Ledger, declared: frozenset[str]) -> dict[str, int]:
    held = ledger.acknowledged()
    names = [name for name in held.types() if name not in declared]
    source = held.sql(connection) if names else None  # type: ignore[arg-type]
    if source is None:
        return {}
    counts = ", ".join(f"count({quote_identifier(name)})" for name in names)
    [row] = connection.sql(f"SELECT {counts} FROM {source}").fetchall()  # type: ignore[attr-defined]
    return {name: int(users) for name, users in zip(names, row, strict=True) if users}

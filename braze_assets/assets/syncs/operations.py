"""Operations on the ledger of a sync, from Dagster's launchpad: the size first, done when confirmed."""

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field

from braze_assets.assets.syncs.definition import SyncDefinition
from braze_assets.ledger import Ledger
from braze_assets.resources.failures import dagster_failures
from braze_assets.resources.storage import StorageResource
from braze_assets.storage import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from braze_assets.ledger.operations import Operation

__all__ = ["LedgerOperationConfig", "build_ledger_job"]

_NO_USERS = "Users are named by a file, because Dagster keeps this configuration."


class ResyncConfig(dg.Config):
    """Everything, or some attributes, goes again with the next plan."""

    kind: Literal["resync"] = "resync"
    attributes: list[str] = Field(default=[], description="Only these; all when empty.")


class ForgetUsersConfig(dg.Config):
    """Users leave: rows and receipts."""

    kind: Literal["forget_users"] = "forget_users"
    users_url: str = Field(description=f"A CSV or Parquet file with their identifiers. {_NO_USERS}")


class ForgetAttributesConfig(dg.Config):
    """Attributes leave."""

    kind: Literal["forget_attributes"] = "forget_attributes"
    attributes: list[str]


class ForgetEverythingConfig(dg.Config):
    """The whole ledger leaves."""

    kind: Literal["forget_everything"] = "forget_everything"


class ReleaseConfig(dg.Config):
    """Users leave that Braze has no more; their receipts stay."""

    kind: Literal["release"] = "release"
    users_url: str = Field(description=f"A CSV or Parquet file with their identifiers. {_NO_USERS}")
    reason: str = Field(default="by hand", description="For the journal: name nobody.")


class AdoptConfig(dg.Config):
    """The ledger starts from a file of what Braze already holds."""

    kind: Literal["adopt"] = "adopt"
    url: str = Field(description="A CSV or Parquet file: the identifier, a column for each attribute.")
    existing: Literal["refuse", "replace", "merge"] = Field(
        default="refuse", description="What becomes of a ledger that has users already."
    )
    types: dict[str, str] = Field(default={}, description="Types by attribute, as in the sync's YAML.")


class CompactConfig(dg.Config):
    """Small files are joined, old receipts and the files of old versions removed."""

    kind: Literal["compact"] = "compact"
    history_days: int = 30
    receipt_days: int = 30


class RestoreConfig(dg.Config):
    """Back to an earlier version."""

    kind: Literal["restore"] = "restore"
    version: int = Field(description="A version of `acknowledged`.")


class LedgerOperationConfig(dg.Config):
    """What to do, and the code that confirms it."""

    operation: (
        ResyncConfig
        | ForgetUsersConfig
        | ForgetAttributesConfig
        | ForgetEverythingConfig
        | ReleaseConfig
        | AdoptConfig
        | CompactConfig
        | RestoreConfig
    ) = Field(discriminator="kind")
    confirm: str = Field(
        default="", description="Empty: show the size and the code, change nothing. Else that code: do it."
    )
    settle: bool = Field(default=False, description="Settle a send whose process is dead.")


def build_ledger_job(sync: SyncDefinition) -> dg.JobDefinition:
    """The job `<name>_ledger`. It shares the pool of the sync's plan and send."""

    @dg.op(
        name=f"{sync.name}_ledger_operation",
        pool=sync.name,
        required_resource_keys={"storage"},
        description="Shows the size of an operation and a code; with that code as `confirm` it does it.",
    )
    def ledger_operation(context: dg.OpExecutionContext, config: LedgerOperationConfig) -> None:
        from braze_assets.ledger.operations import operate, propose

        storage: StorageResource = context.resources.storage
        ledger = Ledger(storage.storage(), sync.name, sync.rows.identifier)
        with dagster_failures(), connect() as connection:
            operation = _operation(config.operation, ledger, connection)
            if config.confirm:
                now = datetime.now(timezone.utc)
                outcome = operate(
                    ledger, operation, connection, now=now, confirm=config.confirm, settle=config.settle
                )
            else:
                outcome = propose(ledger, operation, connection)
        figures = outcome.figures()
        context.add_output_metadata(figures)
        context.log.info(", ".join(f"{name}: {value}" for name, value in figures.items()))
        if not outcome.done and not outcome.size.nothing:
            context.log.warning(
                f"Nothing was changed. To do it, launch this again with `confirm: {outcome.code}`."
            )

    @dg.job(
        name=f"{sync.name}_ledger",
        description=f"Operations on the ledger of {sync.name}: resync, forget, release, adopt, compact, "
        "restore. The first run shows the size and a code, the second one, with the code, does it.",
    )
    def ledger_job() -> None:
        ledger_operation()

    return ledger_job


def _operation(config: Any, ledger: Ledger, connection: "DuckDBPyConnection") -> "Operation":
    from braze_assets.ledger import operations

    if isinstance(config, ResyncConfig):
        return operations.Resync(config.attributes)
    if isinstance(config, ForgetUsersConfig):
        return operations.ForgetUsers(
            operations.users_in_file(connection, config.users_url, ledger.identifier)
        )
    if isinstance(config, ForgetAttributesConfig):
        return operations.ForgetAttributes(config.attributes)
    if isinstance(config, ForgetEverythingConfig):
        return operations.ForgetSync()
    if isinstance(config, ReleaseConfig):
        users = operations.users_in_file(connection, config.users_url, ledger.identifier)
        return operations.Release(users, config.reason)
    if isinstance(config, AdoptConfig):
        return operations.Adopt(url=config.url, existing=config.existing, types=config.types)
    if isinstance(config, CompactConfig):
        return operations.Compact(config.history_days, config.receipt_days)
    return operations.Restore(ledger, config.version)

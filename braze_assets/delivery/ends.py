"""The two ends of every send, whatever is sent: what comes before the first request and after the last."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.report import SendReport
from braze_assets.errors import (
    BrazeAssetsError,
    ConfigurationError,
    DeliveryError,
    PlanRefusedError,
    StorageError,
)
from braze_assets.ledger import FoldResult
from braze_assets.plan import BaseHeader
from braze_assets.storage import connect

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["Mode", "finish", "open_destination", "reading_the_kept_plan", "refuse_blocked"]

Mode = Literal["preview", "test", "live"]


class Finishing(Protocol):
    """A send as its ledger knows it."""

    def finish(self, connection: "DuckDBPyConnection", now: datetime) -> FoldResult:
        """Fold what came of it into the ledger."""
        ...

    def check(self) -> None:
        """Raise if another run has taken over."""
        ...


def refuse_blocked(header: BaseHeader, plan_uri: str) -> None:
    """Refuse to send what a guard blocks.

    Raises:
        PlanRefusedError: A guard failed and was not waived.
    """
    if header.blocked:
        failed = "\n".join(f"  {verdict.guard}: {verdict.message}" for verdict in header.blocking)
        guards = ", ".join(verdict.guard for verdict in header.blocking)
        raise PlanRefusedError(
            f"The plan is not sent: {len(header.blocking)} of its guards failed.\n{failed}",
            place=plan_uri,
            remedy="Do what the guards say and make the plan again; or, if this is meant, allow it by name "
            f"({guards}) and make the plan again.",
        )


def open_destination(
    client: BrazeClient | Callable[[], BrazeClient] | None,
) -> AbstractContextManager[BrazeClient]:
    """The destination for the time of a send; one that was given open stays open.

    Raises:
        ConfigurationError: There is none.
    """
    if client is None:
        raise ConfigurationError("There is no destination to send to.", remedy="Give a client.")
    return contextlib.nullcontext(client) if isinstance(client, BrazeClient) else client()


@contextlib.contextmanager
def reading_the_kept_plan(send: Finishing) -> Iterator[None]:
    """The ledger's copy of a plan goes when another run takes over: then that is what is to be said.

    Raises:
        LedgerMovedError: It has.
        StorageError: It has not; the copy, or something else, cannot be read.
    """
    import duckdb

    try:
        yield
    except StorageError:
        send.check()
        raise
    except duckdb.Error as error:
        send.check()
        raise StorageError(
            f"The ledger's copy of the plan cannot be read: {type(error).__name__}.",
            place="plans/ of the ledger",
            remedy="Check the storage; the next run goes on.",
        ) from error


def finish(send: Finishing, failure: DeliveryError | None, report: SendReport, now: datetime) -> None:
    """Fold also after a failure; it is the failure that the caller hears of then.

    Raises:
        DeliveryError: The failure, which says by now what was sent before it.
        BrazeAssetsError: There was none, but the fold failed.
    """
    held = "the ledger holds it"
    try:
        with connect() as connection:
            send.finish(connection, now)
    except BrazeAssetsError as error:
        if failure is None:
            raise
        held = f"the ledger takes it in before the next plan ({type(error).__name__})"
    if failure is not None:
        failure.cause = f"{failure.cause} Until then: {report.summary()}; {held}."
        raise failure

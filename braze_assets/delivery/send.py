"""A plan delivered: refused, shown, or sent and written down."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.ends import Mode, finish, open_destination, reading_the_kept_plan, refuse_blocked
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.pipeline import Pipeline
from braze_assets.delivery.preflight import check_first, wait_until_settled
from braze_assets.delivery.progress import ProgressCallback
from braze_assets.delivery.report import Delivered, SendReport, SendState
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.shared import limiter_for
from braze_assets.errors import LedgerMovedError
from braze_assets.ledger import Ledger, Send
from braze_assets.plan.header import PlanHeader, read_plan_header
from braze_assets.storage import StoredTable, connect, quote_identifier, storage_errors

__all__ = ["send_plan"]


@storage_errors("the plan or the ledger")
def send_plan(
    *,
    plan: StoredTable,
    plan_uri: str,
    ledger: Ledger,
    client: BrazeClient | Callable[[], BrazeClient] | None,
    limits: Limits,
    settings: DeliverySettings | None = None,
    mode: Mode,
    test_users: int = 10,
    once: bool = False,
    limiter: RateLimiter | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
    clocks: Clocks | None = None,
) -> SendReport:
    """Send a plan and move the ledger by what Braze accepted.

    Nothing is requested, and the ledger is not touched, for a plan that is stale or collapsed into another,
    in a preview, and when the plan is refused. An empty plan moves the ledger to its partition (live only):
    otherwise an older partition could later be taken for the newest.

    Args:
        plan: The plan.
        plan_uri: Its file, for the ledger to remember.
        ledger: The sync's ledger.
        client: The destination, or what makes it when it is needed; None is enough for a preview.
        limits: What the destination takes.
        settings: How the send behaves.
        mode: `preview` sends nothing, `test` the first `test_users` objects, `live` everything.
        test_users: Objects sent in a test.
        once: Whether the first launch is the last: another one is refused, whatever its plan.
        limiter: The rate limit; the one shared by all sends of this process to the destination when None.
        progress: Told about every second.
        cancelled: Asked several times a second; True stops the send cleanly.
        clocks: Time and chance, for tests.

    Raises:
        PlanRefusedError: A guard failed.
        LedgerMovedError: Another plan began since this one was made, or another run took over.
        DeliveryError: The send stopped: key, instance, permission, or Braze does not answer. What was
            accepted before that is in the ledger.
        ConfigurationError: There is no client.
        StorageError, LedgerError: Plan or ledger cannot be read or written. The next run goes on.
    """
    header = read_plan_header(plan)
    settings, clocks = settings or DeliverySettings(), clocks or Clocks()
    base = SendReport(state="nothing", mode=mode, plan_id=header.plan_id, planned=header.counts.objects)
    if header.status in ("stale", "collapsed"):
        return replace(base, note=header.note or f"The plan is {header.status}: nothing is sent.")
    refuse_blocked(header, plan_uri)
    if mode == "preview":
        count = header.counts.objects
        note = f"Preview: {count:,} objects would be sent." if count else "There is nothing to send."
        return replace(base, state="preview", objects=count, not_sent=count, note=note)
    if header.status == "empty" or header.counts.objects == 0:
        moved = _move_only(header, plan_uri, ledger, clocks, once=once) if mode == "live" else ""
        return replace(base, note=header.note or f"There is nothing to send.{moved}")
    object_limit = test_users if mode == "test" else None
    with open_destination(client) as destination:
        sending = _Sending(
            header, ledger, destination, limits, settings, clocks, limiter, progress, cancelled, once
        )
        return sending.run(base, plan_uri, object_limit)


def _begin(
    header: PlanHeader,
    plan_uri: str,
    ledger: Ledger,
    clocks: Clocks,
    object_limit: int | None,
    *,
    once: bool,
) -> Send:
    return ledger.begin(
        plan_id=header.plan_id,
        partition=header.partition,
        as_of=header.as_of,
        plan_uri=plan_uri,
        expected_position=header.ledger_position,
        object_limit=object_limit,
        once=once,
        now=clocks.now(),
    )


def _move_only(header: PlanHeader, plan_uri: str, ledger: Ledger, clocks: Clocks, *, once: bool) -> str:
    """Write down that the ledger stands at an empty plan's partition, unless it has gone on already."""
    if ledger.position().plan_id == header.plan_id:
        return ""
    try:
        send = _begin(header, plan_uri, ledger, clocks, None, once=once)
    except LedgerMovedError:
        return " The ledger has moved on since the plan was made."
    with connect() as connection:
        send.finish(connection, clocks.now())
    return ""


@dataclass(frozen=True)
class _Sending:
    header: PlanHeader
    ledger: Ledger
    client: BrazeClient
    limits: Limits
    settings: DeliverySettings
    clocks: Clocks
    limiter: RateLimiter | None
    progress: ProgressCallback | None
    cancelled: Callable[[], bool] | None
    once: bool

    def run(self, base: SendReport, plan_uri: str, object_limit: int | None) -> SendReport:
        limiter = self.limiter or limiter_for(self.client, self.limits)
        journal = self.ledger.journal.read()
        last = journal.last
        # The plan that was sent last sends the same values again, for which order makes no difference; but
        # the run that began it may have died while it waited for the one it had overtaken.
        resuming = last is not None and last.plan_id == self.header.plan_id
        since = None if last is None else journal.overtook(last.plan_id) if resuming else last.time
        waited = 0.0 if since is None else self._settle(since)
        base = replace(base, settling_seconds=waited)
        if self.cancelled is not None and self.cancelled():
            return replace(base, state="cancelled", note="Cancelled before it began.")
        if self.settings.check_first and not resuming:
            check_first(self.client, limiter, settings=self.settings, clocks=self.clocks)
        send = _begin(self.header, plan_uri, self.ledger, self.clocks, object_limit, once=self.once)
        if journal.abandoned and not resuming:
            # The run that was overtaken may be alive. It sends no more once its lease has run out.
            waited += self._settle(self.clocks.now())
            base = replace(base, settling_seconds=waited)
        with reading_the_kept_plan(send), send.folding_ahead(self.clocks.now()):
            return self._send(send, limiter, base)

    def _send(self, send: Send, limiter: RateLimiter, base: SendReport) -> SendReport:
        total, delivered = self._deliver(send, limiter)
        if delivered is None:
            finish(send, None, base, self.clocks.now())
            return replace(base, note="Everything in this plan was sent already.")
        state: SendState = "cancelled" if delivered.cancelled else "sent"
        report = delivered.tally.report(
            state=state,
            objects=total,
            mode=base.mode,
            plan_id=base.plan_id,
            planned=base.planned,
            settling_seconds=base.settling_seconds,
        )
        finish(send, delivered.failure, report, self.clocks.now())
        return report

    def _settle(self, since: datetime) -> float:
        return wait_until_settled(
            since,
            settling_time=self.settings.settling_time,
            clocks=self.clocks,
            cancelled=self.cancelled,
        )

    def _deliver(self, send: Send, limiter: RateLimiter) -> tuple[int, Delivered | None]:
        with connect() as connection:
            pending = send.pending_sql(connection)
            identifier = quote_identifier(self.header.identifier)
            total = send.pending_count(connection)
            if not total:
                return 0, None
            pipeline = Pipeline(
                client=self.client,
                limiter=limiter,
                journal=send,
                plan_id=self.header.plan_id,
                total=total,
                limits=self.limits,
                settings=self.settings,
                progress=self.progress,
                cancelled=self.cancelled,
                clock=self.clocks.monotonic,
                now=self.clocks.now,
                chance=self.clocks.chance(),
                resumed=send.resumed,
            )
            columns = f"n, {identifier} AS identifier, object, data_points"
            rows = connection.sql(f"SELECT {columns} FROM {pending}")
            return total, pipeline.run(rows.to_arrow_reader(self.settings.read_rows))

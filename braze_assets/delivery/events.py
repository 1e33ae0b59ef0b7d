"""A plan of events or purchases delivered: every event once, and of each it is known whether it is there."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace

from braze_assets.braze.limits import Limits
from braze_assets.delivery.client import BrazeClient
from braze_assets.delivery.clocks import Clocks
from braze_assets.delivery.ends import Mode, finish, open_destination, reading_the_kept_plan, refuse_blocked
from braze_assets.delivery.limiter import RateLimiter
from braze_assets.delivery.pipeline import Pipeline
from braze_assets.delivery.preflight import check_first
from braze_assets.delivery.progress import ProgressCallback
from braze_assets.delivery.report import Delivered, SendReport, SendState
from braze_assets.delivery.reservations import Reservations
from braze_assets.delivery.settings import DeliverySettings
from braze_assets.delivery.shared import limiter_for
from braze_assets.errors import LedgerMovedError
from braze_assets.ledger.events import EventLedger, EventSend
from braze_assets.plan.events import EventPlanHeader, read_event_plan_header
from braze_assets.storage import StoredTable, connect

__all__ = ["send_events"]


def send_events(
    *,
    plan: StoredTable,
    plan_uri: str,
    ledger: EventLedger,
    client: BrazeClient | Callable[[], BrazeClient] | None,
    limits: Limits,
    settings: DeliverySettings | None = None,
    mode: Mode,
    test_events: int = 10,
    limiter: RateLimiter | None = None,
    progress: ProgressCallback | None = None,
    cancelled: Callable[[], bool] | None = None,
    clocks: Clocks | None = None,
) -> SendReport:
    """Send a plan of events; what the ledger knows by now is left out, whichever plan it came with.

    Braze cannot tell a repeated event from a new one. With the guarantee `at_most_once` (it stands in the
    plan) nothing is sent again that Braze may have taken: such events are unknown and wait in the ledger's
    review. What Braze certainly did not take (429, connection refused, 400, 413, 401) is sent again as usual.
    With `at_least_once` everything without a certain outcome is sent again.

    Args:
        plan: The plan.
        plan_uri: Its file, for the ledger to keep a copy.
        ledger: The sync's ledger.
        client: The destination, or what makes it when it is needed; None is enough for a preview.
        limits: What the destination takes.
        settings: How the send behaves.
        mode: `preview` sends nothing, `test` the first `test_events` of the plan, `live` everything.
        test_events: Events sent in a test.
        limiter: The rate limit; the one shared by all sends of this process to the destination when None.
        progress: Told about every second.
        cancelled: Asked several times a second; True stops the send cleanly.
        clocks: Time and chance, for tests.

    Raises:
        PlanRefusedError: A guard failed.
        LedgerMovedError: Another run took over.
        DeliveryError: The send stopped: key, instance, permission, or Braze does not answer. What was sent
            before that is in the ledger, what was not is sent by the next run.
        ConfigurationError: There is no client.
        StorageError, LedgerError: Plan or ledger cannot be read or written. The next run goes on.
    """
    header = read_event_plan_header(plan)
    settings, clocks = settings or DeliverySettings(), clocks or Clocks()
    base = SendReport(state="nothing", mode=mode, plan_id=header.plan_id, planned=header.counts.objects)
    refuse_blocked(header, plan_uri)
    count = header.counts.objects
    if not count:
        return replace(base, note=f"There is nothing to send. {header.note}".strip())
    if mode == "preview":
        note = f"Preview: {count:,} {header.kind} would be sent. {header.note}".strip()
        return replace(base, state="preview", objects=count, not_sent=count, note=note)
    with open_destination(client) as destination:
        sending = _Sending(header, ledger, destination, limits, settings, clocks)
        limiter = limiter or limiter_for(destination, limits)
        if settings.check_first:
            check_first(destination, limiter, settings=settings, clocks=clocks)
        send = ledger.begin(
            plan_id=header.plan_id,
            partition=header.partition,
            as_of=header.as_of,
            plan_uri=plan_uri,
            object_limit=test_events if mode == "test" else None,
            now=clocks.now(),
        )
        with reading_the_kept_plan(send):
            return sending.run(send, base, limiter, progress, cancelled)


@dataclass(frozen=True)
class _Sending:
    header: EventPlanHeader
    ledger: EventLedger
    client: BrazeClient
    limits: Limits
    settings: DeliverySettings
    clocks: Clocks

    def run(
        self,
        send: EventSend,
        base: SendReport,
        limiter: RateLimiter,
        progress: ProgressCallback | None,
        cancelled: Callable[[], bool] | None,
    ) -> SendReport:
        now = self.clocks.now
        with connect() as connection:
            pending = send.pending(connection)
        if not pending.count:
            finish(send, None, base, now())
            return replace(base, note="Everything in this plan was sent already, or is in doubt.")
        reservations = Reservations(
            lambda mark: send.reserve(mark, now()), total=pending.end, clock=self.clocks.monotonic
        )
        pipeline = Pipeline(
            client=self.client,
            limiter=limiter,
            journal=send,
            plan_id=send.receipts_id,
            total=pending.count,
            limits=self.limits,
            settings=self.settings,
            progress=progress,
            cancelled=cancelled,
            clock=self.clocks.monotonic,
            now=now,
            chance=self.clocks.chance(),
            array=self.header.kind,
            resend=self.header.guarantee == "at_least_once",
            reservations=reservations,
        )
        try:
            delivered = pipeline.run(pending.batches(self.settings.read_rows))
        finally:
            if pipeline.journaled:
                # Everything that left has its outcome in the ledger: nothing else can have been sent. If
                # another run has settled the send meanwhile, what it took for doubtful stays so.
                with contextlib.suppress(LedgerMovedError):
                    send.release(now())
        report = self._report(delivered, base, pending.count, pending.known)
        finish(send, delivered.failure, report, now())
        return report

    def _report(self, delivered: Delivered, base: SendReport, objects: int, known: int) -> SendReport:
        state: SendState = "cancelled" if delivered.cancelled else "sent"
        notes = [f"{known:,} of the plan were sent before or are in doubt."] if known else []
        unknown = delivered.tally.unknown
        if unknown and self.header.guarantee == "at_most_once":
            notes.append(f"{unknown:,} wait in the review.")
        return delivered.tally.report(
            state=state,
            objects=objects,
            mode=base.mode,
            plan_id=base.plan_id,
            planned=base.planned,
            note=" ".join(notes),
        )

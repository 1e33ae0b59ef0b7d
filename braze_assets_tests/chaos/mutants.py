"""The product broken on purpose, one way a promise is kept at a time: the harness must find every one.

`python -m braze_assets_tests.chaos --mutants` runs each until it is found.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from braze_assets.braze.replies import Verdict
from braze_assets.delivery import journal as delivery_journal
from braze_assets.delivery import send as delivery_send
from braze_assets.delivery import workers
from braze_assets.ledger.fold import Fold
from braze_assets.ledger.kept import KeptPlans
from braze_assets.ledger.ledger import Ledger
from braze_assets.ledger.send import Send
from braze_assets.plan.diff import Compared


def _sql_of(owner: Any, name: str, change: str) -> None:
    """Let a method that returns a table expression return another one."""
    before = getattr(owner, name)

    def changed(self: Any, *arguments: Any, **options: Any) -> str:
        return f"(SELECT * REPLACE ({change}) FROM ({before(self, *arguments, **options)}))"

    setattr(owner, name, changed)


def unknown_is_forgotten() -> None:
    """The fold leaves no marks at what may or may not have come through."""
    _sql_of(Fold, "rows", "CAST(NULL AS VARCHAR[]) AS _unknown")


def unknown_is_not_looked_at() -> None:
    """The plan compares with the ledger only, whatever is marked there."""
    assert isinstance(Compared.unknown, property)
    Compared.unknown = property(lambda self: "false")  # type: ignore[method-assign,assignment]


def silence_is_consent() -> None:
    """An object without a receipt is folded as accepted."""
    _sql_of(Fold, "_sent", "NOT rejected AS accepted")


def _outcome(said: str, told: str) -> None:
    receipts = delivery_journal.receipts

    def changed(*arguments: Any) -> pa.Table:
        table = receipts(*arguments)
        column = table.column("outcome")
        other = pc.if_else(pc.equal(column, said), told, column)
        return table.set_column(table.column_names.index("outcome"), "outcome", other)

    delivery_journal.receipts = changed  # type: ignore[assignment]


def refusals_are_accepted() -> None:
    """Objects Braze refused are written down as accepted."""
    _outcome("rejected", "accepted")


def unknown_is_rejected() -> None:
    """Objects whose outcome is unknown are written down as rejected."""
    _outcome("unknown", "rejected")


def counts_are_trusted() -> None:
    """A 201 is success, whatever its counts say."""
    read = workers.read_reply

    def changed(status: int, *arguments: Any, **options: Any) -> Any:
        reply = read(status, *arguments, **options)
        return replace(reply, verdict=Verdict.ACCEPTED, rejected={}) if status == 201 else reply

    workers.read_reply = changed  # type: ignore[assignment]


def no_settling_time() -> None:
    """A send begins at once after the last one."""
    assert callable(delivery_send.wait_until_settled)
    delivery_send.wait_until_settled = lambda *_, **__: 0.0  # type: ignore[assignment]


def no_fence() -> None:
    """A run that was overtaken goes on."""
    assert callable(Send.check)
    Send.check = lambda self: None  # type: ignore[method-assign]
    assert callable(delivery_journal.JournalThread.holds)
    delivery_journal.JournalThread.holds = lambda self, now: True  # type: ignore[method-assign]


def any_position() -> None:
    """A plan is sent wherever the ledger stands."""
    begin = Ledger.begin

    def changed(self: Ledger, **options: Any) -> Send:
        return begin(self, **{**options, "expected_position": self.position().sequence})

    Ledger.begin = changed  # type: ignore[method-assign]


def nothing_is_stale() -> None:
    """Old partitions are planned like new ones."""
    position = Ledger.position
    Ledger.position = lambda self: replace(position(self), as_of=None)  # type: ignore[method-assign]


def resumes_from_the_start() -> None:
    """A resumed send does not look at its receipts."""
    pending = Send.pending_sql

    def changed(self: Send, *arguments: Any) -> str:
        return pending(replace(self, resumed=False), *arguments)

    Send.pending_sql = changed  # type: ignore[method-assign]


def cleans_up_late() -> None:
    """A run that was overtaken removes the plan of the one that overtook it."""
    drop = KeptPlans.drop_others

    def changed(self: KeptPlans, plan_id: str) -> None:
        self._before = None
        drop(self, plan_id)

    KeptPlans.drop_others = changed  # type: ignore[method-assign]


REACH = {no_settling_time.__name__: 4_000}
"""Milliseconds within which Braze applies what it took, where other than usual: to see that nothing is waited
for, it must take longer than the next plan. As nothing is waited for, that costs no time."""

MUTANTS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        *(unknown_is_forgotten, unknown_is_not_looked_at, silence_is_consent, refusals_are_accepted),
        *(unknown_is_rejected, counts_are_trusted, no_settling_time, no_fence, any_position),
        *(nothing_is_stale, resumes_from_the_start, cleans_up_late),
    )
}

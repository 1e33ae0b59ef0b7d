"""X1, X3, K16, K18a: sequences in one process, drawn by Hypothesis, against the same model and checks.

The local Braze is called without a server; what a request meets (a lost reply, an error, a refusal, a crash
that leaves no receipt) is drawn. Tables, plans, sends and ledger are the real ones.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from braze_assets.braze.limits import Limits
from braze_assets.delivery import BrazeClient, Clocks, DeliverySettings, NoReplyError, RateLimiter, send_plan
from braze_assets.delivery.wire import HttpReply
from braze_assets.emulator.endpoints import answer
from braze_assets.emulator.faults import Fault
from braze_assets.emulator.http import Call
from braze_assets.emulator.settings import Settings
from braze_assets.emulator.workspace import Workspace
from braze_assets.errors import DeliveryError, LedgerMovedError
from braze_assets.ledger import Ledger
from braze_assets.plan.header import read_plan_header
from braze_assets.storage import Storage, StoredTable
from braze_assets_tests.chaos import check, worker
from braze_assets_tests.chaos.model import Model, Table
from braze_assets_tests.chaos.world import World

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")

_FAST = DeliverySettings(
    max_attempts=2,
    backoff_base=0.0,
    backoff_cap=0.0,
    in_flight_start=2,
    in_flight_max=2,
    read_rows=6,
    journal_interval=0.01,
    settling_time=0.0,
)
_LIMITS = {"objects_per_request": 3}
_FATES = [
    "taken",
    "taken",
    "taken",
    "lost before",
    "lost after",
    "500 after",
    "miscounted",
    "poison",
    "blamed",
]


class Killed(BaseException):
    """The process is gone: no receipt is written any more."""


class InProcess(BrazeClient):
    """Calls the local Braze as a function, and lets every request meet a drawn fate."""

    def __init__(self, space: Workspace, plan: str, chance: random.Random, *, calm: bool) -> None:
        super().__init__(endpoint="http://127.0.0.1:1", api_key=space.settings.api_key, settings=_FAST)
        self._space, self._label, self._chance = space, plan, chance
        self._calm = calm

    def track(self, body: bytes) -> Any:
        headers = {b"authorization": self._space.authorization, b"content-type": b"application/json"}
        body = body[:-1] + b',"plan":"%b"}' % self._label.encode()
        fate = "taken" if self._calm or b'"attributes":[]' in body else self._chance.choice(_FATES)
        lost = NoReplyError("It was lost.", place="here", remedy="None.", sent=True)
        if fate == "lost before":
            raise lost
        if fate == "poison":
            return _http(Fault(status=400).reply())
        if fate == "blamed":
            errors = [{"index": 0, "input_array": "attributes", "type": "?"}]
            return _http(Fault(status=400, document={"message": "no", "errors": errors}).reply())
        reply = answer(self._space, Call("POST", "/users/track", body, headers, heard=fate == "taken"))
        if fate == "lost after":
            raise lost
        if fate == "500 after":
            return _http(Fault(status=500, body="html").reply())
        return _http(Fault(effect="miscount").miscounted(reply) if fate == "miscounted" else reply)


def _http(reply: Any) -> HttpReply:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return HttpReply(reply.status, headers, reply.body)


class Machine(RuleBasedStateMachine):
    """One sync and its days."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = tempfile.mkdtemp(prefix="braze-machine-")
        self.stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.space = Workspace(Settings(record_applied=100_000))
        self.model, self.day = Model(), 0
        self.now = datetime(2026, 11, 22, tzinfo=timezone.utc)
        self.planned: list[tuple[int, Table]] = []
        self.steps = 0

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(self.chance, users=8)

    def teardown(self) -> None:
        self.stack.close()

    def job(self, table: Table, **more: Any) -> dict[str, Any]:
        return {
            "storage": self.folder,
            "day": self.day,
            "table": asdict(table),
            "limits": _LIMITS,
            "update_existing_only": False,
            **more,
        }

    def plan(self, *, rewind: bool = False) -> dict[str, Any]:
        table = self.world.table
        said = worker.run(self.job(table, steps=("rows", "plan"), rewind=rewind))
        assert "plan" in said, said
        self.planned.append((self.day, table))
        return said["plan"]

    def send(self, *, calm: bool, die: int | None = None) -> Any:
        day, table = self.planned[-1]
        self.model.tried(table)
        path = worker._path(self.job(table), "delta", day)
        plan = StoredTable.at(path)
        ledger = Ledger(Storage(self.folder), worker.SYNC, "external_id")
        client = InProcess(self.space, read_plan_header(plan).plan_id, self.chance, calm=calm)
        if die is not None:
            _die_after(ledger, die)
        self.now += timedelta(minutes=1)
        return send_plan(
            plan=plan,
            plan_uri=plan.uris[0],
            ledger=ledger,
            client=client,
            limits=Limits(**_LIMITS),  # type: ignore[arg-type]
            settings=_FAST,
            mode="live",
            limiter=RateLimiter.of(Limits()),
            clocks=Clocks(now=lambda: self.now, chance=lambda: random.Random(1)),
        )

    @rule(day=st.booleans(), back=st.booleans())
    def change(self, day: bool, back: bool) -> None:
        """Cells, users, columns, types and settings change; or all is wanted back as it was before."""
        earlier = self.planned[-2][1] if back and len(self.planned) > 1 else None
        self.day += day
        if earlier is not None:
            self.world.table = earlier
        else:
            self.world.change(cells=0.4)

    @rule()
    def plan_only(self) -> None:
        self.plan()

    @rule()
    def sync(self) -> None:
        self.plan()
        self._try(lambda: self.send(calm=False))

    @rule(after=st.integers(0, 3))
    def sync_and_die(self, after: int) -> None:
        """It is gone before so many writes to the ledger's receipts and folds."""
        self.plan()
        self._try(lambda: self.send(calm=False, die=after))

    @rule(calm=st.booleans())
    def run_again(self, calm: bool) -> None:
        """What was planned last is sent, or the rest of it."""
        if self.planned:
            self._try(lambda: self.send(calm=calm))

    def _try(self, send: Any) -> None:
        try:
            report = send()
        except (DeliveryError, LedgerMovedError, Killed):
            return
        for problem in check.report(report.figures(), finished=True):
            raise AssertionError(problem)

    @rule()
    def rest(self) -> None:
        """Nothing goes wrong any more: one plan brings everything in order, the next is empty."""
        for number in range(2):
            plan = self.plan()
            report = self.send(calm=True)
            assert (plan["status"] == "empty") or (number == 0 and report.accepted == plan["objects"])
        profiles = {each.external_id: each.attributes for each in self.space.profiles}
        seen = worker.run(self.job(self.world.table, steps=("look",)))
        problems = list(self.model.wrong(self.world.table, profiles))
        problems += check.ledger(seen["held"], profiles)
        problems += check.receipts(seen["receipts"])
        problems += check.stale(
            json.loads(json.dumps(list(self.space.applied))), check.ranks(seen["journal"])
        )
        assert not problems, "\n".join(problems[:8])
        self.model.at_rest(json.loads(json.dumps(profiles)))


def _die_after(ledger: Ledger, writes: int) -> None:
    """Let every write after so many kill the process, as far as the ledger can tell."""
    left = [writes]

    def counted(write: Any) -> Any:
        def writing(*arguments: Any, **options: Any) -> Any:
            if not left[0]:
                raise Killed
            left[0] -= 1
            return write(*arguments, **options)

        return writing

    ledger.receipts.append = counted(ledger.receipts.append)  # type: ignore[method-assign]
    ledger.fold_last = counted(ledger.fold_last)  # type: ignore[method-assign]


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=8,
    stateful_step_count=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("seed", range(3))
def test_wanted_back_after_it_got_lost(seed: int) -> None:
    """The case in which a plain difference finds nothing to send: taken, unheard of, and wanted back."""
    machine = Machine()
    try:
        machine.begin(seed)
        machine.rest()
        machine.planned.append((0, machine.world.table))
        machine.change(day=True, back=False)
        machine.sync_and_die(seed)
        machine.change(day=True, back=True)
        machine.rest()
    finally:
        machine.teardown()

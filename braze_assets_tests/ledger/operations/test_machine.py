"""Operations, plans and sends in any order, against a model in plain dictionaries (K16, K18, X13).

After every step: the ledger never claims a value that Braze does not hold, and the next plan makes Braze hold
what is wanted.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from braze_assets.errors import LedgerMovedError
from braze_assets.ledger.operations import (
    Adopt,
    Compact,
    ForgetAttributes,
    ForgetSync,
    ForgetUsers,
    Operation,
    Release,
    Restore,
    Resync,
    operate,
    propose,
    users_named,
    versions,
)
from braze_assets.plan import GuardSettings, PlanSettings
from braze_assets.storage import connect
from braze_assets_tests.plan.world import World

IDS = ["0", "1", "2"]
TYPES = {"a": "BIGINT", "b": "VARCHAR"}
VALUES: dict[str, list[Any]] = {"a": [None, 1, 2], "b": [None, "x"]}
CELLS = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})
SOME = st.lists(st.sampled_from(IDS), max_size=2, unique=True)
DIES = st.sampled_from([False, False, False, True])


class Machine(RuleBasedStateMachine):
    """One sync, its ledger, and a Braze that applies what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = tempfile.mkdtemp(prefix="braze-operations-")
        guards = GuardSettings(max_share_changed=None, max_share_removed=None)
        self.world = World(
            self.stack.enter_context(connect()), self.folder, settings=PlanSettings(guards=guards)
        )
        self.wanted: dict[str, dict[str, Any]] = {}
        self.braze: dict[str, dict[str, Any]] = {}
        self.old: Any = None
        self.stale = False
        # Braze may hold these without the ledger knowing: nobody removes what nobody knows of.
        self.forgotten: set[tuple[str, str]] = set()

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @rule(who=st.sampled_from(IDS), cells=CELLS, leaves=st.booleans())
    def change(self, who: str, cells: dict[str, Any], leaves: bool) -> None:
        self.wanted.pop(who, None)
        if not leaves:
            self.wanted[who] = cells

    def rows(self) -> Any:
        rows = [{"external_id": who, **cells} for who, cells in self.wanted.items()]
        return self.world.rows(rows, TYPES, null_policy="unset")

    @rule()
    def plan_only(self) -> None:
        self.old = self.world.plan(self.rows())
        self.stale = False

    @rule(answered=st.integers(0, 3), applied=st.integers(0, 3), finishes=st.booleans())
    def send(self, answered: int, applied: int, finishes: bool) -> None:
        """Some objects arrive, some are answered; the rest is not known."""
        header, plan = self.world.plan(self.rows())
        send = self.world.begin(header, plan)
        objects = self.world.pending(send, plan)
        for row in objects[: max(answered, applied)]:
            body = json.loads(row["object"])
            mine = self.braze.setdefault(body.pop("external_id"), {})
            body.pop("_update_existing_only")
            for name, value in body.items():
                mine.pop(name, None) if value is None else mine.__setitem__(name, value)
        self.world.record(send, objects[:answered])
        self.old, self.stale = None, False
        if finishes:
            send.finish(self.world.connection, self.world.tick())

    @rule()
    def converge(self) -> None:
        """K16: after a whole send Braze holds what is wanted, and the next plan is empty."""
        self.send(99, 99, True)
        for who, cells in self.wanted.items():
            for name, value in cells.items():
                if value is not None or (who, name) not in self.forgotten:
                    assert self.braze.get(who, {}).get(name) == value, (who, name)
        assert self.world.plan(self.rows())[0].counts.objects == 0

    def operate(self, operation: Operation, dies: bool = False) -> None:
        ledger, connection = self.world.ledger, self.world.connection
        code = propose(ledger, operation, connection).code
        before = ledger.position().sequence
        with pytest.MonkeyPatch.context() as patch:
            if dies:
                patch.setattr("braze_assets.ledger.operations.run.commit_change", _die)
            with suppress(KeyboardInterrupt):
                operate(ledger, operation, connection, now=self.world.tick(), confirm=code, settle=True)
        self.stale = self.stale or (operation.fenced and ledger.position().sequence != before)

    @rule(attributes=st.sampled_from([(), ("a",)]), dies=DIES)
    def resync(self, attributes: tuple[str, ...], dies: bool) -> None:
        if set(attributes) <= set(self.world.ledger.acknowledged().types()):
            self.operate(Resync(attributes), dies)

    @rule(who=SOME, dies=DIES)
    def forget(self, who: list[str], dies: bool) -> None:
        self.forgotten |= {(each, name) for each in who for name in TYPES}
        self.operate(ForgetUsers(users_named(who)), dies)

    @rule(who=SOME, others=SOME, dies=DIES)
    def braze_loses(self, who: list[str], others: list[str], dies: bool) -> None:
        """X13: users deleted in Braze, others changed by a merge; they come back as somebody new."""
        self.settle()
        for each in who:
            self.braze.pop(each, None)
        for each in others:
            if each not in who and each in self.braze:
                self.braze[each]["a"] = 77
        operation = Release(users_named(who), "deleted", users_named(others))
        self.operate(operation, dies)
        if dies:
            self.operate(operation)

    @rule(dies=DIES)
    def forget_attribute(self, dies: bool) -> None:
        if "b" in self.world.ledger.acknowledged().types():
            self.forgotten |= {(each, "b") for each in IDS}
            self.operate(ForgetAttributes(["b"]), dies)

    @rule(dies=DIES)
    def forget_all(self, dies: bool) -> None:
        self.forgotten |= {(each, name) for each in IDS for name in TYPES}
        self.operate(ForgetSync(), dies)

    @rule(merge=st.booleans(), dies=DIES)
    def adopt(self, merge: bool, dies: bool) -> None:
        """A true statement of what Braze holds."""
        self.settle()
        file = Path(self.folder, "held.csv")
        lines = [f"{who},{cells.get('a', '')},{cells.get('b', '')}" for who, cells in self.braze.items()]
        file.write_text("\n".join(["external_id,a,b", *lines]) + "\n")
        types = {"a": "Integer", "b": "String"}
        self.operate(Adopt(url=str(file), existing="merge" if merge else "replace", types=types), dies)

    @rule(back=st.integers(0, 5), dies=DIES)
    def restore(self, back: int, dies: bool) -> None:
        known = versions(self.world.ledger)
        self.settle()
        if known:
            try:
                self.operate(Restore(self.world.ledger, known[max(0, len(known) - 1 - back)].version), dies)
            except Exception as error:
                assert "were removed" in str(error)  # noqa: PT017

    @rule(days=st.sampled_from([0, 30]))
    def compact(self, days: int) -> None:
        self.operate(Compact(days, days))

    @rule()
    def settle(self) -> None:
        self.world.ledger.settle(self.world.tick(), self.world.connection)

    @rule()
    def an_old_plan_is_refused(self) -> None:
        if self.old is not None and self.stale:
            with pytest.raises(LedgerMovedError):
                self.world.begin(*self.old)

    @invariant()
    def nothing_is_claimed_that_is_not_so(self) -> None:
        """X1. As long as no send is open: then the marks are not written yet."""
        if not self.world.ledger.journal.read().position.settled:
            return
        for who, row in self.world.held().items():
            unknown = row.pop("_unknown", [])
            for name, value in row.items():
                assert name in unknown or self.braze.get(who, {}).get(name) == value, (who, name)


def _die(*arguments: Any, **options: Any) -> None:
    raise KeyboardInterrupt


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)

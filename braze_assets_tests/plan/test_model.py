"""A reference model in plain dictionaries against the real plan and ledger (K16, K18a, X1, X3).

The model holds what the ledger must hold, and a make-believe Braze applies what is sent; where an outcome is
unknown, chance decides whether Braze applied it.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from braze_assets.ledger import Send
from braze_assets.plan import GuardSettings, PlanHeader, PlanSettings
from braze_assets.storage import StoredTable, connect
from braze_assets_tests.plan.world import World, objects

TYPES = {"a": "BIGINT", "B b": "VARCHAR", "c.d": "DECIMAL(9,2)", "e": "VARCHAR[]"}
VALUES: dict[str, list[Any]] = {
    "a": [None, 0, 1],
    "B b": [None, "", "x", "null"],
    "c.d": [None, Decimal("0.00"), Decimal("1.50")],
    "e": [None, [], ["p", "q"]],
}
SEEDS = st.integers(0, 2**32)
CRASHES = st.sampled_from([None, None, None, "at once", "in the middle", "before the fold"])
IDS = ["0123", "1.10", "true", "Ünïcode", 'q"uote']


class Model(RuleBasedStateMachine):
    """One sync, its wanted table, its ledger, and Braze."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.folder = tempfile.mkdtemp(prefix="braze-model-")
        connection = self.stack.enter_context(connect())
        self.world = World(connection, self.folder)
        self.wanted: dict[str, dict[str, Any]] = {}
        self.columns = ["a", "B b"]
        self.policy = dict.fromkeys(TYPES, "omit")
        # The ledger as it must be.
        self.values: dict[str, dict[str, Any]] = {}
        self.unknown: dict[str, set[str]] = {}
        self.ledger_columns: list[str] = []
        # The plan begun last: identifier and attributes by n, what Braze said, how far it may be sent.
        self.plan: dict[int, tuple[str, dict[str, Any]]] = {}
        self.said: dict[int, str] = {}
        self.reach = 0
        self.open = False
        self.stored: tuple[PlanHeader, StoredTable] | None = None
        self.braze: dict[str, dict[str, Any]] = {}
        self.steps = 0

    @initialize(
        removed_rows=st.sampled_from(["keep", "unset"]), removed_attributes=st.sampled_from(["keep", "unset"])
    )
    def choose(self, removed_rows: Any, removed_attributes: Any) -> None:
        guards = GuardSettings(max_share_changed=None, max_share_removed=None, max_identifier_errors=1.0)
        self.world.settings = PlanSettings(
            guards=guards, removed_rows=removed_rows, removed_attributes=removed_attributes
        )

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def chance(self, seed: int) -> random.Random:
        """Another one each time, though Hypothesis likes to draw the same seed twice."""
        self.steps += 1
        return random.Random(f"{seed} {self.steps}")

    # The world moves. Chance comes from one seed a step: drawn value by value, most tables would be empty.

    @rule(seed=SEEDS)
    def change(self, seed: int) -> None:
        chance = self.chance(seed)
        for who in IDS:
            if chance.random() < 0.15:
                self.wanted.pop(who, None)
            elif chance.random() < 0.6:
                row = self.wanted.get(who) or {}
                self.wanted[who] = {
                    name: chance.choice(VALUES[name])
                    if name not in row or chance.random() < 0.4
                    else row[name]
                    for name in TYPES
                }
        for name in TYPES:
            if chance.random() < 0.15 and self.columns != [name]:
                self.columns = [each for each in self.columns if each != name]
            elif chance.random() < 0.3 and name not in self.columns:
                self.columns.append(name)
            if chance.random() < 0.15:
                self.policy[name] = "unset" if self.policy[name] == "omit" else "omit"

    # What must be sent.

    def difference(self) -> dict[str, dict[str, Any]]:
        settings_, found = self.world.settings, {}
        for who in {*self.wanted, *self.values}:
            held, unknown = self.values.get(who, {}), self.unknown.get(who, set())
            sent: dict[str, Any] = {}
            for name in {*self.columns, *self.ledger_columns}:
                dirty = held.get(name) is not None or name in unknown
                if who not in self.wanted:
                    unset = settings_.removed_rows == "unset" and name in self.ledger_columns
                    value = None
                elif name not in self.columns:
                    unset, value = settings_.removed_attributes == "unset", None
                else:
                    unset, value = self.policy[name] == "unset", self.wanted[who][name]
                if value is not None and (value != held.get(name) or name in unknown):
                    sent[name] = value
                elif value is None and unset and dirty:
                    sent[name] = None
            if sent:
                found[who] = sent
        return found

    def fold(self) -> None:
        """What a settled ledger holds."""
        for n, (who, sent) in self.plan.items():
            if n >= self.reach or self.said.get(n) == "rejected":
                continue
            values, unknown = self.values.setdefault(who, {}), self.unknown.setdefault(who, set())
            if self.said.get(n) == "accepted":
                values.update(sent)
                unknown.difference_update(sent)
            else:
                unknown.update(sent)
        if self.plan and any(n < self.reach and self.said.get(n) != "rejected" for n in self.plan):
            added = [name for name in self.stored_columns if name not in self.ledger_columns]
            self.ledger_columns.extend(added)
        self.open = False

    # Plans and sends.

    def make_plan(self) -> tuple[PlanHeader, StoredTable]:
        if self.open:
            self.fold()
        table = self.world.rows(
            [
                {"external_id": who, **{name: row[name] for name in self.columns}}
                for who, row in self.wanted.items()
            ],
            {name: TYPES[name] for name in self.columns},
            null_policy=self.policy,
        )
        expected = self.difference()
        header, plan = self.world.plan(table, name="delta", allow={"rows_present"})
        rows = objects(self.world.connection, plan)
        sent = {
            row["external_id"]: {name: (row["values"] or {}).get(name) for name in row["attributes"]}
            for row in rows
        }
        assert sent == expected
        assert [row["n"] for row in rows] == list(range(len(rows)))
        for row in rows:
            body = json.loads(row["object"], parse_float=Decimal)
            assert body.pop("external_id") == row["external_id"]
            assert body.pop("_update_existing_only") is True
            assert body == {
                name: value
                if value is None
                else json.loads(json.dumps(value, default=float), parse_float=Decimal)
                for name, value in sent[row["external_id"]].items()
            }
        assert header.counts.objects == len(expected)
        assert header.counts.attributes == sum(map(len, expected.values()))
        self.candidate = {row["n"]: (row["external_id"], sent[row["external_id"]]) for row in rows}
        self.candidate_columns = list(header.types)
        return header, plan

    def begin(self, header: PlanHeader, plan: StoredTable, limit: int | None) -> Send:
        send = self.world.begin(header, plan, limit)
        if not send.resumed:
            self.plan, self.said, self.reach = self.candidate, {}, 0
            self.stored_columns = self.candidate_columns
        self.reach = max(self.reach, len(self.plan) if limit is None else min(limit, len(self.plan)))
        self.stored = (header, plan)
        self.open = True
        return send

    def deliver(self, send: Send, seed: int, crash: str | None, limit: int | None) -> None:
        """Send what is pending until it is done, or the process dies."""
        chance = self.chance(seed)
        todo = self.world.pending(send, send.plan)
        assert {row["n"] for row in todo} == {
            n
            for n in self.plan
            if (limit is None or n < limit) and self.said.get(n) not in ("accepted", "rejected")
        }
        if crash == "at once":
            return
        if crash == "in the middle":
            todo = todo[: chance.randint(0, len(todo))]
        received: dict[str, list[dict[str, Any]]] = {}
        for row in todo:
            outcome = chance.choice(["accepted", "accepted", "accepted", "rejected", "unknown", "lost"])
            who, sent = self.plan[row["n"]]
            if outcome == "accepted" or (outcome in ("unknown", "lost") and chance.random() < 0.5):
                self.braze.setdefault(who, {}).update(sent)
            if outcome != "lost":
                self.said[row["n"]] = outcome
                received.setdefault(outcome, []).append(row)
        for outcome, rows in received.items():
            self.world.record(send, rows, outcome)
        if crash is None:
            send.finish(self.world.connection, self.world.tick())
            self.fold()
            assert send.finish(self.world.connection, self.world.tick()).users == 0  # once is enough

    @rule(seed=SEEDS, crash=CRASHES, limit=st.sampled_from([None, None, 0, 1, 2]))
    def sync(self, seed: int, crash: str | None, limit: int | None) -> None:
        self.change(seed)
        self.deliver(self.begin(*self.make_plan(), limit), seed, crash, limit)

    @precondition(lambda self: self.stored is not None)
    @rule(seed=SEEDS, crash=CRASHES, limit=st.sampled_from([None, 1]))
    def run_again(self, seed: int, crash: str | None, limit: int | None) -> None:
        assert self.stored is not None
        self.deliver(self.begin(*self.stored, limit), seed, crash, limit)

    @rule()
    def plan_only(self) -> None:
        """A plan that is not sent changes nothing, though it overwrites the begun plan's file."""
        self.make_plan()

    @rule()
    def converge(self) -> None:
        """All accepted: Braze holds what is wanted, and the second plan is empty."""
        header, plan = self.make_plan()
        send = self.begin(header, plan, None)
        for row in self.world.pending(send, plan):
            who, sent = self.plan[row["n"]]
            self.braze.setdefault(who, {}).update(sent)
            self.said[row["n"]] = "accepted"
            self.world.record(send, [row])
        send.finish(self.world.connection, self.world.tick())
        self.fold()
        header, _ = self.make_plan()
        assert header.counts.objects == 0
        for who, row in self.wanted.items():
            for name in self.columns:
                if row[name] is not None or self.policy[name] == "unset":
                    assert self.braze.get(who, {}).get(name) == row[name]

    @invariant()
    def ledger_is_the_models(self) -> None:
        if self.open:
            return
        held = self.world.held()
        for who in {*held, *self.values}:
            row = dict(held.get(who, {}))
            assert set(row.pop("_unknown", ())) == self.unknown.get(who, set())
            assert row == {n: v for n, v in self.values.get(who, {}).items() if v is not None}


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)

"""The status of a flow: told once for each change, none lost, whatever comes in which order (X14)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from braze_assets.alerts import (
    Change,
    Counted,
    Failed,
    FlowState,
    Memory,
    Observation,
    Rules,
    Sent,
    begin,
    watch,
)

START = datetime(2026, 7, 1, tzinfo=timezone.utc)
RULES = Rules(max_rejected_share=0.1, max_age=timedelta(hours=26), zero_rows=True)


@dataclass
class Flow:
    """A flow that is looked at after each thing that happens to it."""

    ordered: bool = True
    rules: Rules = RULES
    now: datetime = START
    order: int = 0
    state: FlowState | None = None
    changes: list[Change] = field(default_factory=list)

    def look(self, *observations: Observation) -> list[str]:
        if self.state is None:
            self.state, found = begin(
                "vip", observations, ordered=self.ordered, rules=self.rules, now=self.now
            )
        else:
            self.state, found = watch(
                "vip", self.state, observations, ordered=self.ordered, rules=self.rules, now=self.now
            )
        self.changes += found
        return [each.status for each in found]

    def at(self, run: str, partition: str | None = None) -> dict[str, object]:
        self.order += 1
        self.now += timedelta(minutes=1)
        return {"order": self.order, "time": self.now, "run": run, "partition": partition}

    def sent(self, run: str, partition: str | None = None, objects: int = 100, rejected: int = 0) -> Sent:
        return Sent(**self.at(run, partition), objects=objects, rejected=rejected)  # type: ignore[arg-type]

    def failed(self, run: str, partition: str | None = None) -> Failed:
        return Failed(**self.at(run, partition), because="vip_delta failed")  # type: ignore[arg-type]

    def counted(self, run: str, rows: int, partition: str | None = None) -> Counted:
        return Counted(**self.at(run, partition), rows=rows)  # type: ignore[arg-type]


@pytest.fixture
def flow() -> Flow:
    made = Flow()
    assert made.look() == []
    return made


def test_a_failure_is_told_once_and_so_is_its_end(flow: Flow) -> None:
    """X14: on the change of status, not on every run."""
    assert flow.look(flow.failed("a")) == ["failing"]
    assert flow.look(flow.failed("b")) == []
    assert flow.look() == []
    assert flow.look(flow.sent("c")) == ["ok"]
    assert flow.look(flow.sent("d")) == []
    assert [each.previous for each in flow.changes] == ["ok", "failing"]


def test_what_came_and_went_between_two_looks_is_told_too(flow: Flow) -> None:
    assert flow.look(flow.failed("a"), flow.sent("b")) == ["failing", "ok"]


@pytest.mark.parametrize(("rejected", "told"), [(10, []), (11, ["rejections"]), (0, [])])
def test_the_share_is_a_limit_that_may_be_reached(flow: Flow, rejected: int, told: list[str]) -> None:
    assert flow.look(flow.sent("a", objects=100, rejected=rejected)) == told


def test_one_run_of_many_partitions_counts_each_once(flow: Flow) -> None:
    """A run of a range shows its partitions twice: as each is done, and at its end."""
    days = [("2026-07-01", 50), ("2026-07-02", 0)]
    assert flow.look(*(flow.sent("a", day, 100, bad) for day, bad in days)) == ["rejections", "ok"]
    assert flow.look(*(flow.sent("a", day, 100, bad) for day, bad in days)) == []


def test_what_a_plan_covers_does_not_make_up_for_it(flow: Flow) -> None:
    """The other partitions of a collapsed range have nothing to send, and say nothing of its rejections."""
    assert flow.look(flow.sent("a", "2026-07-02", 100, 50), flow.sent("a", "2026-07-03", 0)) == ["rejections"]


def test_an_older_day_does_not_make_up_for_a_newer_one(flow: Flow) -> None:
    assert flow.look(flow.failed("a", "2026-07-05")) == ["failing"]
    assert flow.look(flow.sent("b", "2026-07-03")) == []
    assert flow.look(flow.sent("c", "2026-07-05")) == ["ok"]


def test_files_make_up_for_each_other() -> None:
    """Partitions of a drop have no order: the next file that is imported well is the news."""
    flow = Flow(ordered=False)
    flow.look()
    assert flow.look(flow.failed("a", "z.csv")) == ["failing"]
    assert flow.look(flow.sent("b", "a.csv")) == ["ok"]


def test_age_counts_from_the_last_success_or_the_first_look(flow: Flow) -> None:
    flow.now += timedelta(hours=27)
    assert flow.look() == ["no success"]
    assert flow.look() == []
    assert flow.look(flow.sent("a")) == ["ok"]
    flow.now += timedelta(hours=25)
    assert flow.look() == []
    flow.now += timedelta(hours=2)
    assert flow.look() == ["no success"]
    assert flow.changes[-1].since == flow.changes[-2].since


def test_an_empty_table_and_a_full_one(flow: Flow) -> None:
    assert flow.look(flow.counted("a", 0), flow.sent("a", objects=0)) == ["zero rows"]
    assert flow.look(flow.counted("b", 3), flow.sent("b", objects=3)) == ["ok"]


def test_the_first_look_tells_what_is_wrong_and_nothing_else() -> None:
    flow = Flow()
    assert flow.look(flow.sent("a"), flow.failed("b")) == ["failing"]
    assert flow.changes[0].previous_since is None
    assert Flow().look(Flow().sent("a")) == []


def test_a_memory_that_was_lost_finds_the_same_change() -> None:
    """Somebody resets the cursor: the ids are the same, so nobody is told again."""
    one, other = Flow(), Flow()
    one.look()
    failed = one.failed("a", "2026-07-01")
    one.look(failed)
    other.look(failed)
    assert [each.id for each in one.changes] == [each.id for each in other.changes]


def test_a_rule_that_is_taken_away_ends_its_status(flow: Flow) -> None:
    flow.look(flow.sent("a", objects=100, rejected=50))
    flow.rules = Rules()
    assert flow.look() == ["ok"]


class Watching(RuleBasedStateMachine):
    """Anything happens, in any grouping into looks, with looks made again and memories written and read.

    What is told must be the sequence of statuses that a plain reading of the rules gives, without repeats.
    """

    @initialize(ordered=st.booleans())
    def started(self, ordered: bool) -> None:
        self.flow = Flow(ordered=ordered)
        self.flow.look()
        self.waiting: list[Observation] = []
        self.seen: list[Observation] = []
        self.expected = ["ok"]
        self.day, self.runs = 0, 0
        self.failing = self.rejected = self.empty = False
        self.success = self.flow.now

    def run(self) -> str:
        self.runs += 1
        return f"run{self.runs}"

    def partition(self) -> str:
        self.day += 1
        return f"{self.day:05}"

    def happened(self, observation: Observation) -> None:
        self.waiting.append(observation)

    @rule(rejected=st.sampled_from([0, 5, 10, 11, 100]), objects=st.sampled_from([0, 100]))
    def sends(self, rejected: int, objects: int) -> None:
        self.happened(self.flow.sent(self.run(), self.partition(), objects, min(rejected, objects)))

    @rule()
    def fails(self) -> None:
        self.happened(self.flow.failed(self.run(), self.partition()))

    @rule(rows=st.sampled_from([0, 1, 500]))
    def is_made(self, rows: int) -> None:
        self.happened(self.flow.counted(self.run(), rows, self.partition()))

    @rule(hours=st.sampled_from([1, 25, 27]))
    def time_passes(self, hours: int) -> None:
        self.look()
        self.flow.now += timedelta(hours=hours)
        self.look()

    @rule()
    def look(self) -> None:
        for each in self.waiting:
            self.apply(each)
        self.settle()
        self.flow.look(*reversed(self.waiting))
        self.seen += self.waiting
        self.waiting = []

    @rule()
    def looks_again(self) -> None:
        """The process died before its memory was kept: what was seen is seen again."""
        self.look()
        before = len(self.flow.changes)
        self.flow.look(*self.seen)
        assert len(self.flow.changes) == before

    @rule()
    def restarts(self) -> None:
        assert self.flow.state
        memory = Memory(states={"vip": self.flow.state}, read={"vip_sync": 3})
        assert Memory.loads(memory.dumps()) == memory
        self.flow.state = Memory.loads(memory.dumps()).states["vip"]

    def apply(self, seen: Observation) -> None:
        if isinstance(seen, Failed):
            self.failing = True
        elif isinstance(seen, Counted):
            self.empty = not seen.rows
        elif isinstance(seen, Sent):
            self.failing, self.success = False, seen.time
            self.rejected = seen.rejected * 10 > seen.objects
        self.settle()

    def settle(self) -> None:
        old = self.flow.now - self.success > timedelta(hours=26)
        reasons = {"failing": self.failing, "no success": old}
        reasons |= {"rejections": self.rejected, "zero rows": self.empty}
        status = next((name for name, is_so in reasons.items() if is_so), "ok")
        if status != self.expected[-1]:
            self.expected.append(status)

    @invariant()
    def told_is_what_happened(self) -> None:
        if self.waiting:
            return
        assert ["ok", *(each.status for each in self.flow.changes)] == self.expected
        ids = [each.id for each in self.flow.changes]
        assert len(ids) == len(set(ids))


TestWatching = Watching.TestCase
TestWatching.settings = settings(deadline=None, max_examples=60, stateful_step_count=25)
